/** Sending instances to one system by DICOMweb: STOW-RS, PS3.18 10.5. */
import { SEES_ALL } from '../../archive/index.ts';
import type { InstanceRow, Outgoing } from '../../archive/types.ts';
import { EXPLICIT_LE, IMPLICIT_LE } from '../../dicom/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import { statusCode } from '../../remote/index.ts';
import { createWebClient, STATUS, stow, WebError } from '../../wire/index.ts';
import type { WebClient, WebService } from '../../wire/index.ts';
import { isFull, type TransferDependencies } from './transfer.ts';

/** Instances of one request: enough that its cost is shared, few enough that a break repeats little. */
const MOST = 50;
const MOST_BYTES = 64 * 1024 * 1024;

/** Failure reason, PS3.18 table I.2-2: it does not take this transfer syntax. */
const SYNTAX_NOT_SUPPORTED = 0xc122;
/** What a request is answered with because of what is in it; any other failure is one of the service. */
const ABOUT_CONTENT = new Set([200, 202, 400, 406, 409, 413, 415, 422]);
const UNSUPPORTED_MEDIA_TYPE = 415;

export function* batchesOf(rows: readonly InstanceRow[]): Generator<InstanceRow[]> {
  let batch: InstanceRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (batch.length === MOST || (batch.length > 0 && bytes + row.size > MOST_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(row);
    bytes += row.size;
  }
  if (batch.length > 0) yield batch;
}

/** Sends all; resolves when each was taken or refused. @throws WebError when the service cannot be reached or takes nothing at present */
export async function transferByWeb(
  service: WebService,
  rows: readonly InstanceRow[],
  deps: TransferDependencies,
): Promise<void> {
  const client = createWebClient(service);
  try {
    for (const batch of batchesOf(rows)) await sendBatch(client, batch, deps);
  } finally {
    client.close();
  }
}

/** What of a batch may leave, ready to be read. What cannot be given is refused. */
async function prepare(
  batch: readonly InstanceRow[],
  accepted: readonly string[] | undefined,
  deps: TransferDependencies,
): Promise<{ row: InstanceRow; out: Outgoing }[]> {
  const ready: { row: InstanceRow; out: Outgoing }[] = [];
  for (const row of batch) {
    deps.signal.throwIfAborted();
    if (!(await deps.mayLeave(row))) continue;
    try {
      ready.push({ row, out: await deps.archive.outgoing(row.sopInstanceUid, SEES_ALL, accepted) });
    } catch (error) {
      // Deleted meanwhile, not convertible: this one instance alone.
      if (!(error instanceof NegatoscopeError) || error.status >= 500) throw error;
      deps.onRefused(row.sopInstanceUid, error.code);
    }
  }
  return ready;
}

async function sendBatch(
  client: WebClient,
  batch: readonly InstanceRow[],
  deps: TransferDependencies,
  accepted?: readonly string[],
): Promise<void> {
  const ready = await prepare(batch, accepted, deps);
  if (ready.length === 0) return;
  const answer = await stow(
    client,
    ready.map(
      ({ out }) =>
        () =>
          out.file(),
    ),
    deps.signal,
  );
  if (!ABOUT_CONTENT.has(answer.status))
    throw new WebError('web-status', `The service answered ${answer.status}`, {
      details: { status: String(answer.status) },
    });
  /** Told of in no way. */
  const untold: InstanceRow[] = [];
  /** Not taken as they are stored. */
  const convertible: InstanceRow[] = [];
  let full: number | undefined;
  for (const { row } of ready) {
    const { sopInstanceUid: uid } = row;
    const reason = answer.failed.get(uid);
    const compressed = row.transferSyntax !== EXPLICIT_LE && row.transferSyntax !== IMPLICIT_LE;
    const syntax =
      reason === SYNTAX_NOT_SUPPORTED ||
      (ready.length === 1 && reason === undefined && answer.status === UNSUPPORTED_MEDIA_TYPE);
    if (answer.taken.has(uid) || reason === STATUS.duplicateSopInstance) await deps.onTaken(uid);
    else if (syntax && compressed && accepted === undefined) convertible.push(row);
    else if (reason === undefined) untold.push(row);
    else if (isFull(reason)) full ??= reason;
    else deps.onRefused(uid, statusCode('status', reason));
  }
  if (full !== undefined)
    throw new WebError('web-full', 'The receiver has no room', { details: { status: String(full) } });
  // Whatever the status, an instance that the answer does not name is not known to be kept: it is asked about alone.
  if (ready.length > 1) for (const row of untold) await sendBatch(client, [row], deps, accepted);
  else for (const { sopInstanceUid } of untold) deps.onRefused(sopInstanceUid, `http-${answer.status}`);
  for (const row of convertible) await sendBatch(client, [row], deps, [EXPLICIT_LE]);
}
