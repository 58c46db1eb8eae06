import type { Role } from '../people/types.ts';
import type { Tx } from '../store/types.ts';
import type { PersonTables } from './tables.ts';

/** Asked of the database: the role may have been taken away since the session began. */
export async function holds(
  tx: Pick<Tx<PersonTables>, 'selectFrom'>,
  personId: string,
  role: Role,
): Promise<boolean> {
  const row = await tx
    .selectFrom('person_role')
    .innerJoin('person', 'person.id', 'person_role.person_id')
    .select('person.id')
    .where('person_role.person_id', '=', personId)
    .where('person_role.role', '=', role)
    .where('person_role.active', '=', 1)
    .where('person.disabled', '=', 0)
    .executeTakeFirst();
  return row !== undefined;
}
