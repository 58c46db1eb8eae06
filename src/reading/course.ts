import type { Course } from '../evidence/turnaround/types.ts';
import type { Analysed } from './snapshot.ts';
import type { ReportRecord } from './types.ts';
import { atSite } from './siteTime.ts';

/** How the study of a record that is being signed went through the house. Pure. */
export function courseOf(
  record: ReportRecord,
  analysed: readonly Analysed[],
  { arrivedAt }: { arrivedAt: number },
): Course {
  const { study } = record;
  return {
    reportId: record.id,
    studyUid: record.studyUid,
    version: record.version,
    readerId: record.reader.id,
    modality: study.modalities[0] ?? '',
    bodyPart: study.bodyParts[0] ?? '',
    priority: study.priority,
    acquiredAt: atSite(study.studyDate, study.studyTime, record.timeZone),
    arrivedAt,
    signedAt: record.signedAt,
    tools: analysed.map(({ run, findings }) => ({
      modelId: run.modelId,
      modelVersion: run.modelVersion,
      runId: run.id,
      readyAt: run.finishedAt,
      shownAt: record.ai.find(({ runId }) => runId === run.id)?.shownAt ?? null,
      positive: run.images.some(({ positive }) => positive),
      marks: findings.length,
    })),
  };
}
