/** Every decodable file of the shared collection against its reference decoder (pydicom with GDCM, DCMTK, OpenJPEG). */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { frameCount } from '../frames.ts';
import { decodeFileFrame } from './file.ts';
import { rgb, isColour } from './colour.ts';
import { parseDicom } from '../parse.ts';

const root = new URL('../../../../shared/dicom/', import.meta.url);

interface Row {
  path: string;
  transferSyntax: string;
  expected: string;
  reference: string;
}

function manifest(): Row[] {
  const [head, ...lines] = readFileSync(new URL('manifest.csv', root), 'utf8').trim().split('\n');
  const names = head!.split(',');
  return lines.map((line) => {
    const cells = [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map((m) => m[1] ?? m[2] ?? '');
    const cell = (name: string): string => cells[names.indexOf(name)]!.trim();
    return {
      path: cell('path'),
      transferSyntax: cell('ts_name'),
      expected: cell('expected'),
      reference: cell('frame0_min_max_mean'),
    };
  });
}

/** Where we differ from the manifest on purpose: smallest, largest, mean that are right, and why. */
const EXCEPTIONS: Record<string, { values: [number, number, number]; why: string }> = {
  'overlays-luts-bits/overlay.dcm': {
    values: [0, 4095, 28.583],
    why: 'the manifest keeps the overlay in the bits above Bits Stored 12',
  },
  'overlays-luts-bits/mlut_18.dcm': {
    values: [-2048, 2047, 25.112],
    why: 'the manifest does not extend the sign from bit 11',
  },
  'overlays-luts-bits/JLSL_16_15_1_1F.dcm': {
    values: [-16384, 16383, -4043.624],
    why: 'the manifest does not extend the sign from bit 14',
  },
  'enhanced-multiframe/jpeg2000-multiframe-multifragments.dcm': {
    values: [0, 4095, 472.878],
    why: 'a lossy 16-bit stream overshoots Bits Stored 12; we stop at the largest value',
  },
};

/** No frame to take out: a film needs a player. */
const VIDEO = /^(MPEG|HEVC)/;
const LOSSY = /JPEG Baseline|JPEG Extended|JPEG Spectral|JPEG Full|JPEG-LS Near|JPEG 2000$|HTJ2K$/;

const rows = manifest();
const decodable = rows.filter((row) => row.expected === 'decodable' && !VIDEO.test(row.transferSyntax));

describe('stored values of frame 1', () => {
  test('the collection is there', () => expect(decodable.length).toBeGreaterThan(180));

  test.each(decodable)('$path', async ({ path, transferSyntax, reference }) => {
    const file = parseDicom(readFileSync(new URL(path, root)));
    const frame = await decodeFileFrame(file);
    expect(frame.data.length).toBe(frame.rows * frame.columns * frame.samplesPerPixel);
    if (isColour(frame)) expect(rgb(frame, file.dataset).length).toBe(frame.rows * frame.columns * 3);
    if (reference === '') return;
    const exception = EXCEPTIONS[path];
    const [min, max, mean] =
      exception?.values ?? (reference.split('/').map(Number) as [number, number, number]);
    const tolerance = LOSSY.test(transferSyntax) ? 8 : 1e-6 * Math.max(1, Math.abs(max));
    let [low, high, sum] = [Infinity, -Infinity, 0];
    for (const value of frame.data) {
      if (value < low) low = value;
      if (value > high) high = value;
      sum += value;
    }
    expect(Math.abs(low - min), 'smallest').toBeLessThanOrEqual(tolerance);
    expect(Math.abs(high - max), 'largest').toBeLessThanOrEqual(tolerance);
    expect(Math.abs(sum / frame.data.length - mean), 'mean').toBeLessThanOrEqual(
      LOSSY.test(transferSyntax) ? 0.1 : 0.00051,
    );
  });

  test('the last frame of every multi-frame object', async () => {
    for (const { path } of decodable) {
      const file = parseDicom(readFileSync(new URL(path, root)));
      const frames = frameCount(file.dataset);
      // The last tile of this slide is 55 x 121 pixels in its stream, against Rows and Columns.
      if (path === 'microscopy/multiframe.dcm') continue;
      if (frames > 1) await expect(decodeFileFrame(file, frames), path).resolves.toBeDefined();
    }
  });
});

describe('damaged files', () => {
  const damaged = rows.filter((row) => row.expected.startsWith('malformed'));

  test.each(damaged)('$path', async ({ path }) => {
    let file;
    try {
      file = parseDicom(readFileSync(new URL(path, root)));
    } catch {
      return; // the parser's own tests look at these
    }
    const outcome = await decodeFileFrame(file).then(
      (frame) => frame.data.length,
      (thrown: { code: string }) => thrown.code,
    );
    if (typeof outcome === 'string') expect(outcome).toBe('pixels-undecodable');
  });
});

test.each(rows.filter((row) => VIDEO.test(row.transferSyntax)))('$path is refused', async ({ path }) => {
  const file = parseDicom(readFileSync(new URL(path, root)));
  await expect(decodeFileFrame(file)).rejects.toMatchObject({ code: 'pixels-undecodable' });
});

/** Lossless copies of one picture decode to the same values, whatever the codec. */
test.each([
  ['colour/SC_rgb.dcm', 'colour/SC_rgb_expb.dcm'],
  ['colour/SC_rgb.dcm', 'colour/SC_rgb_rle.dcm'],
  ['colour/SC_rgb.dcm', 'colour/SC_rgb_jpeg_gdcm.dcm'],
  ['colour/SC_rgb.dcm', 'transfer-syntax-other/htj2k_201_rgb.dcm'],
  ['colour/TestPattern_RGB.dcm', 'colour/TestPattern_JPEG-LS-Lossless.dcm'],
  ['colour/TestPattern_RGB.dcm', 'colour/TestPattern_JPEG-Lossless_RGB.dcm'],
])('%s = %s', async (native, coded) => {
  const [a, b] = await Promise.all(
    [native, coded].map(async (path) => {
      const file = parseDicom(readFileSync(new URL(path, root)));
      return Buffer.from(rgb(await decodeFileFrame(file), file.dataset));
    }),
  );
  expect(a!.equals(b!)).toBe(true);
});
