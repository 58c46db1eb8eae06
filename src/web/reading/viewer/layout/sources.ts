/** What a pane beside may show: this exam, one of its series, or a series of an earlier exam. */
import { useQueries, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { StudyView } from '../../../../doors/api/contract.ts';
import { textIn } from '../../../../measure/header.ts';
import { dicomDate } from '../../../format.ts';
import { failureText, orCode, useText } from '../../../text.ts';
import { stacksOf } from '../../stacks/stacks.ts';
import { imagesOf } from '../../stacks/useStacks.ts';
import { fetchJson, metadataOf, number } from '../loading/dicomweb.ts';
import { imageIdOf, refOf } from '../loading/imageId.ts';
import { planeOf, type Plane } from '../tools/space.ts';

export interface Source {
  /** `study`, or study and series with a stroke between. */
  key: string;
  label: string;
  group: string;
}
/** Earlier exams beyond these are opened from the list. */
const PRIORS = 8;
/** Objects of an earlier exam without pixels to show on the stage. */
const NOT_IMAGES = new Set(['SR', 'PR', 'KO', 'DOC', 'SEG', 'REG', 'RTSTRUCT', 'RTPLAN', 'RTDOSE']);
const MAX_INSTANCES = 5000;

const seriesLabel = (description: string, modality: string, number: number) =>
  description || `${modality} ${number}`;

const dataOf = <T>(asked: readonly { data: T | undefined }[]) => asked.map(({ data }) => data);

/** Earlier exams are asked for their series over DICOMweb: looking at one is no reading of it. */
export function useSources(view: StudyView, enabled: boolean): readonly Source[] {
  const { t, language } = useText();
  const priors = enabled ? view.priors.slice(0, PRIORS) : [];
  const answers = useQueries({
    combine: dataOf,
    queries: priors.map((prior) => ({
      queryKey: ['series-of', prior.studyUid],
      queryFn: () => fetchJson(`/dicom-web/studies/${prior.studyUid}/series`),
      staleTime: Infinity,
    })),
  });
  return useMemo(() => {
    const own = view.series.filter((series) => imagesOf(series).length > 0);
    const here = t('layout.thisExam');
    const list: Source[] = [{ key: 'study', label: t('layout.allImages'), group: here }];
    if (own.length > 1)
      own.forEach((series, i) =>
        list.push({
          key: `${view.study.studyUid}/${series.seriesUid}`,
          label: seriesLabel(series.description, series.modality, i + 1),
          group: here,
        }),
      );
    priors.forEach((prior, n) =>
      answers[n]?.forEach((series, i) => {
        const modality = textIn(series, '00080060') ?? '';
        if (NOT_IMAGES.has(modality)) return;
        list.push({
          key: `${prior.studyUid}/${textIn(series, '0020000E') ?? ''}`,
          label: seriesLabel(textIn(series, '0008103E') ?? '', modality, i + 1),
          group: dicomDate(prior.studyDate, language) || orCode(t, 'modality', modality),
        });
      }),
    );
    return list;
  }, [view.series, view.priors, language, answers]);
}

/** Image ids of a source, in order; empty while they are asked for, or where that failed. */
export function useSourceImages(
  key: string,
  study: readonly string[],
  own: string,
): { images: readonly string[]; failed: string | null } {
  const { t } = useText();
  const [studyUid, seriesUid] = key.split('/');
  const foreign = key !== 'study' && studyUid !== own;
  const asked = useQuery({
    queryKey: ['instances-of', key],
    enabled: foreign,
    staleTime: Infinity,
    queryFn: async () => {
      const found = await fetchJson(
        `/dicom-web/studies/${studyUid}/series/${seriesUid}/instances?limit=${MAX_INSTANCES}`,
      );
      const refs = new Map(
        found.map((instance) => {
          const sopInstanceUid = textIn(instance, '00080018') ?? '';
          return [sopInstanceUid, { studyUid: studyUid!, seriesUid: seriesUid!, sopInstanceUid }];
        }),
      );
      // In the order of the body, as the images of this exam are.
      const headers = (await Promise.all([...refs.values()].map(metadataOf))).filter(
        (header) => number(header, '00280010') !== undefined,
      );
      return stacksOf(headers).flatMap(({ frames }) =>
        frames.map(({ sopInstanceUid, frame }) => imageIdOf(refs.get(sopInstanceUid)!, frame)),
      );
    },
  });
  const images = useMemo(() => {
    if (key === 'study') return study;
    if (!foreign) return study.filter((imageId) => refOf(imageId).seriesUid === seriesUid);
    return asked.data ?? [];
  }, [key, study, asked.data]);
  return { images, failed: asked.error && failureText(t, asked.error) };
}

/** Where each image lies; undefined for those that no header places, and before the headers are there. */
export function usePlanes(imageIds: readonly string[], enabled: boolean): readonly (Plane | undefined)[] {
  const asked = useQuery({
    queryKey: ['planes-of', imageIds.join(' ')],
    enabled: enabled && imageIds.length > 0,
    staleTime: Infinity,
    gcTime: 60_000,
    queryFn: () =>
      Promise.all(
        imageIds.map(async (imageId) => {
          const ref = refOf(imageId);
          return planeOf(await metadataOf(ref), ref.frame) ?? null;
        }),
      ),
  });
  return useMemo(() => (asked.data ?? []).map((plane) => plane ?? undefined), [asked.data]);
}
