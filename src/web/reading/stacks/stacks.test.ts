import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDicom, toJson } from '../../../dicom/index.ts';
import type { Metadata } from '../viewer/loading/dicomweb.ts';
import { cineTimingOf, frameAt, rateOf } from './cine.ts';
import { edgeLabels, letters, patientAxes } from './orientation.ts';
import { stacksOf } from './stacks.ts';

const shared = fileURLToPath(new URL('../../../../../shared/', import.meta.url));
const metadataOf = (path: string) => toJson(parseDicom(readFileSync(shared + path)).dataset) as Metadata;
const shuffled = <T>(list: readonly T[]): T[] =>
  list
    .map((each, i) => [(i * 7919) % 1009, each] as const)
    .sort(([a], [b]) => a - b)
    .map(([, each]) => each);

const set = (vr: string, ...Value: unknown[]) => ({ vr, Value });
function slice(number: number, z: number, more: Metadata = {}, cosines = [1, 0, 0, 0, 1, 0]): Metadata {
  return {
    '00080018': set('UI', `1.${number}`),
    '00200013': set('IS', number),
    '00200032': set('DS', 0, 0, z),
    '00200037': set('DS', ...cosines),
    '00280010': set('US', 4),
    '00280011': set('US', 4),
    ...more,
  };
}
const uids = (series: readonly Metadata[]) =>
  stacksOf(series).map(({ frames }) => frames.map(({ sopInstanceUid }) => Number(sopInstanceUid.slice(2))));

describe('the T1 brain of ../shared/mr-t1', () => {
  const names = readdirSync(shared + 'mr-t1/series').sort();
  const series = names.map((name) => metadataOf(`mr-t1/series/${name}`));

  test('is one stack of 256, from the right to the left as it was numbered, though against the normal', () => {
    const [stack, ...others] = stacksOf(shuffled(series));
    expect(others).toEqual([]);
    expect(stack).toMatchObject({ kind: 'volume', localizer: false, phases: [{ start: 0, count: 256 }] });
    expect(stack!.step).toBeCloseTo(1, 6);
    const order = new Map(series.map((data, i) => [data['00080018']!.Value![0], i]));
    expect(stack!.frames.map(({ sopInstanceUid }) => order.get(sopInstanceUid))).toEqual(
      names.map((_, i) => i),
    );
  });

  test('has the front at the left, the back at the right, head above, feet below', () => {
    const axes = patientAxes(series[0]!, 1)!;
    expect(edgeLabels(axes, [1, 0], [0, 1])).toEqual({ left: 'A', right: 'P', top: 'H', bottom: 'F' });
    expect(edgeLabels(axes, [-1, 0], [0, 1])).toEqual({ left: 'P', right: 'A', top: 'H', bottom: 'F' });
    // A quarter clockwise: what was above is at the right.
    expect(edgeLabels(axes, [0, 1], [-1, 0])).toEqual({ left: 'F', right: 'H', top: 'A', bottom: 'P' });
  });
});

describe('sorting', () => {
  test('goes by position in the sense of the numbers, whatever the order of arrival', () => {
    expect(uids([slice(3, 30), slice(1, 10), slice(2, 20)])).toEqual([[1, 2, 3]]);
    expect(uids([slice(1, 30), slice(3, 10), slice(2, 20)])).toEqual([[1, 2, 3]]);
    // Interleaved numbers: the body leads.
    expect(uids([slice(1, 0), slice(2, 20), slice(3, 10), slice(4, 30)])).toEqual([[1, 3, 2, 4]]);
  });

  test('any order of arrival gives the same stack', () => {
    const series = Array.from({ length: 12 }, (_, i) =>
      slice(i + 1, Math.floor(i / 2) * 5, { '00180081': set('DS', i % 2 ? 90 : 30) }),
    );
    const wanted = uids(series);
    expect(wanted).toEqual([[1, 3, 5, 7, 9, 11, 2, 4, 6, 8, 10, 12]]);
    fc.assert(
      fc.property(fc.shuffledSubarray(series, { minLength: series.length }), (some) => {
        expect(uids(some)).toEqual(wanted);
      }),
    );
  });

  test('one place taken several times: by b-value, then through the body again', () => {
    const bValue = (b: number) => ({ '00189087': set('FD', b) });
    const series = [0, 500, 1000].flatMap((b, i) =>
      [0, 5, 10].map((z, j) => slice(j * 3 + i + 1, z, bValue(b))),
    );
    const [stack] = stacksOf(shuffled(series));
    expect(stack!.phases).toEqual([
      { start: 0, count: 3, values: { bValue: 0 } },
      { start: 3, count: 3, values: { bValue: 500 } },
      { start: 6, count: 3, values: { bValue: 1000 } },
    ]);
    expect(uids(series)).toEqual([[1, 4, 7, 2, 5, 8, 3, 6, 9]]);
  });

  test('times that differ from slice to slice are no phases: passes by number then', () => {
    const at = (n: number) => ({ '00080032': set('TM', `1200${String(n).padStart(2, '0')}`) });
    const series = [1, 2, 3, 4, 5, 6].map((n) => slice(n, ((n - 1) % 3) * 5, at(n)));
    const [stack] = stacksOf(shuffled(series));
    expect(uids(shuffled(series))).toEqual([[1, 2, 3, 4, 5, 6]]);
    expect(stack!.phases.map(({ start, count }) => [start, count])).toEqual([
      [0, 3],
      [3, 3],
    ]);
  });

  test('one place at many moments is a clip in the order of time', () => {
    const at = (time: string) => ({ '00080032': set('TM', time) });
    const series = [slice(1, 0, at('120003')), slice(2, 0, at('120001')), slice(3, 0, at('120002'))];
    expect(stacksOf(series)).toMatchObject([{ kind: 'clip' }]);
    expect(uids(series)).toEqual([[2, 3, 1]]);
  });

  test('without a position by Instance Number; without that by time', () => {
    const loose = (n: number, more: Metadata = {}): Metadata => ({
      '00080018': set('UI', `1.${n}`),
      ...more,
    });
    expect(uids([10, 9, 2].map((n) => loose(n, { '00200013': set('IS', n) })))).toEqual([[2, 9, 10]]);
    expect(
      uids([loose(1, { '00080033': set('TM', '1201') }), loose(2, { '00080033': set('TM', '1200') })]),
    ).toEqual([[2, 1]]);
  });

  test('localizers and other planes are stacks of their own; radial slices stay together', () => {
    const scout = { '00080008': set('CS', 'ORIGINAL', 'PRIMARY', 'LOCALIZER') };
    const series = [
      slice(1, 0, scout, [1, 0, 0, 0, 0, -1]),
      slice(2, 0, scout, [0, 1, 0, 0, 0, -1]),
      slice(3, 0),
      slice(4, 5),
    ];
    expect(uids(series)).toEqual([[1], [2], [3, 4]]);
    expect(stacksOf(series).map(({ localizer }) => localizer)).toEqual([true, true, false]);
    const turn = (degrees: number) => {
      const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
      return [cos, sin, 0, 0, 0, -1];
    };
    const radial = [0, 30, 60, 90, 120, 150].map((degrees, i) => slice(i + 1, 0, {}, turn(degrees)));
    expect(uids(radial)).toEqual([[1, 2, 3, 4, 5, 6]]);
  });

  test('uneven gaps have no step', () => {
    expect(stacksOf([slice(1, 0), slice(2, 5), slice(3, 15)])[0]!.step).toBeNull();
    expect(stacksOf([slice(1, 0), slice(2, 5), slice(3, 10.02)])[0]!.step).toBeCloseTo(5.01, 6);
  });

  test('frames of an enhanced image by the position of their functional groups', () => {
    const [stack, ...others] = stacksOf([metadataOf('dicom/enhanced-multiframe/6_1.dcm')]);
    expect(others).toEqual([]);
    expect(stack!.kind).toBe('volume');
    expect(stack!.frames).toHaveLength(6);
    expect(new Set(stack!.frames.map(({ frame }) => frame)).size).toBe(6);
  });

  test('each classic multi-frame image is a clip of its own', () => {
    const clips = ['dicom/ultrasound/examples_ybr_color.dcm', 'dicom/nm-pt-xa/jpeg8bit.dcm'].map(metadataOf);
    expect(stacksOf(clips).map(({ kind, frames }) => [kind, frames.length])).toEqual(
      expect.arrayContaining([
        ['clip', 30],
        ['clip', 96],
      ]),
    );
  });

  test('a dose grid lies where its offsets say', () => {
    expect(stacksOf([metadataOf('dicom/rt/rtdose.dcm')])).toMatchObject([
      { kind: 'volume', step: expect.closeTo(5, 3) },
    ]);
  });
});

describe('orientation letters', () => {
  test('name oblique directions by their parts, the strongest first', () => {
    expect(letters([0, 0.8, -0.6])).toBe('PF');
    expect(letters([-0.99, 0.1, 0])).toBe('R');
    expect(letters([0, 0, 0])).toBe('');
  });
  test('come from Patient Orientation on a radiograph', () => {
    const radiograph: Metadata = { '00200020': set('CS', 'L', 'F') };
    expect(edgeLabels(patientAxes(radiograph, 1)!, [1, 0], [0, 1])).toEqual({
      left: 'R',
      right: 'L',
      top: 'H',
      bottom: 'F',
    });
    const mammogram: Metadata = { '00200020': set('CS', 'A', 'FR') };
    expect(edgeLabels(patientAxes(mammogram, 1)!, [2, 0], [0, 2])).toEqual({
      left: 'P',
      right: 'A',
      top: 'HL',
      bottom: 'FR',
    });
  });
  test('are left out where the header says nothing that can be', () => {
    expect(patientAxes({}, 1)).toBeUndefined();
    expect(patientAxes({ '00200020': set('CS', 'X', 'F') }, 1)).toBeUndefined();
    expect(patientAxes({ '00200037': set('DS', 1, 0, 0, 1, 0, 0) }, 1)).toBeUndefined();
    expect(
      patientAxes({ '00102210': set('CS', 'QUADRUPED'), '00200020': set('CS', 'L', 'F') }, 1),
    ).toBeUndefined();
  });
});

describe('cine', () => {
  test('takes the frame time vector, the frame time, the rates, in this order', () => {
    const vector = cineTimingOf(
      metadataOf('dicom/ultrasound/IM00001.fragmented_no_bot_jpeg_baseline.50.dcm'),
    );
    expect(vector.source).toBe('FrameTimeVector');
    expect(vector.at.slice(0, 4).map(Math.round)).toEqual([0, 50, 83, 133]);
    const even = cineTimingOf(metadataOf('dicom/ultrasound/palette-multiframe-jpeg-ls.dcm'));
    expect(even).toMatchObject({ source: 'FrameTime', sweep: false, range: { first: 0, last: 9 } });
    expect(rateOf(even)).toBeCloseTo(1000 / 76, 6);
    const frames = { '00280008': set('IS', 4) };
    expect(
      rateOf(cineTimingOf({ ...frames, '00082144': set('IS', 30), '00180040': set('IS', 25) })),
    ).toBeCloseTo(30);
    expect(rateOf(cineTimingOf({ ...frames, '00180040': set('IS', 25) }))).toBeCloseTo(25);
    expect(cineTimingOf({ ...frames, '00181063': set('DS', 0) }).source).toBe('default');
    expect(cineTimingOf({ ...frames, '00082142': set('IS', 2), '00082143': set('IS', 3) }).range).toEqual({
      first: 1,
      last: 2,
    });
  });
  test('shows the frame of the moment: loops, speed, range, sweep', () => {
    const timing = { at: [0, 100, 200, 300, 400], sweep: false };
    const at = (elapsed: number, more = {}, sweep = false) =>
      frameAt({ ...timing, sweep }, { from: 0, elapsed, speed: 1, first: 0, last: 3, ...more });
    expect([0, 99, 100, 399, 400, 1250].map((ms) => at(ms))).toEqual([0, 0, 1, 3, 0, 0]);
    expect(at(100, { speed: 2 })).toBe(2);
    expect([0, 100, 200].map((ms) => at(ms, { from: 2, first: 1, last: 2 }))).toEqual([2, 1, 2]);
    expect([0, 100, 200, 300, 400, 500, 600].map((ms) => at(ms + 50, {}, true))).toEqual([
      0, 1, 2, 3, 2, 1, 0,
    ]);
  });
});
