/** Ways to the bytes of a stored instance, each guarded by the sight. */
import { Readable } from 'node:stream';
import { fileMeta, isPart10, isVideo, transferSyntax } from '../dicom/index.ts';
import { blobMissing, NegatoscopeError } from '../errors.ts';
import type { Store } from '../store/types.ts';
import {
  cutFrame,
  type FramePlaces,
  frameRuns,
  type FrameTable,
  FragmentScanner,
  frameTable,
} from './frames.ts';
import { instanceRow } from './rows.ts';
import { digest, parsedSource, type Source } from './source.ts';
import type { ArchiveTables, InstanceTable } from './tables.ts';
import type { Archive, Sight, StoredInstance } from './types.ts';

export type Range = { offset: number; length: number };

export const notFound = (): NegatoscopeError =>
  new NegatoscopeError('instance-not-found', 'There is no such instance here.', { status: 404 });
const noPixels = (): NegatoscopeError =>
  new NegatoscopeError('no-pixel-data', 'The instance has no pixel data.', { status: 404 });
const noFrame = (n: number, frames: number): NegatoscopeError =>
  new NegatoscopeError('frame-not-found', `There is no frame ${n}: the instance has ${frames}.`, {
    status: 404,
    details: { frame: n, frames },
  });

/** `corrected`: patient data of its study was. */
export type FoundInstance = InstanceTable & { readonly corrected: number | boolean };

export type Objects = Pick<Archive, 'instance' | 'stored' | 'file' | 'frame' | 'verify'> & {
  /** The row, unguarded. */
  row(sopInstanceUid: string): Promise<FoundInstance | undefined>;
  /** The row if the sight lets it through; throws `instance-not-found`. */
  guarded(sopInstanceUid: string, sight: Sight): Promise<FoundInstance>;
  open(row: InstanceTable, range?: Range): Promise<Readable>;
  /** The stored file; `parsed`: as offsets count, inflated where it is deflated. */
  sourceOf(row: InstanceTable): Source;
  parsed(row: InstanceTable): Source;
  frameOf(row: InstanceTable, n: number): Promise<Buffer>;
  /** As `StoredInstance` has it. */
  lackingMeta(row: FoundInstance): Promise<Buffer | undefined>;
};

/** Preamble, and file meta information up to its transfer syntax: three UIDs of 64 characters come before. */
const META_BYTES = 1024;
export const mayBeSeen = async (aiRunId: string | null, sight: Sight): Promise<boolean> =>
  aiRunId === null || (await sight([aiRunId])).has(aiRunId);

export function createObjects(store: Pick<Store, 'read' | 'blobs'>): Objects {
  const db = store.read.withTables<ArchiveTables>();
  // Of instances with too many frames for the index, by SHA-256: another object may come under the UID of a deleted one.
  const tables = new Map<string, FrameTable>();

  // Compiled once: every retrieval asks it.
  const oneInstance = db
    .selectFrom('instance')
    .selectAll('instance')
    .select((eb) =>
      eb
        .exists(
          eb
            .selectFrom('correction')
            .select('id')
            .whereRef('correction.study_uid', '=', 'instance.study_uid'),
        )
        .as('corrected'),
    )
    .where('sop_instance_uid', '=', '')
    .compile();
  const row = async (sopInstanceUid: string): Promise<FoundInstance | undefined> =>
    (await db.executeQuery({ ...oneInstance, parameters: [sopInstanceUid] })).rows[0] as
      FoundInstance | undefined;

  const guarded = async (sopInstanceUid: string, sight: Sight): Promise<FoundInstance> => {
    const found = await row(sopInstanceUid);
    if (!found || !(await mayBeSeen(found.ai_run_id, sight))) throw notFound();
    return found;
  };

  /** The file: its bytes where it is still in the inbox, else its reference. */
  const place = async (found: InstanceTable): Promise<Buffer | string> => {
    if (found.blob !== null) return found.blob;
    const small = await db
      .selectFrom('instance')
      .leftJoin('inbox', 'inbox.sop_instance_uid', 'instance.sop_instance_uid')
      .select(['instance.blob', 'inbox.bytes'])
      .where('instance.sop_instance_uid', '=', found.sop_instance_uid)
      .where('instance.sha256', '=', found.sha256) // not another one that came since under its UID
      .executeTakeFirst();
    if (small?.blob) return small.blob; // moved to a file between the two questions
    if (!small?.bytes) throw notFound();
    return Buffer.from(small.bytes.buffer, small.bytes.byteOffset, small.bytes.byteLength);
  };

  const open = async (found: InstanceTable, range?: Range): Promise<Readable> => {
    const at = await place(found);
    if (typeof at === 'string') return store.blobs.stream(at, range);
    const part = range ? at.subarray(range.offset, range.offset + range.length) : at;
    return Readable.from([part], { objectMode: false });
  };

  const sourceOf = (found: InstanceTable): Source => ({
    size: Number(found.size),
    stream: async (offset, length) =>
      open(found, { offset, length: length ?? Math.max(0, Number(found.size) - offset) }),
  });

  const parsed = (found: InstanceTable): Source =>
    parsedSource(sourceOf(found), found.transfer_syntax, Number(found.dataset_offset));

  const tableOf = async (found: InstanceTable): Promise<FrameTable> => {
    if (found.frame_table !== null) return JSON.parse(found.frame_table) as FrameTable;
    const known = tables.get(found.sha256);
    if (known) return known;
    const start = Number(found.pixel_offset);
    const scanner = new FragmentScanner(start);
    for await (const chunk of await open(found, { offset: start, length: Number(found.size) - start })) {
      scanner.push(chunk as Buffer);
      if (scanner.state === 'done' || scanner.state === 'broken') break;
    }
    const made = frameTable(scanner, isVideo(found.transfer_syntax) ? 1 : Number(found.frames));
    if (tables.size >= 16) tables.clear();
    tables.set(found.sha256, made);
    return made;
  };

  /** Throws `no-pixel-data`, and `frame-not-found` beyond the frames that the header counts. */
  const placesOf = async (found: InstanceTable, n: number): Promise<FramePlaces> => {
    if (found.pixel_offset === null) throw noPixels();
    const frames = Number(found.frames);
    const encapsulated = Number(found.encapsulated) === 1;
    const bytes = Number(found.pixel_length);
    if (!encapsulated && n > frames) throw noFrame(n, frames);
    return {
      offset: Number(found.pixel_offset),
      table: encapsulated ? await tableOf(found) : undefined,
      bits: found.frame_bits === null ? bytes * 8 : Number(found.frame_bits),
      bytes,
    };
  };

  const frameOf = async (found: InstanceTable, n: number): Promise<Buffer> => {
    const bytes = await cutFrame(parsed(found), n, await placesOf(found, n));
    if (!bytes) throw noFrame(n, Number(found.frames));
    return bytes;
  };

  const storedOf = (found: FoundInstance): StoredInstance => {
    let placed: Promise<Buffer | string> | undefined;
    const read: StoredInstance['read'] = async (target, position) => {
      const at = found.blob ?? (await (placed ??= place(found)));
      const bytes =
        typeof at === 'string'
          ? await store.blobs.readInto(at, target, position)
          : at.copy(target, 0, position);
      if (bytes < target.length) throw blobMissing('shorter');
    };
    return {
      row: instanceRow(found),
      header: Number(found.pixel_offset ?? 0),
      corrected: Boolean(found.corrected),
      datasetOffset: Number(found.dataset_offset),
      read,
      async lackingMeta() {
        const head = Buffer.alloc(Math.min(META_BYTES, Number(found.dataset_offset)));
        await read(head, 0);
        if (isPart10(head)) return undefined;
        return fileMeta({
          sopClassUid: found.sop_class_uid,
          sopInstanceUid: found.sop_instance_uid,
          transferSyntax: found.transfer_syntax,
        });
      },
      async runs(n) {
        const places = await placesOf(found, n);
        const runs = frameRuns(n, places);
        if (!runs) throw noFrame(n, Number(found.frames));
        const shifted = !places.table && places.bits % 8 !== 0;
        return shifted || transferSyntax(found.transfer_syntax)?.deflated ? undefined : runs;
      },
      frame: (n) => frameOf(found, n),
      async place() {
        const at = found.blob ?? (await (placed ??= place(found)));
        return typeof at === 'string' ? { path: store.blobs.path(at) } : { bytes: at };
      },
    };
  };

  return {
    row,
    guarded,
    open,
    sourceOf,
    parsed,
    frameOf,
    lackingMeta: (found) => storedOf(found).lackingMeta(),

    async instance(sopInstanceUid, sight) {
      const found = await row(sopInstanceUid);
      return found && (await mayBeSeen(found.ai_run_id, sight)) ? instanceRow(found) : undefined;
    },

    async stored(sopInstanceUid, sight) {
      const found = await row(sopInstanceUid);
      return found && (await mayBeSeen(found.ai_run_id, sight)) ? storedOf(found) : undefined;
    },

    file: async (sopInstanceUid, sight, range) => open(await guarded(sopInstanceUid, sight), range),

    async frame(sopInstanceUid, n, sight) {
      const found = await guarded(sopInstanceUid, sight);
      return { bytes: await frameOf(found, n), transferSyntax: found.transfer_syntax };
    },

    async verify(sopInstanceUid) {
      const found = await row(sopInstanceUid);
      if (!found) throw notFound();
      const sha256 = await digest(await open(found));
      return { ok: sha256 === found.sha256, sha256, expected: found.sha256 };
    },
  };
}
