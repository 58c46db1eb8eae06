/** Corrections of patient data: rows of their own, laid over what goes out. Originals never change. */
import { randomUUID } from 'node:crypto';
import { type DicomJson, hexTag, personJson, TAG, type VR, yearsBetween } from '../dicom/index.ts';
import { NegatoscopeError } from '../errors.ts';
import type { Db, Store } from '../store/types.ts';
import { demand, nameOf } from './acting.ts';
import { dateDigits } from './fold.ts';
import { searchColumns } from './record.ts';
import { syncWords } from './studyIndex.ts';
import type { ArchiveTables, StudyTable } from './tables.ts';
import type { Archive, CorrectedField } from './types.ts';

const FIELDS: Record<CorrectedField, { column: keyof StudyTable; tag: number; vr: VR; limit: number }> = {
  patientId: { column: 'patient_id', tag: TAG.PatientID, vr: 'LO', limit: 64 },
  patientName: { column: 'patient_name', tag: TAG.PatientName, vr: 'PN', limit: 3 * 64 + 2 },
  birthDate: { column: 'birth_date', tag: TAG.PatientBirthDate, vr: 'DA', limit: 8 },
  sex: { column: 'sex', tag: TAG.PatientSex, vr: 'CS', limit: 16 },
  accession: { column: 'accession', tag: TAG.AccessionNumber, vr: 'SH', limit: 16 },
  description: { column: 'description', tag: TAG.StudyDescription, vr: 'LO', limit: 64 },
  indication: { column: 'indication', tag: TAG.ReasonForTheRequestedProcedure, vr: 'LO', limit: 64 },
};
const isField = (name: string): name is CorrectedField => Object.hasOwn(FIELDS, name);
const BY_COLUMN = new Map(Object.values(FIELDS).map((field) => [field.column as string, field]));

function checked(field: CorrectedField, value: string): string {
  const trimmed = value.trim();
  const bad =
    trimmed.length > FIELDS[field].limit ||
    /[\p{Cc}\\]/u.test(trimmed) ||
    (field === 'birthDate' && trimmed !== '' && dateDigits(trimmed) !== trimmed) ||
    (field === 'sex' && !['', 'F', 'M', 'O'].includes(trimmed));
  if (bad) {
    throw new NegatoscopeError('bad-correction', `The new value of ${field} cannot be written in DICOM.`, {
      details: { field },
    });
  }
  return trimmed;
}

export function createCorrect(store: Pick<Store, 'write' | 'events'>, now: () => number): Archive['correct'] {
  return async (studyUid, fields, reason, by) => {
    demand(by, ['technologist', 'reader', 'admin']);
    if (reason.trim() === '') {
      throw new NegatoscopeError('reason-missing', 'Say why the patient data is corrected.');
    }
    const values = Object.entries(fields).flatMap(([field, value]) =>
      isField(field) && value !== undefined ? [[field, checked(field, value)] as const] : [],
    );
    await store.write<ArchiveTables, void>(async (tx) => {
      const row = await tx
        .selectFrom('study')
        .selectAll()
        .where('study_uid', '=', studyUid)
        .executeTakeFirst();
      if (!row)
        throw new NegatoscopeError('study-not-found', 'There is no such study here.', { status: 404 });
      const changes = values.filter(([field, value]) => row[FIELDS[field].column] !== value);
      if (changes.length === 0) return;
      const set = Object.fromEntries(changes.map(([field, value]) => [FIELDS[field].column, value]));
      const corrected: StudyTable = { ...row, ...set };
      if ('birth_date' in set) {
        corrected.age_years = yearsBetween(corrected.birth_date, corrected.study_date);
      }
      await tx
        .updateTable('study')
        .set({ ...set, age_years: corrected.age_years, ...searchColumns(corrected) })
        .where('study_uid', '=', studyUid)
        .execute();
      await syncWords(tx, row, { ...row, ...searchColumns(corrected) });
      const ids: string[] = [];
      for (const [field, value] of changes) {
        const id = randomUUID();
        ids.push(id);
        await tx
          .insertInto('correction')
          .values({
            id,
            study_uid: studyUid,
            field: FIELDS[field].column,
            value,
            previous: String(row[FIELDS[field].column] ?? ''),
            reason: reason.trim(),
            by_name: by.name,
            by_person: by.personId,
            at: now(),
          })
          .execute();
      }
      await store.events.append(tx, {
        kind: 'archive.patient.corrected',
        studyUid,
        actor: nameOf(by),
        payload: { fields: changes.map(([field]) => field), corrections: ids },
      });
    });
  };
}

const FIELD_OF = new Map(
  (Object.keys(FIELDS) as CorrectedField[]).map((field) => [FIELDS[field].column as string, field]),
);

export const createCorrections =
  (db: Db<ArchiveTables>): Archive['corrections'] =>
  async (studyUids) => {
    if (studyUids.length === 0) return [];
    const rows = await db
      .selectFrom('correction')
      .selectAll()
      .where('study_uid', 'in', studyUids)
      .orderBy('at')
      .orderBy('id')
      .execute();
    return rows.flatMap(({ id, study_uid, field, previous, value, reason, by_name, at }) => {
      const known = FIELD_OF.get(field);
      return known
        ? [
            {
              id,
              studyUid: study_uid,
              field: known,
              previous,
              value,
              reason,
              byName: by_name,
              at: Number(at),
            },
          ]
        : [];
    });
  };

/** The latest correction of each field of these studies, as DICOM JSON to lay over an instance. */
export async function overlays(
  db: Db<ArchiveTables>,
  studyUids: readonly string[],
): Promise<ReadonlyMap<string, DicomJson>> {
  const found = new Map<string, DicomJson>();
  if (studyUids.length === 0) return found;
  const rows = await db
    .selectFrom('correction')
    .select(['study_uid', 'field', 'value'])
    .where('study_uid', 'in', studyUids)
    .orderBy('at')
    .orderBy('id')
    .execute();
  for (const { study_uid, field, value } of rows) {
    const known = BY_COLUMN.get(field);
    if (!known) continue;
    const overlay = found.get(study_uid) ?? {};
    overlay[hexTag(known.tag)] = {
      vr: known.vr,
      ...(value === '' ? {} : { Value: [known.vr === 'PN' ? personJson(value) : value] }),
    };
    found.set(study_uid, overlay);
  }
  return found;
}
