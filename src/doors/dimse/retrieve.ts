/** C-GET and C-MOVE as provider: PS3.4 C.4.2 and C.4.3. Instances leave as `archive.outgoing` gives them. */
import type { StoredInstance } from '../../archive/types.ts';
import { EXPLICIT_LE, encodeDataSet, IMPLICIT_LE, isVideo, TAG, type Tag } from '../../dicom/index.ts';
import { reasonOf } from '../../errors.ts';
import {
  acceptKnownSyntax,
  type Answer,
  associate,
  type Association,
  type CommandSet,
  COMMAND,
  type ContextVerdict,
  DimseError,
  type DimseServerOptions,
  type Handler,
  type Operation,
  PRIORITY,
  type ProposedContext,
  type ProposedService,
  type RoleSelection,
  type Service,
  STATUS,
  type TlsOptions,
} from '../../wire/index.ts';
import { buffers } from '../buffers.ts';
import { demandAdmission, type QueryDependencies } from './find.ts';
import {
  acceptPlain,
  type Identifier,
  PATIENT_ROOT,
  type QueryLevel,
  readIdentifier,
  Refusal,
  STUDY_ROOT,
} from './identifier.ts';

export interface Destination {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsOptions;
  /** Our title towards it. */
  readonly callingAe?: string;
}

export interface RetrieveDependencies extends QueryDependencies {
  readonly destinationOf: (aeTitle: string) => Promise<Destination | undefined>;
  readonly log: NonNullable<DimseServerOptions['log']>;
}

const GET = [`${PATIENT_ROOT}.3`, `${STUDY_ROOT}.3`];
const MOVE = [`${PATIENT_ROOT}.2`, `${STUDY_ROOT}.2`];
const PLAIN = [EXPLICIT_LE, IMPLICIT_LE];

/** Pending responses come no more often: PS3.4 C.4.2.3 leaves it to the provider. */
const PENDING_MS = 250;
/** PS3.8 9.3.2.2. */
const MAX_CONTEXTS = 128;
const PAGE = 500;
/** How long a destination may take to end what it is being sent, after the retrieval was cancelled. */
const CANCEL_MS = 5_000;

interface Wanted {
  readonly sopInstanceUid: string;
  readonly sopClassUid: string;
  readonly transferSyntax: string;
}
type Sent = 'completed' | 'warning' | 'failed';
/** An instance as it will go. */
interface Ready {
  readonly transferSyntax: string;
  readonly data: Uint8Array | AsyncIterable<Uint8Array>;
  /** To be called when it was taken, or else `drop`. */
  taken(): void;
  drop(): void;
}
/** Where instances go. Both throw when the association with whoever asked is over. */
interface Receiver {
  /** Undefined when it cannot be given to this receiver. Asked for the next one of the same class while one is being sent. */
  ready(instance: Wanted): Promise<Ready | undefined>;
  send(instance: Wanted, ready: Ready): Promise<Sent>;
}

const serviceOf = (name: string, classes: readonly string[], field: number, handler: Handler): Service => ({
  name,
  accepts: (context) => (classes.includes(context.abstractSyntax) ? acceptPlain(context) : undefined),
  listens: true,
  // Relational retrieval as asked: PS3.4 C.5.2.1, C.5.3.1.
  extended: (_, asked) => Uint8Array.from(asked.subarray(0, 1)),
  handlers: {
    [field]: async (operation) => {
      try {
        return await handler(operation);
      } catch (thrown) {
        if (thrown instanceof Refusal) return thrown.answer;
        throw thrown;
      }
    },
  },
});

export const getService = (dependencies: RetrieveDependencies): Service =>
  serviceOf('C-GET', GET, COMMAND.getRq, async (operation) => {
    const wanted = await wantedBy(operation, dependencies);
    return perform(operation, wanted, toPeer(operation, dependencies));
  });

/**
 * The transfer syntax for instances that go back to a requestor by C-GET: one context has one, before it is known how what
 * will be fetched is stored. Uncompressed can be had of everything but video.
 */
export function acceptForReturn(context: ProposedContext, role: RoleSelection | undefined): ContextVerdict {
  const { transferSyntaxes } = context;
  const plain = PLAIN.find((uid) => transferSyntaxes.includes(uid));
  const video = transferSyntaxes.some(isVideo);
  return role?.scp && !role.scu && plain && !video ? { transferSyntax: plain } : acceptKnownSyntax(context);
}

export const moveService = (dependencies: RetrieveDependencies): Service =>
  serviceOf('C-MOVE', MOVE, COMMAND.moveRq, async (operation) => {
    const wanted = await wantedBy(operation, dependencies);
    const title = operation.command.MoveDestination?.trim() ?? '';
    const destination = title === '' ? undefined : await dependencies.destinationOf(title);
    if (!destination) return { status: STATUS.moveDestinationUnknown, comment: 'Move destination unknown' };
    const link = createLink(operation, title, destination, wanted, dependencies);
    try {
      return await perform(operation, wanted, link);
    } finally {
      await link.end();
    }
  });

// ── what is asked for ───────────────────────────────────────────────────────────────────────────────────────────────

const UNIQUE: Readonly<Record<QueryLevel, Tag>> = {
  PATIENT: TAG.PatientID,
  STUDY: TAG.StudyInstanceUID,
  SERIES: TAG.SeriesInstanceUID,
  IMAGE: TAG.SOPInstanceUID,
};
const KEYWORDS: readonly [Tag, string][] = [
  [TAG.PatientID, 'PatientID'],
  [TAG.StudyInstanceUID, 'StudyInstanceUID'],
  [TAG.SeriesInstanceUID, 'SeriesInstanceUID'],
  [TAG.SOPInstanceUID, 'SOPInstanceUID'],
];

/** Unique keys alone say what is retrieved (PS3.4 C.4.2.1.4.1); a list of UIDs is one of them. */
function matchOf({ level, dataset }: Identifier): Record<string, string> {
  const match: Record<string, string> = {};
  for (const [tag, keyword] of KEYWORDS) {
    const value = dataset.strings(tag).join('\\');
    if (value !== '') match[keyword] = value;
  }
  const unique = dataset.strings(UNIQUE[level]);
  if (unique.length === 0 || unique.some((value) => /^$|[*?]/.test(value)))
    throw new Refusal(STATUS.dataSetDoesNotMatchSopClass, `The unique key of ${level} is missing`);
  return match;
}

/** UIDs of all that is meant: some hundred bytes an instance. */
async function wantedBy(operation: Operation, { archive, sight }: RetrieveDependencies): Promise<Wanted[]> {
  await demandAdmission(operation, archive);
  const match = matchOf(await readIdentifier(operation));
  const single = (uid = '') => /^[\d.]{1,64}$/.test(uid);
  const { StudyInstanceUID: studyUid, SeriesInstanceUID: seriesUid } = match;
  const query = {
    match,
    ...(single(studyUid) ? { studyUid: studyUid! } : {}),
    ...(single(seriesUid) ? { seriesUid: seriesUid! } : {}),
  };
  const found = new Map<string, Wanted>();
  const shared = new Map<string, string>(); // one string for all that are the same
  const same = (text: string): string => shared.get(text) ?? (shared.set(text, text), text);
  for (let offset = 0; ; offset += PAGE) {
    if (operation.signal.aborted) break;
    const rows = await archive.findInstances({ ...query, limit: PAGE, offset }, sight);
    for (const { sopInstanceUid, sopClassUid, transferSyntax } of rows)
      found.set(sopInstanceUid, {
        sopInstanceUid,
        sopClassUid: same(sopClassUid),
        transferSyntax: same(transferSyntax),
      });
    if (rows.length < PAGE) break;
  }
  return [...found.values()];
}

// ── sub-operations ──────────────────────────────────────────────────────────────────────────────────────────────────

async function perform(operation: Operation, wanted: readonly Wanted[], receiver: Receiver): Promise<Answer> {
  const { signal, context } = operation;
  const counts: Record<Sent, number> = { completed: 0, warning: 0, failed: 0 };
  const failed: string[] = [];
  const done = () => counts.completed + counts.warning + counts.failed;
  // 16 bits each: PS3.7 9.3.3.1.
  const fields = (remaining?: number): CommandSet => ({
    ...(remaining === undefined ? {} : { NumberOfRemainingSuboperations: Math.min(0xffff, remaining) }),
    NumberOfCompletedSuboperations: Math.min(0xffff, counts.completed),
    NumberOfFailedSuboperations: Math.min(0xffff, counts.failed),
    NumberOfWarningSuboperations: Math.min(0xffff, counts.warning),
  });
  let told = 0;
  let ahead: Promise<Ready | undefined> | undefined;
  try {
    for (const [i, instance] of wanted.entries()) {
      if (signal.aborted) break;
      const ready = await (ahead ?? receiver.ready(instance));
      // The next one is read while this one is being taken.
      const next = wanted[i + 1];
      ahead = next?.sopClassUid === instance.sopClassUid ? receiver.ready(next) : undefined;
      ahead?.catch(() => undefined); // thrown when it is waited for
      const result = ready ? await sendReady(receiver, instance, ready) : 'failed';
      counts[result]++;
      if (result === 'failed') failed.push(instance.sopInstanceUid);
      if (performance.now() - told < PENDING_MS || done() === wanted.length || signal.aborted) continue;
      told = performance.now();
      await operation.respond({ status: STATUS.pending, fields: fields(wanted.length - done()) });
    }
  } finally {
    void ahead?.then(
      (unused) => unused?.drop(),
      () => undefined,
    );
  }
  const cancelled = signal.aborted && done() < wanted.length;
  const data =
    failed.length === 0
      ? undefined
      : encodeDataSet(
          { '00080058': { vr: 'UI', Value: failed } },
          { transferSyntax: context.transferSyntax },
        );
  return {
    status: cancelled
      ? STATUS.cancelled
      : counts.failed === 0 && counts.warning === 0
        ? STATUS.success
        : counts.failed === wanted.length
          ? STATUS.unableToPerformSubOperations
          : STATUS.subOperationsFailed,
    // Remaining only when there are some: PS3.4 C.4.2.1.6.
    fields: fields(cancelled ? wanted.length - done() : undefined),
    ...(data ? { data } : {}),
  };
}

/** PS3.4 table B.2-1: B000, B006 and B007 say that it was stored. */
const outcomeOf = (status: number): Sent =>
  status === STATUS.success ? 'completed' : (status & 0xf000) === 0xb000 ? 'warning' : 'failed';

async function sendReady(receiver: Receiver, instance: Wanted, ready: Ready): Promise<Sent> {
  let result: Sent = 'failed';
  try {
    result = await receiver.send(instance, ready);
  } finally {
    // Of what failed the connection may still hold the bytes.
    if (result === 'failed') ready.drop();
    else ready.taken();
  }
  return result;
}

/**
 * The instance, its first bytes read: in its stored syntax where these have it, else in the first of the plain ones among them.
 * Undefined when it cannot be given: a file that is damaged or gone fails none but itself.
 */
async function leaving(
  { archive, sight, log }: RetrieveDependencies,
  uid: string,
  accepted: readonly string[],
): Promise<Ready | undefined> {
  if (accepted.length === 0) return undefined;
  try {
    const stored = await archive.stored(uid, sight);
    if (stored && !stored.corrected && accepted.includes(stored.row.transferSyntax))
      return await asStored(stored);
    const out = await archive.outgoing(uid, sight, accepted);
    const data = await out.dataset();
    const bytes = data[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    const first = await bytes.next();
    const whole = async function* () {
      for (let piece = first; !piece.done; piece = await bytes.next()) yield piece.value;
    };
    const drop = () => void data.destroy();
    return { transferSyntax: out.transferSyntax, data: whole(), taken: drop, drop };
  } catch (thrown) {
    log.warn({ sopInstanceUid: uid, reason: reasonOf(thrown) }, 'an instance could not be given');
    return undefined;
  }
}

/** Read into buffers that are used again. */
async function asStored(stored: StoredInstance): Promise<Ready> {
  const { transferSyntax, size } = stored.row;
  const start = stored.datasetOffset;
  const length = size - start;
  if (length < LEAST_POOLED) {
    const data = Buffer.allocUnsafe(length);
    await stored.read(data, start);
    return { transferSyntax, data, taken: () => undefined, drop: () => undefined };
  }
  const first = buffers.take();
  const head = first.subarray(0, Math.min(first.length, length));
  await stored.read(head, start);
  if (length <= first.length)
    return { transferSyntax, data: head, taken: () => buffers.giveBack(first), drop: () => undefined };
  const second = buffers.take();
  const pieces = async function* () {
    yield head;
    // The one is read while the other is held back or written: a channel asks for the next but one when it has written it.
    for (let at = head.length, n = 1; at < length; n++) {
      const buffer = n % 2 ? second : first;
      const piece = buffer.subarray(0, Math.min(buffer.length, length - at));
      await stored.read(piece, start + at);
      at += piece.length;
      yield piece;
    }
  };
  const taken = () => [first, second].forEach(buffers.giveBack);
  return { transferSyntax, data: pieces(), taken, drop: () => undefined };
}

/** What is shorter may wait in the socket after `send` has resolved: its memory is not used again. */
const LEAST_POOLED = 64 * 1024;

/** Back on the same association. */
function toPeer({ peer, command }: Operation, dependencies: RetrieveDependencies): Receiver {
  const contextsOf = (sopClassUid: string) =>
    peer.contexts.filter((each) => each.peerIsProvider && each.abstractSyntax === sopClassUid);
  let silent = false;
  return {
    ready: async ({ sopClassUid, sopInstanceUid }) =>
      silent
        ? undefined
        : leaving(
            dependencies,
            sopInstanceUid,
            contextsOf(sopClassUid).map(({ transferSyntax }) => transferSyntax),
          ),
    async send({ sopClassUid, sopInstanceUid }, { transferSyntax, data }) {
      const context = contextsOf(sopClassUid).find((each) => each.transferSyntax === transferSyntax);
      if (!context || silent) return 'failed';
      try {
        const { Status = STATUS.processingFailure } = await peer.request(
          context.id,
          {
            AffectedSOPClassUID: sopClassUid,
            CommandField: COMMAND.storeRq,
            Priority: command.Priority ?? PRIORITY.medium,
            AffectedSOPInstanceUID: sopInstanceUid,
          },
          data,
        );
        return outcomeOf(Status);
      } catch (error) {
        if (!(error instanceof DimseError && error.code === 'dimse-timeout')) throw error;
        // It may be there still, to hear what it did not take; each further instance would wait as long.
        silent = true;
        return 'failed';
      }
    },
  };
}

/**
 * Associations with the destination of a C-MOVE, opened when there is something to send. One has 128 contexts: a retrieval of
 * more kinds of objects takes several, one after the other. A destination that cannot be reached or that breaks off fails what
 * is left.
 */
function createLink(
  { peer, command, signal }: Operation,
  title: string,
  destination: Destination,
  wanted: readonly Wanted[],
  dependencies: RetrieveDependencies,
): Receiver & { end(): Promise<void> } {
  const { aeTitle, log } = dependencies;
  const groups = contextGroups(wanted);
  let open: { association: Association; kinds: ReadonlySet<string> } | undefined;
  let down = false;

  // After a C-CANCEL what is under way may end; whoever asked for it waits for our answer meanwhile.
  const stop = new AbortController();
  const stopAtOnce = () => stop.abort();
  let patience: NodeJS.Timeout | undefined;
  const stopping = () => {
    if (peer.ended.aborted) stopAtOnce();
    else patience = setTimeout(stopAtOnce, CANCEL_MS);
  };
  signal.addEventListener('abort', stopping, { once: true });
  peer.ended.addEventListener('abort', stopAtOnce, { once: true });

  const failing = (error: unknown): void => {
    down = true;
    log.info({ destination: title, reason: reasonOf(error) }, 'C-MOVE destination failed');
  };
  const associated = async (sopClassUid: string): Promise<Association> => {
    if (open?.kinds.has(sopClassUid)) return open.association;
    await open?.association.release();
    open = undefined;
    const group = groups.find(({ kinds }) => kinds.has(sopClassUid))!;
    const association = await associate({
      host: destination.host,
      port: destination.port,
      callingAe: destination.callingAe ?? aeTitle,
      calledAe: title,
      contexts: group.contexts,
      signal: stop.signal,
      ...(destination.tls ? { tls: destination.tls } : {}),
    });
    open = { association, kinds: group.kinds };
    return association;
  };

  return {
    async ready({ sopClassUid, sopInstanceUid, transferSyntax }) {
      if (down) return undefined;
      try {
        const association = await associated(sopClassUid);
        const accepted = [transferSyntax, ...PLAIN].filter((uid) => association.context(sopClassUid, uid));
        return await leaving(dependencies, sopInstanceUid, accepted);
      } catch (error) {
        failing(error);
        return undefined;
      }
    },
    async send({ sopClassUid, sopInstanceUid }, { transferSyntax, data }) {
      if (down || !open) return 'failed';
      try {
        const { status } = await open.association.store({
          sopClassUid,
          sopInstanceUid,
          transferSyntax,
          data,
          moveOriginator: { aeTitle: peer.callingAe, messageId: command.MessageID ?? 0 },
        });
        return outcomeOf(status);
      } catch (error) {
        failing(error);
        return 'failed';
      }
    },
    async end() {
      try {
        if (down || stop.signal.aborted) open?.association.abort();
        else await open?.association.release();
      } catch {
        // It has what it was sent; how it says good-bye does not matter.
      } finally {
        clearTimeout(patience);
        signal.removeEventListener('abort', stopping);
        peer.ended.removeEventListener('abort', stopAtOnce);
      }
    },
  };
}

/** For each SOP class its stored transfer syntaxes, each in a context of its own, and one for uncompressed pixels. */
function contextGroups(wanted: readonly Wanted[]) {
  const syntaxes = new Map<string, Set<string>>();
  for (const { sopClassUid, transferSyntax } of wanted)
    syntaxes.set(sopClassUid, (syntaxes.get(sopClassUid) ?? new Set()).add(transferSyntax));
  const groups: { kinds: Set<string>; contexts: ProposedService[] }[] = [];
  for (const [abstractSyntax, stored] of syntaxes) {
    const contexts = [
      ...[...stored].filter((uid) => !PLAIN.includes(uid)).map((uid) => [uid]),
      // One context each, so that what is stored in one of them goes as it is.
      ...PLAIN.map((uid) => [uid]),
    ].map((transferSyntaxes) => ({ abstractSyntax, transferSyntaxes }));
    let group = groups.at(-1);
    if (!group || group.contexts.length + contexts.length > MAX_CONTEXTS)
      groups.push((group = { kinds: new Set(), contexts: [] }));
    group.kinds.add(abstractSyntax);
    group.contexts.push(...contexts);
  }
  return groups;
}
