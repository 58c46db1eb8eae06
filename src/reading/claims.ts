import { NegatoscopeError } from '../errors.ts';
import type { Principal } from '../people/types.ts';
import { alreadySigned, assertReader, asDb, isSigned, notFound, readerOf, roundOf } from './context.ts';
import type { Context, ReadingTx } from './context.ts';

/** A claim without a sign of life for this long may be taken over. */
export const CLAIM_LAPSE_MS = 5 * 60_000;

export interface LiveClaim {
  personId: string;
  name: string;
  since: number;
  images: number | null;
}

export async function stateOf(db: Context['read'] | ReadingTx, studyUid: string) {
  return asDb(db)
    .selectFrom('reading_state')
    .selectAll()
    .where('study_uid', '=', studyUid)
    .executeTakeFirst();
}

export async function liveClaim(
  db: Context['read'] | ReadingTx,
  studyUid: string,
  now: number,
): Promise<LiveClaim | undefined> {
  const row = await asDb(db)
    .selectFrom('claim')
    .innerJoin('person', 'person.id', 'claim.person_id')
    .select(['claim.person_id', 'claim.since', 'claim.images', 'person.name'])
    .where('claim.study_uid', '=', studyUid)
    .where('claim.renewed_at', '>', now - CLAIM_LAPSE_MS)
    .executeTakeFirst();
  return (
    row && {
      personId: row.person_id,
      name: row.name,
      since: Number(row.since),
      images: row.images === null ? null : Number(row.images),
    }
  );
}

const claimedByOther = (name: string) =>
  new NegatoscopeError('claimed-by-other', `${name} is reading this study.`, {
    status: 409,
    details: { name },
  });

/** One reader at a time: the row is the claim, and one statement takes, renews or leaves it. */
export function createClaims(context: Context) {
  const { store, archive, now, read, write } = context;

  /** Takes or renews within a transaction. Returns false when another holds it. */
  async function take(tx: ReadingTx, studyUid: string, personId: string, at: number) {
    const before = await tx
      .selectFrom('claim')
      .select(['person_id', 'renewed_at'])
      .where('study_uid', '=', studyUid)
      .executeTakeFirst();
    const row = await tx
      .insertInto('claim')
      .values({ study_uid: studyUid, person_id: personId, since: at, renewed_at: at, images: null })
      .onConflict((c) =>
        c
          .column('study_uid')
          .doUpdateSet((eb) => ({
            person_id: personId,
            since: eb
              .case()
              .when('claim.person_id', '=', personId)
              .then(eb.ref('claim.since'))
              .else(at)
              .end(),
            images: eb
              .case()
              .when('claim.person_id', '=', personId)
              .then(eb.ref('claim.images'))
              .else(null)
              .end(),
            renewed_at: at,
          }))
          .where((eb) =>
            eb.or([eb('claim.person_id', '=', personId), eb('claim.renewed_at', '<=', at - CLAIM_LAPSE_MS)]),
          ),
      )
      .returning('person_id')
      .executeTakeFirst();
    return { taken: row !== undefined, isNew: before?.person_id !== personId };
  }

  return {
    async claim(studyUid: string, principal: Principal): Promise<void> {
      const personId = readerOf(principal);
      if (!(await archive.study(studyUid))) throw notFound('study');
      const at = now();
      await write(async (tx) => {
        await assertReader(tx, personId);
        if (isSigned(await stateOf(tx, studyUid))) return;
        const { taken, isNew } = await take(tx, studyUid, personId, at);
        if (!taken) throw claimedByOther((await liveClaim(tx, studyUid, at))?.name ?? '');
        if (isNew)
          await store.events.append(tx, {
            kind: 'reading.claimed',
            studyUid,
            actor: personId,
            subject: studyUid,
          });
      });
    },

    async release(studyUid: string, principal: Principal): Promise<void> {
      const personId = readerOf(principal);
      await write(async (tx) => {
        const row = await tx
          .deleteFrom('claim')
          .where('study_uid', '=', studyUid)
          .where('person_id', '=', personId)
          .returning('study_uid')
          .executeTakeFirst();
        if (row)
          await store.events.append(tx, {
            kind: 'reading.released',
            studyUid,
            actor: personId,
            subject: studyUid,
          });
      });
    },

    live: (studyUid: string) => liveClaim(read, studyUid, now()),

    /**
     * For everything that writes on a study: the study is unsigned and the claim is this reader's; renews it. A claim of one's own
     * that lapsed stands as long as nobody took it over. Returns the round, the number of images
     * that the reader was shown, and since when the claim stands.
     *
     * @throws NegatoscopeError `not-a-reader` (403), `already-signed`, `claimed-by-other`, `not-claimed` (409)
     */
    async require(tx: ReadingTx, studyUid: string, personId: string) {
      const person = await assertReader(tx, personId);
      const state = await stateOf(tx, studyUid);
      if (isSigned(state)) throw alreadySigned();
      const row = await tx
        .updateTable('claim')
        .set({ renewed_at: now() })
        .where('study_uid', '=', studyUid)
        .where('person_id', '=', personId)
        .returning(['images', 'since'])
        .executeTakeFirst();
      if (!row) {
        const other = await liveClaim(tx, studyUid, now());
        if (other) throw claimedByOther(other.name);
        throw new NegatoscopeError('not-claimed', 'Open the study first, then read it.', { status: 409 });
      }
      return {
        name: person.name,
        state,
        round: roundOf(state),
        images: row.images === null ? null : Number(row.images),
        since: Number(row.since),
      };
    },
  };
}
export type Claims = ReturnType<typeof createClaims>;
