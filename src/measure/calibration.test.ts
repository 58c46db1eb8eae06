import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseDicom, toJson } from '../dicom/index.ts';
import { calibrationAt, calibrationOf, valueUnitOf } from './calibration.ts';
import { distance } from './geometry.ts';
import type { Header } from './header.ts';

const shared = (path: string): Header =>
  toJson(
    parseDicom(readFileSync(fileURLToPath(new URL(`../../../shared/dicom/${path}`, import.meta.url))))
      .dataset,
  ) as Header;
const header = (values: Record<string, unknown>): Header =>
  Object.fromEntries(
    Object.entries(values).map(([tag, value]) => [tag, { Value: Array.isArray(value) ? value : [value] }]),
  );

describe('how far apart pixels are (PS3.3 10.7.1)', () => {
  it('is what Pixel Spacing says in a cross-section, rows first', () => {
    expect(calibrationOf(header({ '00080060': 'CT', '00280030': [0.7, 0.5] }))).toEqual({
      kind: 'calibrated',
      row: 0.7,
      column: 0.5,
    });
  });
  it('is the detector’s in a radiograph without calibration, and says so', () => {
    expect(calibrationOf(header({ '00080060': 'DX', '00181164': [0.2, 0.1] }))).toEqual({
      kind: 'detector',
      row: 0.2,
      column: 0.1,
    });
    // Pixel Spacing that repeats the detector's is none.
    expect(
      calibrationOf(header({ '00080060': 'DX', '00181164': [0.2, 0.2], '00280030': [0.2, 0.2] })).kind,
    ).toBe('detector');
  });
  it('repeats the detector’s also where it was rounded on the way', () => {
    expect(
      calibrationOf(header({ '00080060': 'CR', '00181164': [0.139, 0.139], '00280030': [0.13899999, 0.139] }))
        .kind,
    ).toBe('detector');
    // A correction for 1 % of magnification is one.
    expect(
      calibrationOf(header({ '00080060': 'CR', '00181164': [0.139, 0.139], '00280030': [0.1376, 0.1376] }))
        .kind,
    ).toBe('calibrated');
  });
  it('is that of the film where a scanner’s is repeated, whatever the modality', () => {
    for (const modality of ['OT', 'CR', 'MR'])
      expect(
        calibrationOf(header({ '00080060': modality, '00182010': [0.1, 0.1], '00280030': [0.1, 0.1] })).kind,
      ).toBe('detector');
    expect(
      calibrationOf(
        header({
          '00080060': 'OT',
          '00182010': [0.1, 0.1],
          '00280030': [0.1, 0.1],
          '00280A02': 'FIDUCIAL',
        }),
      ).kind,
    ).toBe('calibrated');
    expect(
      calibrationOf(header({ '00080060': 'OT', '00182010': [0.1, 0.1], '00280030': [0.09, 0.09] })).kind,
    ).toBe('calibrated');
  });
  it('is divided by the magnification where that is stated', () => {
    expect(calibrationOf(header({ '00080060': 'MG', '00181164': [0.1, 0.1], '00181114': 1.25 }))).toEqual({
      kind: 'estimated',
      row: 0.08,
      column: 0.08,
    });
  });
  it('is calibrated where Pixel Spacing differs from the detector’s or names its calibration', () => {
    expect(
      calibrationOf(header({ '00080060': 'CR', '00181164': [0.2, 0.2], '00280030': [0.16, 0.16] })),
    ).toEqual({ kind: 'calibrated', row: 0.16, column: 0.16 });
    expect(
      calibrationOf(header({ '00080060': 'CR', '00280030': [0.16, 0.16], '00280A02': 'FIDUCIAL' })).kind,
    ).toBe('calibrated');
  });
  it('is unknown otherwise; the shape of pixels is kept', () => {
    expect(calibrationOf({})).toEqual({ kind: 'none', row: 1, column: 1 });
    expect(calibrationOf(header({ '00280034': [2, 1] }))).toEqual({ kind: 'none', row: 2, column: 1 });
    // Half a pair, zero and nonsense are no spacing.
    for (const spacing of [[0.2], [0, 0], [0.2, null], ['a', 'b'], [-1, -1]])
      expect(calibrationOf(header({ '00080060': 'CT', '00280030': spacing })).kind).toBe('none');
  });
  it('is that of the frame in an enhanced object', () => {
    const measures = (spacing: number[]) => ({ '00289110': { Value: [{ '00280030': { Value: spacing } }] } });
    const enhanced = {
      '52009229': { Value: [measures([0.9, 0.9])] },
      '52009230': { Value: [{}, measures([0.5, 0.25])] },
    };
    expect(calibrationOf(enhanced, 1)).toMatchObject({ row: 0.9, column: 0.9 });
    expect(calibrationOf(enhanced, 2)).toMatchObject({ row: 0.5, column: 0.25 });
  });
  it('reads real headers', () => {
    expect(calibrationOf(shared('ct/CT_small.dcm'))).toMatchObject({ kind: 'calibrated', row: 0.661468 });
    expect(calibrationOf(shared('ultrasound/no-pixel-spacing.dcm')).kind).toBe('none');
    expect(valueUnitOf(shared('ct/CT_small.dcm'))).toBe('HU');
    expect(valueUnitOf(shared('radiographs/dx_image.dcm'))).toBe('');
  });
});

describe('regions of ultrasound (PS3.3 C.8.5.5)', () => {
  const region = (box: [number, number, number, number], more: Record<string, unknown>) => ({
    ...header({
      '00186012': 1,
      '00186024': 3,
      '00186026': 3,
      '0018602C': 0.01,
      '0018602E': 0.02,
      '00186018': box[0],
      '0018601A': box[1],
      '0018601C': box[2],
      '0018601E': box[3],
      ...more,
    }),
  });
  const image = {
    '00186011': {
      Value: [
        region([0, 0, 399, 299], {}),
        region([100, 100, 199, 199], { '0018602C': 0.005, '0018602E': 0.005 }),
        region([0, 300, 399, 399], { '00186012': 3, '00186024': 4, '00186026': 7 }),
      ],
    },
  };
  it('takes the smallest region that holds all points, in mm', () => {
    const outer = calibrationAt(image, 1, [
      [10, 10],
      [10, 110],
    ]);
    expect(outer).toEqual({ kind: 'region', row: 0.2, column: 0.1 });
    expect(distance([10, 10], [10, 110], outer)).toBeCloseTo(20, 9);
    expect(
      calibrationAt(image, 1, [
        [110, 110],
        [150, 150],
      ]),
    ).toMatchObject({ row: 0.05, column: 0.05 });
  });
  it('knows nothing between regions, outside them, and in a spectrum', () => {
    for (const points of [
      [
        [10, 10],
        [10, 350],
      ],
      [
        [500, 10],
        [510, 10],
      ],
      [
        [10, 320],
        [50, 350],
      ],
    ] as const)
      expect(calibrationAt(image, 1, points).kind).toBe('none');
  });
});
