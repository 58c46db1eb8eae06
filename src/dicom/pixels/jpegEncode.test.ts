/** Our JPEG encoder against libjpeg (sharp): the same tables and the same arithmetic have to give the same picture, bit for bit. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { hasDcmtk } from '../dcmtk.ts';
import { parseDicom } from '../parse.ts';
import { decodeFileFrame, renderFile, renderStored } from './file.ts';
import { greyBytes } from './greyscale.ts';
import { createJpegEncoder } from './jpegEncode.ts';
import { renderedSize } from './render.ts';

const shared = (path: string): Buffer =>
  readFileSync(new URL(`../../../../shared/dicom/${path}`, import.meta.url));
const encoder = createJpegEncoder();
const SAME = Uint8Array.from({ length: 256 }, (_, i) => i);

const image = (bytes: Uint8Array, columns: number, size: 1 | 2 = 1) => ({
  rows: bytes.length / columns / size,
  columns,
  size,
  read: (target: Uint8Array, at: number) => target.set(bytes.subarray(at, at + target.length)),
});
const pixelsOf = async (jpeg: Uint8Array) =>
  sharp(jpeg, { limitInputPixels: false }).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
const libjpeg = (grey: Uint8Array, width: number, quality: number): Promise<Buffer> =>
  sharp(grey, { raw: { width, height: grey.length / width, channels: 1 }, limitInputPixels: false })
    .toColourspace('b-w')
    .jpeg({ quality, optimiseCoding: false })
    .toBuffer();

/** Decodes to the size it has and to what libjpeg's own encoder leaves. */
async function expectAsLibjpeg(jpeg: Uint8Array, grey: Uint8Array, columns: number, quality: number) {
  const [ours, theirs] = await Promise.all([pixelsOf(jpeg), pixelsOf(await libjpeg(grey, columns, quality))]);
  expect(ours.info).toMatchObject({ width: columns, height: grey.length / columns, channels: 1 });
  expect(ours.data.equals(theirs.data)).toBe(true);
}

/** Smooth where `grain` is 0, noise where it is 255. */
function picture(columns: number, rows: number, grain: number, seed: number): Uint8Array {
  let state = seed | 1;
  return Uint8Array.from({ length: columns * rows }, (_, i) => {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    const [x, y] = [i % columns, Math.floor(i / columns)];
    const slope = 127 + 127 * Math.sin(x / 9 + seed) * Math.cos(y / 7);
    return Math.min(255, Math.max(0, Math.round(slope + ((state >>> 16) / 65536 - 0.5) * 2 * grain)));
  });
}

describe('as libjpeg', () => {
  test('any size, quality and grain', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 1, max: 100 }),
        fc.constantFrom(0, 3, 40, 255),
        fc.integer({ min: 1, max: 1 << 20 }),
        async (columns, rows, quality, grain, seed) => {
          const grey = picture(columns, rows, grain, seed);
          await expectAsLibjpeg(encoder.encode(image(grey, columns), SAME, quality), grey, columns, quality);
        },
      ),
      { numRuns: 150 },
    );
  });

  test.each([
    [1, 1],
    [16_384, 9],
    [7, 16_384],
    [1500, 1501], // several strips
  ])('%i × %i', async (columns, rows) => {
    const grey = picture(columns, rows, 20, 7);
    await expectAsLibjpeg(encoder.encode(image(grey, columns), SAME, 85), grey, columns, 85);
  });

  test('checkerboards of black and white, the largest coefficients there are', async () => {
    for (const period of [1, 2, 4, 8]) {
      const grey = Uint8Array.from({ length: 64 * 64 }, (_, i) =>
        (Math.floor(i / period) + Math.floor(i / 64 / period)) % 2 ? 255 : 0,
      );
      await expectAsLibjpeg(encoder.encode(image(grey, 64), SAME, 100), grey, 64, 100);
    }
  });

  test('words of 16 bits go through the table', async () => {
    const grey = picture(333, 77, 10, 3);
    const table = Uint8Array.from({ length: 65536 }, (_, word) => (word * 7) & 255);
    const wordsOf = Uint16Array.from(grey, (value, i) => ((value * 183) & 255) | ((i % 200) << 8)); // 7 × 183 = 1 mod 256
    const expected = Uint8Array.from(wordsOf, (word) => table[word]!);
    const jpeg = encoder.encode(image(new Uint8Array(wordsOf.buffer), 333, 2), table, 85);
    await expectAsLibjpeg(jpeg, expected, 333, 85);
    const seen = encoder.words(image(new Uint8Array(wordsOf.buffer), 333, 2));
    expect(seen.reduce((sum, each) => sum + each, 0)).toBe(new Set(wordsOf).size);
    expect(wordsOf.every((word) => seen[word] === 1)).toBe(true);
  });
});

describe('stored grey images, in one pass', () => {
  test.each([
    'ct/ct-3slice_01.dcm',
    'ct/CT_small.dcm',
    'mr/brain_002.dcm',
    'radiographs/GH133.dcm',
    'radiographs/RG2_JPLY_fixed.dcm',
    'overlays-luts-bits/vlut_04.dcm',
    'overlays-luts-bits/mlut_18.dcm',
    'transfer-syntax-ct/CTImage_JPEG2000LosslessOnly_1.2.840.10008.1.2.4.90.dcm',
    'transfer-syntax-mr/MR_small_bigendian.dcm',
  ])('%s', async (path) => {
    const bytes = shared(path);
    const file = parseDicom(bytes);
    const frame = await decodeFileFrame(file);
    const grey = greyBytes(frame, file.dataset);
    const size = renderedSize(frame, file.dataset, {});
    expect(size).toEqual({ width: frame.columns, height: frame.rows });
    const { offset, length, encapsulated } = file.pixelData!;
    const whole = await renderFile(bytes, { format: 'jpeg' });
    await expectAsLibjpeg(whole, grey, frame.columns, 85);
    if (encapsulated) return;
    const read = (target: Uint8Array, at: number) => target.set(bytes.subarray(at, at + target.length));
    const stored = await renderStored({ read, header: offset, runs: [offset, length] }, { format: 'jpeg' });
    expect(stored.equals(whole)).toBe(true);
  });

  test('DCMTK reads it, too', async ({ skip }) => {
    if (!hasDcmtk) skip();
    const dir = mkdtempSync(join(tmpdir(), 'jpeg-'));
    try {
      const file = (name: string) => join(dir, name);
      const jpeg = await renderFile(shared('ct/ct-3slice_01.dcm'), { format: 'jpeg' });
      writeFileSync(file('a.jpg'), jpeg);
      execFileSync('img2dcm', ['-q', file('a.jpg'), file('a.dcm')]);
      execFileSync('dcmdjpeg', ['-q', file('a.dcm'), file('b.dcm')]);
      const { dataset } = parseDicom(readFileSync(file('b.dcm')));
      expect(Buffer.from(dataset.bytes(0x7fe00010)!).equals((await pixelsOf(jpeg)).data)).toBe(true);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
