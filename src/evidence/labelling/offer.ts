/** Which cases a person may go on with, and who has which at hand. */
import { numberOf } from '../random.ts';
import type { Context, WholeQueue } from './context.ts';
import type { LabellingTx } from './project.ts';
import type { LabellingTables } from './tables.ts';

/** A case that nobody went on with is offered to others after this, ms. Renewed by every call. */
export const HOLD_MS = 15 * 60_000;
/** At hand, and the one fetched ahead. */
const HELD = 2;
const CHUNK = 500;

export interface Open {
  studyUid: string;
  need: 'reading' | 'consensus' | 'adjudication';
  missing: number;
}

/** Who has a case at hand now. */
export const liveHolds = (tx: Pick<LabellingTx, 'selectFrom'>, queueId: string, at: number) =>
  tx
    .selectFrom('label_hold')
    .select(['study_uid', 'person_id'])
    .where('queue_id', '=', queueId)
    .where('until', '>', at)
    .execute();

export function createOffers(context: Context) {
  const { read, store, archive, standing, now } = context;

  /** Cases that this person could go on with, held by others or not, in an order of this person's own. */
  async function openFor(of: WholeQueue, personId: string): Promise<Open[]> {
    const rows = await read
      .selectFrom('label_case')
      .select(['study_uid', 'need', 'missing'])
      .where('queue_id', '=', of.id)
      .where('drawn', '=', 1)
      .where('need', '!=', 'none')
      .execute();
    const own = await read
      .selectFrom('label')
      .select(['study_uid', 'kind', 'exposure'])
      .where('queue_id', '=', of.id)
      .where('person_id', '=', personId)
      .where('undone_at', 'is', null)
      .execute();
    const mine = Map.groupBy(own, (label) => label.study_uid);
    const possible = rows.filter(({ study_uid, need }) => {
      const labels = mine.get(study_uid) ?? [];
      if (need !== 'consensus') return labels.length === 0;
      const read = labels.some(({ kind, exposure }) => kind === 'reading' && exposure === null);
      return read && !labels.some(({ kind }) => kind === 'consensus');
    });
    const seed = `${of.orderSeed} ${personId}`;
    // Readings first: who has settled disagreements knows what kind of case comes in pairs.
    return possible
      .map((row) => ({
        studyUid: row.study_uid,
        need: row.need as Open['need'],
        missing: row.missing,
        late: row.need === 'reading' ? 0 : 1,
        place: numberOf(seed, row.study_uid),
      }))
      .sort((a, b) => a.late - b.late || a.place - b.place);
  }

  /** Of these the ones that may be offered now: here, reported on, and not seen with AI before those that were not. */
  async function offered(of: WholeQueue, personId: string, open: readonly Open[]): Promise<Open[]> {
    const uids = open.map(({ studyUid }) => studyUid);
    const here = new Set((await archive.studies(uids)).map(({ studyUid }) => studyUid));
    const stands = await standing({ personId, modelId: of.modelId, studyUids: uids });
    const fresh: Open[] = [];
    const exposed: Open[] = [];
    for (const each of open) {
      const stand = stands.get(each.studyUid);
      if (!here.has(each.studyUid) || !(of.offerUnread || stand?.signed)) continue;
      (stand?.exposure ? exposed : fresh).push(each);
    }
    return [...fresh, ...exposed];
  }

  /** Takes up to two cases for this person, those already held first. Two at once never hold the same for the same purpose. */
  async function take(
    of: WholeQueue,
    personId: string,
    candidates: readonly Open[],
    first?: string,
  ): Promise<Open[]> {
    if (candidates.length === 0) return [];
    const at = now();
    return store.write<LabellingTables, Open[]>(async (tx) => {
      const holds = await liveHolds(tx, of.id, at);
      const mine = new Set(holds.filter((hold) => hold.person_id === personId).map((hold) => hold.study_uid));
      const others = new Map<string, number>();
      for (const hold of holds)
        if (hold.person_id !== personId) others.set(hold.study_uid, (others.get(hold.study_uid) ?? 0) + 1);
      // What has changed since the candidates were read: as it stands in this transaction.
      const rows = await Promise.all(
        chunked(candidates.map(({ studyUid }) => studyUid)).map((uids) =>
          tx
            .selectFrom('label_case')
            .select(['study_uid', 'need', 'missing'])
            .where('queue_id', '=', of.id)
            .where('study_uid', 'in', uids)
            .execute(),
        ),
      );
      const stands = new Map(rows.flat().map((row) => [row.study_uid, row]));
      const free = candidates.filter((each) => {
        const row = stands.get(each.studyUid);
        if (!row || row.need !== each.need) return false;
        return mine.has(each.studyUid) || (others.get(each.studyUid) ?? 0) < placesOf(row);
      });
      const rank = ({ studyUid }: Open) => (studyUid === first ? 0 : mine.has(studyUid) ? 1 : 2);
      const taken = free.toSorted((a, b) => rank(a) - rank(b)).slice(0, HELD);
      await tx
        .deleteFrom('label_hold')
        .where('queue_id', '=', of.id)
        .where('person_id', '=', personId)
        .execute();
      if (taken.length > 0)
        await tx
          .insertInto('label_hold')
          .values(
            taken.map(({ studyUid }, i) => ({
              queue_id: of.id,
              study_uid: studyUid,
              person_id: personId,
              until: at + HOLD_MS + (HELD - i),
            })),
          )
          .execute();
      return taken;
    });
  }

  return {
    take,
    /** What may be offered to this person now, in their own order. */
    openTo: async (of: WholeQueue, personId: string) => offered(of, personId, await openFor(of, personId)),
  };
}

/**
 * How many people may have a case at hand: as many as readings are still to come. Both readers may look at their disagreement at
 * the same time; a third person decides alone.
 */
export const placesOf = ({ need, missing }: { need: string; missing: number }): number =>
  need === 'reading' ? missing : need === 'consensus' ? 2 : 1;

const chunked = <T>(list: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(list.length / CHUNK) }, (_, i) => list.slice(i * CHUNK, (i + 1) * CHUNK));
