/** The intended use of a tool, asked of one DICOM file by itself, by the rules that decide in the archive. */
import { instanceHeader, seriesHeader, studyHeader, uidsOf } from '../archive/header.ts';
import { mayRun } from '../assist/rules.ts';
import type { ModelManifest } from '../assist/types.ts';
import { type DicomFile, TAG } from '../dicom/index.ts';

/** `outside`: the header says so. `unknown`: it lacks what the rules ask for, as anonymised files often do. */
export type Within =
  | { readonly within: 'yes' }
  | { readonly within: 'outside' | 'unknown'; readonly reason: string; readonly detail: string | null };

/**
 * Whether the tool would run on this image in practice. What the header does not say is told apart from what it denies: a study
 * of accuracy with anonymised images would otherwise be empty.
 */
export function intendedFor(manifest: ModelManifest, file: DicomFile, sha256: string): Within {
  const { dataset } = file;
  const uids = uidsOf(dataset);
  const series = {
    ...seriesHeader(dataset),
    seriesUid: uids.seriesUid,
    studyUid: uids.studyUid,
    kind: 'image' as const,
    aiRunId: null,
    instances: 1,
    anatomicRegions: dataset
      .items(TAG.AnatomicRegionSequence)
      .flatMap((item) =>
        item.string(TAG.CodingSchemeDesignator) === 'SCT' ? [item.string(TAG.CodeValue) ?? ''] : [],
      ),
  };
  const instance = {
    ...instanceHeader(dataset),
    ...uids,
    kind: 'image' as const,
    aiRunId: null,
    transferSyntax: file.transferSyntax,
    size: file.bytes.length,
    sha256,
    receivedAt: 0,
    photo: false,
  };
  const ask = (bodyPart: string) =>
    mayRun(manifest, studyHeader(dataset), [{ ...instance, bodyPart }], [{ ...series, bodyPart }]);
  let answer = ask(instance.bodyPart);
  if ('run' in answer) return { within: 'yes' };
  const first = answer;
  // The rules end at the first thing they do not know; what comes after it may still be denied.
  if (answer.notRun === 'body-part-unknown') answer = ask(manifest.intendedUse.bodyParts[0] ?? '');
  if ('run' in answer || answer.notRun.endsWith('-unknown'))
    return { within: 'unknown', reason: first.notRun, detail: first.detail };
  return { within: 'outside', reason: answer.notRun, detail: answer.detail };
}
