import { describe, expect, test } from 'vitest';
import type { StudyView } from '../../../doors/api/contract.ts';
import type { Stack } from './stacks.ts';
import { groupsOf, numberInStack, openingImages, type InstanceView, type SeriesView } from './useStacks.ts';

const CT = '1.2.840.10008.5.1.4.1.1.2';
const SEGMENTATION = '1.2.840.10008.5.1.4.1.1.66.4';
const instance = (sopInstanceUid: string, frames = 1, sopClassUid = CT) =>
  ({
    sopInstanceUid,
    frames,
    sopClassUid,
    rows: 4,
    columns: 4,
    transferSyntax: null,
  }) as unknown as InstanceView;
const series = (seriesUid: string, ...instances: InstanceView[]) =>
  ({ seriesUid, modality: 'CT', instances }) as unknown as SeriesView;
const view = (...list: SeriesView[]) =>
  ({ study: { studyUid: '1' }, series: list }) as unknown as Pick<StudyView, 'study' | 'series'>;

describe('groups', () => {
  const mixed = view(
    series('1.1', instance('1.1.1', 2, SEGMENTATION)),
    series('1.2', instance('1.2.1'), instance('1.2.2'), instance('1.2.3')),
    series('1.3', instance('1.3.1')),
    series('1.4', instance('1.4.1', 5)),
  );
  test('of one instance that holds several stacks have names of their own', () => {
    const plane = (...frames: number[]): Stack => ({
      kind: 'volume',
      frames: frames.map((frame) => ({ sopInstanceUid: '1.4.1', frame })),
      localizer: false,
      phases: [],
      step: null,
    });
    const groups = groupsOf(mixed, new Map([['1.4 1', [plane(1, 2), plane(3, 4, 5)]]]));
    expect(new Set(groups.map(({ key }) => key)).size).toBe(groups.length);
  });
  test('number their images as the corner does: each stack from 1, none where there is one', () => {
    const groups = groupsOf(mixed, new Map());
    const images = groups.flatMap(({ shown }) => shown);
    expect(images.map((_image, index) => numberInStack(groups, index))).toEqual([
      1,
      2,
      3,
      null,
      1,
      2,
      3,
      4,
      5,
    ]);
    expect(numberInStack(groups, -1)).toBeNull();
  });
  test('begin with what is shown, not with all that has rows', () => {
    expect(openingImages(mixed, 2)).toEqual(['negatoscope:1/1.2/1.2.1/1', 'negatoscope:1/1.2/1.2.2/1']);
  });
});
