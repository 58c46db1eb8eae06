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
        fr: `Personne ne connaît le nom « ${host} » sur ce réseau. Vérifiez l’orthographe, ou donnez l’adresse en chiffres.`,
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
        fr: `Cet ordinateur ne trouve aucun chemin vers ${host}. Est-il sur le bon réseau, le VPN est-il ouvert ?`,
        en: `This computer finds no way to ${host}. Is it in the right network, is the VPN open?`,
      };
    case 'calling-ae':
      return {
        fr: `${aeTitle} est là, mais ne nous connaît pas. Il faut y inscrire notre AE title : ${ours}.`,
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
        fr: `Au port ${port}, ${host} ne parle que chiffré. Cochez « Connexion chiffrée (TLS) ».`,
        en: `At port ${port}, ${host} speaks encrypted alone. Tick “Encrypted connection (TLS)”.`,
      };
    case 'tls-none':
      return {
        fr: `Au port ${port}, ${host} ne parle pas chiffré. Décochez « Connexion chiffrée (TLS) », ou demandez le port chiffré (souvent 2762).`,
        en: `At port ${port}, ${host} does not speak encrypted. Untick “Encrypted connection (TLS)”, or ask for the encrypted port (often 2762).`,
      };
    case 'tls-certificate':
      return {
        fr: `Le certificat de ${host} n’est pas reconnu. Collez ici le certificat de ce système, ou celui de l’autorité qui l’a signé.`,
        en: `The certificate of ${host} is not trusted. Paste the certificate of this system here, or that of the authority that signed it.`,
      };
    case 'tls-name':
      return {
        fr: `Le certificat présenté est au nom d’un autre ordinateur que ${host}. Donnez le nom qui y figure, ou collez ici le certificat de ce système lui-même.`,
        en: `The certificate shown is for another computer than ${host}. Give the name that stands in it, or paste the system’s own certificate here.`,
      };
    case 'tls-client':
      return {
        fr: `${host} demande un certificat que ce programme n’a pas. Demandez qu’il accepte les connexions chiffrées sans certificat de l’appelant.`,
        en: `${host} wants a certificate that this program does not have. Ask for encrypted connections without a certificate of the caller.`,
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
        fr: `${host} prend la connexion au port ${port}, puis se tait. Est-ce le bon port ? Le système est peut-être bloqué : il faut le redémarrer.`,
        en: `${host} takes the connection at port ${port}, then keeps silent. Is it the right port? The system may hang: it has to be restarted.`,
      };
    case 'closed':
      return {
        fr: `${host} raccroche aussitôt. Souvent, il n’accepte que des adresses inscrites : demandez d’y inscrire cet ordinateur et ${ours}.`,
        en: `${host} hangs up at once. Often only listed addresses are taken: ask for this computer and ${ours} to be listed there.`,
      };
    case 'echo-refused':
      return {
        fr: `${aeTitle} prend la connexion, mais refuse l’écho. Le reste peut marcher : essayez.`,
        en: `${aeTitle} takes the connection, but refuses the echo. The rest may work: try it.`,
      };
    case 'broken':
      return {
        fr: `La connexion à ${host} se rompt. Réessayez ; si cela dure, le journal du serveur en dit plus.`,
        en: `The connection to ${host} breaks. Try again; if it goes on, the server’s log says more.`,
      };
  }
}

export function hereText(code: HereCode, { aeTitle, us }: Facts): Text {
  switch (code) {
    case 'admitted':
      return {
        fr: `${aeTitle} peut nous envoyer des images : AE title ${us.aeTitle}, port ${us.port}.`,
        en: `${aeTitle} may send us images: AE title ${us.aeTitle}, port ${us.port}.`,
      };
    case 'never':
      return {
        fr: `${aeTitle} ne s’est jamais présenté ici. Réglez-le sur l’AE title ${us.aeTitle}, le port ${us.port} et l’adresse de cet ordinateur, puis lancez son test d’écho : il apparaîtra dans « Appareils et expéditeurs ».`,
        en: `${aeTitle} has never come by here. Set it to the AE title ${us.aeTitle}, port ${us.port} and the address of this computer, then run its echo test: it will appear under “Devices and senders”.`,
      };
    case 'knocked':
      return {
        fr: `${aeTitle} a essayé de nous joindre et attend d’être admis. Admettez-le dans « Appareils et expéditeurs ».`,
        en: `${aeTitle} has tried to reach us and waits to be let in. Let it in under “Devices and senders”.`,
      };
    case 'refused':
      return {
        fr: `${aeTitle} est refusé ici. Si c’est une erreur, admettez-le dans « Appareils et expéditeurs ».`,
        en: `${aeTitle} is refused here. If that is a mistake, let it in under “Devices and senders”.`,
      };
    case 'local-only':
      return {
        fr: `${aeTitle} ne peut pas nous joindre : notre port ${us.port} n’est ouvert que sur cet ordinateur. Ouvrez l’installation au réseau (option --host, ou le choix « notre réseau » de la première visite).`,
        en: `${aeTitle} cannot reach us: our port ${us.port} is open on this computer alone. Open the installation to the network (option --host, or “our network” at the first visit).`,
      };
  }
}
