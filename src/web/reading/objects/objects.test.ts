import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { presentationState } from '../../../dicom/build/presentationState.ts';
import { parseDicom, TAG, toJson } from '../../../dicom/index.ts';
import type { Metadata } from '../viewer/loading/dicomweb.ts';
import { headerLines, searchLines, words } from './attributes.ts';
import { conceptName } from './concepts.ts';
import { kindOf } from './kinds.ts';
import { presentationOf } from './presentation.ts';
import { framesOn, placeOn, rgbOfLab, segmentationOf, sharesOf } from './segmentation.ts';
import { imagesOf, makerOf, originOf, srTree, type SrNode } from './sr.ts';

const shared = fileURLToPath(new URL('../../../../../shared/dicom/', import.meta.url));
const fileOf = (path: string) => parseDicom(readFileSync(shared + path));
const metadataOf = (path: string) => toJson(fileOf(path).dataset) as Metadata;
const everything = (node: SrNode): SrNode[] => [node, ...node.children.flatMap(everything)];

describe('what an object is', () => {
  test.each([
    ['documents/pdf.dcm', 'pdf'],
    ['sr/test_SR.dcm', 'sr'],
    ['presentation-state/key_object_selection.dcm', 'keys'],
    ['presentation-state/gsps_ct_window_annotation.dcm', 'presentation'],
    ['seg/liver.dcm', 'segmentation'],
    ['rt/rtstruct.dcm', 'rt'],
    ['rt/rtplan.dcm', 'rt'],
    ['rt/rtdose.dcm', 'image'],
    ['rt/RI6XDosiGap.dcm', 'image'],
    ['waveform/waveform_ecg.dcm', 'waveform'],
    ['video/video_h264_hp41_us_cine.dcm', 'video'],
    ['video/video_mpeg2_mpml_us_cine.dcm', 'video'],
    ['ct/CT_small.dcm', 'image'],
    ['presentation-state/NeurosurgeryPlan.dcm', 'other'],
    ['parametric/rwvm.dcm', 'other'],
  ])('%s: %s', (path, kind) => {
    const { dataset, transferSyntax } = fileOf(path);
    const sopClassUid = dataset.string(TAG.SOPClassUID) ?? '';
    expect(kindOf({ sopClassUid, transferSyntax, rows: dataset.number(TAG.Rows) ?? null })).toBe(kind);
  });
});

describe('headers', () => {
  const data = metadataOf('presentation-state/gsps_ct_window_annotation.dcm');
  const names = new Map<number, string>(Object.entries(TAG).map(([keyword, tag]) => [tag, keyword]));
  const lines = headerLines(data, (tag) => names.get(parseInt(tag, 16)) ?? '');
  test('name every attribute, those within sequences too', () => {
    expect(lines.find(({ tag }) => tag === '00700081')).toMatchObject({
      name: 'Content Description',
      vr: 'LO',
      value: 'Fenêtre foie, annotation',
      depth: 0,
    });
    expect(lines.find(({ path }) => path === '(0070,0001)[1](0070,0008)[1](0070,0006)')).toMatchObject({
      value: 'Lésion ?',
      depth: 2,
    });
    expect(new Set(lines.map(({ path }) => path)).size).toBe(lines.length);
  });
  test('are found by words, tags and values, without accents and case', () => {
    const found = (question: string) => searchLines(lines, question).map(({ tag }) => tag);
    expect(found('fenetre')).toEqual(['00700081']);
    expect(found('0010,0020')).toEqual(['00100020']);
    expect(found('patientid')).toContain('00100020');
    expect(found('window width')).toEqual(['00281051']);
    expect(found('  ')).toHaveLength(lines.length);
  });
  test('split keywords into words', () => {
    expect(['SOPClassUID', 'PatientBirthDate', 'KVP', 'VOILUTSequence'].map(words)).toEqual([
      'SOP Class UID',
      'Patient Birth Date',
      'KVP',
      'VOILUT Sequence',
    ]);
  });
});

describe('structured reports', () => {
  test.each(readdirSync(shared + 'sr').filter((name) => name.endsWith('.dcm')))(
    '%s is read, though its maker broke rules',
    (name) => {
      const nodes = everything(srTree(metadataOf(`sr/${name}`)));
      expect(nodes.length).toBeGreaterThan(3);
      expect(nodes[0]!.type).toBe('CONTAINER');
      expect(new Set(nodes.map(({ id }) => id)).size).toBe(nodes.length);
      expect(
        nodes.filter(({ type, value }) => type === 'TEXT' && value).length +
          nodes.filter(({ type }) => type === 'NUM' || type === 'CODE').length,
      ).toBeGreaterThan(0);
    },
  );
  test('keep numbers with their unit, codes with their scheme', () => {
    const nodes = everything(srTree(metadataOf('sr/dcmqi_sr.dcm')));
    const measured = nodes.filter(({ type }) => type === 'NUM');
    expect(measured.length).toBeGreaterThan(5);
    expect(measured.every(({ value, unit }) => Number.isFinite(Number(value)) && unit)).toBe(true);
    expect(originOf(metadataOf('sr/dcmqi_sr.dcm')).person).toBe('User2');
  });
  test('machine and person are told apart, and what says neither is not guessed', () => {
    expect(makerOf(metadataOf('sr/dcmqi_sr.dcm'))).toBe('person');
    expect(makerOf(metadataOf('seg/seg_image_ct_binary.dcm'))).toBe('machine');
    expect(makerOf(metadataOf('presentation-state/gsps_ct_window_annotation.dcm'))).toBe('person');
    expect(makerOf(metadataOf('presentation-state/key_object_selection.dcm'))).toBe('unknown');
  });
  test('say the common concepts in French', () => {
    const code = { value: '121071', scheme: 'DCM', meaning: 'Finding' };
    expect([conceptName(code, 'fr'), conceptName(code, 'en')]).toEqual(['Constatation', 'Finding']);
    expect(conceptName({ value: 'x', scheme: '99LOCAL', meaning: 'Mine' }, 'fr')).toBe('Mine');
  });
  test('key objects name their images', () => {
    const root = srTree(metadataOf('presentation-state/key_object_selection.dcm'));
    expect(imagesOf(root).map(({ sopInstanceUid }) => sopInstanceUid.slice(-7))).toEqual([
      '23431.1',
      '23432.1',
    ]);
    expect(root.children[0]).toMatchObject({ type: 'TEXT', value: 'Coupes clés : foie' });
  });
});

describe('presentation states', () => {
  const data = metadataOf('presentation-state/gsps_ct_window_annotation.dcm');
  const image = '1.2.392.200103.20080913.113635.2.2009.6.22.21.43.10.23432.1';
  test('give window, drawings and texts of the image they name, and nothing to others', () => {
    expect(presentationOf(data, image, 1)).toMatchObject({
      label: 'FOIE',
      creator: 'Hépato^Zoé',
      window: { centre: 60, width: 160 },
      inverted: false,
      rotation: 0,
      flipped: false,
      area: { left: 0, top: 0, right: 511, bottom: 511 },
      graphics: [
        {
          type: 'POLYLINE',
          points: [
            [200, 150],
            [300, 150],
            [300, 250],
            [200, 250],
            [200, 150],
          ],
          display: false,
        },
      ],
      labels: [{ text: 'Lésion ?', at: [300, 100], anchor: [250, 200] }],
      shutters: [],
    });
    expect(presentationOf(data, '1.2.3', 1)).toBeUndefined();
  });
  test('turn, mirror and shut (C.10.6, C.7.6.11)', () => {
    const more: Metadata = {
      ...data,
      '00700042': { vr: 'US', Value: [270] },
      '00700041': { vr: 'CS', Value: ['Y'] },
      '20500020': { vr: 'CS', Value: ['INVERSE'] },
      '00181600': { vr: 'CS', Value: ['RECTANGULAR', 'CIRCULAR'] },
      ...Object.fromEntries(
        [11, 500, 21, 490].map((value, i) => [`0018160${2 + 2 * i}`, { vr: 'IS', Value: [value] }]),
      ),
      '00181610': { vr: 'IS', Value: [256, 200] },
      '00181612': { vr: 'IS', Value: [100] },
    };
    expect(presentationOf(more, image, 1)).toMatchObject({
      rotation: 270,
      flipped: true,
      inverted: true,
      shutters: [
        { shape: 'rectangle', left: 10, right: 500, top: 20, bottom: 490 },
        { shape: 'circle', x: 199.5, y: 255.5, radius: 100 },
      ],
    });
  });
});

describe('presentation states written here', () => {
  const written = (monochrome1: boolean, inverted: boolean) =>
    presentationState({
      study: { StudyInstanceUID: '2.25.1' },
      equipment: { manufacturer: 'Negatoscope', model: 'Negatoscope', version: '1' },
      at: new Date(0),
      image: {
        sopClassUid: '1.2.840.10008.5.1.4.1.1.1',
        studyUid: '2.25.1',
        sopInstanceUid: '2.25.3',
        seriesUid: '2.25.2',
      },
      rows: 10,
      columns: 20,
      spacing: null,
      aspectRatio: [1, 1],
      rescale: null,
      monochrome1,
      window: { centre: 40, width: 400 },
      inverted,
      rotation: 0,
      flipped: false,
      drawings: [],
      creator: 'Marchand^Anne',
      instanceNumber: 1,
    });
  // What is black and what is white is the same with a state as it was without: PS3.4 N.2.1 knows no Photometric Interpretation.
  test.each([
    [false, false, false],
    [false, true, true],
    [true, false, true],
    [true, true, false],
  ])('MONOCHROME1 %s, inverted by the reader %s: smallest value white %s', (monochrome1, reader, white) => {
    const read = presentationOf(written(monochrome1, reader) as Metadata, '2.25.3', 1);
    expect(read).toMatchObject({ inverted: white, window: { centre: 40, width: 400 } });
  });
});

describe('segmentations', () => {
  test('lie on the images that their frames name, pixel on pixel', () => {
    const data = metadataOf('seg/liver.dcm');
    const liver = segmentationOf(data);
    expect(liver).toMatchObject({ type: 'BINARY', rows: 512, columns: 512, segments: [{ number: 1 }] });
    const image = metadataOf('ct/ct-3slice_01.dcm');
    const on = { metadata: image, sopInstanceUid: String(image['00080018']!.Value![0]), frame: 1 };
    const frames = framesOn(liver, on);
    expect(frames).toHaveLength(1);
    expect(placeOn(data, frames[0]!, on)).toEqual([1, 0, 0, 1, 0, 0]);
    expect(framesOn(liver, { metadata: {}, sopInstanceUid: '1.2', frame: 1 })).toEqual([]);
  });
  test('without a named image they are found by their plane, whatever their grid', () => {
    const set = (vr: string, ...Value: unknown[]) => ({ vr, Value });
    const image: Metadata = {
      '00200052': set('UI', '1.9'),
      '00200032': set('DS', 10, 20, 30),
      '00200037': set('DS', 1, 0, 0, 0, 1, 0),
      '00280030': set('DS', 0.5, 0.5),
      '00280010': set('US', 100),
      '00280011': set('US', 100),
    };
    const frame = (z: number): Metadata => ({
      '00209113': set('SQ', { '00200032': set('DS', 20.25, 30.25, z) }),
      '0062000A': set('SQ', { '0062000B': set('US', 7) }),
    });
    const seg: Metadata = {
      '00200052': set('UI', '1.9'),
      '00280008': set('IS', 2),
      '00280010': set('US', 10),
      '00280011': set('US', 10),
      '00280100': set('US', 1),
      '52009229': set('SQ', {
        '00209116': set('SQ', { '00200037': set('DS', 1, 0, 0, 0, 1, 0) }),
        '00289110': set('SQ', { '00280030': set('DS', 1, 1) }),
      }),
      '52009230': set('SQ', frame(30), frame(35)),
    };
    const parsed = segmentationOf(seg);
    // The list of segments is missing: the frames' own number is shown.
    expect(parsed.segments).toMatchObject([{ number: 7, label: '', property: undefined }]);
    const [found, ...others] = framesOn(parsed, { metadata: image, sopInstanceUid: '1', frame: 1 });
    expect(others).toEqual([]);
    expect(found!.frame).toBe(1);
    // A pixel of 1 mm is two of the image; its corner lies 10 mm from the image's, whose pixels are half as large.
    expect(placeOn(seg, found!, { metadata: image, frame: 1 })).toEqual([2, 0, 0, 2, 20, 20]);
  });
  test('shares: bits, fractions of the maximum, label maps', () => {
    const form = { rows: 2, columns: 4, bitsAllocated: 1, maximum: 255, type: 'BINARY' } as never;
    expect([...sharesOf(Uint8Array.of(0b00100001), form, 1)]).toEqual([255, 0, 0, 0, 0, 255, 0, 0]);
    const fraction = { rows: 1, columns: 3, bitsAllocated: 8, maximum: 100, type: 'FRACTIONAL' } as never;
    expect([...sharesOf(Uint8Array.of(0, 50, 100), fraction, 1)]).toEqual([0, 128, 255]);
    const labels = { rows: 1, columns: 3, bitsAllocated: 8, maximum: 255, type: 'LABELMAP' } as never;
    expect([...sharesOf(Uint8Array.of(0, 2, 3), labels, 2)]).toEqual([0, 255, 0]);
  });
  test.each(readdirSync(shared + 'seg').filter((name) => name !== 'ct_image.dcm'))(
    '%s is understood',
    (name) => {
      const parsed = segmentationOf(metadataOf(`seg/${name}`));
      expect(parsed.segments.length).toBeGreaterThan(0);
      expect(parsed.frames.length).toBeGreaterThan(0);
      for (const { colour } of parsed.segments)
        expect(colour.every((value) => value >= 0 && value <= 255)).toBe(true);
    },
  );
  test('colours in CIELab', () => {
    // L* 100, a* 0, b* 0 is white (PS3.3 C.10.7.1.1: 0 to 65535, a and b from -128 to 127).
    const zero = Math.round((128 / 255) * 65535);
    expect(rgbOfLab([65535, zero, zero])).toEqual([255, 255, 255]);
    expect(rgbOfLab([0, zero, zero])).toEqual([0, 0, 0]);
  });
});
