/** What a trial says to a person: what is the matter and what to do, in both languages. */
import type { Here, HereCode, Text, ThereCode } from './types.ts';

interface Facts {
  readonly aeTitle: string;
  readonly host: string;
  readonly port: number;
  /** The title that we gave. */
  readonly ours: string;
  readonly ms: number;
  readonly us: Here;
}

export function thereText(code: ThereCode, { aeTitle, host, port, ours, ms }: Facts): Text {
  switch (code) {
    case 'ok':
      return {
        fr: `${aeTitle} répond, en ${ms} ms.`,
        en: `${aeTitle} answers, in ${ms} ms.`,
      };
    case 'no-verification':
      return {
        fr: `${aeTitle} accepte la connexion, sans le service d’écho. Le reste devrait marcher.`,
        en: `${aeTitle} takes the connection, without the echo service. The rest should work.`,
      };
    case 'name':
      return {
        fr: `Personne ne connaît le nom « ${host} » sur ce réseau. Vérifiez l’orthographe, ou donnez l’adresse en chiffres.`,
        en: `Nobody in this network knows the name “${host}”. Check its spelling, or give the address in numbers.`,
      };
    case 'refused':
      return {
        fr: `L’ordinateur ${host} répond, mais rien n’écoute au port ${port}. Le numéro de port est faux, ou le système est arrêté.`,
        en: `The computer ${host} answers, but nothing listens at port ${port}. The port number is wrong, or the system is stopped.`,
      };
    case 'silent':
      return {
        fr: `${host} ne donne aucun signe au port ${port}. Un pare-feu bloque le passage, l’adresse est fausse, ou la machine est éteinte. Demandez au réseau d’ouvrir le port ${port} depuis cet ordinateur.`,
        en: `${host} gives no sign at port ${port}. A firewall blocks the way, the address is wrong, or the machine is off. Ask for port ${port} to be opened from this computer.`,
      };
    case 'no-route':
      return {
        fr: `Cet ordinateur ne trouve aucun chemin vers ${host}. Est-il sur le bon réseau, le VPN est-il ouvert ?`,
        en: `This computer finds no way to ${host}. Is it in the right network, is the VPN open?`,
      };
    case 'calling-ae':
      return {
        fr: `${aeTitle} est là, mais ne nous connaît pas. Il faut y inscrire notre AE title : ${ours}.`,
        en: `${aeTitle} is there, but does not know us. Our AE title has to be entered there: ${ours}.`,
      };
    case 'called-ae':
      return {
        fr: `Un système DICOM répond, mais il ne s’appelle pas ${aeTitle}. Vérifiez l’AE title, majuscules comprises.`,
        en: `A DICOM system answers, but it is not called ${aeTitle}. Check the AE title, capitals included.`,
      };
    case 'busy':
      return {
        fr: `${aeTitle} est là, mais ne prend plus de connexion pour l’instant. Réessayez dans quelques minutes.`,
        en: `${aeTitle} is there, but takes no more connections at present. Try again in some minutes.`,
      };
    case 'rejected':
      return {
        fr: `${aeTitle} refuse la connexion sans dire pourquoi. Demandez à qui s’en occupe d’y autoriser ${ours}.`,
        en: `${aeTitle} refuses the connection without saying why. Ask who looks after it to allow ${ours}.`,
      };
    case 'tls-wanted':
      return {
        fr: `Au port ${port}, ${host} ne parle que chiffré. Cochez « Connexion chiffrée (TLS) ».`,
        en: `At port ${port}, ${host} speaks encrypted alone. Tick “Encrypted connection (TLS)”.`,
      };
    case 'tls-none':
      return {
        fr: `Au port ${port}, ${host} ne parle pas chiffré. Décochez « Connexion chiffrée (TLS) », ou demandez le port chiffré (souvent 2762).`,
        en: `At port ${port}, ${host} does not speak encrypted. Untick “Encrypted connection (TLS)”, or ask for the encrypted port (often 2762).`,
      };
    case 'tls-certificate':
      return {
        fr: `Le certificat de ${host} n’est pas reconnu. Collez ici le certificat de ce système, ou celui de l’autorité qui l’a signé.`,
        en: `The certificate of ${host} is not trusted. Paste the certificate of this system here, or that of the authority that signed it.`,
      };
    case 'tls-expired':
      return {
        fr: `Le certificat de ${host} a expiré. Qui s’occupe de ce système doit le renouveler. Vérifiez aussi la date de cet ordinateur.`,
        en: `The certificate of ${host} has expired. Whoever looks after that system has to renew it. Check the date of this computer, too.`,
      };
    case 'tls-not-yet':
      return {
        fr: `Le certificat de ${host} n’est pas encore valable. L’horloge de cet ordinateur, ou celle de ${host}, est fausse.`,
        en: `The certificate of ${host} is not valid yet. The clock of this computer, or that of ${host}, is wrong.`,
      };
    case 'tls-name':
      return {
        fr: `Le certificat présenté est au nom d’un autre ordinateur que ${host}. Donnez le nom qui y figure, ou collez ici le certificat de ce système lui-même.`,
        en: `The certificate shown is for another computer than ${host}. Give the name that stands in it, or paste the system’s own certificate here.`,
      };
    case 'tls-client':
      return {
        fr: `${host} demande qui nous sommes : montrez-lui un certificat. Choisissez « Le certificat de cette installation » et faites-y inscrire notre autorité, ou collez celui que l’on vous a donné.`,
        en: `${host} asks who we are: show it a certificate. Choose “The certificate of this installation” and have our authority entered there, or paste the one that you were given.`,
      };
    case 'tls-client-refused':
      return {
        fr: `${host} raccroche en voyant notre certificat : il ne le reconnaît sans doute pas. Faites-y inscrire l’autorité qui l’a signé, ou demandez-leur un certificat.`,
        en: `${host} hangs up at the sight of our certificate: it probably does not trust it. Have the authority that signed it entered there, or ask them for a certificate.`,
      };
    case 'tls-client-expired':
      return {
        fr: `Le certificat que nous montrons à ${host} a expiré. Demandez-en un nouveau et collez-le ici.`,
        en: `The certificate that we show to ${host} has expired. Ask for a new one and paste it here.`,
      };
    case 'tls-version':
      return {
        fr: `${host} ne connaît que des chiffrements dépassés (avant TLS 1.2). Il faut le mettre à jour.`,
        en: `${host} knows outdated encryption alone (before TLS 1.2). It has to be updated.`,
      };
    case 'not-dicom':
      return {
        fr: `Quelque chose répond au port ${port}, mais ce n’est pas du DICOM. Vérifiez le numéro de port.`,
        en: `Something answers at port ${port}, but it is not DICOM. Check the port number.`,
      };
    case 'no-answer':
      return {
        fr: `${host} prend la connexion au port ${port}, puis se tait. Est-ce le bon port ? Le système est peut-être bloqué : il faut le redémarrer.`,
        en: `${host} takes the connection at port ${port}, then keeps silent. Is it the right port? The system may hang: it has to be restarted.`,
      };
    case 'closed':
      return {
        fr: `${host} raccroche aussitôt. Souvent, il n’accepte que des adresses inscrites : demandez d’y inscrire cet ordinateur et ${ours}.`,
        en: `${host} hangs up at once. Often only listed addresses are taken: ask for this computer and ${ours} to be listed there.`,
      };
    case 'echo-refused':
      return {
        fr: `${aeTitle} prend la connexion, mais refuse l’écho. Le reste peut marcher : essayez.`,
        en: `${aeTitle} takes the connection, but refuses the echo. The rest may work: try it.`,
      };
    case 'web-credentials':
    case 'web-forbidden':
    case 'web-path':
    case 'web-moved':
    case 'web-other':
    case 'web-busy':
    case 'web-fails':
    case 'broken':
      return {
        fr: `La connexion à ${host} se rompt. Réessayez ; si cela dure, le journal du serveur en dit plus.`,
        en: `The connection to ${host} breaks. Try again; if it goes on, the server’s log says more.`,
      };
  }
}

/** The same of a web service: what it is called for a person is its name. */
export function webText(
  code: ThereCode,
  facts: { name: string; host: string; port: number; ms: number },
): Text {
  const { name, host, port, ms } = facts;
  switch (code) {
    case 'ok':
      return { fr: `${name} répond, en ${ms} ms.`, en: `${name} answers, in ${ms} ms.` };
    case 'web-credentials':
      return {
        fr: `${name} est là, mais refuse notre mot de passe ou notre jeton. Vérifiez-le, ou demandez-en un nouveau.`,
        en: `${name} is there, but refuses our password or token. Check it, or ask for a new one.`,
      };
    case 'web-forbidden':
      return {
        fr: `${name} nous reconnaît, mais ne nous permet pas cela. Demandez-y le droit de déposer des examens.`,
        en: `${name} knows us, but does not allow us this. Ask for the right to store studies there.`,
      };
    case 'web-path':
      return {
        fr: `${host} répond, mais il n’y a pas de DICOMweb à cette adresse. Vérifiez ce qui suit le nom : souvent /dicom-web, /dicomweb ou /wado.`,
        en: `${host} answers, but there is no DICOMweb at this address. Check what follows the name: often /dicom-web, /dicomweb or /wado.`,
      };
    case 'web-moved':
      return {
        fr: `${host} renvoie à une autre adresse, que ce programme ne suit pas. Inscrivez l’adresse finale.`,
        en: `${host} points to another address, which this program does not follow. Enter the final address.`,
      };
    case 'web-other':
    case 'not-dicom':
      return {
        fr: `Quelque chose répond à cette adresse, mais ce n’est pas du DICOMweb : une page de connexion, peut-être. Vérifiez l’adresse.`,
        en: `Something answers at this address, but it is not DICOMweb: a log-in page, perhaps. Check the address.`,
      };
    case 'web-busy':
      return {
        fr: `${name} est là, mais occupé ou à court de place. Réessayez dans quelques minutes.`,
        en: `${name} is there, but busy or short of space. Try again in some minutes.`,
      };
    case 'web-fails':
      return {
        fr: `${name} a une panne de son côté. Prévenez qui s’en occupe.`,
        en: `${name} has a fault of its own. Tell whoever looks after it.`,
      };
    case 'tls-none':
      return {
        fr: `Au port ${port}, ${host} ne parle pas chiffré. Vérifiez l’adresse : https ou http, et le port.`,
        en: `At port ${port}, ${host} does not speak encrypted. Check the address: https or http, and the port.`,
      };
    case 'closed':
      return {
        fr: `${host} raccroche aussitôt. S’il attend une connexion chiffrée, l’adresse commence par https.`,
        en: `${host} hangs up at once. If it expects an encrypted connection, the address begins with https.`,
      };
    case 'no-answer':
      return {
        fr: `${host} prend la connexion au port ${port}, puis se tait. Vérifiez l’adresse, ou réessayez plus tard.`,
        en: `${host} takes the connection at port ${port}, then keeps silent. Check the address, or try again later.`,
      };
    default:
      // Names, ports and certificates are the same for both.
      return thereText(code, { ...facts, aeTitle: name, ours: '', us: NOBODY });
  }
}
const NOBODY: Here = { aeTitle: '', port: 0, network: false };

export function hereText(code: HereCode, { aeTitle, us }: Facts): Text {
  switch (code) {
    case 'admitted':
      return {
        fr: `${aeTitle} peut nous envoyer des images : AE title ${us.aeTitle}, port ${us.port}.`,
        en: `${aeTitle} may send us images: AE title ${us.aeTitle}, port ${us.port}.`,
      };
    case 'never':
      return {
        fr: `${aeTitle} ne s’est jamais présenté ici. Réglez-le sur l’AE title ${us.aeTitle}, le port ${us.port} et l’adresse de cet ordinateur, puis lancez son test d’écho : il apparaîtra dans « Appareils et expéditeurs ».`,
        en: `${aeTitle} has never come by here. Set it to the AE title ${us.aeTitle}, port ${us.port} and the address of this computer, then run its echo test: it will appear under “Devices and senders”.`,
      };
    case 'knocked':
      return {
        fr: `${aeTitle} a essayé de nous joindre et attend d’être admis. Admettez-le dans « Appareils et expéditeurs ».`,
        en: `${aeTitle} has tried to reach us and waits to be let in. Let it in under “Devices and senders”.`,
      };
    case 'refused':
      return {
        fr: `${aeTitle} est refusé ici. Si c’est une erreur, admettez-le dans « Appareils et expéditeurs ».`,
        en: `${aeTitle} is refused here. If that is a mistake, let it in under “Devices and senders”.`,
      };
    case 'local-only':
      return {
        fr: `${aeTitle} ne peut pas nous joindre : notre port ${us.port} n’est ouvert que sur cet ordinateur. Ouvrez l’installation au réseau (option --host, ou le choix « notre réseau » de la première visite).`,
        en: `${aeTitle} cannot reach us: our port ${us.port} is open on this computer alone. Open the installation to the network (option --host, or “our network” at the first visit).`,
      };
  }
}
