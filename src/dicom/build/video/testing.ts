/** For tests: a film in MP4 as other programs write it, in fragments and as a transport stream. What they make was read by ffmpeg 7. */

interface Sample {
  data: Buffer;
  /** In units of the track's clock. */
  duration: number;
  shownAt: number;
  key: boolean;
}

const box = (type: string, ...parts: Uint8Array[]): Buffer => {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + parts.reduce((sum, part) => sum + part.length, 0));
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, ...parts]);
};
const words = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32BE(value >>> 0, 4 * i));
  return bytes;
};
function* children(bytes: Buffer): Generator<{ type: string; body: Buffer }> {
  for (let at = 0; at + 8 <= bytes.length;) {
    const size = bytes.readUInt32BE(at);
    yield { type: bytes.toString('latin1', at + 4, at + 8), body: bytes.subarray(at + 8, at + size) };
    at += size;
  }
}
const inside = (bytes: Buffer, ...path: string[]): Buffer =>
  path.reduce((body, type) => [...children(body)].find((child) => child.type === type)!.body, bytes);

/** The samples of a film of one track, by its tables: ISO/IEC 14496-12 8.6, 8.7. */
function samplesOf(film: Buffer): { samples: Sample[]; timescale: number; stsd: Buffer } {
  const media = inside(film, 'moov', 'trak', 'mdia');
  const table = inside(media, 'minf', 'stbl');
  const entries = (type: string, size: number): number[][] => {
    const body = [...children(table)].find((child) => child.type === type)?.body;
    if (!body) return [];
    return Array.from({ length: body.readUInt32BE(4) }, (_, i) =>
      Array.from({ length: size }, (__, k) => body.readUInt32BE(8 + 4 * (i * size + k))),
    );
  };
  const stsz = inside(table, 'stsz');
  const sizes = Array.from({ length: stsz.readUInt32BE(8) }, (_, i) => stsz.readUInt32BE(12 + 4 * i));
  const repeated = (type: string) =>
    entries(type, 2).flatMap(([count, value]) => Array<number>(count!).fill(value!));
  const durations = repeated('stts');
  const offsets = repeated('ctts');
  const keys = new Set(entries('stss', 1).map(([n]) => n! - 1));
  const runs = entries('stsc', 3);
  const samples: Sample[] = [];
  let time = 0;
  for (const [chunk, [place]] of entries('stco', 1).entries()) {
    const count = runs.findLast(([first]) => first! <= chunk + 1)![1]!;
    for (let i = 0, at = place!; i < count; i++) {
      const n = samples.length;
      const duration = durations[n]!;
      const data = film.subarray(at, at + sizes[n]!);
      samples.push({ data, duration, shownAt: time + (offsets[n] ?? 0), key: keys.has(n) });
      at += sizes[n]!;
      time += duration;
    }
  }
  return { samples, timescale: inside(media, 'mdhd').readUInt32BE(12), stsd: inside(table, 'stsd') };
}

/** In fragments of `length` frames: 8.8. `explicit`: each frame says its duration, else the track's default counts. */
export function fragmented(film: Buffer, length: number, explicit: boolean): Buffer {
  const { samples } = samplesOf(film);
  const track = inside(film, 'moov', 'trak', 'tkhd').readUInt32BE(12);
  const empty = new Set(['stts', 'stsc', 'stco', 'ctts', 'stss']);
  const emptied = (bytes: Buffer): Buffer[] =>
    [...children(bytes)].map(({ type, body }) => {
      if (empty.has(type)) return box(type, words(0, 0));
      if (type === 'stsz') return box(type, words(0, 0, 0));
      const holds = ['trak', 'mdia', 'minf', 'stbl'].includes(type);
      return box(type, ...(holds ? emptied(body) : [body]));
    });
  const trex = box('trex', words(0, track, 1, explicit ? 0 : samples[0]!.duration, 0, 0));
  const parts = [
    box('ftyp', inside(film, 'ftyp')),
    box('moov', ...emptied(inside(film, 'moov')), box('mvex', trex)),
  ];
  for (let i = 0; i < samples.length; i += length) {
    const group = samples.slice(i, i + length);
    const each = group.map(({ data, duration }) =>
      explicit ? words(duration, data.length) : words(data.length),
    );
    const trun = (offset: number) =>
      box('trun', words(0x201 | (explicit ? 0x100 : 0), group.length, offset), ...each);
    const traf = (offset: number) => box('traf', box('tfhd', words(0x020000, track)), trun(offset));
    const moof = (offset: number) => box('moof', box('mfhd', words(0, 1 + i / length)), traf(offset));
    parts.push(moof(moof(0).length + 8), box('mdat', ...group.map(({ data }) => data)));
  }
  return Buffer.concat(parts);
}

/** CRC of sections: ISO/IEC 13818-1 annex A. */
function crc(bytes: Buffer): number {
  let value = 0xffffffff;
  for (const byte of bytes)
    for (let bit = 7; bit >= 0; bit--) {
      const mix = ((value >>> 31) ^ (byte >> bit)) & 1;
      value = ((value << 1) ^ (mix ? 0x04c11db7 : 0)) >>> 0;
    }
  return value;
}
const START = Buffer.from([0, 0, 0, 1]);
const PIDS = { map: 0x1000, video: 0x100 };

/** Access units of H.264, each in a packet of its own (a PES packet with its PTS, in units of 90 kHz), as a transport stream. */
function muxed(pictures: Iterable<{ pts: number; units: readonly Buffer[] }>): Buffer {
  const packets: Buffer[] = [];
  const counters = new Map<number, number>();
  const emit = (pid: number, bytes: Buffer): void => {
    for (let i = 0; i < bytes.length; i += 184) {
      const part = bytes.subarray(i, i + 184);
      const counter = counters.get(pid) ?? 0;
      counters.set(pid, (counter + 1) & 15);
      const stuffing = 184 - part.length;
      const head = Buffer.from([0x47, (i === 0 ? 0x40 : 0) | (pid >> 8), pid & 255, 0]);
      head[3] = (stuffing > 0 ? 0x30 : 0x10) | counter;
      // An adaptation field of nothing but stuffing: 2.4.3.4.
      const field = Buffer.alloc(stuffing, 0xff);
      if (stuffing > 0) field[0] = stuffing - 1;
      if (stuffing > 1) field[1] = 0;
      packets.push(head, field, part);
    }
  };
  const section = (pid: number, table: number, id: number, body: number[]): void => {
    const length = 5 + body.length + 4;
    const bytes = Buffer.from([
      table,
      0xb0 | (length >> 8),
      length & 255,
      id >> 8,
      id & 255,
      0xc1,
      0,
      0,
      ...body,
    ]);
    const whole = Buffer.concat([Buffer.of(0), bytes, words(crc(bytes))]);
    emit(pid, Buffer.concat([whole, Buffer.alloc(184 - whole.length, 0xff)]));
  };
  section(0, 0, 1, [0, 1, 0xe0 | (PIDS.map >> 8), PIDS.map & 255]);
  const pid = [0xe0 | (PIDS.video >> 8), PIDS.video & 255];
  section(PIDS.map, 2, 1, [...pid, 0xf0, 0, 0x1b, ...pid, 0xf0, 0]);
  for (const { pts, units } of pictures) {
    const stamp = Buffer.alloc(5);
    stamp[0] = 0x21 | (Math.floor(pts / 2 ** 30) << 1);
    stamp.writeUInt16BE(((Math.floor(pts / 2 ** 15) & 0x7fff) << 1) | 1, 1);
    stamp.writeUInt16BE(((pts & 0x7fff) << 1) | 1, 3);
    const stream = [DELIMITER, ...units].flatMap((unit) => [START, unit]);
    emit(PIDS.video, Buffer.concat([Buffer.from([0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5]), stamp, ...stream]));
  }
  return Buffer.concat(packets);
}
const DELIMITER = Buffer.from([9, 0xf0]);

/** H.264 of an MP4 as a transport stream; its clock begins at `from`, in units of 90 kHz. */
export function transport(film: Buffer, from: number): Buffer {
  const { samples, timescale, stsd } = samplesOf(film);
  const avcC = inside(stsd.subarray(8 + 8 + 78), 'avcC');
  const sets: Buffer[] = [];
  let at = 5;
  for (const mask of [31, 255])
    for (let left = avcC[at++]! & mask; left > 0; left--) {
      const length = avcC.readUInt16BE(at);
      sets.push(avcC.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
  return muxed(
    samples.map(({ data, shownAt, key }) => {
      const units = key ? [...sets] : [];
      for (let i = 0; i + 4 <= data.length;) {
        const length = data.readUInt32BE(i);
        units.push(data.subarray(i + 4, i + 4 + length));
        i += 4 + length;
      }
      return { pts: (from + Math.round((shownAt / timescale) * 90_000)) % 2 ** 33, units };
    }),
  );
}

/** A NAL unit of these syntax elements: u(n) as a text of bits, ue(v) as a number; then `more`, with its emulation prevention. */
function nal(header: number, elements: readonly (string | number)[], more: Uint8Array = Buffer.of()): Buffer {
  const bits = elements
    .map((each) => {
      if (typeof each === 'string') return each;
      const binary = (each + 1).toString(2);
      return '0'.repeat(binary.length - 1) + binary;
    })
    .join('');
  const stopped = `${bits}1`;
  const whole = stopped.padEnd(Math.ceil(stopped.length / 8) * 8, '0').match(/.{8}/g)!;
  const payload = [...whole.map((byte) => parseInt(byte, 2)), ...more];
  const guarded: number[] = [];
  for (const byte of payload) {
    if (byte <= 3 && guarded.at(-1) === 0 && guarded.at(-2) === 0) guarded.push(3);
    guarded.push(byte);
  }
  return Buffer.from([header, ...guarded]);
}

/**
 * 1920 × 1080 at 25 frames/s in interlaced H.264, headers alone: each letter a frame, `f` coded as two fields, `m` as one picture
 * (of macroblock pairs, 7.3.4). A slice has `length` bytes behind its header. `trace_headers` of ffmpeg 7 reads it in the same way.
 */
export function interlaced(frames: string, length: number): Buffer {
  const sets = [
    // 7.3.2.1.1: Main at level 4.0; log2_max_frame_num 6, order type 2, 120 × 34 map units, frame_mbs_only_flag 0, cropped by 4 × 2.
    nal(0x67, [
      '01001101',
      '00000000',
      '00101000',
      0,
      2,
      2,
      1,
      '0',
      119,
      33,
      '0',
      '1',
      '1',
      '1',
      0,
      0,
      0,
      2,
      '0',
    ]),
    // 7.3.2.2: CAVLC, one slice group.
    nal(0x68, [0, 0, '0', '0', 0, 0, 0, '0', '00', 0, 0, 0, '1', '0', '0']),
  ];
  const rest = Buffer.alloc(length, 0xa5);
  const half = 90_000 / 25 / 2;
  return muxed(
    [...frames].flatMap((coded, n) => {
      const frameNum = (n % 64).toString(2).padStart(6, '0');
      // 7.3.3, of P slices: first_mb_in_slice, slice_type, pic_parameter_set_id, frame_num, field_pic_flag, bottom_field_flag.
      const slice = (first: number, field: string) =>
        nal(0x41, [first, 5, 0, frameNum, field, '0', '0', '0', 0, 1], rest);
      const pts = 90_000 + 2 * n * half;
      const head = n === 0 ? sets : [];
      if (coded === 'm') return [{ pts, units: [...head, slice(0, '0'), slice(2000, '0')] }];
      return [
        { pts, units: [...head, slice(0, '10'), slice(2000, '10')] },
        { pts: pts + half, units: [slice(0, '11'), slice(2000, '11')] },
      ];
    }),
  );
}
