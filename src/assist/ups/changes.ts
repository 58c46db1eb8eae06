/** What a client tells of its work: the attributes of a work item that are taken from N-SET (PS3.4 table CC.2.5-3). */
import { TAG } from '../../dicom/dictionary.ts';
import { hexTag } from '../../dicom/errors.ts';
import { jsonItems, jsonString } from '../../dicom/json.ts';
import type { DicomJson, Tag } from '../../dicom/types.ts';
import { isUid } from '../../dicom/uid.ts';
import { NegatoscopeError } from '../../errors.ts';
import { LOCAL_SCHEME } from '../../dicom/build/srContent.ts';
import type { Performed } from './dataset.ts';

const MAX_OUTPUT = 200;
const TEXT_LENGTH = 1024;
/** DT of PS3.5 6.2, down to the minute at least: a time that says only a day tells nothing of how long it took. */
const DATE_TIME = /^\d{12}(\d{2}(\.\d{1,6})?)?([+-]\d{4})?$/;

export interface Changes {
  readonly progress?: number;
  readonly progressText?: string;
  readonly reason?: string;
  readonly reasonCode?: string;
  readonly performed?: Performed;
  /** There was something else: told by a warning, not taken. */
  readonly ignored: boolean;
}

const wrong = (what: string): NegatoscopeError =>
  new NegatoscopeError('workitem-attributes', `The changes cannot be used: ${what}.`, { status: 400 });

const TAKEN = new Set<string>(
  [
    TAG.SpecificCharacterSet,
    TAG.TransactionUID,
    TAG.ProcedureStepProgressInformationSequence,
    TAG.UnifiedProcedureStepPerformedProcedureSequence,
  ].map(hexTag),
);
const PROGRESS = new Set<string>(
  [
    TAG.ProcedureStepProgress,
    TAG.ProcedureStepProgressDescription,
    TAG.ReasonForCancellation,
    TAG.ProcedureStepCancellationDateTime,
    TAG.ProcedureStepDiscontinuationReasonCodeSequence,
  ].map(hexTag),
);

const words = (json: DicomJson, tag: Tag): string | undefined => jsonString(json, tag)?.slice(0, TEXT_LENGTH);

/** @throws `workitem-attributes` (400) */
export function changesOf(json: DicomJson): Changes {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw wrong('they are no data set');
  if (jsonString(json, TAG.ProcedureStepState) !== undefined)
    throw wrong('the state is changed by PUT …/state alone');
  let ignored = Object.keys(json).some((key) => !TAKEN.has(key));
  const changes: { -readonly [K in keyof Changes]: Changes[K] } = { ignored };

  const [progress] = jsonItems(json, TAG.ProcedureStepProgressInformationSequence);
  if (progress) {
    ignored ||= Object.keys(progress).some((key) => !PROGRESS.has(key));
    const percent = jsonString(progress, TAG.ProcedureStepProgress);
    if (percent !== undefined) {
      const value = Number(percent);
      if (!(value >= 0 && value <= 100)) throw wrong('Procedure Step Progress is a number from 0 to 100');
      changes.progress = value;
    }
    const said = words(progress, TAG.ProcedureStepProgressDescription);
    if (said !== undefined) changes.progressText = said;
    const [code] = jsonItems(progress, TAG.ProcedureStepDiscontinuationReasonCodeSequence);
    const reason = words(progress, TAG.ReasonForCancellation) ?? (code && words(code, TAG.CodeMeaning));
    if (reason !== undefined) changes.reason = reason;
    if (code && jsonString(code, TAG.CodingSchemeDesignator) === LOCAL_SCHEME) {
      const value = jsonString(code, TAG.CodeValue) ?? jsonString(code, TAG.LongCodeValue);
      if (value !== undefined) changes.reasonCode = value.slice(0, 64);
    }
  }
  const [performed] = jsonItems(json, TAG.UnifiedProcedureStepPerformedProcedureSequence);
  if (performed) changes.performed = performedOf(performed);
  return { ...changes, ignored };
}

function performedOf(item: DicomJson): Performed {
  const time = (tag: Tag, what: string): string | undefined => {
    const value = jsonString(item, tag)?.trim();
    if (value !== undefined && !DATE_TIME.test(value)) throw wrong(`${what} is no date and time`);
    return value;
  };
  const startedAt = time(TAG.PerformedProcedureStepStartDateTime, 'the start of the procedure');
  const endedAt = time(TAG.PerformedProcedureStepEndDateTime, 'the end of the procedure');
  const output = jsonItems(item, TAG.OutputInformationSequence).flatMap((each) => {
    const seriesUid = jsonString(each, TAG.SeriesInstanceUID) ?? '';
    return jsonItems(each, TAG.ReferencedSOPSequence).map((reference) => {
      const sopClassUid = jsonString(reference, TAG.ReferencedSOPClassUID) ?? '';
      const sopInstanceUid = jsonString(reference, TAG.ReferencedSOPInstanceUID) ?? '';
      if (![seriesUid, sopClassUid, sopInstanceUid].every(isUid))
        throw wrong('a reference of the output has a UID that is none');
      return { seriesUid, sopClassUid, sopInstanceUid };
    });
  });
  if (output.length > MAX_OUTPUT) throw wrong(`there are more than ${MAX_OUTPUT} objects of output`);
  return { ...(startedAt ? { startedAt } : {}), ...(endedAt ? { endedAt } : {}), output };
}
