/** The images of a study as stacks: at once by number, and in the order of the body as soon as the headers are here. */
import { useEffect, useMemo, useState } from 'react';
import type { StudyRow, StudyView } from '../../../doors/api/contract.ts';
import { kindOf } from '../objects/kinds.ts';
import { metadataOf, type InstanceRef } from '../viewer/loading/dicomweb.ts';
import { imageIdOf } from '../viewer/loading/imageId.ts';
import { stacksOf, type Stack } from './stacks.ts';

export type SeriesView = StudyView['series'][number];
/** What is needed of a study to put its images in order. */
export interface Stackable {
  study: Pick<StudyRow, 'studyUid'>;
  series: SeriesView[];
}
export type InstanceView = SeriesView['instances'][number];

/** One frame of an image, with where it stands. */
export interface ShownImage {
  series: SeriesView;
  instance: InstanceView;
  frame: number;
  ref: InstanceRef;
}
export interface Group {
  /** The series, the kind and the first frame: several stacks may come of one instance. */
  key: string;
  series: SeriesView;
  kind: Stack['kind'];
  localizer: boolean;
  shown: ShownImage[];
  /** Index of its first frame among all of the study. */
  start: number;
}

/** Views that are looked at one by one, so each has its own thumbnail. */
const VIEWS = new Set(['CR', 'DX', 'MG', 'RG', 'IO', 'PX', 'XC', 'OP', 'OT', 'SC', 'US', 'ES', 'GM', 'SM']);
export const eachAlone = ({ kind, series, shown }: Pick<Group, 'kind' | 'series' | 'shown'>): boolean =>
  kind === 'images' && (VIEWS.has(series.modality) || shown.length <= 4);

const refOf = (studyUid: string, series: SeriesView, instance: InstanceView): InstanceRef => ({
  studyUid,
  seriesUid: series.seriesUid,
  sopInstanceUid: instance.sopInstanceUid,
});
export const imagesOf = (series: SeriesView): InstanceView[] =>
  series.instances.filter((instance) => kindOf(instance) === 'image');

/** Without a header: each multi-frame image is a clip, all else goes by number. */
function provisional(series: SeriesView): Stack[] {
  const stack = (kind: Stack['kind'], instances: InstanceView[]): Stack => {
    const frames = instances.flatMap(({ sopInstanceUid, frames }) =>
      Array.from({ length: Math.max(1, frames) }, (_, i) => ({ sopInstanceUid, frame: i + 1 })),
    );
    return { kind, frames, localizer: false, phases: [], step: null };
  };
  const images = imagesOf(series);
  const loose = images.filter(({ frames }) => frames <= 1);
  return [
    ...(loose.length ? [stack('images', loose)] : []),
    ...images.filter(({ frames }) => frames > 1).map((instance) => stack('clip', [instance])),
  ];
}

export function groupsOf(view: Stackable, sorted: ReadonlyMap<string, Stack[]>): Group[] {
  let start = 0;
  return view.series.flatMap((series) => {
    const instances = new Map(series.instances.map((each) => [each.sopInstanceUid, each]));
    return (sorted.get(sortKey(series)) ?? provisional(series)).map((stack): Group => {
      const shown = stack.frames.flatMap(({ sopInstanceUid, frame }) => {
        const instance = instances.get(sopInstanceUid);
        return instance
          ? [{ series, instance, frame, ref: refOf(view.study.studyUid, series, instance) }]
          : [];
      });
      const group = {
        key: `${series.seriesUid} ${stack.kind} ${shown[0]?.instance.sopInstanceUid}/${shown[0]?.frame}`,
        series,
        kind: stack.kind,
        localizer: stack.localizer,
        shown,
        start,
      };
      start += shown.length;
      return group;
    });
  });
}

/** Number from 1 of an image in its own stack, as the corner says it; null where it stands alone or is not there. */
export function numberInStack(groups: readonly Group[], index: number): number | null {
  const group = groups.find(({ start, shown }) => index >= start && index < start + shown.length);
  return group && group.shown.length > 1 ? index - group.start + 1 : null;
}

/** Ids of the first images that a study shows when it is opened. */
export const openingImages = (view: Stackable, count: number): string[] =>
  groupsOf(view, new Map())
    .flatMap(({ shown }) => shown)
    .slice(0, count)
    .map(({ ref, frame }) => imageIdOf(ref, frame));

/** A series that grew is sorted anew. */
const sortKey = (series: SeriesView): string => `${series.seriesUid} ${series.instances.length}`;

export function useStacks(view: Stackable): Group[] {
  const [sorted, setSorted] = useState<ReadonlyMap<string, Stack[]>>(new Map());
  useEffect(() => {
    let gone = false;
    const sort = async () => {
      for (const series of view.series) {
        const images = imagesOf(series);
        // One image has no order.
        if (images.length === 0 || (images.length === 1 && images[0]!.frames <= 1)) continue;
        if (sorted.has(sortKey(series))) continue;
        try {
          const headers = await Promise.all(
            images.map((instance) => metadataOf(refOf(view.study.studyUid, series, instance))),
          );
          if (gone) return;
          const stacks = stacksOf(headers);
          setSorted((present) => new Map(present).set(sortKey(series), stacks));
        } catch {
          // The order of the numbers stays; the image itself will say what is wrong.
        }
      }
    };
    void sort();
    return () => {
      gone = true;
    };
  }, [view.series]);
  return useMemo(() => groupsOf(view, sorted), [view.series, sorted]);
}
