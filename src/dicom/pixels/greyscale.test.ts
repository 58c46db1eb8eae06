import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dataset } from '../builder.ts';
import type { Attributes } from '../builder.ts';
import { parseDataSet } from '../parse.ts';
import type { DataSet } from '../types.ts';
import { EXPLICIT_LE } from '../uids.ts';
import { encodeDataSet } from '../write.ts';
import { expandSegments, rgb } from './colour.ts';
import { greyBytes, greyscale, greyTable } from './greyscale.ts';
import { maskToStored } from './native.ts';
import type { DecodedFrame } from './types.ts';

const read = (attributes: Attributes): DataSet =>
  parseDataSet(encodeDataSet(dataset(attributes)), EXPLICIT_LE);

const frameOf = (values: number[], change: Partial<DecodedFrame> = {}): DecodedFrame => ({
  rows: 1,
  columns: values.length,
  samplesPerPixel: 1,
  bitsStored: 12,
  signed: false,
  photometric: 'MONOCHROME2',
  data: Uint16Array.from(values),
  ...change,
});

const words = (...values: number[]): Uint8Array => new Uint8Array(Uint16Array.from(values).buffer);

describe('greyscale', () => {
  test('rescale, then window', () => {
    const data = read({ RescaleSlope: 2, RescaleIntercept: -1000, WindowCenter: 40, WindowWidth: 401 });
    const image = greyscale(frameOf([0, 420, 520, 620, 4095]), data);
    // x = 2 s - 1000: -1000, -160, 40, 240, 7190; PS3.3 C.11.2.1.2.1: (x - 39.5) / 400 + 0.5
    const expected = [0, (-199.5 / 400 + 0.5) * 255, (0.5 / 400 + 0.5) * 255, 255, 255];
    expected.forEach((value, i) => expect(image.data[i]).toBeCloseTo(value, 4));
    expect([image.min, image.max]).toEqual([0, 255]);
  });

  test('MONOCHROME1 is max - v, and padding stays dark', () => {
    const data = read({
      WindowCenter: 2048,
      WindowWidth: 4096,
      PixelRepresentation: 0,
      PixelPaddingValue: 4095,
    });
    const { data: values } = greyscale(frameOf([0, 4094, 4095], { photometric: 'MONOCHROME1' }), data);
    expect(values[0]).toBe(255);
    expect(values[1]).toBeCloseTo(255 - (4094 / 4095) * 255, 3);
    expect(values[2]).toBe(0);
  });

  test('a padding range, signed', () => {
    const data = read({
      PixelRepresentation: 1,
      PixelPaddingValue: -2000,
      PixelPaddingRangeLimit: -1500,
      WindowCenter: 0,
      WindowWidth: 10000,
    });
    const frame = frameOf([], { columns: 4, signed: true, data: Int16Array.of(-2000, -1600, -1500, -1499) });
    const { data: values } = greyscale(frame, data);
    expect([...values.subarray(0, 3)]).toEqual([0, 0, 0]);
    expect(values[3]).toBeGreaterThan(80);
  });

  test('without a window: identity for models, stretched for eyes', () => {
    const data = read({
      RescaleSlope: 1,
      RescaleIntercept: -10,
      PixelRepresentation: 0,
      PixelPaddingValue: 0,
    });
    const frame = frameOf([0, 100, 300, 200]);
    expect(greyscale(frame, data, { withoutVoi: 'identity' })).toMatchObject({
      min: 90,
      max: 290,
      data: Float32Array.of(90, 90, 290, 190),
    });
    expect([...greyscale(frame, data).data]).toEqual([0, 0, 255, 127.5]);
    const inverted = greyscale({ ...frame, photometric: 'MONOCHROME1' }, data, { withoutVoi: 'identity' });
    expect([...inverted.data]).toEqual([0, 200, 0, 100]);
  });

  test('a VOI LUT comes before a window; its range is its bits', () => {
    const data = read({
      WindowCenter: 1,
      WindowWidth: 1,
      VOILUTSequence: [
        {
          LUTDescriptor: { vr: 'US', Value: [4, 10, 10] },
          LUTData: { vr: 'OW', Binary: words(0, 100, 900, 1023) },
        },
      ],
    });
    const image = greyscale(frameOf([0, 10, 11, 12, 13, 99]), data);
    expect([...image.data]).toEqual([0, 0, 100, 900, 1023, 1023]);
    expect(image.max).toBe(1023);
    expect([...greyBytes(frameOf([0, 12, 99]), data)]).toEqual([0, Math.round((900 / 1023) * 255), 255]);
  });

  test('a Modality LUT of 8-bit entries', () => {
    const data = read({
      ModalityLUTSequence: [
        {
          LUTDescriptor: { vr: 'US', Value: [4, 0, 8] },
          LUTData: { vr: 'OW', Binary: Uint8Array.of(9, 7, 5, 3) },
        },
      ],
    });
    const image = greyscale(frameOf([0, 1, 2, 3]), data, { withoutVoi: 'identity' });
    expect([...image.data]).toEqual([9, 7, 5, 3]);
  });

  test('functional groups of the frame', () => {
    const voi = (center: number): Attributes => ({
      FrameVOILUTSequence: [{ WindowCenter: center, WindowWidth: 2, VOILUTFunction: 'LINEAR_EXACT' }],
    });
    const data = read({
      SharedFunctionalGroupsSequence: [
        { PixelValueTransformationSequence: [{ RescaleSlope: 10, RescaleIntercept: 0 }] },
      ],
      PerFrameFunctionalGroupsSequence: [voi(10), voi(20)],
    });
    expect([...greyscale(frameOf([1, 2]), data, { frame: 1 }).data]).toEqual([127.5, 255]);
    expect([...greyscale(frameOf([1, 2]), data, { frame: 2 }).data]).toEqual([0, 127.5]);
  });

  test('a table for many pixels gives what single values give', () => {
    const data = read({ WindowCenter: 600, WindowWidth: 900, VOILUTFunction: 'SIGMOID' });
    const values = Array.from({ length: 4096 }, (_, i) => i);
    const all = greyscale(frameOf(values), data).data;
    for (const value of [0, 1, 599, 600, 2000, 4095])
      expect(all[value]).toBe(greyscale(frameOf([value]), data).data[0]);
  });
});

test('a table over words gives what stored values give, whatever bits, sign, padding and window', () => {
  const number = (min: number, max: number) => fc.integer({ min, max });
  fc.assert(
    fc.property(
      fc.record({
        size: fc.constantFrom(1 as const, 2 as const),
        bits: number(1, 16),
        high: number(0, 15),
        signed: fc.boolean(),
        photometric: fc.constantFrom('MONOCHROME1', 'MONOCHROME2'),
        slope: fc.constantFrom(1, -2, 0.5, 17),
        intercept: fc.constantFrom(0, -1024),
        window: fc.option(
          fc.record({
            center: number(-3000, 3000),
            width: number(1, 5000),
            function: fc.constantFrom('LINEAR' as const, 'LINEAR_EXACT' as const, 'SIGMOID' as const),
          }),
        ),
        padding: fc.option(fc.tuple(number(0, 3000), number(0, 3000))),
        words: fc.array(number(0, 65535), { minLength: 1, maxLength: 40 }),
      }),
      ({ size, bits, high, signed, photometric, slope, intercept, window, padding, words: every }) => {
        const allocated = size * 8;
        const bitsStored = Math.min(bits, allocated);
        const highBit = Math.min(allocated - 1, Math.max(high, bitsStored - 1));
        const data = read({
          RescaleSlope: slope,
          RescaleIntercept: intercept,
          PixelRepresentation: signed ? 1 : 0,
          ...(window && {
            WindowCenter: window.center,
            WindowWidth: window.width,
            VOILUTFunction: window.function,
          }),
          ...(padding && { PixelPaddingValue: padding[0], PixelPaddingRangeLimit: padding[1] }),
        });
        const Words = size === 1 ? Uint8Array : Uint16Array;
        const raw = Words.from(every);
        const attributes = {
          rows: 1,
          columns: raw.length,
          samplesPerPixel: 1,
          bitsAllocated: allocated,
          bitsStored,
          highBit,
          pixelRepresentation: signed ? 1 : 0,
          photometric,
          planarConfiguration: 0,
        };
        const stored = maskToStored(raw.slice(), attributes);
        const frame = frameOf([], { columns: raw.length, bitsStored, signed, photometric, data: stored });
        const format = {
          samplesPerPixel: 1,
          signed,
          photometric,
          size,
          bitsStored,
          shift: highBit + 1 - bitsStored,
        };
        const seen = new Uint8Array(256 ** size);
        for (const word of raw) seen[word] = 1;
        const table = greyTable(format, data, {}, () => seen);
        expect([...raw].map((word) => table[word])).toEqual([...greyBytes(frame, data)]);
      },
    ),
    { numRuns: 300 },
  );
});

describe('colour', () => {
  test('YBR_FULL, worked out with PS3.3 C.7.6.3.1.2', () => {
    // (76, 85, 255) is red, (150, 44, 21) green, (29, 255, 107) blue, each within rounding
    const frame = frameOf([], {
      columns: 3,
      samplesPerPixel: 3,
      bitsStored: 8,
      photometric: 'YBR_FULL',
      data: Uint8Array.of(76, 85, 255, 150, 44, 21, 29, 255, 107),
    });
    const expected = [254, 0, 0, 0, 255, 1, 0, 0, 254];
    rgb(frame, read({ Modality: 'US' })).forEach((value, i) =>
      expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(1),
    );
  });

  test('a segmented palette: discrete, linear and repeated segments (PS3.3 C.7.9.2)', () => {
    // Two entries, then four steps from 20 to 60, then both again by their byte offset 0.
    const segments = [0, 2, 10, 20, 1, 4, 60, 2, 2, 0, 0];
    expect(expandSegments(segments, 12, 2)).toEqual([10, 20, 30, 40, 50, 60, 10, 20, 30, 40, 50, 60]);
  });

  test('a segmented palette that points at itself ends', () => {
    expect(() => expandSegments([2, 1, 0, 0], 256, 2)).toThrow(
      expect.objectContaining({ code: 'pixels-undecodable' }),
    );
  });
});
