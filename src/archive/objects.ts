/** Ways to the bytes of a stored instance, each guarded by the sight. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { NegatoscopeError } from '../errors.ts';
import type { Store } from '../store/types.ts';
import { alignFrame, type FrameTable, FragmentScanner, frameTable } from './frames.ts';
import { instanceRow } from './rows.ts';
import type { ArchiveTables, InstanceTable } from './tables.ts';
import type { Archive, Sight } from './types.ts';

/** PS3.5 A.5: everything after the file meta information is deflated, and offsets count in the inflated file. */
export const DEFLATED = '1.2.840.10008.1.2.1.99';
/** Transfer syntaxes in which one fragment holds all frames: MPEG-2, MPEG-4, HEVC (PS3.5 A.4.5 to A.4.11). */
export const isVideo = (transferSyntax: string): boolean =>
  /^1\.2\.840\.10008\.1\.2\.4\.10[0-8](\.1)?$/.test(transferSyntax);

export type Range = { offset: number; length: number };

export const notFound = (): NegatoscopeError =>
  new NegatoscopeError('instance-not-found', 'There is no such instance here.', { status: 404 });
const noFrame = (n: number, frames: number): NegatoscopeError =>
  new NegatoscopeError('frame-not-found', `There is no frame ${n}: the instance has ${frames}.`, {
    status: 404,
    details: { frame: n, frames },
  });

export type Objects = Pick<Archive, 'instance' | 'file' | 'frame' | 'verify'> & {
  /** The row, unguarded. */
  row(sopInstanceUid: string): Promise<InstanceTable | undefined>;
  /** The row if the sight lets it through; throws `instance-not-found`. */
  guarded(sopInstanceUid: string, sight: Sight): Promise<InstanceTable>;
  open(row: InstanceTable, range?: Range): Promise<Readable>;
  /** Bytes counted from the first of the file as parsed: inflated where it is deflated. */
  parsed(row: InstanceTable, range?: Range): Promise<Readable>;
};

export const mayBeSeen = async (aiRunId: string | null, sight: Sight): Promise<boolean> =>
  aiRunId === null || (await sight([aiRunId])).has(aiRunId);

export function createObjects(store: Pick<Store, 'read' | 'blobs'>): Objects {
  const db = store.read.withTables<ArchiveTables>();
  const tables = new Map<string, FrameTable>(); // of instances with too many frames for the index

  const row = async (sopInstanceUid: string): Promise<InstanceTable | undefined> =>
    db.selectFrom('instance').selectAll().where('sop_instance_uid', '=', sopInstanceUid).executeTakeFirst();

  const guarded = async (sopInstanceUid: string, sight: Sight): Promise<InstanceTable> => {
    const found = await row(sopInstanceUid);
    if (!found || !(await mayBeSeen(found.ai_run_id, sight))) throw notFound();
    return found;
  };

  const open = async (found: InstanceTable, range?: Range): Promise<Readable> => {
    let blob = found.blob;
    if (blob === null) {
      const small = await db
        .selectFrom('inbox')
        .select('bytes')
        .where('sop_instance_uid', '=', found.sop_instance_uid)
        .executeTakeFirst();
      if (small) {
        const bytes = Buffer.from(small.bytes);
        const part = range ? bytes.subarray(range.offset, range.offset + range.length) : bytes;
        return Readable.from([part], { objectMode: false });
      }
      // Moved to a file between the two questions.
      blob = (await row(found.sop_instance_uid))?.blob ?? null;
    }
    if (blob === null) throw notFound();
    return store.blobs.stream(blob, range);
  };

  const parsed = async (found: InstanceTable, range?: Range): Promise<Readable> => {
    if (found.transfer_syntax !== DEFLATED) return open(found, range);
    const { offset, length } = range ?? { offset: 0, length: Number.MAX_SAFE_INTEGER };
    const start = Number(found.dataset_offset);
    const source = await open(found);
    return Readable.from(slice(inflated(source, start), offset, length), { objectMode: false });
  };

  const tableOf = async (found: InstanceTable): Promise<FrameTable> => {
    if (found.frame_table !== null) return JSON.parse(found.frame_table) as FrameTable;
    const known = tables.get(found.sop_instance_uid);
    if (known) return known;
    const start = Number(found.pixel_offset);
    const scanner = new FragmentScanner(start);
    for await (const chunk of await open(found, { offset: start, length: Number(found.size) - start })) {
      scanner.push(chunk as Buffer);
      if (scanner.state === 'done' || scanner.state === 'broken') break;
    }
    const made = frameTable(scanner, isVideo(found.transfer_syntax) ? 1 : Number(found.frames));
    if (tables.size >= 16) tables.clear();
    tables.set(found.sop_instance_uid, made);
    return made;
  };

  const frameOf = async (found: InstanceTable, n: number): Promise<Buffer> => {
    const frames = Number(found.frames);
    if (!Number.isInteger(n) || n < 1) throw noFrame(n, frames);
    if (Number(found.encapsulated) === 1) {
      const runs = (await tableOf(found))[n - 1];
      if (!runs) throw noFrame(n, frames);
      const parts: Buffer[] = [];
      for (let i = 0; i < runs.length; i += 2) {
        parts.push(await collect(await open(found, { offset: runs[i] ?? 0, length: runs[i + 1] ?? 0 })));
      }
      return Buffer.concat(parts);
    }
    const length = Number(found.pixel_length);
    const bits = found.frame_bits === null ? length * 8 : Number(found.frame_bits);
    const first = Math.floor(((n - 1) * bits) / 8);
    const last = Math.ceil((n * bits) / 8);
    if (n > frames || last > length) throw noFrame(n, frames);
    const bytes = await collect(
      await parsed(found, { offset: Number(found.pixel_offset) + first, length: last - first }),
    );
    return bits % 8 === 0 ? bytes : alignFrame(bytes, n, bits);
  };

  return {
    row,
    guarded,
    open,
    parsed,

    async instance(sopInstanceUid, sight) {
      const found = await row(sopInstanceUid);
      return found && (await mayBeSeen(found.ai_run_id, sight)) ? instanceRow(found) : undefined;
    },

    file: async (sopInstanceUid, sight, range) => open(await guarded(sopInstanceUid, sight), range),

    async frame(sopInstanceUid, n, sight) {
      const found = await guarded(sopInstanceUid, sight);
      if (found.pixel_offset === null) {
        throw new NegatoscopeError('no-pixel-data', 'The instance has no pixel data.', { status: 404 });
      }
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

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of stream) parts.push(chunk);
  return Buffer.concat(parts);
}

/** SHA-256, lower-case hex. */
export async function digest(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest('hex');
}

/** The file with its data set inflated. */
async function* inflated(source: Readable, datasetOffset: number): AsyncGenerator<Buffer> {
  const inflate = createInflateRaw();
  let position = 0;
  const head: Buffer[] = [];
  const rest = async function* () {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      const cut = Math.max(0, Math.min(chunk.length, datasetOffset - position));
      if (cut > 0) head.push(chunk.subarray(0, cut));
      position += chunk.length;
      if (cut < chunk.length) yield chunk.subarray(cut);
    }
  };
  const stream = Readable.from(rest(), { objectMode: false }).on('error', (error) => inflate.destroy(error));
  try {
    let first = true;
    for await (const chunk of stream.pipe(inflate) as AsyncIterable<Buffer>) {
      if (first) yield Buffer.concat(head);
      first = false;
      yield chunk;
    }
    if (first) yield Buffer.concat(head);
  } finally {
    stream.destroy();
    source.destroy();
  }
}

async function* slice(source: AsyncIterable<Buffer>, offset: number, length: number): AsyncGenerator<Buffer> {
  let position = 0;
  for await (const chunk of source) {
    const from = Math.max(0, offset - position);
    const to = Math.min(chunk.length, offset + length - position);
    if (to > from) yield chunk.subarray(from, to);
    position += chunk.length;
    if (position >= offset + length) return;
  }
}
