/** Decides whether what came is taken in: the reasons of quarantine, each from what the bytes themselves show. */
import { createInflateRaw } from 'node:zlib';
import { type DataSet, isVideo, TAG, transferSyntax } from '../dicom/index.ts';
import { reasonOf } from '../errors.ts';
import { frameTable } from './frames.ts';
import { type InstanceHeader, instanceHeader, isTolerableUid, type Uids, uidsOf } from './header.ts';
import type { Intaken } from './intake.ts';
import type { Source } from './source.ts';
import type { IngestOptions, QuarantineReason } from './types.ts';

export interface Refusal {
  reason: QuarantineReason;
  detail: string;
  sopInstanceUid?: string;
  sopClassUid?: string;
}
export interface Accepted {
  uids: Uids;
  instance: InstanceHeader;
  transferSyntax: string;
  dataset: DataSet;
  datasetOffset: number;
  pixels: { offset: number; length: number; encapsulated: boolean; vr: string; tag: number } | undefined;
  frameTable: string | null;
}

/** Frames whose places are kept in the index; more are read from the file when asked for. */
const MAX_TABLE_FRAGMENTS = 2048;
/** More than this a deflated data set may not become. */
const MAX_INFLATED = 4 * 1024 ** 3;

/** What ends early by network or from a disk. */
const truncated = (declared: number, present: number): Pick<Refusal, 'reason' | 'detail'> => ({
  reason: 'truncated',
  detail: `The pixel data ends after ${Math.max(0, present)} of ${declared} bytes`,
});

/** `source` is read for a deflated data set alone. */
export async function check(
  taken: Intaken,
  options: IngestOptions,
  source: Source,
): Promise<Accepted | Refusal> {
  const { header, error } = taken;
  if (!header) {
    const code = error?.code === 'need-more-bytes' ? 'truncated' : error?.code;
    return { reason: code ?? 'not-dicom', detail: error?.message ?? 'Not readable' };
  }
  const { dataset, meta } = header;
  const uids = uidsOf(dataset);
  uids.sopClassUid ||= meta.string(TAG.MediaStorageSOPClassUID) ?? '';
  const named = {
    ...(isTolerableUid(uids.sopInstanceUid) ? { sopInstanceUid: uids.sopInstanceUid } : {}),
    ...(isTolerableUid(uids.sopClassUid) ? { sopClassUid: uids.sopClassUid } : {}),
  };
  const wrong = checkUids(uids, options) ?? checkSyntax(header.transferSyntax);
  if (wrong) return { ...wrong, ...named };

  const instance = instanceHeader(dataset);
  const accepted = {
    uids,
    instance,
    transferSyntax: header.transferSyntax,
    dataset,
    datasetOffset: header.datasetOffset,
  };
  const stopped = header.stoppedAt;
  if (stopped && !stopped.encapsulated && stopped.offset + stopped.length > taken.size) {
    return { ...truncated(stopped.length, taken.size - stopped.offset), ...named };
  }
  const pixels = header.pixelData;
  if (transferSyntax(header.transferSyntax)?.deflated) {
    const end = pixels && !pixels.encapsulated ? pixels.offset + pixels.length : 0;
    const inflated = await inflatedSize(
      await source.stream(header.datasetOffset),
      end - header.datasetOffset,
    ).catch(reasonOf);
    if (typeof inflated === 'string') {
      return { reason: 'malformed', detail: `The deflated data set is damaged: ${inflated}`, ...named };
    }
    if (header.datasetOffset + inflated < end) {
      return {
        ...truncated(pixels?.length ?? 0, header.datasetOffset + inflated - (pixels?.offset ?? 0)),
        ...named,
      };
    }
  } else if (pixels && !pixels.encapsulated && pixels.offset + pixels.length > taken.size) {
    return { ...truncated(pixels.length, taken.size - pixels.offset), ...named };
  }
  if (!pixels) return { ...accepted, pixels: undefined, frameTable: null };

  const place = {
    offset: pixels.offset,
    length: pixels.encapsulated ? -1 : pixels.length,
    encapsulated: pixels.encapsulated,
    vr: pixels.vr,
    tag: pixels.tag,
  };
  if (pixels.encapsulated) {
    const found = checkFragments(taken, dataset, instance.frames, header.transferSyntax);
    return 'reason' in found ? { ...found, ...named } : { ...accepted, pixels: place, ...found };
  }
  const expected = Math.ceil(((instance.frameBits ?? 0) * instance.frames) / 8);
  if (expected > pixels.length) {
    return {
      reason: 'pixel-length',
      detail: `The pixel data has ${pixels.length} bytes, its description says ${expected}`,
      ...named,
    };
  }
  return { ...accepted, pixels: place, frameTable: null };
}

function checkUids(uids: Uids, { network, studyUid }: IngestOptions): Refusal | undefined {
  const names = {
    sopInstanceUid: 'SOP Instance UID',
    studyUid: 'Study Instance UID',
    seriesUid: 'Series Instance UID',
    sopClassUid: 'SOP Class UID',
  } as const;
  for (const [key, name] of Object.entries(names)) {
    const uid = uids[key as keyof Uids];
    if (uid === '') return { reason: 'missing-uid', detail: `${name} is missing` };
    if (!isTolerableUid(uid)) return { reason: 'bad-uid', detail: `${name} is no UID` };
  }
  if (studyUid !== undefined && studyUid !== uids.studyUid) {
    return { reason: 'malformed', detail: 'Study Instance UID is not the one it was sent to' };
  }
  if (network && network.sopInstanceUid !== uids.sopInstanceUid) {
    return { reason: 'malformed', detail: 'SOP Instance UID differs between the command and the data set' };
  }
  if (network && network.sopClassUid !== uids.sopClassUid) {
    return { reason: 'malformed', detail: 'SOP Class UID differs between the command and the data set' };
  }
  return undefined;
}

function checkSyntax(uid: string): Refusal | undefined {
  if (transferSyntax(uid)) return undefined;
  const shown = isTolerableUid(uid) ? `: ${uid}` : '';
  return { reason: 'unknown-transfer-syntax', detail: `The transfer syntax is not known${shown}` };
}

function checkFragments(
  { scanner }: Intaken,
  dataset: DataSet,
  frames: number,
  syntax: string,
): Refusal | { frameTable: string | null } {
  if (!scanner || scanner.state === 'broken') {
    return { reason: 'malformed', detail: 'The encapsulated pixel data has something that is no item' };
  }
  if (scanner.state === 'inside') {
    return { reason: 'truncated', detail: 'The file ends inside a fragment of the pixel data' };
  }
  const count = scanner.fragments.length;
  const wanted = isVideo(syntax) ? 1 : frames;
  if (count < wanted) {
    // Without the closing item nobody knows whether more was to come.
    return scanner.state === 'item'
      ? { reason: 'truncated', detail: `The file ends after ${count} fragments of ${frames} frames` }
      : { reason: 'pixel-length', detail: `The pixel data has ${count} fragments for ${frames} frames` };
  }
  if (count > MAX_TABLE_FRAGMENTS) return { frameTable: null };
  try {
    return { frameTable: JSON.stringify(frameTable(scanner, wanted, extendedOffsets(dataset))) };
  } catch {
    // Kept all the same: another reader may know how to cut it.
    return { frameTable: null };
  }
}

/** Extended Offset Table (PS3.3 C.7.6.3.1.8), 64-bit offsets. */
export function extendedOffsets(dataset: DataSet): number[] {
  const bytes = dataset.bytes(TAG.ExtendedOffsetTable);
  if (!bytes) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length >> 3 }, (_, i) => Number(view.getBigUint64(i * 8, true)));
}

/** Bytes that come out; stops once there are `enough`, or at the end of the stream when `enough` is not positive. */
async function inflatedSize(deflated: AsyncIterable<Uint8Array>, enough: number): Promise<number> {
  const inflate = createInflateRaw();
  const feed = (async () => {
    for await (const chunk of deflated) {
      if (inflate.destroyed) return;
      if (!inflate.write(chunk)) await Promise.race([event(inflate, 'drain'), event(inflate, 'close')]);
    }
    inflate.end();
  })();
  let size = 0;
  try {
    for await (const chunk of inflate as AsyncIterable<Buffer>) {
      size += chunk.length;
      if ((enough > 0 && size >= enough) || size > MAX_INFLATED) break;
    }
  } finally {
    inflate.destroy();
    await feed;
  }
  return size;
}

const event = (emitter: NodeJS.EventEmitter, name: string): Promise<void> =>
  new Promise((resolve) => emitter.once(name, () => resolve()));
