/**
 * Reading every stored file again and comparing it with the checksum of its arrival: slowly, all the time, so that each file is
 * looked at once in so many days. What does not match stays known until it matches again.
 */
import { reasonOf } from '../errors.ts';
import type { Log, Store } from '../store/types.ts';
import type { Objects } from './objects.ts';
import { digest } from './source.ts';
import type { ArchiveTables, InstanceTable } from './tables.ts';
import type { Archive, DamagedRow, VerificationState } from './types.ts';

const JOB = 'archive.verify';
const SETTING = 'archive.verification';
const DAY_MS = 86_400_000;
const AT_ONCE = 32;
const BYTES_AT_ONCE = 32 * 1024 * 1024;
/** At least so many bytes a second, whatever the plan: a small archive is through in minutes. */
const LEAST_RATE = 4 * 1024 * 1024;
const PAUSE_MS = 1000;
const FIRST_MS = 120_000;

export interface VerificationDependencies {
  store: Store;
  objects: Objects;
  now: () => number;
  log: Log;
  /** Every file once in so many days. */
  days: number;
}

const NEW: VerificationState = {
  startedAt: 0,
  after: '',
  checked: 0,
  total: 0,
  totalBytes: 0,
  finishedAt: null,
  damaged: 0,
};

export function createVerification(dependencies: VerificationDependencies): Archive['verification'] & {
  work(): Promise<void>;
} {
  const { store, objects, now, log, days } = dependencies;
  const db = store.read.withTables<ArchiveTables>();

  const load = async (): Promise<VerificationState> => {
    const kept = await store.setting(SETTING);
    return kept ? (JSON.parse(kept) as VerificationState) : NEW;
  };
  const save = (state: VerificationState): Promise<void> => store.setSetting(SETTING, JSON.stringify(state));
  const damagedCount = async (): Promise<number> => {
    const row = await db
      .selectFrom('damaged')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow();
    return Number(row.n);
  };

  async function begin(finishedAt: number | null): Promise<VerificationState> {
    const row = await db
      .selectFrom('instance')
      .select((eb) => [eb.fn.countAll<number>().as('n'), eb.fn.sum<number>('size').as('bytes')])
      .executeTakeFirstOrThrow();
    return {
      ...NEW,
      startedAt: now(),
      finishedAt,
      total: Number(row.n),
      totalBytes: Number(row.bytes ?? 0),
    };
  }

  /** What is wrong with it; undefined when nothing is, null when it is not here any more. */
  async function judge(row: InstanceTable): Promise<DamagedRow['what'] | undefined | null> {
    try {
      // By its name: a file that was opened before can be read although its name is gone.
      if (row.blob !== null && (await store.blobs.size(row.blob)) !== Number(row.size)) return 'changed';
      return (await digest(await objects.open(row))) === row.sha256 ? undefined : 'changed';
    } catch (thrown) {
      const still = await objects.row(row.sop_instance_uid);
      if (!still) return null;
      // Moved to a file, or its bytes to another, between the two questions.
      if (still.blob !== row.blob) return judge(still);
      const code = (thrown as { code?: string }).code;
      if (code !== 'blob-missing') log.error({ reason: reasonOf(thrown) }, 'a stored file cannot be read');
      return code === 'blob-missing' ? 'missing' : 'unreadable';
    }
  }

  async function note(row: InstanceTable, what: DamagedRow['what'] | undefined): Promise<void> {
    const known = await db
      .selectFrom('damaged')
      .select('what')
      .where('sop_instance_uid', '=', row.sop_instance_uid)
      .executeTakeFirst();
    if (known?.what === what) return;
    await store.write<ArchiveTables, void>(async (tx) => {
      if (what === undefined) {
        await tx.deleteFrom('damaged').where('sop_instance_uid', '=', row.sop_instance_uid).execute();
      } else {
        const values = {
          sop_instance_uid: row.sop_instance_uid,
          study_uid: row.study_uid,
          what,
          found_at: now(),
        };
        await tx
          .insertInto('damaged')
          .values(values)
          .onConflict((conflict) => conflict.column('sop_instance_uid').doUpdateSet(values))
          .execute();
      }
      await store.events.append(tx, {
        kind: what === undefined ? 'archive.file.sound' : 'archive.file.damaged',
        studyUid: row.study_uid,
        subject: row.sop_instance_uid,
        actor: 'system',
        payload: what === undefined ? {} : { what },
      });
    });
    if (what !== undefined) log.error({ what }, 'a stored file does not match its checksum');
  }

  /** Next files of a round. Gives the state after them and how many bytes were read. */
  async function step(state: VerificationState): Promise<{ state: VerificationState; bytes: number }> {
    const rows = await db
      .selectFrom('instance')
      .selectAll()
      .where('sop_instance_uid', '>', state.after)
      .orderBy('sop_instance_uid')
      .limit(AT_ONCE)
      .execute();
    let bytes = 0;
    const next = { ...state };
    for (const row of rows) {
      const what = await judge(row);
      if (what !== null) await note(row, what);
      next.after = row.sop_instance_uid;
      next.checked += 1;
      bytes += Number(row.size);
      if (bytes > BYTES_AT_ONCE) break;
    }
    if (rows.length === 0) {
      // Of what was deleted meanwhile nothing is missing.
      await store.write<ArchiveTables, void>(async (tx) => {
        await tx
          .deleteFrom('damaged')
          .where('sop_instance_uid', 'not in', (eb) =>
            eb.selectFrom('instance').select('instance.sop_instance_uid'),
          )
          .execute();
      });
      next.after = '';
      next.finishedAt = now();
    }
    next.damaged = await damagedCount();
    return { state: next, bytes };
  }

  const isOver = (state: VerificationState): boolean =>
    state.after === '' && (state.finishedAt ?? 0) >= state.startedAt;

  return {
    async state() {
      return { ...(await load()), damaged: await damagedCount() };
    },
    async damaged(limit = 100) {
      const rows = await db
        .selectFrom('damaged')
        .selectAll()
        .orderBy('found_at', 'desc')
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        sopInstanceUid: row.sop_instance_uid,
        studyUid: row.study_uid,
        what: row.what,
        foundAt: Number(row.found_at),
      }));
    },
    async run({ all, signal, progress }) {
      let state = await load();
      if (all || isOver(state)) state = await begin(state.finishedAt);
      await save(state);
      while (!signal?.aborted) {
        ({ state } = await step(state));
        await save(state);
        progress?.(state);
        if (isOver(state)) break;
      }
      return state;
    },

    async work() {
      store.jobs.work(JOB, async (_job, signal) => {
        let state = await load();
        if (isOver(state) && now() < state.startedAt + days * DAY_MS) {
          await again(state.startedAt + days * DAY_MS);
          return;
        }
        if (isOver(state)) state = await begin(state.finishedAt);
        if (signal.aborted) return;
        const done = await step(state);
        await save(done.state);
        const rate = Math.max(LEAST_RATE, done.state.totalBytes / (days * 0.5 * 86_400));
        await again(now() + Math.max(PAUSE_MS, (done.bytes / rate) * 1000));
      });
      await again(now() + FIRST_MS);
    },
  };

  async function again(runAfter: number): Promise<void> {
    await store.write(async (tx) => {
      await store.jobs.enqueue(tx, { kind: JOB, key: 'all', runAfter, priority: -10 });
    });
  }
}
