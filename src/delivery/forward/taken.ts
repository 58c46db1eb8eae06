/** What receivers have taken, and have confirmed to keep: an instance is not sent twice to the same one. */
import { SEES_ALL } from '../../archive/index.ts';
import type { Archive, InstanceRow } from '../../archive/types.ts';
import type { Store, Tx } from '../../store/types.ts';
import type { ForwardTables } from './tables.ts';
import type { Part } from './types.ts';

const INSTANCES = 100_000;
/** Parameters of one statement. */
const CHUNK = 500;

const PART_OF: Readonly<Record<InstanceRow['kind'], Part>> = { image: 'images', report: 'report', ai: 'ai' };

export interface Outstanding {
  /** What of a study is meant and may leave. */
  readonly meant: readonly InstanceRow[];
  /** What of it the receiver has not taken yet. */
  readonly left: readonly InstanceRow[];
  /** What it has taken without confirming that it keeps it. */
  readonly unconfirmed: readonly InstanceRow[];
}

export function* chunksOf<T>(items: readonly T[], size = CHUNK): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}

export function createTaken(deps: {
  store: Store;
  archive: Pick<Archive, 'findInstances'>;
  mayLeave: (row: InstanceRow) => Promise<boolean>;
  now: () => number;
}) {
  const { store, archive, mayLeave, now } = deps;
  const db = store.read.withTables<ForwardTables>();
  const instances = (studyUid: string) =>
    archive.findInstances({ match: {}, studyUid, limit: INSTANCES }, SEES_ALL);

  return {
    async outstanding(studyUid: string, remoteId: string, parts: readonly Part[]): Promise<Outstanding> {
      const meant: InstanceRow[] = [];
      for (const row of await instances(studyUid))
        if (parts.includes(PART_OF[row.kind]) && (await mayLeave(row))) meant.push(row);
      /** Whether each that was taken is confirmed. */
      const taken = new Map<string, boolean>();
      for (const chunk of chunksOf(meant)) {
        const found = await db
          .selectFrom('forward_taken')
          .select(['sop_instance_uid', 'committed_at'])
          .where('remote_id', '=', remoteId)
          .where(
            'sop_instance_uid',
            'in',
            chunk.map((row) => row.sopInstanceUid),
          )
          .execute();
        for (const row of found) taken.set(row.sop_instance_uid, row.committed_at !== null);
      }
      return {
        meant,
        left: meant.filter((row) => !taken.has(row.sopInstanceUid)),
        unconfirmed: meant.filter((row) => taken.get(row.sopInstanceUid) === false),
      };
    },

    /** `confirmed`: it is known to be kept there. */
    async note(
      tx: Tx<ForwardTables>,
      remoteId: string,
      uids: readonly string[],
      confirmed = false,
    ): Promise<void> {
      const at = now();
      for (const chunk of chunksOf(uids))
        await tx
          .insertInto('forward_taken')
          .values(
            chunk.map((sop_instance_uid) => ({
              remote_id: remoteId,
              sop_instance_uid,
              at,
              committed_at: confirmed ? at : null,
            })),
          )
          .onConflict((c) => c.doNothing())
          .execute();
    },

    async confirm(tx: Tx<ForwardTables>, remoteId: string, uids: readonly string[]): Promise<void> {
      for (const chunk of chunksOf(uids))
        await tx
          .updateTable('forward_taken')
          .set({ committed_at: now() })
          .where('remote_id', '=', remoteId)
          .where('sop_instance_uid', 'in', [...chunk])
          .execute();
    },

    /** They are to be sent again. */
    async forget(tx: Tx<ForwardTables>, remoteId: string, uids: readonly string[]): Promise<void> {
      for (const chunk of chunksOf(uids))
        await tx
          .deleteFrom('forward_taken')
          .where('remote_id', '=', remoteId)
          .where('sop_instance_uid', 'in', [...chunk])
          .execute();
    },

    uidsOf: async (studyUid: string): Promise<string[]> =>
      (await instances(studyUid)).map(({ sopInstanceUid }) => sopInstanceUid),
  };
}
export type Taken = ReturnType<typeof createTaken>;
