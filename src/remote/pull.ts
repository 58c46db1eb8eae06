/** Fetching one study: what is missing here, by C-MOVE to ourselves where the other system knows us, else by C-GET. */
import { SEES_ALL } from '../archive/index.ts';
import type { Archive, IngestOutcome } from '../archive/types.ts';
import { dataset, EXPLICIT_LE, IMPLICIT_LE, STORAGE_SOP_CLASSES, TRANSFER_SYNTAXES } from '../dicom/index.ts';
import { NegatoscopeError } from '../errors.ts';
import { associate, STATUS } from '../wire/index.ts';
import type { Association, OnStore, ProposedService, SubOperations } from '../wire/index.ts';
import { listInstances, STUDY_ROOT } from './query.ts';
import { isLoopback } from './form.ts';
import type { Address, Here, PullFailure, RemoteInstance, RemoteSystem } from './types.ts';

const PLAIN = [EXPLICIT_LE, IMPLICIT_LE];
/** A system that fetches from a tape library is silent for minutes. */
const SILENCE_MS = 600_000;
/** Presentation contexts of an association but for the query's own: PS3.8 9.3.2.2. */
const MAX_CONTEXTS = 127;
const INSTANCES = 100_000;

export interface PullDependencies {
  readonly archive: Pick<Archive, 'ingest' | 'findInstances'>;
  readonly address: Address;
  readonly here: Here;
  readonly signal: AbortSignal;
  /** Told now and then: how many of how many are here. */
  readonly progress: (state: { total: number; received: number; via: 'move' | 'get' }) => void;
}
export interface PullEnd {
  readonly total: number;
  readonly received: number;
  readonly via: 'move' | 'get' | 'here';
  /** What is not here in the end, and why, as far as it is known. */
  readonly failed: readonly PullFailure[];
}

const silentRelease = (association: Association) => association.release().catch(() => association.abort());

/** @throws DimseError when the other system cannot be asked, NegatoscopeError `remote-study-gone` */
export async function pullStudy(
  system: RemoteSystem,
  studyUid: string,
  deps: PullDependencies,
): Promise<PullEnd> {
  const { archive, address, here, signal } = deps;
  const open = (contexts: readonly ProposedService[]) =>
    associate({ ...address, contexts, responseTimeoutMs: SILENCE_MS, signal });

  const asking = await open([{ abstractSyntax: STUDY_ROOT.find, transferSyntaxes: PLAIN }]);
  const wanted = await listInstances(asking, studyUid, signal);
  await silentRelease(asking);
  if (wanted.size === 0)
    throw new NegatoscopeError('remote-study-gone', 'The other system has no such study.', { status: 404 });

  const missing = async (): Promise<RemoteInstance[]> => {
    const rows = await archive.findInstances({ match: {}, studyUid, limit: INSTANCES }, SEES_ALL);
    const present = new Set(rows.map((row) => row.sopInstanceUid));
    return [...wanted.values()].filter(({ sopInstanceUid }) => !present.has(sopInstanceUid));
  };
  const total = wanted.size;
  const reasons = new Map<string, string>();
  let left = await missing();
  let via: PullEnd['via'] = 'here';
  const tell = (by: 'move' | 'get', received: number) => deps.progress({ total, received, via: by });

  if (left.length > 0 && (here.network || isLoopback(system.host))) {
    via = 'move';
    const before = total - left.length;
    let reached = before;
    tell('move', reached);
    for (const identifier of requests(studyUid, left, total)) {
      const start = reached;
      const end = await move(open, address.callingAe, identifier, signal, (completed) => {
        reached = Math.min(total, start + completed);
        tell('move', reached);
      });
      if (end === 'cannot') break;
      for (const uid of end?.failedUids ?? []) reasons.set(uid, 'not-sent');
    }
    left = await missing();
  }
  if (left.length > 0) {
    let received = total - left.length;
    const onStore: OnStore = async (request, body) => {
      const outcome = await archive.ingest(
        body,
        { door: 'dimse', from: system.aeTitle, address: system.host },
        { network: { ...request, callingAe: system.aeTitle } },
      );
      if (outcome.status === 'stored') tell('get', (received = Math.min(total, received + 1)));
      if ('reason' in outcome) reasons.set(request.sopInstanceUid, outcome.reason);
      return { status: statusOf(outcome) };
    };
    tell('get', received);
    if (await get(open, left, requests(studyUid, left, total), onStore, signal)) via = 'get';
    left = await missing();
  }
  return {
    total,
    received: total - left.length,
    via,
    failed: left.map(({ sopInstanceUid }) => ({
      sopInstanceUid,
      reason: reasons.get(sopInstanceUid) ?? 'not-sent',
    })),
  };
}

const statusOf = (outcome: IngestOutcome): number =>
  outcome.status === 'stored' || outcome.status === 'duplicate'
    ? STATUS.success
    : outcome.status === 'refused' && outcome.reason === 'disk-full'
      ? STATUS.outOfResources
      : STATUS.cannotUnderstand;

/** The whole study, or the series in which something is missing. */
function requests(studyUid: string, left: readonly RemoteInstance[], total: number) {
  if (left.length === total) return [dataset({ QueryRetrieveLevel: 'STUDY', StudyInstanceUID: studyUid })];
  return [...new Set(left.map(({ seriesUid }) => seriesUid))].map((seriesUid) =>
    dataset({ QueryRetrieveLevel: 'SERIES', StudyInstanceUID: studyUid, SeriesInstanceUID: seriesUid }),
  );
}

type Open = (contexts: readonly ProposedService[]) => Promise<Association>;

/** `cannot`: the system does not move to us at all. */
async function move(
  open: Open,
  destination: string,
  identifier: ReturnType<typeof dataset>,
  signal: AbortSignal,
  onCount: (completed: number) => void,
): Promise<SubOperations | 'cannot' | undefined> {
  const association = await open([{ abstractSyntax: STUDY_ROOT.move, transferSyntaxes: PLAIN }]);
  try {
    if (!association.context(STUDY_ROOT.move)) return 'cannot';
    let last: SubOperations | undefined;
    const query = { sopClassUid: STUDY_ROOT.move, identifier, destination };
    for await (const step of association.move(query, { signal })) {
      last = step;
      if (step.completed !== undefined) onCount(step.completed);
    }
    // Neither success nor a warning: refused, destination unknown (A801), failed (PS3.4 table C.4-2).
    const moved = last && (last.status === 0 || (last.status & 0xf000) === 0xb000);
    return moved ? last : 'cannot';
  } finally {
    await silentRelease(association);
  }
}

/** False where the system gives nothing by C-GET. */
async function get(
  open: Open,
  left: readonly RemoteInstance[],
  identifiers: readonly ReturnType<typeof dataset>[],
  onStore: OnStore,
  signal: AbortSignal,
): Promise<boolean> {
  const association = await open([
    { abstractSyntax: STUDY_ROOT.get, transferSyntaxes: PLAIN },
    ...storageContexts([...new Set(left.map(({ sopClassUid }) => sopClassUid))]),
  ]);
  try {
    if (!association.context(STUDY_ROOT.get)) return false;
    for (const identifier of identifiers) {
      const query = { sopClassUid: STUDY_ROOT.get, identifier };
      for await (const _ of association.get(query, onStore, { signal }));
    }
    return true;
  } finally {
    await silentRelease(association);
  }
}

/** Uncompressed, then what is met most, then the rest. */
const BY_FREQUENCY = [
  EXPLICIT_LE,
  IMPLICIT_LE,
  '1.2.840.10008.1.2.4.70',
  '1.2.840.10008.1.2.4.90',
  '1.2.840.10008.1.2.4.50',
  '1.2.840.10008.1.2.4.80',
  '1.2.840.10008.1.2.4.91',
  '1.2.840.10008.1.2.4.51',
  '1.2.840.10008.1.2.5',
  '1.2.840.10008.1.2.4.57',
  '1.2.840.10008.1.2.4.81',
  '1.2.840.10008.1.2.4.201',
  '1.2.840.10008.1.2.4.202',
  '1.2.840.10008.1.2.4.203',
];
const SYNTAXES = [...new Set([...BY_FREQUENCY, ...TRANSFER_SYNTAXES.keys()])];

/** Where the other system does not say what it has: what is met most in archives, the first ones also compressed. */
const COMMON = [
  'ComputedRadiographyImageStorage',
  'DigitalXRayImageStorageForPresentation',
  'CTImageStorage',
  'MRImageStorage',
  'UltrasoundImageStorage',
  'UltrasoundMultiFrameImageStorage',
  'SecondaryCaptureImageStorage',
  'DigitalMammographyXRayImageStorageForPresentation',
  'XRayAngiographicImageStorage',
  'XRayRadiofluoroscopicImageStorage',
  'EnhancedCTImageStorage',
  'EnhancedMRImageStorage',
  'NuclearMedicineImageStorage',
  'PositronEmissionTomographyImageStorage',
  'DigitalIntraOralXRayImageStorageForPresentation',
  'MultiFrameGrayscaleByteSecondaryCaptureImageStorage',
  'MultiFrameTrueColorSecondaryCaptureImageStorage',
  'VLPhotographicImageStorage',
  'VLEndoscopicImageStorage',
  'BreastTomosynthesisImageStorage',
  'OphthalmicPhotography8BitImageStorage',
];
const COMPRESSED = BY_FREQUENCY.filter((uid) => !PLAIN.includes(uid)).slice(0, 4);

function commonContexts(): ProposedService[] {
  const byKeyword = new Map(Object.entries(STORAGE_SOP_CLASSES).map(([uid, keyword]) => [keyword, uid]));
  const first = COMMON.flatMap((keyword) => byKeyword.get(keyword) ?? []);
  const rest = Object.keys(STORAGE_SOP_CLASSES).filter((uid) => !first.includes(uid));
  return [
    ...first.map((abstractSyntax) => ({ abstractSyntax, transferSyntaxes: PLAIN, role: 'scp' as const })),
    ...first.flatMap((abstractSyntax) =>
      COMPRESSED.map((uid) => ({ abstractSyntax, transferSyntaxes: [uid], role: 'scp' as const })),
    ),
    ...rest.map((abstractSyntax) => ({ abstractSyntax, transferSyntaxes: SYNTAXES, role: 'scp' as const })),
  ].slice(0, MAX_CONTEXTS);
}

/**
 * A context for each class and transfer syntax, so that instances come as they are; the commonest where there is no room for
 * all. An empty class stands for one that is not known.
 */
export function storageContexts(classes: readonly string[]): ProposedService[] {
  if (classes.includes('')) return commonContexts();
  const share = Math.max(1, Math.floor(MAX_CONTEXTS / Math.max(1, classes.length)));
  return classes.slice(0, MAX_CONTEXTS).flatMap((abstractSyntax) =>
    (share === 1 ? [SYNTAXES] : SYNTAXES.slice(0, share).map((uid) => [uid])).map((transferSyntaxes) => ({
      abstractSyntax,
      transferSyntaxes,
      role: 'scp' as const,
    })),
  );
}
