/** What a study holds beside images. */
import type { TFunction } from 'i18next';
import type { StudyView } from '../../../doors/api/contract.ts';
import type { InstanceView, SeriesView } from '../stacks/useStacks.ts';
import type { InstanceRef } from '../viewer/loading/dicomweb.ts';
import { kindOf, type Kind } from './kinds.ts';

export interface StudyObject {
  kind: Exclude<Kind, 'image'>;
  series: SeriesView;
  instance: InstanceView;
  ref: InstanceRef;
}

export const objectsOf = (view: Pick<StudyView, 'study' | 'series'>): StudyObject[] =>
  view.series.flatMap((series) =>
    series.instances.flatMap((instance): StudyObject[] => {
      const kind = kindOf(instance);
      const ref = {
        studyUid: view.study.studyUid,
        seriesUid: series.seriesUid,
        sopInstanceUid: instance.sopInstanceUid,
      };
      return kind === 'image' ? [] : [{ kind, series, instance, ref }];
    }),
  );

export const objectTitle = (t: TFunction, { kind, series }: Pick<StudyObject, 'kind' | 'series'>): string =>
  [t(`kind.${kind}`), series.description].filter(Boolean).join(' · ');
