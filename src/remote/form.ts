/** What may stand in a remote system's row. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import { NegatoscopeError } from '../errors.ts';
import { IDENTITIES, KINDS, WEB_AUTHS } from './types.ts';
import type { RemoteForm, RemoteSecrets } from './types.ts';

/** A form with everything that need not be said. */
export const BLANK = {
  kind: 'dimse',
  url: '',
  auth: 'none',
  user: '',
  secret: null,
  aeTitle: '',
  host: '',
  port: 104,
  tls: false,
  ca: null,
  identity: 'none',
  certificate: null,
  key: null,
  commitment: false,
  callingAe: null,
  sendTo: false,
  queryFrom: false,
  moveTo: false,
  enabled: true,
} as const satisfies Partial<RemoteForm & RemoteSecrets>;

/** PS3.5 6.2 AE: 1 to 16 characters of the default repertoire, no backslash, not spaces alone. */
const isTitle = (text: string): boolean => /^[\x20-\x5b\x5d-\x7e]{1,16}$/.test(text) && text.trim() !== '';
/** RFC 1123 names; underscores are met in practice. */
const isHost = (text: string): boolean =>
  isIP(text) !== 0 ||
  (text.length <= 253 && /^[\p{L}\p{N}_]([\p{L}\p{N}_-]*[\p{L}\p{N}_])?(\.[\p{L}\p{N}_-]+)*\.?$/u.test(text));
/** By address, and by the one name that is no other computer's (RFC 6761 6.3); `127.example` is a name like any. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
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

const wrong = (field: keyof Whole, message: string) =>
  new NegatoscopeError('remote-form', message, { details: { field } });

/** The certificate that was given and its key, as one has to see them together. */
function checkedIdentity(certificate: string, key: string, now: number): void {
  if (!holdsCertificates(certificate))
    throw wrong('certificate', 'This is no certificate in PEM form (-----BEGIN CERTIFICATE-----).');
  const [own] = certificatesOf(certificate);
  const privateKey = (() => {
    try {
      return createPrivateKey(key);
    } catch {
      throw wrong('key', 'This is no key in PEM form without a password (-----BEGIN PRIVATE KEY-----).');
    }
  })();
  if (!own!.checkPrivateKey(privateKey)) throw wrong('key', 'This key does not belong to the certificate.');
  if (isOver(own!, now))
    throw wrong('certificate', 'The time of this certificate is over. Ask for a new one.');
}

/** Whether the time of a certificate is over, ms UTC. */
export const isOver = (certificate: X509Certificate, now: number): boolean =>
  Date.parse(certificate.validTo) <= now;

type Whole = RemoteForm & RemoteSecrets;

/** How a DICOM system is reached. */
function checkedAddress(form: Whole): Whole {
  const aeTitle = form.aeTitle.trim();
  const host = form.host.trim().replace(/^\[(.*)\]$/, '$1');
  const callingAe = form.callingAe?.trim() || null;
  if (!isTitle(aeTitle))
    throw wrong('aeTitle', 'An AE title has 1 to 16 characters without accents or backslash.');
  if (callingAe !== null && !isTitle(callingAe))
    throw wrong('callingAe', 'An AE title has 1 to 16 characters without accents or backslash.');
  if (!isHost(host))
    throw wrong('host', 'Give the name or the address of the computer, without http:// or a port.');
  if (!Number.isInteger(form.port) || form.port < 1 || form.port > 65535)
    throw wrong('port', 'A port is a number from 1 to 65535; DICOM often uses 104 or 11112.');
  const commitment = form.commitment && form.sendTo;
  return { ...form, aeTitle, host, callingAe, commitment, url: '', auth: 'none', user: '', secret: null };
}

/** How a web service is reached. A password or token goes by TLS alone, but for a service on this computer. */
function checkedService(form: Whole): Whole {
  const text = form.url.trim().replace(/\/+$/, '');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username || url.password)
    throw wrong('url', 'Give the address of the service, such as https://pacs.example/dicom-web.');
  if (!WEB_AUTHS.includes(form.auth)) throw wrong('auth', 'Say how we prove who we are.');
  const tls = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (!tls && form.auth !== 'none' && !isLoopback(host))
    throw wrong('url', 'A password or token is sent by https alone: anybody in the network could read it.');
  const user = form.auth === 'basic' ? form.user.trim() : '';
  const secret = form.auth === 'none' ? null : form.secret?.trim() || null;
  if (form.auth === 'basic' && (user === '' || /[:\p{Cc}]/u.test(user)))
    throw wrong('user', 'Give the user name, without a colon (RFC 7617).');
  if (form.auth !== 'none' && secret === null) throw wrong('secret', 'Give the password or the token.');
  if (secret !== null && /[\p{Cc}]/u.test(secret)) throw wrong('secret', 'A password or token is one line.');
  const port = url.port === '' ? (tls ? 443 : 80) : Number(url.port);
  return {
    ...{ ...form, url: text, user, secret, tls, host, port },
    // What a web service is not, or not yet, used for.
    ...{ aeTitle: '', callingAe: null, commitment: false, queryFrom: false, moveTo: false },
  };
}

/** The form as it is kept, outer spaces gone. @throws NegatoscopeError `remote-form` naming the field */
export function checked(given: Whole, now: number = Date.now()): Whole {
  const name = given.name.trim();
  if (!/^[^\p{Cc}]{1,64}$/u.test(name)) throw wrong('name', 'Give the system a name of 1 to 64 characters.');
  if (!KINDS.includes(given.kind)) throw wrong('kind', 'Say how the system is reached.');
  const form = given.kind === 'dicomweb' ? checkedService(given) : checkedAddress(given);
  const ca = form.tls ? form.ca?.trim() || null : null;
  const identity = form.tls ? form.identity : 'none';
  if (!IDENTITIES.includes(identity)) throw wrong('identity', 'Say what we show of ourselves.');
  if (ca !== null && !holdsCertificates(ca))
    throw wrong('ca', 'This is no certificate in PEM form (-----BEGIN CERTIFICATE-----).');
  const own = identity === 'given';
  const certificate = own ? form.certificate?.trim() || null : null;
  const key = own ? form.key?.trim() || null : null;
  if (own) checkedIdentity(certificate ?? '', key ?? '', now);
  return { ...form, name, ca, identity, certificate, key };
}
