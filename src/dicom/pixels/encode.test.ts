import { expect, test } from 'vitest';
import { corpusFile as shared } from '../corpus.ts';
import { parseDicom } from '../parse.ts';
import { decodeFrame } from './decode.ts';
import { canEncode, ENCODABLE, transcodeFrame } from './encode.ts';
import { decodeFileFrame, encodedFrame } from './file.ts';

/** Signed and unsigned, 8 to 16 bits, native and compressed. */
const FILES = [
  'ct/CT_small.dcm',
  'ct/ct-3slice_01.dcm',
  'transfer-syntax-mr/MR_small.dcm',
  'transfer-syntax-mr/MR_small_jp2klossless.dcm',
  '../radiographs/dicom/DX01_FOOT_AP_1604.dcm',
];

test.each(FILES)('%s keeps every value in each codec', async (path) => {
  const file = parseDicom(shared(path));
  const { encoded, attributes } = encodedFrame(file, 1);
  const { data } = await decodeFileFrame(file);
  for (const to of ENCODABLE) {
    expect(canEncode(to, attributes)).toBe(true);
    const stream = await transcodeFrame(encoded, file.transferSyntax, to, attributes);
    const again = await decodeFrame(stream, to, attributes);
    expect([to, Buffer.compare(Buffer.from(again.data.buffer), Buffer.from(data.slice().buffer))]).toEqual([
      to,
      0,
    ]);
  }
});

test('HTJ2K begins with a small picture', async () => {
  const file = parseDicom(shared('ct/ct-3slice_01.dcm'));
  const { encoded, attributes } = encodedFrame(file, 1);
  const stream = await transcodeFrame(encoded, file.transferSyntax, '1.2.840.10008.1.2.4.202', attributes);
  const small = await decodeFrame(stream, '1.2.840.10008.1.2.4.202', attributes, {
    atLeast: { width: 64, height: 64 },
  });
  expect([small.columns, small.rows]).toEqual([64, 64]);
});

test('what cannot be kept is refused', async () => {
  const file = parseDicom(shared('ct/CT_small.dcm'));
  const { encoded, attributes } = encodedFrame(file, 1);
  for (const [to, wrong] of [
    ['1.2.840.10008.1.2.4.50', {}],
    ['1.2.840.10008.1.2.4.80', { samplesPerPixel: 3 }],
    ['1.2.840.10008.1.2.4.80', { bitsAllocated: 32 }],
  ] as const)
    await expect(
      transcodeFrame(encoded, file.transferSyntax, to, { ...attributes, ...wrong }),
    ).rejects.toMatchObject({
      code: 'pixels-undecodable',
    });
});
