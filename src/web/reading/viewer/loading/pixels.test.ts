import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Metadata } from './dicomweb.ts';
import { drawable, rangeOfWindow, windowOfRange } from './voi.ts';
import { formOf, greyOf, lutOf, storedValues } from './pixels.ts';

const us = (...Value: number[]) => ({ vr: 'US', Value });
const form = (bitsStored: number, signed: boolean) => ({
  rows: 1,
  columns: 4,
  bitsAllocated: 16,
  bitsStored,
  signed,
  photometric: 'MONOCHROME2',
  samples: 1,
  float: false,
});

describe('stored values (PS3.5 8.1.1)', () => {
  test('bits above Bits Stored are no part of the value', () => {
    const bytes = new Uint16Array([0x0fff, 0xf001, 0x8000, 0x1234]).buffer;
    expect([...storedValues(bytes, form(12, false))]).toEqual([0x0fff, 1, 0, 0x234]);
  });
  test('the sign is that of the highest stored bit', () => {
    const bytes = new Uint16Array([0x0fff, 0x0800, 0x07ff, 0]).buffer;
    expect([...storedValues(bytes, form(12, true))]).toEqual([-1, -2048, 2047, 0]);
  });
  test('whatever fits into the stored bits comes back', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 16 }),
        fc.array(fc.nat(), { minLength: 4, maxLength: 4 }),
        (bits, numbers) => {
          const values = numbers.map((value) => (value % 2 ** bits) - 2 ** (bits - 1));
          const bytes = new Int16Array(values).buffer;
          expect([...storedValues(bytes, form(bits, true))]).toEqual(values);
        },
      ),
    );
  });
  test('a frame that is too short is refused', () => {
    expect(() => storedValues(new ArrayBuffer(6), form(16, false))).toThrow();
  });
});

describe('grey values', () => {
  test('rescale is applied; the first window of the header is used', () => {
    const data: Metadata = {
      '00281052': { vr: 'DS', Value: [-1024] },
      '00281053': { vr: 'DS', Value: [2] },
      '00281050': { vr: 'DS', Value: [40, 400] },
      '00281051': { vr: 'DS', Value: [80, 1500] },
    };
    const grey = greyOf(Int16Array.of(0, 500, 1000), data);
    expect([...grey.values]).toEqual([-1024, -24, 976]);
    expect(grey.window).toEqual({ centre: 40, width: 80 });
    expect(grey.presets).toHaveLength(2);
  });
  test('without a window the whole range is shown', () => {
    const { window } = greyOf(Uint8Array.of(10, 20, 30), {});
    expect(rangeOfWindow(window)).toEqual({ lower: 10, upper: 30 });
  });
  test('a VOI LUT given by address is fetched and clamped at its ends (PS3.3 C.11.2.1.1)', async () => {
    const data: Metadata = {
      '00283010': {
        vr: 'SQ',
        Value: [{ '00283002': us(4, 10, 16), '00283006': { vr: 'OW', BulkDataURI: 'http://x/bulk' } }],
      },
    };
    const voi = await lutOf(data, '00283010', async () => new Uint16Array([0, 100, 200, 400]).buffer);
    const grey = greyOf(Uint16Array.of(0, 10, 11, 12, 13, 99), data, { voi: voi! });
    expect([...grey.values]).toEqual([0, 0, 100, 200, 400, 400]);
    expect(rangeOfWindow(grey.window)).toEqual({ lower: 0, upper: 65535 });
  });
  test('a window reaches black and white where the standard says (PS3.3 C.11.2.1.2.1, C.11.2.1.3.2)', () => {
    expect(rangeOfWindow({ centre: 2048, width: 4096 })).toEqual({ lower: 0, upper: 4095 });
    expect(rangeOfWindow({ centre: 2048, width: 4096, function: 'LINEAR_EXACT' })).toEqual({
      lower: 0,
      upper: 4096,
    });
    for (const name of [undefined, 'LINEAR', 'LINEAR_EXACT', 'SIGMOID'] as const) {
      const window = { centre: 40, width: 400, ...(name && { function: name }) };
      expect(windowOfRange(rangeOfWindow(window), name)).toEqual(window);
    }
  });
  test('each frame of an enhanced image has its own window and rescale', () => {
    const frame = (centre: number, slope: number): Metadata => ({
      '00289132': {
        vr: 'SQ',
        Value: [{ '00281050': { vr: 'DS', Value: [centre] }, '00281051': { vr: 'DS', Value: [10] } }],
      },
      '00289145': {
        vr: 'SQ',
        Value: [{ '00281052': { vr: 'DS', Value: [1] }, '00281053': { vr: 'DS', Value: [slope] } }],
      },
    });
    const data: Metadata = { '52009230': { vr: 'SQ', Value: [frame(5, 2), frame(7, 3)] } };
    const second = greyOf(Uint8Array.of(1, 2), data, { frame: 2 });
    expect([...second.values]).toEqual([4, 7]);
    expect(second.window).toEqual({ centre: 7, width: 10 });
  });
  test('padding does not count for the whole range, and is dark where the image is inverted', () => {
    const data: Metadata = {
      '00280120': { vr: 'US', Value: [0] },
      '00280004': { vr: 'CS', Value: ['MONOCHROME1'] },
    };
    const grey = greyOf(Uint16Array.of(0, 100, 200), data);
    expect(rangeOfWindow(grey.window)).toEqual({ lower: 100, upper: 200 });
    expect([...grey.values]).toEqual([200, 100, 200]);
  });
  test('padding of a rescaled image, whose values are written over the stored ones, does not count either', () => {
    const data: Metadata = {
      '00280103': us(1),
      '00280120': { vr: 'SS', Value: [-2000] },
      '00281052': { vr: 'DS', Value: [-1024] },
    };
    const grey = greyOf(Int16Array.of(-2000, 24, 1024), data);
    expect([...grey.values]).toEqual([-3024, -1000, 0]);
    expect(rangeOfWindow(grey.window)).toEqual({ lower: -1000, upper: 0 });
  });
  test('padding among other values is as dark as the darkest, as the server draws it', () => {
    const data: Metadata = { '00280103': us(1), '00280120': { vr: 'SS', Value: [-2000] } };
    const grey = greyOf(Int16Array.of(-2315, -2000, 0, 2409), data);
    expect([...grey.values]).toEqual([-2315, -2315, 0, 2409]);
    expect(rangeOfWindow(grey.window)).toEqual({ lower: -2315, upper: 2409 });
  });
  test('an image of one value is black (as the server draws it), whatever the value', () => {
    const { lower, upper } = rangeOfWindow(greyOf(Uint8Array.of(7, 7), {}).window);
    expect(lower).toBe(7);
    expect(upper).toBeGreaterThan(7);
  });
  test('a width of one is a threshold, never an empty range (PS3.3 C.11.2.1.2.1)', () => {
    for (const [window, threshold] of [
      [{ centre: 100, width: 1 }, 99.5],
      [{ centre: 0.5, width: 1, function: 'LINEAR' }, 0],
    ] as const) {
      const { lower, upper } = rangeOfWindow(window);
      expect(lower).toBe(threshold);
      expect(upper).toBeGreaterThan(lower);
      expect(rangeOfWindow(drawable(window)).upper).toBeGreaterThan(rangeOfWindow(drawable(window)).lower);
    }
  });
  test('float pixels are values of their own (PS3.3 C.7.6.24)', () => {
    const data: Metadata = {
      '7FE00008': { vr: 'OF' },
      '00280100': { vr: 'US', Value: [32] },
      '00280010': { vr: 'US', Value: [1] },
      '00280011': { vr: 'US', Value: [2] },
    };
    expect([...storedValues(Float32Array.of(0.5, -2).buffer, formOf(data))]).toEqual([0.5, -2]);
  });
});

test('the form of the pixels has the defaults of the standard', () => {
  expect(formOf({})).toMatchObject({ bitsAllocated: 8, samples: 1, signed: false });
});
