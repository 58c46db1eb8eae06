/** The echo test in both directions. */
import { IMPLICIT_LE } from '../dicom/index.ts';
import { associate, DimseError, VERIFICATION, WebError } from '../wire/index.ts';
import type { AeRow } from '../archive/types.ts';
import { NegatoscopeError } from '../errors.ts';
import type { Address, Here, RemoteSystem, ThereCode, HereCode, Trial } from './types.ts';
import { isLoopback } from './form.ts';
import { hereText, thereText } from './words.ts';

const CONNECT_MS = 6_000;
const ANSWER_MS = 10_000;

async function echo(address: Address): Promise<ThereCode> {
  const association = await associate({
    ...address,
    contexts: [{ abstractSyntax: VERIFICATION, transferSyntaxes: [IMPLICIT_LE] }],
    connectTimeoutMs: CONNECT_MS,
    responseTimeoutMs: ANSWER_MS,
    limits: { artimMs: ANSWER_MS },
  });
  // An association is what was asked for; some systems grant no more than that to those they do not echo.
  if (!association.context(VERIFICATION)) {
    await association.release().catch(() => {});
    return 'no-verification';
  }
  const { status } = await association.echo();
  await association.release().catch(() => {});
  return status === 0 ? 'ok' : 'echo-refused';
}

const UNREACHABLE: ReadonlySet<string> = new Set<ThereCode>([
  'name',
  'refused',
  'silent',
  'no-route',
  'tls-none',
  'tls-certificate',
  'tls-expired',
  'tls-not-yet',
  'tls-name',
  'tls-client',
  'tls-client-refused',
  'tls-version',
]);

const unreachableCode = (reason: unknown): ThereCode =>
  UNREACHABLE.has(String(reason)) ? (reason as ThereCode) : 'broken';

/** What a failed association or request means; PS3.8 table 9-21 for rejections. */
export function codeOf(error: unknown): ThereCode {
  if (error instanceof NegatoscopeError && error.code === 'remote-own-expired') return 'tls-client-expired';
  if (error instanceof WebError) {
    if (error.code === 'web-unreachable') return unreachableCode(error.details.reason);
    if (error.code === 'web-silent') return 'no-answer';
    return error.code === 'web-closed' ? 'closed' : 'broken';
  }
  if (!(error instanceof DimseError)) return 'broken';
  const { code, details } = error;
  if (code === 'dimse-unreachable') return unreachableCode(details.reason);
  if (code === 'dimse-tls-wanted') return 'tls-wanted';
  if (code === 'dimse-timeout') return 'no-answer';
  if (code === 'dimse-closed' || code === 'dimse-aborted') return 'closed';
  if (code === 'dimse-pdu' || code === 'dimse-command') return 'not-dicom';
  if (code !== 'dimse-rejected') return 'broken';
  if (details.source === 1 && details.reason === 3) return 'calling-ae';
  if (details.source === 1 && details.reason === 7) return 'called-ae';
  if (details.result === 2 || details.source === 3) return 'busy';
  return 'rejected';
}

/** Whether TLS is spoken where plain words were not understood. */
async function speaksTls(address: Address): Promise<boolean> {
  try {
    return (await echo({ ...address, tls: {} })) !== undefined;
  } catch (error) {
    const code = codeOf(error);
    return code.startsWith('tls-') && code !== 'tls-none' && code !== 'tls-wanted';
  }
}

async function there(addressOf: () => Promise<Address>): Promise<ThereCode> {
  let address: Address | undefined;
  try {
    address = await addressOf();
    return await echo(address);
  } catch (error) {
    const code = codeOf(error);
    const unclear = code === 'closed' || code === 'not-dicom' || code === 'no-answer';
    return unclear && address && !address.tls && (await speaksTls(address)) ? 'tls-wanted' : code;
  }
}

/** Whether they could reach us, from what we know of ourselves and of their last attempt. */
export function whetherHere(system: RemoteSystem, us: Here, rows: readonly AeRow[]): HereCode {
  if (!us.network && !isLoopback(system.host)) return 'local-only';
  const row = rows.find(({ aeTitle }) => aeTitle === system.aeTitle);
  if (row) return row.state;
  return isLoopback(system.host) ? 'admitted' : 'never';
}

/** Never throws: what went wrong is the result. `address`: of the system. */
export async function tryOut(
  system: RemoteSystem,
  address: () => Promise<Address>,
  us: Here,
  rows: readonly AeRow[],
): Promise<Trial> {
  const started = performance.now();
  const code = await there(address);
  const ms = Math.round(performance.now() - started);
  const here = whetherHere(system, us, rows);
  const row = rows.find(({ aeTitle }) => aeTitle === system.aeTitle);
  const fill = { ...system, ours: system.callingAe ?? us.aeTitle, ms, us };
  return {
    there: { code, ok: code === 'ok' || code === 'no-verification', ms, text: thereText(code, fill) },
    here: {
      code: here,
      ok: here === 'admitted',
      ...(row && row.knocks > 0 ? { lastAt: row.lastAt } : {}),
      text: hereText(here, fill),
    },
  };
}
