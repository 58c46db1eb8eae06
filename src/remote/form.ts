/** What may stand in a remote system's row. */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { NegatoscopeError } from '../errors.ts';
import type { RemoteForm } from './types.ts';

/** PS3.5 6.2 AE: 1 to 16 characters of the default repertoire, no backslash, not spaces alone. */
const isTitle = (text: string): boolean => /^[\x20-\x5b\x5d-\x7e]{1,16}$/.test(text) && text.trim() !== '';
/** RFC 1123 names; underscores are met in practice. */
const isHost = (text: string): boolean =>
  isIP(text) !== 0 ||
  (text.length <= 253 && /^[\p{L}\p{N}_]([\p{L}\p{N}_-]*[\p{L}\p{N}_])?(\.[\p{L}\p{N}_-]+)*\.?$/u.test(text));
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The certificates of a PEM text. */
export const certificatesOf = (pem: string): X509Certificate[] =>
  (pem.match(PEM) ?? []).map((block) => new X509Certificate(block));

function holdsCertificates(pem: string): boolean {
  try {
    return certificatesOf(pem).length > 0;
  } catch {
    return false;
  }
}

const wrong = (field: keyof RemoteForm, message: string) =>
  new NegatoscopeError('remote-form', message, { details: { field } });

/** The form as it is kept, outer spaces gone. @throws NegatoscopeError `remote-form` naming the field */
export function checked(form: RemoteForm): RemoteForm {
  const name = form.name.trim();
  const aeTitle = form.aeTitle.trim();
  const host = form.host.trim().replace(/^\[(.*)\]$/, '$1');
  const callingAe = form.callingAe?.trim() || null;
  const ca = form.tls ? form.ca?.trim() || null : null;
  if (!/^[^\p{Cc}]{1,64}$/u.test(name)) throw wrong('name', 'Give the system a name of 1 to 64 characters.');
  if (!isTitle(aeTitle))
    throw wrong('aeTitle', 'An AE title has 1 to 16 characters without accents or backslash.');
  if (callingAe !== null && !isTitle(callingAe))
    throw wrong('callingAe', 'An AE title has 1 to 16 characters without accents or backslash.');
  if (!isHost(host))
    throw wrong('host', 'Give the name or the address of the computer, without http:// or a port.');
  if (!Number.isInteger(form.port) || form.port < 1 || form.port > 65535)
    throw wrong('port', 'A port is a number from 1 to 65535; DICOM often uses 104 or 11112.');
  if (ca !== null && !holdsCertificates(ca))
    throw wrong('ca', 'This is no certificate in PEM form (-----BEGIN CERTIFICATE-----).');
  return { ...form, name, aeTitle, host, callingAe, ca };
}
