/** Patients, as the index knows them: from their studies (PS3.4 C.6.1, the patient root). */
import { type SqlBool, sql } from 'kysely';
import type { Db, Store } from '../store/types.ts';
import { conditionsOf } from './match.ts';
import type { ArchiveTables } from './tables.ts';
import type { Archive, PatientRow } from './types.ts';

const DEFAULT_LIMIT = 1000;
const KEYS = ['PatientID', 'IssuerOfPatientID', 'PatientName', 'PatientBirthDate', 'PatientSex'];

/** Without an ID everyone would be the same patient. */
const WITHOUT_ID = sql`case when patient_id = '' then patient_name || birth_date else '' end`;

export function createFindPatients(
  db: Db<ArchiveTables>,
  dialect: Store['dialect'],
): Archive['findPatients'] {
  return async ({ match, limit = DEFAULT_LIMIT, offset = 0, ...options }) => {
    const own = Object.fromEntries(Object.entries(match).filter(([keyword]) => KEYS.includes(keyword)));
    const { study } = conditionsOf('study', own, { ...options, dialect });
    const { rows } = await sql<Omit<PatientRow, 'counts'> & PatientRow['counts']>`
      select patient_id as "patientId", issuer as "issuer", max(patient_name) as "patientName",
        max(birth_date) as "birthDate", max(sex) as "sex", count(*) as "studies", sum(held_series) as "series",
        sum(held) as "instances"
      from study where ${sql.join([sql<SqlBool>`1 = 1`, ...study], sql` and `)}
      group by patient_id, issuer, ${WITHOUT_ID}
      order by patient_id, issuer, ${WITHOUT_ID} limit ${limit} offset ${offset}`.execute(db);
    return rows.map(({ studies, series, instances, ...patient }) => ({
      ...patient,
      counts: { studies: Number(studies), series: Number(series), instances: Number(instances) },
    }));
  };
}
