import { expect, test } from 'vitest';
import {
  framesOn,
  placeOn,
  rgbOfLab,
  segmentationOf,
  sharesOf,
} from '../../web/reading/objects/segmentation.ts';
import { toJson } from '../json.ts';
import { parseDicom } from '../parse.ts';
import { writePart10 } from '../write.ts';
import { labOf } from './colour.ts';
import { dciodvfyErrors, hasDciodvfy } from './dciodvfy.ts';
import { packFrame, segmentation } from './segmentation.ts';
import type { SegmentationObject } from './segmentation.ts';
import { SCT } from './srContent.ts';

const ROWS = 3;
const COLUMNS = 5; // 15 pixels a frame: frames do not begin at a byte
/** Of each source: pixels of the segments 1 and 2. */
const SLICES = ['....................2'.slice(-15), '11...11..........'.slice(0, 15), '1.............2'];
const sources = SLICES.map((_, i) => ({
  studyUid: '1.2',
  seriesUid: '1.2.3',
  sopClassUid: '1.2.840.10008.5.1.4.1.1.4',
  sopInstanceUid: `1.2.3.${i + 1}`,
}));
const listed = ['1', '2'].map((n) => SLICES.flatMap((slice, i) => (slice.includes(n) ? [i] : [])));

function made(placed: boolean): SegmentationObject {
  const frames = listed.flatMap((of, segment) => of.map((source) => ({ segment: segment + 1, source })));
  const bits = new Uint8Array(Math.ceil((frames.length * ROWS * COLUMNS) / 8));
  frames.forEach(({ segment, source }, frame) =>
    packFrame(bits, frame, ROWS * COLUMNS, (pixel) => SLICES[source]![pixel] === String(segment)),
  );
  return {
    study: { StudyInstanceUID: '1.2', PatientName: 'Essai^Cerveau', PatientID: '1', StudyDate: '20260102' },
    equipment: { manufacturer: 'Negatoscope', model: 'Negatoscope', version: '1.0.0' },
    at: new Date(Date.UTC(2026, 0, 2)),
    seriesDescription: 'Brain tissue',
    sopInstanceUid: '1.2.9',
    seriesInstanceUid: '1.2.8',
    rows: ROWS,
    columns: COLUMNS,
    sources,
    geometry: placed
      ? {
          frameOfReferenceUid: '1.2.7',
          orientation: [0, 1, 0, 0, 0, 1],
          spacing: [0.5, 0.25],
          thickness: null,
          between: 2,
          positions: SLICES.map((_, i) => [2 * i, 10, 20]),
        }
      : null,
    segments: ['White matter', 'Grey matter'].map((label, i) => ({
      label,
      category: SCT('85756007', 'Tissue'),
      type: SCT(['389080008', '389081007'][i]!, ['White Matter', 'Gray Matter'][i]!),
      trackingId: label,
      trackingUid: `1.2.6.${i}`,
      colour: ['#e6d6b8', '#56b4e9'][i]!,
      sources: listed[i]!,
    })),
    algorithm: { name: 'MeshNet', version: '1.0.0', manufacturer: 'brainchop', parameters: ['model=brain'] },
    bits,
  };
}

test.each([true, false])('read back, every pixel is where it was; placed in the patient: %s', (placed) => {
  const file = writePart10({ json: segmentation(made(placed)) });
  if (hasDciodvfy) expect(dciodvfyErrors(file)).toEqual([]);
  const { dataset, pixelData } = parseDicom(file);
  const json = toJson(dataset);
  // The viewer's own reader.
  const read = segmentationOf(json);
  expect(read).toMatchObject({ type: 'BINARY', rows: ROWS, columns: COLUMNS, bitsAllocated: 1 });
  expect(read.segments.map((s) => [s.number, s.label, s.property?.value, s.by])).toEqual([
    [1, 'White matter', '389080008', 'AUTOMATIC'],
    [2, 'Grey matter', '389081007', 'AUTOMATIC'],
  ]);
  expect(read.segments.map((s) => s.colour)).toEqual([
    [0xe6, 0xd6, 0xb8],
    [0x56, 0xb4, 0xe9],
  ]);
  const bytes = Buffer.from(file.subarray(pixelData!.offset, pixelData!.offset + pixelData!.length));
  const bit = (at: number): number => (bytes[at >> 3]! >> (at & 7)) & 1;
  for (const [i, source] of sources.entries()) {
    const image = { metadata: {}, sopInstanceUid: source.sopInstanceUid, frame: 1 };
    const shown = Array.from({ length: ROWS * COLUMNS }, () => '.');
    for (const { frame, segment, plane } of framesOn(read, image)) {
      if (placed) expect(plane!.position).toEqual([2 * i, 10, 20]);
      for (let pixel = 0; pixel < ROWS * COLUMNS; pixel += 1)
        if (bit((frame - 1) * ROWS * COLUMNS + pixel)) shown[pixel] = String(segment);
    }
    expect(shown.join('')).toBe(SLICES[i]);
  }
  expect(read.frames.length).toBe(listed.flat().length);
});

test('a frame of a whole number of bytes is what the viewer takes as it stands', () => {
  const bits = new Uint8Array(16);
  packFrame(bits, 1, 64, (pixel) => pixel % 9 === 0);
  const frame = { type: 'BINARY', rows: 8, columns: 8, bitsAllocated: 1, maximum: 255 } as never;
  const shares = sharesOf(bits.subarray(8), frame, 1);
  expect([...shares].flatMap((share, i) => (share ? [i] : []))).toEqual([0, 9, 18, 27, 36, 45, 54, 63]);
  expect(placeOn({}, { frame: 1, segment: 1, source: undefined, plane: undefined }, { metadata: {}, frame: 1 })).toEqual([1, 0, 0, 1, 0, 0]); // prettier-ignore
});

test('without a pixel there is no object, and bits of another size are refused', () => {
  const empty = { ...made(true), segments: made(true).segments.map((s) => ({ ...s, sources: [] })) };
  expect(() => segmentation(empty)).toThrow(expect.objectContaining({ code: 'segmentation-empty' }));
  expect(() => segmentation({ ...made(true), bits: new Uint8Array(3) })).toThrow(
    expect.objectContaining({ code: 'segmentation-bits' }),
  );
});

// Lindbloom's CIE colour calculator (sRGB, D50 reference): #ffffff 100 0 0; #ff0000 54.29 80.81 69.89; #0000ff 29.57 68.30 −112.03.
test.each([
  ['#ffffff', 100, 0, 0],
  ['#ff0000', 54.29, 80.81, 69.89],
  ['#0000ff', 29.57, 68.3, -112.03],
])('%s as CIELab', (hex, l, a, b) => {
  const lab = labOf(hex);
  expect((lab[0] * 100) / 65535).toBeCloseTo(l, 1);
  expect((lab[1] * 255) / 65535 - 128).toBeCloseTo(a, 1);
  expect((lab[2] * 255) / 65535 - 128).toBeCloseTo(b, 1);
  const rgb = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  expect(rgbOfLab(lab)).toEqual(rgb);
});
