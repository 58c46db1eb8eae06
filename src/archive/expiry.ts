/** Acting on the policy of deletion: what its rules reach goes to the bin, what lay there long enough is erased. */
import { NegatoscopeError, reasonOf } from '../errors.ts';
import type { Principal } from '../people/types.ts';
import { putSetting } from '../store/setting.ts';
import type { Db, Log } from '../store/types.ts';
import { demand, nameOf } from './acting.ts';
import { cutoffOf, policyShape, POLICY_SETTING, readPolicy } from './policy.ts';
import { erase, remove, type RecycleDependencies } from './recycle.ts';
import type { ArchiveTables } from './tables.ts';
import type { Archive, DeletionPolicy } from './types.ts';

export const POLICY_JOB = 'archive.policy';
const EVERY_MS = 3_600_000;
/** After a start the doors come first. */
const FIRST_MS = 60_000;
const AT_ONCE = 20;

const reached = (db: Db<ArchiveTables>, rule: DeletionPolicy['rules'][number], now: number) => {
  const query = db
    .selectFrom('study')
    .where('study_date', '!=', '')
    .where('study_date', '<', cutoffOf(now, rule.olderThanYears));
  return rule.modality === '' ? query : query.where('modalities', 'like', `%|${rule.modality}|%`);
};

export function createDeletion(dependencies: RecycleDependencies): Archive['deletion'] {
  const { store, now } = dependencies;
  const db = store.read.withTables<ArchiveTables>();
  return {
    policy: () => readPolicy(store.read),
    async setPolicy(given, by: Principal) {
      demand(by, ['admin']);
      const parsed = policyShape.safeParse(given);
      if (!parsed.success) {
        const field = parsed.error.issues[0]!.path.join('.');
        throw new NegatoscopeError('bad-policy', `${field}: this value cannot be used.`, {
          details: { field },
        });
      }
      await store.write<ArchiveTables, void>(async (tx) => {
        await putSetting(tx, POLICY_SETTING, JSON.stringify(parsed.data));
        await store.events.append(tx, {
          kind: 'archive.deletion.policy',
          actor: nameOf(by),
          payload: parsed.data,
        });
        await store.jobs.enqueue(tx, { kind: POLICY_JOB, key: 'all', runAfter: now() + EVERY_MS });
      });
      return parsed.data;
    },
    async preview(policy) {
      const parsed = policyShape.parse(policy);
      return Promise.all(
        parsed.rules.map(async (rule) => {
          const row = await reached(db, rule, now())
            .select((eb) => eb.fn.countAll<number>().as('n'))
            .executeTakeFirstOrThrow();
          return Number(row.n);
        }),
      );
    },
  };
}

/** Once an hour: what the rules reach goes to the bin, what lay there long enough is erased. */
export async function workPolicy(dependencies: RecycleDependencies, log: Log): Promise<void> {
  const { store, now } = dependencies;
  store.jobs.work(POLICY_JOB, async (_job, signal) => {
    try {
      await applyPolicy(dependencies, log, signal);
    } finally {
      if (!signal.aborted)
        await store.write((tx) =>
          store.jobs.enqueue(tx, { kind: POLICY_JOB, key: 'all', runAfter: now() + EVERY_MS }),
        );
    }
  });
  await store.write((tx) =>
    store.jobs.enqueue(tx, { kind: POLICY_JOB, key: 'all', runAfter: now() + FIRST_MS }),
  );
}

/** Returns how many studies went to the bin and how many entries of it were erased. */
export async function applyPolicy(
  dependencies: RecycleDependencies,
  log: Log,
  signal?: AbortSignal,
): Promise<{ deleted: number; erased: number }> {
  const { store, now } = dependencies;
  const db = store.read.withTables<ArchiveTables>();
  const done = { deleted: 0, erased: 0 };
  for (const rule of (await readPolicy(store.read)).rules) {
    for (let after = ''; !signal?.aborted;) {
      const found = await reached(db, rule, now())
        .select('study_uid')
        .where('study_uid', '>', after)
        .orderBy('study_uid')
        .limit(AT_ONCE)
        .execute();
      if (found.length === 0) break;
      after = found.at(-1)!.study_uid;
      for (const { study_uid: studyUid } of found) {
        try {
          await store.write<ArchiveTables, string>((tx) =>
            remove(
              tx,
              dependencies,
              {
                studyUid,
                reason: `> ${rule.olderThanYears} y${rule.modality ? `, ${rule.modality}` : ''}`,
                cause: 'policy',
              },
              { name: 'system', personId: null, actor: 'system' },
            ),
          );
          done.deleted += 1;
        } catch (thrown) {
          const code = (thrown as { code?: string }).code;
          if (code !== 'report-in-retention' && code !== 'nothing-to-delete') throw thrown;
        }
      }
    }
  }
  const due = await db
    .selectFrom('recycled')
    .select('id')
    .where((eb) =>
      eb.or([
        eb('state', '=', 'erasing'),
        eb.and([eb('state', '=', 'kept'), eb('erase_after', '<=', now())]),
      ]),
    )
    .execute();
  for (const { id } of due) {
    if (signal?.aborted) break;
    await erase(dependencies, id, 'system').then(
      (gone) => (done.erased += gone ? 1 : 0),
      (thrown: unknown) => log.error({ reason: reasonOf(thrown) }, 'the recycle bin could not be emptied'),
    );
  }
  return done;
}
