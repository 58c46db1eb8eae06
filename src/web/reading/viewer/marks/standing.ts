/** Marks that stand on the images and do not move: of signed reports, and of measurement reports that came with the study. */
import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { StudyView } from '../../../../doors/api/contract.ts';
import { marksOfReport } from '../../../../measure/fromReport.ts';
import { personName } from '../../../format.ts';
import { metadataOf } from '../loading/dicomweb.ts';
import type { PlacedStandingMark } from './StageMarks.tsx';

/** SOP Classes of structured reports that hold measurements: Enhanced, Comprehensive, Comprehensive 3D. */
const REPORTS = new Set([
  '1.2.840.10008.5.1.4.1.1.88.22',
  '1.2.840.10008.5.1.4.1.1.88.33',
  '1.2.840.10008.5.1.4.1.1.88.34',
]);

export function useStandingMarks(view: StudyView): readonly PlacedStandingMark[] {
  const { studyUid } = view.study;
  const documents = useMemo(
    () =>
      view.series.flatMap(({ seriesUid, instances }) =>
        instances
          .filter(({ sopClassUid }) => REPORTS.has(sopClassUid))
          .map(({ sopInstanceUid }) => ({ studyUid, seriesUid, sopInstanceUid })),
      ),
    [view.series],
  );
  const read = useQueries({
    queries: documents.map((ref) => ({
      queryKey: ['marks-of-report', ref.sopInstanceUid],
      queryFn: async () => marksOfReport(await metadataOf(ref)),
      staleTime: Infinity,
      retry: false,
    })),
  });
  const foreign = read.map(({ data }) => data);
  return useMemo(() => {
    const signed = view.reports.flatMap((report): PlacedStandingMark[] =>
      (report.record?.marks ?? [])
        .filter(({ kind }) => kind !== 'key')
        .map((mark) => ({ ...mark, by: null })),
    );
    const others = foreign.flatMap((marks, i): PlacedStandingMark[] =>
      (marks ?? []).map((mark, n) => ({
        ...mark,
        id: `${documents[i]!.sopInstanceUid} ${n}`,
        calibration: 'calibrated',
        text: [mark.name, mark.text].filter(Boolean).join(' – ') || null,
        by: personName(mark.by) || '',
      })),
    );
    return [...signed, ...others];
    // A list of answers is new each time; what it holds is not.
  }, [view.reports, documents, ...foreign]);
}
