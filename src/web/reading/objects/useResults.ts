/** Which results of others lie over the images: segmentations with their opacity, one presentation state. */
import { useQueries } from '@tanstack/react-query';
import { useState } from 'react';
import { metadataOf, type Metadata } from '../viewer/loading/dicomweb.ts';
import type { StudyObject } from './list.ts';
import type { ShownSegmentation } from './Overlays.tsx';

/** What is worth a line among the results. */
const RESULTS = new Set<string>(['sr', 'segmentation', 'presentation', 'keys']);

export interface Result extends StudyObject {
  metadata: Metadata | undefined;
  /** Segmentations: the picture over the images. */
  shown: boolean;
  opacity: number;
  hidden: ReadonlySet<number>;
}

export function useResults(objects: readonly StudyObject[]) {
  const found = objects.filter(({ kind }) => RESULTS.has(kind));
  const headers = useQueries({
    queries: found.map(({ ref }) => ({
      queryKey: ['header', ref.sopInstanceUid],
      queryFn: () => metadataOf(ref),
      staleTime: Infinity,
    })),
  });
  const [states, setStates] = useState<ReadonlyMap<string, Pick<Result, 'shown' | 'opacity' | 'hidden'>>>(
    new Map(),
  );
  const [applied, setApplied] = useState<string | null>(null);
  const stateOf = (uid: string) =>
    states.get(uid) ?? { shown: false, opacity: 0.5, hidden: new Set<number>() };
  const results = found.map((object, i): Result => ({
    ...object,
    metadata: headers[i]?.data,
    ...stateOf(object.ref.sopInstanceUid),
  }));
  return {
    results,
    segmentations: results.flatMap(({ kind, shown, ref, metadata, opacity, hidden }): ShownSegmentation[] =>
      kind === 'segmentation' && shown && metadata ? [{ ref, metadata, opacity, hidden }] : [],
    ),
    presentation: results.find(({ ref }) => ref.sopInstanceUid === applied) ?? null,
    apply: setApplied,
    change(uid: string, change: Partial<Pick<Result, 'shown' | 'opacity' | 'hidden'>>) {
      setStates((present) => new Map(present).set(uid, { ...(present.get(uid) ?? stateOf(uid)), ...change }));
    },
  };
}
export type Results = ReturnType<typeof useResults>;
