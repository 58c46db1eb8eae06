/** Sequence parameter sets of H.264 (ITU-T H.264 7.3.2.1.1) and HEVC (H.265 7.3.2.2): size, and whether DICOM has a place for it. */
import { Bits, withoutEmulation } from './bits.ts';
import { unsupportedVideo, type VideoFacts } from './types.ts';

export type Coding = Pick<VideoFacts, 'codec' | 'columns' | 'rows' | 'bitDepth' | 'transferSyntax'>;

/** What has to be known to read whether a picture of H.264 is a field. */
export interface Interlacing {
  /** Whether some may be fields. */
  readonly mayBeFields: boolean;
  /** Bits of frame_num. */
  readonly frameNumBits: number;
}

/** `nal`: of the sequence parameter set, behind its header of one byte. @throws `video-unsupported` (422) */
export function h264Parameters(nal: Uint8Array): { coding: Coding; interlacing: Interlacing } {
  const sps = withoutEmulation(nal);
  const profile = sps[0]!;
  const level = sps[2]!;
  const read = new Bits(sps.subarray(3));
  read.unsigned(); // seq_parameter_set_id
  let chroma = 1;
  let depth = 8;
  if ([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135].includes(profile)) {
    chroma = read.unsigned();
    if (chroma === 3) read.bits(1);
    depth = 8 + Math.max(read.unsigned(), read.unsigned());
    read.bits(1);
    if (read.bits(1))
      for (let i = 0; i < (chroma === 3 ? 12 : 8); i++) if (read.bits(1)) skipScaling(read, i < 6 ? 16 : 64);
  }
  const frameNumBits = 4 + read.unsigned();
  const order = read.unsigned();
  if (order === 0) read.unsigned();
  else if (order === 1) {
    read.bits(1);
    read.signed();
    read.signed();
    for (let left = Math.min(255, read.unsigned()); left > 0; left--) read.signed();
  }
  read.unsigned(); // max_num_ref_frames
  read.bits(1);
  const width = 16 * (read.unsigned() + 1);
  const units = read.unsigned() + 1;
  const progressive = read.bits(1);
  if (!progressive) read.bits(1);
  read.bits(1);
  const crop = cropOf(read);
  const step = chroma === 1 ? 2 : 1;
  const columns = width - step * (crop.left + crop.right);
  const rows = 16 * units * (2 - progressive) - step * (2 - progressive) * (crop.top + crop.bottom);
  // 66, 77 and 100: what a decoder of High Profile plays (A.3). 9.8 is level 1b of the old profiles.
  if (![66, 77, 100].includes(profile)) throw unsupportedVideo(`H.264 of profile ${profile}`);
  if (chroma !== 1 || depth !== 8) throw unsupportedVideo('H.264 with other than 8 bits and 4:2:0');
  if (level > 42)
    throw unsupportedVideo(`H.264 of level ${level / 10}, which is more than 1920 × 1080 at 60 frames/s`);
  const transferSyntax = level > 41 ? '1.2.840.10008.1.2.4.104' : '1.2.840.10008.1.2.4.102';
  return {
    coding: { codec: 'h264', columns, rows, bitDepth: 8, transferSyntax },
    interlacing: { mayBeFields: progressive === 0, frameNumBits },
  };
}

/** The longest beginning of a slice that says whether it is of a field: three ue(v), frame_num and the flag, 7.3.3. */
export const SLICE_HEAD = 24;
/** field_pic_flag. `nal`: of a slice of H.264, behind its header of one byte; without colour planes, which no profile taken here has. */
export function isOfField(nal: Uint8Array, { mayBeFields, frameNumBits }: Interlacing): boolean {
  if (!mayBeFields) return false;
  const read = new Bits(withoutEmulation(nal.subarray(0, SLICE_HEAD)));
  read.unsigned(); // first_mb_in_slice
  read.unsigned(); // slice_type
  read.unsigned(); // pic_parameter_set_id
  read.bits(frameNumBits);
  return read.bits(1) === 1;
}

/** frame_cropping_flag of H.264, conformance_window_flag of HEVC, and their offsets. */
function cropOf(read: Bits): { left: number; right: number; top: number; bottom: number } {
  if (read.bits(1) === 0) return { left: 0, right: 0, top: 0, bottom: 0 };
  const [left, right, top, bottom] = [read.unsigned(), read.unsigned(), read.unsigned(), read.unsigned()];
  return { left, right, top, bottom };
}

/** 7.3.2.1.1.1; only to get past it. */
function skipScaling(read: Bits, size: number): void {
  let next = 8;
  for (let i = 0, last = 8; i < size && next !== 0; i++) {
    next = (last + read.signed() + 256) % 256;
    last = next === 0 ? last : next;
  }
}

/** What HEVC says of itself, wherever it stands. `level`: 30 times its number. @throws `video-unsupported` (422) */
export function hevcCoding(facts: {
  profile: number;
  level: number;
  chroma: number;
  depth: number;
  columns: number;
  rows: number;
}): Coding {
  const { profile, level, chroma, depth, columns, rows } = facts;
  if ((profile !== 1 && profile !== 2) || chroma !== 1 || depth > 10)
    throw unsupportedVideo('HEVC of a profile other than Main and Main 10');
  if (level > 153) throw unsupportedVideo(`HEVC of level ${level / 30}`);
  return {
    codec: 'hevc',
    columns,
    rows,
    bitDepth: depth > 8 ? 10 : 8,
    transferSyntax: profile === 2 ? '1.2.840.10008.1.2.4.108' : '1.2.840.10008.1.2.4.107',
  };
}

/** `nal`: of the sequence parameter set, behind its header of two bytes. @throws `video-unsupported` (422) */
export function hevcCodingOf(nal: Uint8Array): Coding {
  const read = new Bits(withoutEmulation(nal));
  read.bits(4); // sps_video_parameter_set_id
  const layers = read.bits(3);
  read.bits(1);
  // profile_tier_level, 7.3.3
  read.bits(3);
  const profile = read.bits(5);
  read.bits(32);
  read.bits(24);
  read.bits(24);
  const level = read.bits(8);
  const present = Array.from({ length: layers }, () => [read.bits(1), read.bits(1)]);
  if (layers > 0) for (let i = layers; i < 8; i++) read.bits(2);
  for (const [profiled, levelled] of present) {
    if (profiled) for (let i = 0; i < 11; i++) read.bits(8);
    if (levelled) read.bits(8);
  }
  read.unsigned(); // sps_seq_parameter_set_id
  const chroma = read.unsigned();
  if (chroma === 3) read.bits(1);
  const [width, height] = [read.unsigned(), read.unsigned()];
  const crop = cropOf(read);
  const depth = 8 + Math.max(read.unsigned(), read.unsigned());
  const [across, down] = [chroma === 1 || chroma === 2 ? 2 : 1, chroma === 1 ? 2 : 1];
  return hevcCoding({
    ...{ profile, level, chroma, depth },
    columns: width - across * (crop.left + crop.right),
    rows: height - down * (crop.top + crop.bottom),
  });
}
