/** A work item as a data set: Unified Procedure Step, PS3.3 B.26, with what PS3.4 table CC.2.5-3 asks of a provider. */
import type { StudyRow } from '../../archive/types.ts';
import { dataset, type Attributes } from '../../dicom/builder.ts';
import { codeItem, LOCAL, type Code } from '../../dicom/build/srContent.ts';
import type { DicomJson } from '../../dicom/types.ts';
import { decimalString } from '../../dicom/write.ts';
import type { ItemRow } from './items.ts';
import type { ItemState } from './types.ts';

/** UPS Push: the class that every instance has, whichever class it is asked by (PS3.4 CC.3.1). */
export const UPS_PUSH = '1.2.840.10008.5.1.4.34.6.1';
/** The class of event reports: PS3.4 CC.3.4. */
export const UPS_EVENT = '1.2.840.10008.5.1.4.34.6.4';
export const WORKLIST_LABEL = 'Negatoscope AI';

/** Parameters of the work, by their code: which model, exactly. */
export const PARAMETER = {
  model: LOCAL('model', 'Model'),
  version: LOCAL('model-version', 'Version of the model'),
  weights: LOCAL('weights-sha256', 'SHA-256 of the weights of the model'),
  run: LOCAL('run', 'Run'),
} as const;

export const stateOf = (row: Pick<ItemRow, 'ended_at' | 'outcome' | 'claimed_at'>): ItemState =>
  row.ended_at !== null
    ? row.outcome === 'completed'
      ? 'COMPLETED'
      : 'CANCELED'
    : row.claimed_at !== null
      ? 'IN PROGRESS'
      : 'SCHEDULED';

/** DT in UTC: PS3.5 6.2. */
export const dateTime = (ms: number): string =>
  `${new Date(ms)
    .toISOString()
    .replace(/[-:TZ]/g, '')
    .slice(0, 18)}000+0000`;

export interface ItemFacts {
  readonly row: ItemRow;
  /** Undefined when the run was replaced before it began. */
  readonly run:
    { readonly model_version: string; readonly weights_sha256: string; readonly name: string } | undefined;
  readonly images: readonly { sopInstanceUid: string; sopClassUid: string; seriesUid: string }[];
  /** Undefined: not to be told to whoever asks, or no longer there. Patient attributes are of type 2: empty then. */
  readonly study: StudyRow | undefined;
  readonly priority: number;
  /** When it may be begun, ms UTC. */
  readonly dueAt: number;
  /** The one that it came after, when that was cancelled. */
  readonly replaces: string | undefined;
  /** Whether whoever asks may know what came of it. */
  readonly mayKnow: boolean;
  readonly base: string;
}

const parameter = (concept: Code, value: string): Attributes => ({
  ValueType: 'TEXT',
  ConceptNameCodeSequence: [codeItem(concept)],
  TextValue: value,
});

/** The three priorities of PS3.3 C.30.1 are our three: STAT, high, routine. */
const priorityOf = (priority: number): string =>
  priority >= 100 ? 'HIGH' : priority >= 50 ? 'MEDIUM' : 'LOW';

/** Without the Transaction UID: it is the lock, and known to its owner alone (PS3.18 11.5.3.3). */
export function itemDataset(facts: ItemFacts): DicomJson {
  const { row, run, study, images, base } = facts;
  const state = stateOf(row);
  const label = run?.name ?? row.model_id;
  const series = new Map<string, (typeof facts.images)[number][]>();
  for (const image of images) series.set(image.seriesUid, [...(series.get(image.seriesUid) ?? []), image]);
  const model = LOCAL(row.model_id, label);
  const json = dataset({
    SpecificCharacterSet: 'ISO_IR 192',
    SOPClassUID: UPS_PUSH,
    SOPInstanceUID: row.uid,
    ScheduledProcedureStepPriority: priorityOf(facts.priority),
    ScheduledProcedureStepModificationDateTime: dateTime(Number(row.updated_at)),
    ProcedureStepLabel: label.slice(0, 64),
    WorklistLabel: WORKLIST_LABEL,
    ScheduledProcessingParametersSequence: [
      parameter(PARAMETER.model, row.model_id),
      ...(run
        ? [parameter(PARAMETER.version, run.model_version), parameter(PARAMETER.weights, run.weights_sha256)]
        : []),
      parameter(PARAMETER.run, row.run_id),
    ],
    ScheduledStationNameCodeSequence: [],
    ScheduledStationClassCodeSequence: [],
    ScheduledStationGeographicLocationCodeSequence: [],
    ScheduledProcedureStepStartDateTime: dateTime(facts.dueAt),
    ScheduledWorkitemCodeSequence: [codeItem(model)],
    InputReadinessState: 'READY',
    StudyInstanceUID: row.study_uid,
    InputInformationSequence: [...series].map(([seriesUid, of]) => ({
      TypeOfInstances: 'DICOM',
      StudyInstanceUID: row.study_uid,
      SeriesInstanceUID: seriesUid,
      WADORSRetrievalSequence: [{ RetrieveURL: `${base}/studies/${row.study_uid}/series/${seriesUid}` }],
      ReferencedSOPSequence: of.map((image) => ({
        ReferencedSOPClassUID: image.sopClassUid,
        ReferencedSOPInstanceUID: image.sopInstanceUid,
      })),
    })),
    OutputDestinationSequence: [
      { STOWRSStorageSequence: [{ StorageURL: `${base}/studies/${row.study_uid}` }] },
    ],
    PatientName: study?.patientName ?? '',
    PatientID: study?.patientId ?? '',
    IssuerOfPatientID: study?.issuer ?? '',
    PatientBirthDate: study?.birthDate ?? '',
    PatientSex: study?.sex ?? '',
    AdmissionID: '',
    AdmittingDiagnosesDescription: '',
    ReferencedRequestSequence: study?.accession
      ? [{ StudyInstanceUID: row.study_uid, AccessionNumber: study.accession }]
      : [],
    ReplacedProcedureStepSequence:
      facts.replaces === undefined
        ? undefined
        : [{ ReferencedSOPClassUID: UPS_PUSH, ReferencedSOPInstanceUID: facts.replaces }],
    ProcedureStepState: state,
    ProcedureStepProgressInformationSequence: progressOf(facts),
    UnifiedProcedureStepPerformedProcedureSequence: performedOf(facts, model),
  } as Attributes);
  return Object.fromEntries(Object.entries(json).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function progressOf({ row, mayKnow }: ItemFacts): Attributes[] {
  const canceled = row.outcome === 'canceled';
  if (row.progress === null && !canceled) return [];
  return [
    {
      ProcedureStepProgress: row.progress === null ? undefined : decimalString(row.progress),
      // Words of whoever works on it may say what was found.
      ProcedureStepProgressDescription: mayKnow ? (row.progress_text ?? undefined) : undefined,
      ProcedureStepCancellationDateTime: canceled ? dateTime(Number(row.ended_at)) : undefined,
      ReasonForCancellation: canceled ? (row.reason ?? undefined) : undefined,
      ProcedureStepDiscontinuationReasonCodeSequence: canceled
        ? [codeItem({ scheme: 'DCM', value: '110513', meaning: 'Discontinued for unspecified reason' })]
        : undefined,
    } as Attributes,
  ];
}

/** PS3.3 C.30.3. What came of it is told to whoever may know it alone: that there is a SEG would say what is in it. */
function performedOf({ row, mayKnow }: ItemFacts, model: Code): Attributes[] {
  if (row.claimed_at === null) return [];
  const told = row.performed === null ? undefined : (JSON.parse(row.performed) as Performed);
  return [
    {
      PerformedStationNameCodeSequence: [
        codeItem(LOCAL((row.worker ?? '').slice(0, 64) || 'unknown', row.worker ?? '')),
      ],
      PerformedProcedureStepStartDateTime: told?.startedAt ?? dateTime(Number(row.claimed_at)),
      PerformedWorkitemCodeSequence: [codeItem(model)],
      PerformedProcedureStepEndDateTime:
        told?.endedAt ?? (row.ended_at === null ? undefined : dateTime(Number(row.ended_at))),
      OutputInformationSequence: mayKnow ? outputItems(row.study_uid, told?.output ?? []) : [],
    } as Attributes,
  ];
}

/** Objects that a procedure made, all of one study: PS3.3 C.30.3. */
export const outputItems = (studyUid: string, output: Performed['output']): Attributes[] =>
  output.map((each) => ({
    TypeOfInstances: 'DICOM',
    StudyInstanceUID: studyUid,
    SeriesInstanceUID: each.seriesUid,
    ReferencedSOPSequence: [
      { ReferencedSOPClassUID: each.sopClassUid, ReferencedSOPInstanceUID: each.sopInstanceUid },
    ],
  }));

/** What is kept of the performed procedure. */
export interface Performed {
  /** DT, as told. */
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly output: readonly {
    readonly seriesUid: string;
    readonly sopClassUid: string;
    readonly sopInstanceUid: string;
  }[];
}
