/** What leaves to other systems, by rule and by hand. */
import type { Selectable } from 'kysely';
import { demand, nameOf } from '../../archive/acting.ts';
import { SEES_ALL } from '../../archive/index.ts';
import type { Archive, InstanceRow } from '../../archive/types.ts';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Principal } from '../../people/types.ts';
import { reasonCode, reasonText } from '../../remote/index.ts';
import type { Here, Remote } from '../../remote/types.ts';
import { uuidv7 } from '../../store/ids.ts';
import type { Store, Tx } from '../../store/types.ts';
import { applies, createRules } from './rules.ts';
import type { ForwardTable, ForwardTables } from './tables.ts';
import { transfer } from './transfer.ts';
import type { Forward, Forwarding, ForwardState, Occasion, Part, Rule } from './types.ts';

export { deliveryMigrations } from './tables.ts';

const JOB = 'delivery.forward';
const RULES_JOB = 'delivery.rules';
const CONSUMER = 'delivery.forward';
const OCCASION: Readonly<Record<string, Occasion>> = {
  'archive.study.complete': 'complete',
  'delivery.report.stored': 'signed',
  'assist.run.finished': 'ai',
};
const AT_ONCE = 2;
/** Until it is accepted: at half an hour a time this is about three weeks. */
const ATTEMPTS = 1000;
/** How often what single instances were refused for is tried again: it seldom passes. */
const REFUSED_ATTEMPTS = 3;
const SECOND = 1_000;
/** 10 s, 30 s, 90 s, … at most half an hour. */
const pauseMs = (attempt: number): number => Math.min(1800, 10 * 3 ** Math.min(attempt - 1, 6)) * SECOND;
const PROGRESS_MS = 700;
const TAKEN_AT_ONCE = 50;
const SHOWN_FAILURES = 100;
const INSTANCES = 100_000;
const CHUNK = 500;
const OPEN: readonly ForwardState[] = ['waiting', 'running'];
const ROLES = ['admin', 'reader', 'technologist'] as const;

const partOf: Readonly<Record<InstanceRow['kind'], Part>> = { image: 'images', report: 'report', ai: 'ai' };

const asForward = (row: Selectable<ForwardTable>, patientName: string): Forward => ({
  id: row.id,
  remoteId: row.remote_id,
  remoteName: row.remote_name,
  studyUid: row.study_uid,
  patientName,
  parts: row.parts.split(',') as Part[],
  ruleName: row.rule_name,
  byName: row.by_name,
  state: row.state,
  total: row.total === null ? null : Number(row.total),
  sent: Number(row.sent),
  failed: (JSON.parse(row.failed) as [string, string][]).map(([sopInstanceUid, reason]) => ({
    sopInstanceUid,
    text: reasonText(reason, row.remote_name),
  })),
  text: row.reason === null ? null : reasonText(row.reason, row.remote_name),
  nextAt: row.next_at === null ? null : Number(row.next_at),
  createdAt: Number(row.created_at),
  updatedAt: Number(row.updated_at),
});

export function createForwarding(deps: {
  store: Store;
  archive: Archive;
  remote: Remote;
  here: () => Promise<Here>;
  /** Whether the tool of an AI run is in the stage routine: what any other tool found never leaves by itself. */
  isRoutine: (runId: string) => Promise<boolean>;
  log: Log;
  now?: () => number;
  pause?: (attempt: number) => number;
}): Forwarding {
  const { store, archive, remote, log, now = Date.now, pause = pauseMs } = deps;
  const db = store.read.withTables<ForwardTables>();
  const write = <R>(work: (tx: Tx<ForwardTables>) => Promise<R>) => store.write<ForwardTables, R>(work);
  const rules = createRules({ store, remote, now });

  const mayLeave = async (row: InstanceRow): Promise<boolean> =>
    row.kind !== 'ai' || (row.aiRunId !== null && (await deps.isRoutine(row.aiRunId)));
  const rowOf = async (id: string) => {
    const row = await db.selectFrom('forward').selectAll().where('id', '=', id).executeTakeFirst();
    if (!row) throw new NegatoscopeError('not-found', 'There is no such transfer.', { status: 404 });
    return row;
  };
  const set = (id: string, values: Partial<ForwardTable>) =>
    write((tx) =>
      tx
        .updateTable('forward')
        .set({ ...values, updated_at: now() })
        .where('id', '=', id)
        .where('state', 'in', [...OPEN])
        .execute(),
    );
  const tell = (
    tx: Tx<any>,
    what: string,
    row: Pick<ForwardTable, 'id' | 'study_uid'>,
    actor: string,
    payload = {},
  ) =>
    store.events.append(tx, {
      kind: `delivery.forward.${what}`,
      subject: row.id,
      studyUid: row.study_uid,
      actor,
      payload,
    });
  const enqueue = (tx: Tx<any>, id: string) =>
    store.jobs.enqueue(tx, { kind: JOB, key: id, payload: { id }, maxAttempts: ATTEMPTS });

  async function end(id: string, state: ForwardState, values: Partial<ForwardTable>): Promise<void> {
    await write(async (tx) => {
      const row = await tx
        .updateTable('forward')
        .set({ next_at: null, ...values, state, updated_at: now() })
        .where('id', '=', id)
        .where('state', 'in', [...OPEN])
        .returningAll()
        .executeTakeFirst();
      if (row) await tell(tx, 'ended', row, 'system', { state, total: row.total, sent: row.sent });
    });
  }

  async function markTaken(remoteId: string, uids: readonly string[]): Promise<void> {
    for (let i = 0; i < uids.length; i += CHUNK)
      await write((tx) =>
        tx
          .insertInto('forward_taken')
          .values(
            uids
              .slice(i, i + CHUNK)
              .map((sop_instance_uid) => ({ remote_id: remoteId, sop_instance_uid, at: now() })),
          )
          .onConflict((c) => c.doNothing())
          .execute(),
      );
  }

  /** What of a study is meant and may leave, and what of it the receiver has not taken yet. */
  async function outstanding(studyUid: string, remoteId: string, parts: readonly Part[]) {
    const rows = await archive.findInstances({ match: {}, studyUid, limit: INSTANCES }, SEES_ALL);
    const meant: InstanceRow[] = [];
    for (const row of rows) if (parts.includes(partOf[row.kind]) && (await mayLeave(row))) meant.push(row);
    const taken = new Set<string>();
    for (let i = 0; i < meant.length; i += CHUNK) {
      const found = await db
        .selectFrom('forward_taken')
        .select('sop_instance_uid')
        .where('remote_id', '=', remoteId)
        .where(
          'sop_instance_uid',
          'in',
          meant.slice(i, i + CHUNK).map((row) => row.sopInstanceUid),
        )
        .execute();
      for (const row of found) taken.add(row.sop_instance_uid);
    }
    return { meant, left: meant.filter((row) => !taken.has(row.sopInstanceUid)) };
  }

  async function work(id: string, attempt: number, signal: AbortSignal): Promise<void> {
    const row = await rowOf(id);
    if (!OPEN.includes(row.state)) return;
    await set(id, { state: 'running', reason: null, next_at: null });
    const refused: [string, string][] = [];
    let fresh: string[] = [];
    let sent = 0;
    let written = now();
    const keep = async () => {
      const uids = fresh;
      fresh = [];
      written = now();
      await write(async (tx) => {
        if (uids.length > 0)
          await tx
            .insertInto('forward_taken')
            .values(
              uids.map((sop_instance_uid) => ({ remote_id: row.remote_id, sop_instance_uid, at: now() })),
            )
            .onConflict((c) => c.doNothing())
            .execute();
        await tx
          .updateTable('forward')
          .set({ sent, updated_at: now() })
          .where('id', '=', id)
          .where('state', '=', 'running')
          .execute();
      });
    };
    try {
      const system = await remote.get(row.remote_id);
      if (!system.enabled || !system.sendTo) return await end(id, 'failed', { reason: 'off' });
      const { meant, left } = await outstanding(row.study_uid, row.remote_id, row.parts.split(',') as Part[]);
      sent = meant.length - left.length;
      await set(id, { total: meant.length, sent });
      try {
        if (left.length > 0)
          await transfer(system, left, {
            archive,
            ownAe: (await deps.here()).aeTitle,
            signal,
            mayLeave,
            async onTaken(uid) {
              fresh.push(uid);
              sent++;
              if (fresh.length >= TAKEN_AT_ONCE || now() - written > PROGRESS_MS) await keep();
            },
            onRefused: (uid, reason) => void refused.push([uid, reason]),
          });
      } finally {
        await keep();
      }
      const failed = JSON.stringify(refused.slice(0, SHOWN_FAILURES));
      if (refused.length === 0) return await end(id, 'done', { failed, reason: null });
      if (attempt >= REFUSED_ATTEMPTS) return await end(id, 'partial', { failed, reason: 'not-taken' });
      await set(id, { state: 'waiting', failed, reason: 'not-taken', next_at: now() + pause(attempt) });
      throw new NegatoscopeError('remote-not-taken', 'Not everything was taken.');
    } catch (error) {
      if (signal.aborted) throw error;
      const reason = reasonCode(error);
      if (reason === 'remote-unknown') return await end(id, 'failed', { reason });
      if (reason !== 'not-taken') {
        log.warn({ forward: id, attempt, reason: reasonOf(error) }, 'a study could not be sent');
        await set(id, { state: 'waiting', reason, next_at: now() + pause(attempt) });
      }
      throw error;
    }
  }

  /** A row and its job, unless one waits already. */
  async function ask(
    tx: Tx<ForwardTables>,
    order: {
      studyUid: string;
      remoteId: string;
      remoteName: string;
      patientName: string;
      parts: readonly Part[];
      rule?: Rule;
    },
    by: { name: string; actor: string },
  ): Promise<Forward> {
    const parts = order.parts.join(',');
    const waiting = await tx
      .selectFrom('forward')
      .selectAll()
      .where('study_uid', '=', order.studyUid)
      .where('remote_id', '=', order.remoteId)
      .where('parts', '=', parts)
      .where('state', '=', 'waiting')
      .executeTakeFirst();
    if (waiting) return asForward(waiting, order.patientName);
    const at = now();
    const row: ForwardTable = {
      id: uuidv7(at),
      remote_id: order.remoteId,
      remote_name: order.remoteName,
      study_uid: order.studyUid,
      parts,
      rule_id: order.rule?.id ?? null,
      rule_name: order.rule?.name ?? null,
      by_name: by.name,
      state: 'waiting',
      total: null,
      sent: 0,
      failed: '[]',
      reason: null,
      next_at: null,
      created_at: at,
      updated_at: at,
    };
    await tx.insertInto('forward').values(row).execute();
    await enqueue(tx, row.id);
    await tell(tx, 'asked', row, by.actor);
    return asForward(row, order.patientName);
  }

  /** Asks every rule about a study that something happened to. */
  async function applyRules(studyUid: string, occasion: Occasion): Promise<void> {
    const due = (await rules.rules()).filter((rule) => rule.enabled && rule.occasion === occasion);
    if (due.length === 0) return;
    const study = await archive.study(studyUid);
    if (!study) return;
    const origins = await archive.sentBy(studyUid);
    const senders = [...new Set(origins.map(({ aeTitle }) => aeTitle))];
    const { modalities, bodyParts } = study;
    for (const rule of due.filter((each) => applies(each, { modalities, bodyParts, senders }))) {
      const system = await remote.get(rule.remoteId).catch(() => undefined);
      if (!system?.enabled || !system.sendTo) continue;
      // Two systems that forward to each other would never end: what came from one is there already.
      const theirs = origins.filter(({ aeTitle }) => aeTitle === system.aeTitle);
      await markTaken(
        rule.remoteId,
        theirs.map(({ sopInstanceUid }) => sopInstanceUid),
      );
      const { left } = await outstanding(studyUid, rule.remoteId, rule.parts);
      if (left.length === 0) continue;
      const { patientName } = study;
      const order = {
        studyUid,
        remoteId: system.id,
        remoteName: system.name,
        patientName,
        parts: rule.parts,
        rule,
      };
      await write((tx) => ask(tx, order, { name: rule.name, actor: 'system' }));
    }
  }

  return {
    ...rules,

    async send(studyUid, remoteId, parts, by) {
      demand(by, ROLES);
      const system = await remote.get(remoteId);
      if (!system.enabled || !system.sendTo)
        throw new NegatoscopeError('remote-not-for-sending', 'This system is not entered to be sent to.', {
          status: 409,
        });
      const study = await archive.study(studyUid);
      if (!study) throw new NegatoscopeError('study-not-found', 'There is no such study.', { status: 404 });
      const { patientName } = study;
      const order = { studyUid, remoteId, remoteName: system.name, patientName, parts };
      return write((tx) => ask(tx, order, { name: by.name, actor: nameOf(by) }));
    },

    async list(limit = 200) {
      const rows = await db
        .selectFrom('forward')
        .selectAll()
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      const studies = await archive.studies([...new Set(rows.map((row) => row.study_uid))]);
      const names = new Map(studies.map((study) => [study.studyUid, study.patientName]));
      return rows.map((row) => asForward(row, names.get(row.study_uid) ?? ''));
    },

    async again(id, by: Principal) {
      demand(by, ROLES);
      const { state, study_uid: studyUid, remote_id: remoteId } = await rowOf(id);
      // Whoever asks again for what was taken knows that the receiver has lost it.
      const rows =
        state === 'done'
          ? await archive.findInstances({ match: {}, studyUid, limit: INSTANCES }, SEES_ALL)
          : [];
      await write(async (tx) => {
        const row = await tx
          .updateTable('forward')
          .set({ state: 'waiting', reason: null, next_at: null, failed: '[]', updated_at: now() })
          .where('id', '=', id)
          .where('state', '<>', 'running')
          .returning(['id', 'study_uid'])
          .executeTakeFirst();
        if (!row) return;
        for (let i = 0; i < rows.length; i += CHUNK)
          await tx
            .deleteFrom('forward_taken')
            .where('remote_id', '=', remoteId)
            .where(
              'sop_instance_uid',
              'in',
              rows.slice(i, i + CHUNK).map(({ sopInstanceUid }) => sopInstanceUid),
            )
            .execute();
        await store.jobs.cancel(tx, JOB, id);
        await enqueue(tx, id);
        await tell(tx, 'asked', row, nameOf(by));
      });
    },

    async cancel(id, by) {
      demand(by, ROLES);
      await rowOf(id);
      await write(async (tx) => {
        const row = await tx
          .updateTable('forward')
          .set({ state: 'cancelled', reason: null, next_at: null, updated_at: now() })
          .where('id', '=', id)
          .where('state', 'in', [...OPEN])
          .returning(['id', 'study_uid'])
          .executeTakeFirst();
        if (!row) return;
        await store.jobs.cancel(tx, JOB, id);
        await tell(tx, 'cancelled', row, nameOf(by));
      });
    },

    start() {
      store.jobs.work<{ id: string }>(
        JOB,
        ({ payload, attempt }, signal) => work(payload.id, attempt, signal),
        {
          concurrency: AT_ONCE,
          backoffMs: pause,
          onGiveUp: async ({ payload }) => {
            const { reason } = await rowOf(payload.id);
            await end(payload.id, 'failed', { reason: reason ?? 'broken' });
          },
        },
      );
      store.jobs.work<{ studyUid: string; occasion: Occasion }>(RULES_JOB, ({ payload }) =>
        applyRules(payload.studyUid, payload.occasion),
      );
      store.events.consume(
        CONSUMER,
        async (tx, { kind, study_uid: studyUid }) => {
          const occasion = OCCASION[kind];
          if (!studyUid || !occasion) return;
          // Most places have no rules: then there is nothing to look at later.
          const any = await (tx as Tx<ForwardTables>)
            .selectFrom('forward_rule')
            .select('id')
            .where('occasion', '=', occasion)
            .where('enabled', '=', 1)
            .limit(1)
            .executeTakeFirst();
          if (!any) return;
          const key = `${studyUid} ${occasion}`;
          await store.jobs.enqueue(tx, { kind: RULES_JOB, key, payload: { studyUid, occasion } });
        },
        { kinds: Object.keys(OCCASION) },
      );
    },
  };
}
