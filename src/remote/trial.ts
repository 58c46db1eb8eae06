/** The echo test in both directions. */
import { IMPLICIT_LE } from '../dicom/index.ts';
import { associate, DimseError, VERIFICATION } from '../wire/index.ts';
import type { AeRow } from '../archive/types.ts';
import type { Here, RemoteForm, ThereCode, HereCode, Trial } from './types.ts';
import { hereText, thereText } from './words.ts';

const CONNECT_MS = 6_000;
const ANSWER_MS = 10_000;

type Address = Pick<RemoteForm, 'aeTitle' | 'host' | 'port' | 'tls' | 'ca' | 'callingAe'>;

/** How to associate with a system. */
export const addressOf = (system: Address, ownAe: string) => ({
  host: system.host,
  port: system.port,
  calledAe: system.aeTitle,
  callingAe: system.callingAe ?? ownAe,
  ...(system.tls ? { tls: system.ca === null ? {} : { ca: system.ca } } : {}),
});

async function echo(system: Address, ownAe: string): Promise<ThereCode> {
  const association = await associate({
    ...addressOf(system, ownAe),
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
  'tls-name',
  'tls-client',
  'tls-version',
]);

/** What a failed association means; PS3.8 table 9-21 for rejections. */
export function codeOf(error: unknown): ThereCode {
  if (!(error instanceof DimseError)) return 'broken';
  const { code, details } = error;
  if (code === 'dimse-unreachable') {
    const reason = String(details.reason);
    return UNREACHABLE.has(reason) ? (reason as ThereCode) : 'broken';
  }
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
async function speaksTls(system: Address, ownAe: string): Promise<boolean> {
  try {
    return (await echo({ ...system, tls: true, ca: null }, ownAe)) !== undefined;
  } catch (error) {
    return ['tls-certificate', 'tls-name', 'tls-client', 'tls-version'].includes(codeOf(error));
  }
}

async function there(system: Address, ownAe: string): Promise<ThereCode> {
  try {
    return await echo(system, ownAe);
  } catch (error) {
    const code = codeOf(error);
    const unclear = code === 'closed' || code === 'not-dicom' || code === 'no-answer';
    return unclear && !system.tls && (await speaksTls(system, ownAe)) ? 'tls-wanted' : code;
  }
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host.startsWith('127.');

/** Whether they could reach us, from what we know of ourselves and of their last attempt. */
export function whetherHere(system: Address, us: Here, rows: readonly AeRow[]): HereCode {
  if (!us.network && !isLoopback(system.host)) return 'local-only';
  const row = rows.find(({ aeTitle }) => aeTitle === system.aeTitle);
  if (row) return row.state;
  return isLoopback(system.host) ? 'admitted' : 'never';
}

/** Never throws: what went wrong is the result. */
export async function tryOut(system: Address, us: Here, rows: readonly AeRow[]): Promise<Trial> {
  const started = performance.now();
  const code = await there(system, us.aeTitle);
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
