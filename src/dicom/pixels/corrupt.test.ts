/** Streams cut or with bytes changed: a picture or `pixels-undecodable`, soon, and the next frame decodes as ever. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeFrame } from './decode.ts';
import { encodedFrame } from './file.ts';
import { parseDicom } from '../parse.ts';

const files = {
  RLE: 'transfer-syntax-mr/MR_small_RLE.dcm',
  'JPEG baseline': 'transfer-syntax-other/JPEGBaseline_1s_1f_u_08_08.dcm',
  'JPEG extended, 12 bits': 'transfer-syntax-other/JPGExtended.dcm',
  'JPEG progressive, 12 bits': 'transfer-syntax-ct/CTImage_JPEGProcess10_12_1.2.840.10008.1.2.4.55.dcm',
  'JPEG lossless': 'transfer-syntax-mr/MR-JPEGLosslessSV1.dcm',
  'JPEG-LS': 'transfer-syntax-mr/MR_small_jpeg_ls_lossless.dcm',
  'JPEG 2000': 'transfer-syntax-mr/MR_small_jp2klossless.dcm',
  HTJ2K: 'transfer-syntax-other/htj2k_201_ct_signed16.dcm',
};

describe.each(Object.entries(files))('%s', (_, path) => {
  const file = parseDicom(readFileSync(new URL(`../../../../shared/dicom/${path}`, import.meta.url)));
  const { encoded, attributes } = encodedFrame(file, 1);
  const decode = (bytes: Uint8Array) => decodeFrame(bytes, file.transferSyntax, attributes);

  const outcome = async (bytes: Uint8Array): Promise<void> => {
    const start = performance.now();
    const result = await decode(bytes).then(
      (frame) => frame.data.length === attributes.rows * attributes.columns,
      (thrown: { code?: string }) => thrown.code === 'pixels-undecodable',
    );
    expect(result).toBe(true);
    expect(performance.now() - start).toBeLessThan(5000);
  };

  test('cut anywhere, or changed anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(encoded.length - 1),
        fc.array(fc.tuple(fc.nat(encoded.length - 1), fc.nat(255)), { maxLength: 4 }),
        async (cut, changes) => {
          await outcome(encoded.slice(0, cut));
          const changed = new Uint8Array(encoded);
          for (const [at, value] of changes) changed[at] = value;
          await outcome(changed);
        },
      ),
      { numRuns: 20, seed: 7 },
    );
  });

  test('decodes again after the damage, and refuses what the header does not describe', async () => {
    await decode(encoded.slice(0, 40)).catch(() => {});
    const frame = await decode(encoded);
    expect(frame.data.length).toBe(attributes.rows * attributes.columns);
    for (const change of [{ rows: 0 }, { bitsAllocated: 12 }, { bitsStored: 40 }, { samplesPerPixel: 3 }])
      await expect(
        decodeFrame(encoded, file.transferSyntax, { ...attributes, ...change }),
      ).rejects.toMatchObject({ code: 'pixels-undecodable' });
  });

  test('noise', () => outcome(Uint8Array.from({ length: 5000 }, (_, i) => (i * 7919) & 255)));
});

test('JPEG lossless and 12-bit streams that are cut are errors, never half a picture', async () => {
  for (const path of [files['JPEG lossless'], files['JPEG extended, 12 bits']]) {
    const file = parseDicom(readFileSync(new URL(`../../../../shared/dicom/${path}`, import.meta.url)));
    const { encoded, attributes } = encodedFrame(file, 1);
    const half = encoded.slice(0, encoded.length >> 1);
    await expect(decodeFrame(half, file.transferSyntax, attributes)).rejects.toMatchObject({
      code: 'pixels-undecodable',
    });
  }
});
