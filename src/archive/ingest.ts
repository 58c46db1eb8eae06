/** The way in: read, check, commit in company, answer. What is not taken in is kept aside with its reason. */
import { fileMeta, hexTag, isVideo, toJson } from '../dicom/index.ts';
import { NegatoscopeError } from '../errors.ts';
import type { Store } from '../store/types.ts';
import { Batcher } from './batch.ts';
import { type Accepted, check, extendedOffsets } from './check.ts';
import { type Comparable, isSameInstance } from './compare.ts';
import { type Foreign, withForeign } from './foreign.ts';
import { cutFrame, type FrameTable, frameTable } from './frames.ts';
import { instanceHeader, seriesHeader, studyHeader } from './header.ts';
import { Intake, type Intaken } from './intake.ts';
import type { Objects } from './objects.ts';
import type { KeepAside } from './quarantine.ts';
import { type Arrival, AskedJobs, record, type RecordSettings } from './record.ts';
import { parsedSource, readHeader, sourceOf } from './source.ts';
import type { ArchiveTables, InstanceTable } from './tables.ts';
import type { Archive, IngestOptions, IngestOutcome, Origin } from './types.ts';

export interface IngestSettings {
  silenceMs: number;
  inboxMs: number;
  inboxLimit: number;
  maxBytes: number;
  /** Nothing is taken in when less is free on the volume, bytes. */
  minFree: number;
}

interface Dependencies {
  store: Store;
  now: () => number;
  settings: IngestSettings;
  objects: Objects;
  keepAside: KeepAside;
  foreign?: Foreign | undefined;
  /** Awaited before anything gets its name: the sweep at start must not meet objects that wait for their entry. */
  ready: () => Promise<void>;
}

const FREE_FOR_MS = 1000;

export function createIngest(dependencies: Dependencies): Archive['ingest'] {
  const { store, now, settings, keepAside, foreign, ready } = dependencies;
  const asked = new AskedJobs();
  const batcher = new Batcher<Arrival, boolean>((arrivals) =>
    commit(store, arrivals, { ...settings, asked, now: now() }),
  );
  const isFull = freeSpace(store, settings.minFree);

  return async (body, origin, options = {}) => {
    if ((options.kind === 'ai') !== (options.aiRunId !== undefined)) {
      throw new NegatoscopeError(
        'ai-run-missing',
        'Objects of kind ai, and they alone, carry the id of their run.',
        {
          status: 500,
        },
      );
    }
    if (await isFull())
      return { status: 'refused', reason: 'disk-full', detail: 'The volume is nearly full' };
    const intake = new Intake(store.blobs, settings);
    try {
      let empty = true;
      for await (const chunk of body) {
        if (empty && chunk.length > 0) {
          empty = false;
          if (options.network) await intake.push(headerFor(options.network));
        }
        await intake.push(chunk);
      }
      if (empty) return { status: 'refused', reason: 'empty', detail: 'There is nothing in it' };
      await ready();
      return await decide(await intake.finish());
    } catch (thrown) {
      await intake.discard();
      const refused = refusalOf(thrown);
      if (refused) return refused;
      throw thrown;
    }

    async function decide(taken: Intaken): Promise<IngestOutcome> {
      const found = await check(taken, options, sourceOf(taken, store.blobs));
      if ('reason' in found) return keepAside(taken, origin, options, found);
      const about = await withForeign(foreign, options, found, taken, sourceOf(taken, store.blobs));
      const arrival = arrivalOf(taken, found, origin, about);
      const answer = {
        sopInstanceUid: found.uids.sopInstanceUid,
        sopClassUid: found.uids.sopClassUid,
        studyUid: found.uids.studyUid,
        seriesUid: found.uids.seriesUid,
      };
      if (await batcher.add(arrival)) return { status: 'stored', ...answer };
      if (await isKnown(dependencies, arrival, taken)) {
        await forget(store, arrival);
        return { status: 'duplicate', ...answer };
      }
      return keepAside(
        taken,
        origin,
        options,
        {
          reason: 'conflict',
          detail: 'An instance with this SOP Instance UID is here already, with other content',
          sopInstanceUid: answer.sopInstanceUid,
          sopClassUid: answer.sopClassUid,
        },
        arrival.ref,
      );
    }
  };
}

const headerFor = (network: NonNullable<IngestOptions['network']>): Buffer =>
  fileMeta({
    sopClassUid: network.sopClassUid,
    sopInstanceUid: network.sopInstanceUid,
    transferSyntax: network.transferSyntax,
    sourceAe: network.callingAe,
  });

function refusalOf(thrown: unknown): IngestOutcome | undefined {
  const { code, message } = (thrown ?? {}) as { code?: string; message?: string };
  return code === 'disk-full' || code === 'too-large'
    ? { status: 'refused', reason: code, detail: message ?? '' }
    : undefined;
}

/** Asks the volume at most once a second. */
function freeSpace(store: Store, minFree: number): () => Promise<boolean> {
  let asked = -Infinity;
  let full: Promise<boolean> = Promise.resolve(false);
  return () => {
    if (performance.now() - asked > FREE_FOR_MS) {
      asked = performance.now();
      full = store.blobs.free().then((free) => free < minFree);
    }
    return full;
  };
}

export function arrivalOf(taken: Intaken, found: Accepted, origin: Origin, options: IngestOptions): Arrival {
  const json = toJson(found.dataset, { bulkDataUri: (path) => `bulkdata/${path}` });
  for (const bulk of [found.pixels, taken.header?.stoppedAt]) {
    if (!bulk) continue;
    const key = hexTag(bulk.tag);
    json[key] = { vr: bulk.vr, BulkDataURI: `bulkdata/${key}` };
  }
  return {
    uids: found.uids,
    study: studyHeader(found.dataset),
    series: seriesHeader(found.dataset),
    instance: found.instance,
    json: JSON.stringify(json),
    origin,
    options,
    transferSyntax: found.transferSyntax,
    size: taken.size,
    sha256: taken.sha256,
    datasetOffset: found.datasetOffset,
    pixels: found.pixels,
    frameTable: found.frameTable,
    body: taken.body,
  };
}

/**
 * One directory sync and one transaction for all; false where the SOP Instance UID is there already. The first of several
 * with the same UID goes first.
 */
async function commit(
  store: Store,
  arrivals: readonly Arrival[],
  settings: RecordSettings,
): Promise<boolean[]> {
  const seen = new Set<string>();
  const fresh = arrivals.filter(({ uids }) => {
    if (seen.has(uids.sopInstanceUid)) return false;
    seen.add(uids.sopInstanceUid);
    return true;
  });
  // Renamed once: when the transaction fails and each is tried alone, the file has its name already.
  const unnamed = fresh.filter((arrival) => 'staged' in arrival.body && arrival.ref === undefined);
  const refs = await store.blobs.commit(
    unnamed.flatMap(({ body }) => ('staged' in body ? [body.staged] : [])),
  );
  unnamed.forEach((arrival, i) => (arrival.ref = refs[i] as string));

  const { arrived, asked } = await store.write<ArchiveTables, Awaited<ReturnType<typeof record>>>((tx) =>
    record(tx, store, fresh, settings),
  );
  for (const job of asked) settings.asked.note(job);
  const stored = new Set(fresh.filter((_, i) => arrived[i]));
  return arrivals.map((arrival) => stored.has(arrival));
}

/** What came and is not needed: it is here already. */
async function forget(store: Store, arrival: Arrival): Promise<void> {
  if (arrival.ref !== undefined) await store.blobs.remove(arrival.ref);
  else if ('staged' in arrival.body) await arrival.body.staged.discard();
}

async function isKnown({ store, objects }: Dependencies, arrival: Arrival, taken: Intaken): Promise<boolean> {
  const row = await objects.row(arrival.uids.sopInstanceUid);
  if (!row) return false;
  return isSameInstance(storedComparable(objects, row), arrivedComparable(store, arrival, taken));
}

const storedComparable = (objects: Objects, row: InstanceTable): Comparable => ({
  source: objects.sourceOf(row),
  sha256: row.sha256,
  datasetOffset: Number(row.dataset_offset),
  transferSyntax: row.transfer_syntax,
  frames: Number(row.frames),
  frame: (n) => objects.frameOf(row, n),
});

function arrivedComparable(store: Store, arrival: Arrival, { scanner }: Intaken): Comparable {
  const source = sourceOf(arrival, store.blobs);
  const parsed = parsedSource(source, arrival.transferSyntax, arrival.datasetOffset);
  const frames = arrival.instance.frames;
  let places: Promise<{ table: FrameTable | undefined; bits: number }> | undefined;
  const locate = async (): Promise<{ table: FrameTable | undefined; bits: number }> => {
    const { dataset } = await readHeader(source);
    const wanted = isVideo(arrival.transferSyntax) ? 1 : frames;
    return {
      table: scanner && frameTable(scanner, wanted, extendedOffsets(dataset)),
      bits: instanceHeader(dataset).frameBits ?? 0,
    };
  };
  return {
    source,
    sha256: arrival.sha256,
    datasetOffset: arrival.datasetOffset,
    transferSyntax: arrival.transferSyntax,
    frames,
    async frame(n) {
      const { table, bits } = await (places ??= locate());
      const { offset = 0, length = 0 } = arrival.pixels ?? {};
      return (await cutFrame(parsed, n, { offset, table, bits, bytes: length })) ?? Buffer.alloc(0);
    },
  };
}
