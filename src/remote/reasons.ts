/** Why a transfer waits or failed: a code that is kept with it, and what it means to a person. */
import { NegatoscopeError } from '../errors.ts';
import { DimseError, WebError } from '../wire/index.ts';
import { codeOf } from './trial.ts';
import type { Text, ThereCode } from './types.ts';
import { codeOfStatus } from './webTrial.ts';

/** A status of DIMSE or a failure reason as a code: `status-a700`; `commit-0112` where it says why an instance is not kept. */
export const statusCode = (of: 'status' | 'commit', status: number): string =>
  `${of}-${status.toString(16).padStart(4, '0')}`;

/** Codes of a trial, of `statusCode`, or one of those below. */
export function reasonCode(error: unknown): string {
  if (error instanceof WebError) {
    if (error.code === 'web-status') return codeOfStatus(Number(error.details.status));
    if (error.code === 'web-full') return statusCode('status', Number(error.details.status));
    return error.code === 'web-cancelled' ? 'cancelled' : codeOf(error);
  }
  if (error instanceof DimseError) {
    if (error.code === 'dimse-no-context') return 'no-service';
    if (error.code === 'dimse-status') return statusCode('status', Number(error.details.status));
    if (error.code === 'dimse-cancelled') return 'cancelled';
    return codeOf(error);
  }
  if (error instanceof NegatoscopeError) {
    if (error.code === 'remote-study-gone') return 'gone';
    if (error.code === 'remote-not-all') return 'not-all';
    if (error.code === 'remote-not-taken') return 'not-taken';
    if (error.code === 'disk-full') return 'disk-full';
    if (error.code === 'remote-unknown') return 'remote-unknown';
    if (error.code === 'remote-own-expired') return codeOf(error);
  }
  return 'broken';
}

const SHORT: Readonly<
  Record<Exclude<ThereCode, 'ok' | 'no-verification' | 'echo-refused'>, (name: string) => Text>
> = {
  name: (name) => ({
    fr: `Le nom de l’ordinateur de ${name} est inconnu.`,
    en: `The computer’s name of ${name} is unknown.`,
  }),
  refused: (name) => ({
    fr: `${name} est arrêté, ou écoute à un autre port.`,
    en: `${name} is stopped, or listens at another port.`,
  }),
  silent: (name) => ({
    fr: `${name} ne donne aucun signe : éteint, ou derrière un pare-feu.`,
    en: `${name} gives no sign: switched off, or behind a firewall.`,
  }),
  'no-route': (name) => ({
    fr: `Aucun chemin réseau vers ${name}.`,
    en: `There is no way to ${name} in the network.`,
  }),
  'calling-ae': (name) => ({
    fr: `${name} ne connaît pas notre AE title.`,
    en: `${name} does not know our AE title.`,
  }),
  'called-ae': (name) => ({
    fr: `L’AE title inscrit ici pour ${name} n’est pas le sien.`,
    en: `The AE title entered here for ${name} is not its own.`,
  }),
  busy: (name) => ({ fr: `${name} est occupé.`, en: `${name} is busy.` }),
  rejected: (name) => ({ fr: `${name} refuse la connexion.`, en: `${name} refuses the connection.` }),
  'tls-wanted': (name) => ({
    fr: `${name} veut une connexion chiffrée.`,
    en: `${name} wants an encrypted connection.`,
  }),
  'tls-none': (name) => ({
    fr: `${name} ne parle pas chiffré à ce port.`,
    en: `${name} does not speak encrypted at this port.`,
  }),
  'tls-certificate': (name) => ({
    fr: `Le certificat de ${name} n’est pas reconnu.`,
    en: `The certificate of ${name} is not trusted.`,
  }),
  'tls-expired': (name) => ({
    fr: `Le certificat de ${name} a expiré.`,
    en: `The certificate of ${name} has expired.`,
  }),
  'tls-not-yet': (name) => ({
    fr: `Le certificat de ${name} n’est pas encore valable, ou notre horloge retarde.`,
    en: `The certificate of ${name} is not valid yet, or our clock is slow.`,
  }),
  'tls-name': (name) => ({
    fr: `Le certificat de ${name} est à un autre nom.`,
    en: `The certificate of ${name} is for another name.`,
  }),
  'tls-client': (name) => ({
    fr: `${name} demande un certificat de notre part.`,
    en: `${name} wants a certificate of ours.`,
  }),
  'tls-client-refused': (name) => ({
    fr: `${name} n’accepte pas notre certificat.`,
    en: `${name} does not take our certificate.`,
  }),
  'tls-client-expired': (name) => ({
    fr: `Le certificat que nous montrons à ${name} a expiré.`,
    en: `The certificate that we show to ${name} has expired.`,
  }),
  'tls-version': (name) => ({
    fr: `${name} n’a qu’un chiffrement dépassé.`,
    en: `${name} has outdated encryption alone.`,
  }),
  'web-credentials': (name) => ({
    fr: `${name} refuse notre mot de passe ou notre jeton.`,
    en: `${name} refuses our password or token.`,
  }),
  'web-forbidden': (name) => ({
    fr: `${name} ne nous permet pas cela : demandez-y le droit.`,
    en: `${name} does not allow us this: ask for the right there.`,
  }),
  'web-path': (name) => ({
    fr: `À l’adresse de ${name}, il n’y a pas de DICOMweb.`,
    en: `There is no DICOMweb at the address of ${name}.`,
  }),
  'web-moved': (name) => ({
    fr: `${name} renvoie à une autre adresse : inscrivez celle-là.`,
    en: `${name} points to another address: enter that one.`,
  }),
  'web-other': (name) => ({
    fr: `Ce qui répond à l’adresse de ${name} n’est pas du DICOMweb.`,
    en: `What answers at the address of ${name} is not DICOMweb.`,
  }),
  'web-busy': (name) => ({
    fr: `${name} est occupé, ou manque de place.`,
    en: `${name} is busy, or short of space.`,
  }),
  'web-fails': (name) => ({
    fr: `${name} a une panne de son côté. Son journal dit laquelle.`,
    en: `${name} has a fault of its own. Its log says which.`,
  }),
  'not-dicom': (name) => ({
    fr: `Ce qui répond à l’adresse de ${name} n’est pas du DICOM.`,
    en: `What answers at the address of ${name} is not DICOM.`,
  }),
  'no-answer': (name) => ({ fr: `${name} a cessé de répondre.`, en: `${name} stopped answering.` }),
  closed: (name) => ({ fr: `${name} a raccroché.`, en: `${name} hung up.` }),
  broken: (name) => ({ fr: `L’échange avec ${name} s’est rompu.`, en: `The exchange with ${name} broke.` }),
};

/** PS3.4 tables B.2-1, C.4-1 to C.4-3, by the groups in which a person can do something. */
function statusText(status: number, name: string): Text {
  const code = status.toString(16).toUpperCase().padStart(4, '0');
  if ((status & 0xff00) === 0xa700)
    return {
      fr: `${name} manque de place ou de mémoire (${code}).`,
      en: `${name} is short of space or memory (${code}).`,
    };
  if (status === 0xa801)
    return {
      fr: `${name} ne sait pas où nous envoyer les images : il faut y inscrire notre AE title, notre adresse et notre port.`,
      en: `${name} does not know where to send us images: our AE title, address and port have to be entered there.`,
    };
  if ((status & 0xff00) === 0xa900 || status === 0x0122)
    return {
      fr: `${name} n’accepte pas ce genre d’images ou de question (${code}).`,
      en: `${name} does not take this kind of images or question (${code}).`,
    };
  if (status === 0x0124)
    return {
      fr: `${name} ne nous permet pas cela : demandez-y le droit.`,
      en: `${name} does not allow us this: ask for the right there.`,
    };
  return {
    fr: `${name} n’a pas pu traiter la demande (${code}). Son journal dit pourquoi.`,
    en: `${name} could not do what was asked (${code}). Its log says why.`,
  };
}

/** Why a receiver does not keep an instance: Failure Reason, PS3.3 C.14.1.1. */
const NOT_KEPT: Readonly<Record<string, (name: string) => Text>> = {
  '0112': (name) => ({ fr: `${name} dit ne pas l’avoir.`, en: `${name} says that it does not have it.` }),
  '0119': (name) => ({
    fr: `${name} l’a, mais comme un autre genre d’image.`,
    en: `${name} has it, but as another kind of image.`,
  }),
  '0122': (name) => ({
    fr: `${name} ne conserve pas ce genre d’images.`,
    en: `${name} does not keep this kind of images.`,
  }),
  '0213': (name) => ({ fr: `${name} manque de place.`, en: `${name} is short of space.` }),
};

export function reasonText(code: string, name: string): Text {
  const status = /^status-([0-9a-f]{4})$/.exec(code);
  if (status) return statusText(parseInt(status[1]!, 16), name);
  const http = /^http-(\d{3})$/.exec(code);
  if (http?.[1]?.startsWith('2'))
    return {
      fr: `${name} répond, mais ne dit pas qu’il a conservé cette image.`,
      en: `${name} answers, but does not say that it has kept this image.`,
    };
  if (http)
    return {
      fr: `${name} refuse cette image sans dire pourquoi (HTTP ${http[1]}).`,
      en: `${name} refuses this image without saying why (HTTP ${http[1]}).`,
    };
  const kept = /^commit-([0-9a-f]{4})$/.exec(code);
  if (kept)
    return (
      NOT_KEPT[kept[1]!]?.(name) ?? {
        fr: `${name} dit ne pas la conserver (${kept[1]!.toUpperCase()}).`,
        en: `${name} says that it does not keep it (${kept[1]!.toUpperCase()}).`,
      }
    );
  if (code in SHORT) return SHORT[code as keyof typeof SHORT](name);
  switch (code) {
    case 'gone':
      return {
        fr: `${name} n’a pas, ou plus, cet examen.`,
        en: `${name} does not, or no longer, have this study.`,
      };
    case 'not-all':
      return {
        fr: `${name} n’a pas tout donné, ou tout n’a pas pu être gardé ici.`,
        en: `${name} did not give everything, or not everything could be kept here.`,
      };
    case 'not-taken':
      return {
        fr: `${name} n’a pas accepté toutes les images.`,
        en: `${name} did not take every image.`,
      };
    case 'committing':
      return {
        fr: `${name} a tout pris ; on attend qu’il confirme le conserver.`,
        en: `${name} has taken everything; its word that it keeps it is awaited.`,
      };
    case 'not-committed':
      return {
        fr: `${name} n’a pas confirmé tout conserver.`,
        en: `${name} has not confirmed that it keeps everything.`,
      };
    case 'no-commitment':
      return {
        fr: `${name} a tout pris, mais ne sait pas confirmer qu’il le conserve : décochez « Attendre sa confirmation ».`,
        en: `${name} has taken everything, but cannot confirm that it keeps it: untick “Wait for its confirmation”.`,
      };
    case 'off':
      return {
        fr: `${name} est désactivé ici, ou n’est plus inscrit comme destinataire.`,
        en: `${name} is switched off here, or no longer entered to be sent to.`,
      };
    case 'not-convertible':
    case 'pixels-undecodable':
      return {
        fr: `${name} ne prend pas cette compression, et l’image ne peut pas être convertie.`,
        en: `${name} does not take this compression, and the image cannot be converted.`,
      };
    case 'instance-not-found':
      return { fr: 'Cette image n’est plus ici.', en: 'This image is no longer here.' };
    case 'no-service':
      return { fr: `${name} n’offre pas ce service.`, en: `${name} does not offer this service.` };
    case 'disk-full':
      return { fr: 'Il n’y a plus de place ici.', en: 'There is no space left here.' };
    case 'remote-unknown':
      return { fr: 'Ce système n’est plus inscrit ici.', en: 'This system is no longer entered here.' };
    case 'cancelled':
      return { fr: 'Arrêté.', en: 'Stopped.' };
    default:
      return { fr: `L’échange avec ${name} s’est rompu.`, en: `The exchange with ${name} broke.` };
  }
}
