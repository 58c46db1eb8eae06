/** C-GET and C-MOVE as provider: PS3.4 C.4.2 and C.4.3. Instances leave as `archive.outgoing` gives them. */
import type { Archive, Sight } from '../../archive/types.ts';
import { EXPLICIT_LE, encodeDataSet, IMPLICIT_LE, isVideo, TAG, type Tag } from '../../dicom/index.ts';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import {
  acceptKnownSyntax,
  type Answer,
  associate,
  type Association,
  type CommandSet,
  COMMAND,
  type ContextVerdict,
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
import { demandAdmission, type QueryDependencies } from './find.ts';
import {
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

interface Wanted {
  readonly sopInstanceUid: string;
  readonly sopClassUid: string;
  readonly transferSyntax: string;
}
type Sent = 'completed' | 'warning' | 'failed';
/** One instance to the receiver. Throws when no further one can be sent. */
type Send = (instance: Wanted) => Promise<Sent>;

const serviceOf = (name: string, classes: readonly string[], field: number, handler: Handler): Service => ({
  name,
  accepts: (context) => (classes.includes(context.abstractSyntax) ? acceptKnownSyntax(context) : undefined),
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
      return await perform(operation, wanted, link.send);
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

async function perform(operation: Operation, wanted: readonly Wanted[], send: Send): Promise<Answer> {
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
  for (const instance of wanted) {
    if (signal.aborted) break;
    const result = await send(instance);
    counts[result]++;
    if (result === 'failed') failed.push(instance.sopInstanceUid);
    if (performance.now() - told < PENDING_MS || done() === wanted.length || signal.aborted) continue;
    told = performance.now();
    await operation.respond({ status: STATUS.pending, fields: fields(wanted.length - done()) });
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

/** Codes that mean this one instance cannot be given, and others can. */
const OWN_FAULT = new Set(['instance-not-found', 'not-convertible', 'pixels-undecodable']);
const isOwnFault = (thrown: unknown): boolean =>
  thrown instanceof NegatoscopeError && OWN_FAULT.has(thrown.code);

/** The instance in the first of these syntaxes that it can be given in; undefined when it cannot. */
async function leaving(archive: Archive, sight: Sight, uid: string, accepted: readonly string[]) {
  if (accepted.length === 0) return undefined;
  try {
    const out = await archive.outgoing(uid, sight, accepted);
    return { transferSyntax: out.transferSyntax, data: await out.dataset() };
  } catch (thrown) {
    if (isOwnFault(thrown)) return undefined;
    throw thrown;
  }
}

/** Back on the same association. */
function toPeer({ peer, command }: Operation, { archive, sight }: RetrieveDependencies): Send {
  return async ({ sopClassUid, sopInstanceUid }) => {
    const contexts = peer.contexts.filter(
      (each) => each.peerIsProvider && each.abstractSyntax === sopClassUid,
    );
    const out = await leaving(
      archive,
      sight,
      sopInstanceUid,
      contexts.map(({ transferSyntax }) => transferSyntax),
    );
    const context = contexts.find(({ transferSyntax }) => transferSyntax === out?.transferSyntax);
    if (!out || !context) return 'failed';
    const { Status = STATUS.processingFailure } = await peer.request(
      context.id,
      {
        AffectedSOPClassUID: sopClassUid,
        CommandField: COMMAND.storeRq,
        Priority: command.Priority ?? PRIORITY.medium,
        AffectedSOPInstanceUID: sopInstanceUid,
      },
      out.data,
    );
    return outcomeOf(Status);
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
  { archive, sight, aeTitle, log }: RetrieveDependencies,
) {
  const groups = contextGroups(wanted);
  let open: { association: Association; kinds: ReadonlySet<string> } | undefined;
  let down = false;

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
      signal,
      ...(destination.tls ? { tls: destination.tls } : {}),
    });
    open = { association, kinds: group.kinds };
    return association;
  };

  const send: Send = async ({ sopClassUid, sopInstanceUid, transferSyntax }) => {
    if (down) return 'failed';
    try {
      const association = await associated(sopClassUid);
      const accepted = [transferSyntax, ...PLAIN].filter((uid) => association.context(sopClassUid, uid));
      const out = await leaving(archive, sight, sopInstanceUid, accepted);
      if (!out) return 'failed';
      const { status } = await association.store({
        sopClassUid,
        sopInstanceUid,
        transferSyntax: out.transferSyntax,
        data: out.data,
        moveOriginator: { aeTitle: peer.callingAe, messageId: command.MessageID ?? 0 },
      });
      return outcomeOf(status);
    } catch (error) {
      down = true;
      log.info({ destination: title, reason: reasonOf(error) }, 'C-MOVE destination failed');
      return 'failed';
    }
  };
  return {
    send,
    async end() {
      try {
        if (down || signal.aborted) open?.association.abort();
        else await open?.association.release();
      } catch {
        // It has what it was sent; how it says good-bye does not matter.
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
