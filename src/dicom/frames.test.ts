import { describe, expect, it } from 'vitest';
import { corpusFile } from './corpus.ts';
import {
  DicomError,
  dataset,
  frameBytes,
  frameOffsets,
  parseDicom,
  writePart10,
  type BuilderValue,
} from './index.ts';

const jpeg = (...rest: number[]): Uint8Array => Uint8Array.of(0xff, 0xd8, ...rest);
const more = (...rest: number[]): Uint8Array => Uint8Array.of(...rest);

function encapsulated(frames: number, fragments: Uint8Array[], extended: Record<string, BuilderValue> = {}) {
  return parseDicom(
    writePart10({
      json: dataset({
        SOPClassUID: '1.2',
        SOPInstanceUID: '1.3',
        NumberOfFrames: frames,
        ...extended,
        PixelData: { vr: 'OB', Fragments: fragments },
      }),
      meta: { transferSyntax: '1.2.840.10008.1.2.4.50' },
    }),
  );
}
const offsets = (...values: number[]): Uint8Array => new Uint8Array(new Uint32Array(values).buffer);
const offsets64 = (...values: number[]): Uint8Array =>
  new Uint8Array(new BigUint64Array(values.map(BigInt)).buffer);
const bytes = (file: ReturnType<typeof parseDicom>, n: number): number[] => [...frameBytes(file, n)!];

describe('encapsulated', () => {
  it('a fragment a frame, without a table', () => {
    const file = encapsulated(2, [more(), more(1, 2), more(3, 4)]);
    expect([bytes(file, 1), bytes(file, 2)]).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(frameBytes(file, 3)).toBeUndefined();
  });
  it('one frame in many fragments', () => {
    expect(bytes(encapsulated(1, [more(), more(1, 2), more(3, 4)]), 1)).toEqual([1, 2, 3, 4]);
  });
  it('by the Basic Offset Table', () => {
    const file = encapsulated(2, [offsets(0, 20), more(1, 2), more(3, 4), more(5, 6)]);
    expect([bytes(file, 1), bytes(file, 2)]).toEqual([
      [1, 2, 3, 4],
      [5, 6],
    ]);
  });
  it('by the Extended Offset Table', () => {
    const file = encapsulated(2, [more(), more(1, 2), more(3, 4), more(5, 6)], {
      ExtendedOffsetTable: offsets64(0, 10),
    });
    expect([bytes(file, 1), bytes(file, 2)]).toEqual([
      [1, 2],
      [3, 4, 5, 6],
    ]);
  });
  it('by the beginnings of images, when the table is stale', () => {
    const file = encapsulated(2, [offsets(0, 1000), jpeg(1, 2), more(3, 4), jpeg(5, 6)]);
    expect([bytes(file, 1), bytes(file, 2)]).toEqual([
      [0xff, 0xd8, 1, 2, 3, 4],
      [0xff, 0xd8, 5, 6],
    ]);
  });
  it('says so when they cannot be told apart', () => {
    expect(() => frameOffsets(encapsulated(2, [more(), more(1, 2), more(3, 4), more(5, 6)]))).toThrow(
      DicomError,
    );
    expect(() => frameOffsets(encapsulated(9, [more(), more(1, 2)]))).toThrow(DicomError);
  });
});

describe('native', () => {
  const native = (attributes: Record<string, BuilderValue>, length: number) =>
    parseDicom(
      writePart10({
        json: dataset({
          SOPClassUID: '1.2',
          SOPInstanceUID: '1.3',
          Rows: 3,
          Columns: 3,
          ...attributes,
          PixelData: Uint8Array.from({ length }, (_, index) => index),
        }),
      }),
    );
  it('by arithmetic', () => {
    const file = native({ BitsAllocated: 8, NumberOfFrames: 2 }, 18);
    expect(bytes(file, 2)).toEqual([9, 10, 11, 12, 13, 14, 15, 16, 17]);
  });
  it('one bit a pixel, not aligned: PS3.5 8.1.1', () => {
    const file = native({ BitsAllocated: 1, NumberOfFrames: 3 }, 4);
    const table = frameOffsets(file)!;
    expect(table.runs(2)).toEqual([{ offset: file.pixelData!.offset + 1, length: 2 }]);
    expect(table.bitOffset(2)).toBe(1);
    expect(table.runs(3)).toEqual([{ offset: file.pixelData!.offset + 2, length: 2 }]);
  });
  it('YBR_FULL_422 has two samples a pixel', () => {
    const file = parseDicom(corpusFile('colour/SC_ybr_full_422_uncompressed.dcm'));
    expect(frameBytes(file, 1)!.length).toBe(100 * 100 * 2);
  });
  it('refuses what is too short, takes what is longer', () => {
    expect(() => frameOffsets(native({ BitsAllocated: 16 }, 16))).toThrow(
      expect.objectContaining({ code: 'pixel-length' }),
    );
    expect(frameOffsets(native({ BitsAllocated: 16 }, 20))!.runs(1)![0]!.length).toBe(18);
  });
});
