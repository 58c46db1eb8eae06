import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Metadata } from './dicomweb.ts';
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
    expect(greyOf(Uint8Array.of(10, 20, 30), {}).window).toEqual({ centre: 20, width: 20 });
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
    expect(grey.window).toEqual({ centre: 200, width: 400 });
  });
});

test('the form of the pixels has the defaults of the standard', () => {
  expect(formOf({})).toMatchObject({ bitsAllocated: 8, samples: 1, signed: false });
});
