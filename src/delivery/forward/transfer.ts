/** Sending instances to one system: C-STORE, PS3.4 B. */
import { SEES_ALL } from '../../archive/index.ts';
import type { Archive, InstanceRow } from '../../archive/types.ts';
import { EXPLICIT_LE, IMPLICIT_LE } from '../../dicom/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import { statusCode } from '../../remote/index.ts';
import type { Address } from '../../remote/types.ts';
import { associate, DimseError, STATUS } from '../../wire/index.ts';
import type { Association } from '../../wire/index.ts';

const PLAIN = [EXPLICIT_LE, IMPLICIT_LE];
/** Instances whose kinds share an association; contexts are few since studies are alike. */
const MAX_CONTEXTS = 128;
/** Operations under way at once that we ask for; most receivers grant one. */
const WINDOW = 8;
const ANSWER_MS = 120_000;

export interface TransferDependencies {
  readonly archive: Pick<Archive, 'outgoing'>;
  readonly signal: AbortSignal;
  /** Asked right before an instance leaves. */
  readonly mayLeave: (row: InstanceRow) => Promise<boolean>;
  readonly onTaken: (sopInstanceUid: string) => Promise<void>;
  /** `reason`: a code of remote/reasons.ts */
  readonly onRefused: (sopInstanceUid: string, reason: string) => void;
}

/** Success, or a warning: the instance was stored, perhaps changed (PS3.4 table B.2-1). A duplicate is there already. */
const isTaken = (status: number): boolean =>
  status === STATUS.success || (status & 0xf000) === 0xb000 || status === STATUS.duplicateSopInstance;
/** The receiver cannot take anything at present: PS3.4 table B.2-1, PS3.7 C.5, PS3.18 table I.2-2. */
export const isFull = (status: number): boolean => (status & 0xff00) === 0xa700;

/** Groups in order, each small enough for the contexts of one association: a class as it is stored, and uncompressed. */
export function groupsOf(rows: readonly InstanceRow[]): InstanceRow[][] {
  const groups: InstanceRow[][] = [];
  let kinds = new Set<string>();
  for (const row of rows) {
    const needed = [`${row.sopClassUid} ${row.transferSyntax}`, row.sopClassUid];
    const fresh = needed.filter((kind) => !kinds.has(kind));
    if (groups.length === 0 || kinds.size + fresh.length > MAX_CONTEXTS) {
      groups.push([]);
      kinds = new Set(needed);
    } else for (const kind of fresh) kinds.add(kind);
    groups.at(-1)!.push(row);
  }
  return groups;
}

function contextsOf(rows: readonly InstanceRow[]) {
  const classes = [...new Set(rows.map(({ sopClassUid }) => sopClassUid))];
  const stored = new Map(rows.map((row) => [`${row.sopClassUid} ${row.transferSyntax}`, row]));
  return [
    ...[...stored.values()]
      .filter(({ transferSyntax }) => !PLAIN.includes(transferSyntax))
      .map((row) => ({ abstractSyntax: row.sopClassUid, transferSyntaxes: [row.transferSyntax] })),
    // One syntax a context: then those that are taken are known, and nothing is converted without need.
    ...classes.flatMap((abstractSyntax) => {
      const plain = rows.filter(
        (row) => row.sopClassUid === abstractSyntax && PLAIN.includes(row.transferSyntax),
      );
      const implicitOnly = plain.length > 0 && plain.every((row) => row.transferSyntax === IMPLICIT_LE);
      return [{ abstractSyntax, transferSyntaxes: implicitOnly ? [IMPLICIT_LE, EXPLICIT_LE] : PLAIN }];
    }),
  ];
}

/** Sends all; resolves when each was taken or refused. @throws DimseError when the receiver cannot be reached or is full */
export async function transfer(
  address: Address,
  rows: readonly InstanceRow[],
  deps: TransferDependencies,
): Promise<void> {
  for (const group of groupsOf(rows)) {
    const association = await associate({
      ...address,
      contexts: contextsOf(group),
      window: WINDOW,
      responseTimeoutMs: ANSWER_MS,
      signal: deps.signal,
    });
    try {
      const queue = [...group];
      // What is under way when another fails is waited for: the receiver may have taken it.
      const lane = async () => {
        for (let row = queue.shift(); row; row = queue.shift()) {
          try {
            await sendOne(association, row, deps);
          } catch (error) {
            queue.length = 0;
            throw error;
          }
        }
      };
      const lanes = await Promise.allSettled(Array.from({ length: association.window }, lane));
      const failure = lanes.find((each) => each.status === 'rejected');
      if (failure) throw failure.reason;
      await association.release();
    } catch (error) {
      association.abort();
      throw error;
    }
  }
}

async function sendOne(
  association: Association,
  row: InstanceRow,
  deps: TransferDependencies,
): Promise<void> {
  const { sopInstanceUid, sopClassUid } = row;
  deps.signal.throwIfAborted();
  if (!(await deps.mayLeave(row))) return;
  const accepted = [row.transferSyntax, ...PLAIN].filter((uid) => association.context(sopClassUid, uid));
  if (accepted.length === 0) return deps.onRefused(sopInstanceUid, 'no-service');
  try {
    const out = await deps.archive.outgoing(sopInstanceUid, SEES_ALL, accepted);
    const { transferSyntax } = out;
    const data = await out.dataset();
    const input = { sopClassUid: out.sopClassUid, sopInstanceUid, transferSyntax, data };
    const { status } = await association.store(input).finally(() => data.destroy());
    if (isTaken(status)) return await deps.onTaken(sopInstanceUid);
    if (isFull(status))
      throw new DimseError('dimse-status', 'The receiver has no room', { details: { status } });
    deps.onRefused(sopInstanceUid, statusCode('status', status));
  } catch (error) {
    const local = error instanceof NegatoscopeError && !(error instanceof DimseError);
    // Not convertible, not decodable, deleted meanwhile: this one instance alone, found before anything was sent.
    if (!local || error.status >= 500) throw error;
    deps.onRefused(sopInstanceUid, error.code);
  }
}
