import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutFrame, FragmentScanner, frameTable } from './frames.ts';
import { chunks } from './testing.ts';

const item = (value: Uint8Array): Buffer => {
  const header = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
  header.writeUInt32LE(value.length, 4);
  return Buffer.concat([header, value]);
};
const DELIMITER = Buffer.from([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
const bytes = fc.uint8Array({ maxLength: 40 });
const sourceOf = (file: Buffer) => ({
  size: file.length,
  stream: async (offset: number, length = file.length - offset) =>
    chunks(file.subarray(offset, offset + length)),
});
const scanned = (file: Buffer, from: number, size: number): FragmentScanner => {
  const scanner = new FragmentScanner(from);
  for (let at = from; at < file.length; at += size) scanner.push(file.subarray(at, at + size));
  return scanner;
};

test('finds each frame however the bytes are cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      bytes,
      fc.array(fc.array(bytes, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 50 }),
      async (before, frames, size) => {
        const items = frames.map((fragments) => fragments.map(item));
        const offsets = Buffer.alloc(frames.length * 4);
        let at = 0;
        for (const [i, fragments] of items.entries()) {
          offsets.writeUInt32LE(at, i * 4);
          at += Buffer.concat(fragments).length;
        }
        const file = Buffer.concat([
          before,
          item(offsets),
          ...items.flat(),
          DELIMITER,
          Buffer.from('behind'),
        ]);
        const scanner = scanned(file, before.length, size);
        expect(scanner.state).toBe('done');
        const table = frameTable(scanner, frames.length);
        for (const [i, fragments] of frames.entries()) {
          const frame = await cutFrame(sourceOf(file), i + 1, { offset: 0, table, bits: 0, bytes: 0 });
          expect(frame?.equals(Buffer.concat(fragments))).toBe(true);
        }
        expect(
          await cutFrame(sourceOf(file), frames.length + 1, { offset: 0, table, bits: 0, bytes: 0 }),
        ).toBeUndefined();
      },
    ),
  );
});

test('nothing makes it throw, and an end within a fragment is seen', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 9 }), (noise, size) => {
      scanned(Buffer.from(noise), 0, size);
    }),
  );
  const file = Buffer.concat([item(new Uint8Array()), item(new Uint8Array(10)), DELIMITER]);
  const states = Array.from(
    { length: file.length + 1 },
    (_, end) => scanned(file.subarray(0, end), 0, 7).state,
  );
  expect(states.map((state) => state[1]).join('')).toBe(
    // t: between items, n: inside a header or a value, o: done
    't' + 'n'.repeat(7) + 't' + 'n'.repeat(17) + 't' + 'n'.repeat(7) + 'o',
  );
});

test('without a table: one fragment a frame, one frame, or beginnings of streams', () => {
  const jpeg = (...more: number[]) => item(Uint8Array.of(0xff, 0xd8, ...more));
  const scanOf = (...parts: Buffer[]) =>
    scanned(Buffer.concat([item(new Uint8Array()), ...parts, DELIMITER]), 0, 5);
  expect(frameTable(scanOf(jpeg(1), jpeg(2)), 2)).toEqual([
    [16, 3],
    [27, 3],
  ]);
  expect(frameTable(scanOf(jpeg(1), item(Uint8Array.of(9))), 1)).toEqual([[16, 3, 27, 1]]);
  expect(frameTable(scanOf(jpeg(1), item(Uint8Array.of(9)), jpeg(2)), 2)).toEqual([
    [16, 3, 27, 1],
    [36, 3],
  ]);
  expect(() => frameTable(scanOf(jpeg(1), item(Uint8Array.of(9)), jpeg(2)), 4)).toThrow(
    expect.objectContaining({ code: 'frames-unclear' }),
  );
});
