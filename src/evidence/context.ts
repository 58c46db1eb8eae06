/** The context of a fact as columns, and back. */
import type { Selectable } from 'kysely';
import type { ReadingFactTable } from './tables.ts';
import type { FactContext, ReadingFact } from './types.ts';

/** Columns of what is not recorded. */
const NONE = {
  operating_point: '',
  patient: '',
  sex: '',
  age_band: '',
  view: '',
  site: '',
  station: '',
  vendor: '',
  machine: '',
  software: '',
  detector: '',
  kvp: null,
  mas: null,
  exposure_index: null,
  deviation_index: null,
  shown: null,
  reading_ms: null,
  rejected_for: '',
} satisfies Partial<ReadingFactTable>;

export function contextColumns({ stage, context }: Pick<ReadingFact, 'stage' | 'context'>) {
  // Before it was recorded: in these stages nobody is shown anything before the signature.
  if (!context) return { ...NONE, shown: stage === 'evaluation' || stage === 'shadow' ? 0 : null };
  return {
    operating_point: context.operatingPoint,
    patient: context.patient,
    sex: context.sex,
    age_band: context.ageBand,
    view: context.view,
    site: context.site,
    station: context.station,
    vendor: context.vendor,
    machine: context.machine,
    software: context.software,
    detector: context.detector,
    kvp: context.kvp,
    mas: context.mas,
    exposure_index: context.exposureIndex,
    deviation_index: context.deviationIndex,
    shown: Number(context.shown),
    reading_ms: context.readingMs,
    rejected_for: Object.keys(context.rejectedFor).length === 0 ? '' : JSON.stringify(context.rejectedFor),
  };
}

/** Undefined where nothing of it was recorded. */
export function contextOf(row: Selectable<ReadingFactTable>): FactContext | undefined {
  // Every recorded one says at which operating point the tool ran, or whose study it was.
  if (row.operating_point === '' && row.patient === '' && row.reading_ms === null && !row.shown)
    return undefined;
  return {
    operatingPoint: row.operating_point,
    patient: row.patient,
    sex: row.sex,
    ageBand: row.age_band,
    view: row.view,
    site: row.site,
    station: row.station,
    vendor: row.vendor,
    machine: row.machine,
    software: row.software,
    detector: row.detector,
    kvp: row.kvp,
    mas: row.mas,
    exposureIndex: row.exposure_index,
    deviationIndex: row.deviation_index,
    shown: row.shown === 1,
    readingMs: row.reading_ms,
    rejectedFor: row.rejected_for === '' ? {} : (JSON.parse(row.rejected_for) as FactContext['rejectedFor']),
  };
}
