/** For tests: archives made to measure, honest ones and others. */
import { deflateRawSync } from 'node:zlib';
import { crc32 } from './crc32.ts';
import type { ZipSource } from './directory.ts';

export interface MadeEntry {
  name: string | Buffer;
  bytes: Uint8Array;
  method?: 0 | 8;
  /** What the directory says instead. */
  lie?: { size?: number; compressedSize?: number; crc32?: number; offset?: number; method?: number };
  flags?: number;
  zip64?: boolean;
  /** Sizes stand behind the bytes, as streaming writers do. */
  descriptor?: boolean;
  extra?: Buffer;
}

const field = (...parts: [width: 2 | 4 | 8, value: number][]): Buffer =>
  Buffer.concat(
    parts.map(([width, value]) => {
      const bytes = Buffer.alloc(width);
      if (width === 8) bytes.writeBigUInt64LE(BigInt(value));
      else bytes.writeUIntLE(value, 0, width);
      return bytes;
    }),
  );

export function makeZip(
  entries: readonly MadeEntry[],
  { comment = '', prefix = Buffer.alloc(0), zip64 = false, count = entries.length } = {},
): Buffer {
  const files: Buffer[] = [prefix];
  const central: Buffer[] = [];
  let at = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name as string);
    const method = entry.method ?? 8;
    const packed = method === 8 ? deflateRawSync(entry.bytes) : Buffer.from(entry.bytes);
    const crc = crc32(entry.bytes);
    const flags = (entry.flags ?? 0) | (entry.descriptor ? 8 : 0);
    const local = Buffer.concat([
      field([4, 0x04034b50], [2, 20], [2, flags], [2, method], [4, 0]),
      entry.descriptor
        ? field([4, 0], [4, 0], [4, 0])
        : field([4, crc], [4, packed.length], [4, entry.bytes.length]),
      field([2, name.length], [2, 0]),
      name,
      packed,
      ...(entry.descriptor
        ? [field([4, 0x08074b50], [4, crc], [4, packed.length], [4, entry.bytes.length])]
        : []),
    ]);
    const size = entry.lie?.size ?? entry.bytes.length;
    const compressedSize = entry.lie?.compressedSize ?? packed.length;
    const offset = entry.lie?.offset ?? at;
    const extra = Buffer.concat([
      ...(entry.zip64 ? [field([2, 1], [2, 24], [8, size], [8, compressedSize], [8, offset])] : []),
      entry.extra ?? Buffer.alloc(0),
    ]);
    const all = 0xffffffff;
    central.push(
      field([4, 0x02014b50], [2, 20], [2, 20], [2, flags], [2, entry.lie?.method ?? method], [4, 0]),
      field(
        [4, entry.lie?.crc32 ?? crc],
        [4, entry.zip64 ? all : compressedSize],
        [4, entry.zip64 ? all : size],
      ),
      field(
        [2, name.length],
        [2, extra.length],
        [2, 0],
        [2, 0],
        [2, 0],
        [4, 0],
        [4, entry.zip64 ? all : offset],
      ),
      name,
      extra,
    );
    files.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(central);
  const end64 = zip64
    ? [
        field([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0]),
        field([8, count], [8, count], [8, directory.length], [8, at]),
        field([4, 0x07064b50], [4, 0], [8, at + directory.length], [4, 1]),
      ]
    : [];
  const shown = zip64
    ? ([0xffff, 0xffffffff, 0xffffffff] as const)
    : ([count, directory.length, at] as const);
  const text = Buffer.from(comment);
  return Buffer.concat([
    ...files,
    directory,
    ...end64,
    field(
      [4, 0x06054b50],
      [2, 0],
      [2, 0],
      [2, shown[0]],
      [2, shown[0]],
      [4, shown[1]],
      [4, shown[2]],
      [2, text.length],
    ),
    text,
  ]);
}

export const sourceOfBytes = (bytes: Uint8Array): ZipSource => ({
  size: bytes.length,
  read: async (offset, length) => bytes.subarray(offset, offset + length),
});
