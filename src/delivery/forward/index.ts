/** What leaves to other systems, by rule and by hand. */
import type { Selectable } from 'kysely';
import { demand, nameOf } from '../../archive/acting.ts';
import type { Archive, InstanceRow } from '../../archive/types.ts';
import { NegatoscopeError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Principal } from '../../people/types.ts';
import { reasonText } from '../../remote/index.ts';
import { createTransfers, pauseMs, TRANSFER_ROLES } from '../../remote/transfers.ts';
import type { Remote } from '../../remote/types.ts';
import { uuidv7 } from '../../store/ids.ts';
import type { Store, Tx } from '../../store/types.ts';
import { createCommitments } from './commitment.ts';
import { createDeliverer } from './deliver.ts';
import { applies, createRules } from './rules.ts';
import type { ForwardTable, ForwardTables } from './tables.ts';
import { createTaken } from './taken.ts';
import type { Forward, Forwarding, Occasion, Part, Rule } from './types.ts';

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
const MINUTE = 60_000;
/** How long each answer about storage commitment is waited for: a receiver may have to fetch from a tape to look. */
const COMMIT_WAITS = [10 * MINUTE, 60 * MINUTE, 6 * 60 * MINUTE, 24 * 60 * MINUTE];

const queueOf = (deps: { store: Store; now: () => number; pause: (attempt: number) => number }) =>
  createTransfers<ForwardTable>({
    ...deps,
    table: 'forward',
    job: JOB,
    event: 'delivery.forward',
    ended: ({ total, sent, committed }) => ({ total, sent, ...(committed === null ? {} : { committed }) }),
    attempts: ATTEMPTS,
    atOnce: AT_ONCE,
  });
export type Transfers = ReturnType<typeof queueOf>;

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
  committed: row.committed === null ? null : Number(row.committed),
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
  /** Whether the tool of an AI run is in the stage routine: what any other tool found never leaves by itself. */
  isRoutine: (runId: string) => Promise<boolean>;
  log: Log;
  now?: () => number;
  pause?: (attempt: number) => number;
  /** ms; see COMMIT_WAITS. */
  commitWaits?: readonly number[];
}): Forwarding {
  const { store, archive, remote, log, now = Date.now, pause = pauseMs, commitWaits = COMMIT_WAITS } = deps;
  const write = <R>(work: (tx: Tx<ForwardTables>) => Promise<R>) => store.write<ForwardTables, R>(work);
  const rules = createRules({ store, remote, now });
  const transfers = queueOf({ store, now, pause });

  const mayLeave = async (row: InstanceRow): Promise<boolean> =>
    row.kind !== 'ai' || (row.aiRunId !== null && (await deps.isRoutine(row.aiRunId)));
  const taken = createTaken({ store, archive, mayLeave, now });
  const commitments = createCommitments({ store, taken, now, onAnswer: wake });
  const work = { store, archive, remote, taken, commitments, transfers, mayLeave, log, now, commitWaits };
  const deliver = createDeliverer(work);

  /** All that a forward waits for has come: it is looked at again, also when nobody waited for it any more. */
  async function wake(tx: Tx<ForwardTables>, id: string): Promise<void> {
    if ((await commitments.pendingSince(tx, id)) !== undefined) return;
    const row = await tx
      .updateTable('forward')
      .set({ state: 'waiting', reason: null, next_at: null, updated_at: now() })
      .where('id', '=', id)
      // One that is running looks by itself.
      .where((eb) =>
        eb.or([
          eb('state', '=', 'waiting'),
          eb.and([eb('state', '=', 'partial'), eb('reason', '=', 'not-committed')]),
        ]),
      )
      .returning('id')
      .executeTakeFirst();
    if (row) await transfers.restart(tx, id);
  }

  /** More has come while an answer was waited for: it is sent at once, and all of it is asked about anew. */
  async function afresh(tx: Tx<ForwardTables>, id: string): Promise<ForwardTable | undefined> {
    await commitments.giveUp(tx, id);
    await transfers.restart(tx, id);
    return transfers.turn(tx, id, { rounds: 0, reason: null, next_at: null }, ['waiting']);
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
    if (waiting) {
      const asked = waiting.reason === 'committing' ? await afresh(tx, waiting.id) : waiting;
      return asForward(asked!, order.patientName);
    }
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
      committed: null,
      rounds: 0,
      failed: '[]',
      reason: null,
      next_at: null,
      created_at: at,
      updated_at: at,
    };
    await transfers.ask(tx, row, by.actor);
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
      const theirs = origins.filter(({ aeTitle }) => system.kind === 'dimse' && aeTitle === system.aeTitle);
      const uids = theirs.map(({ sopInstanceUid }) => sopInstanceUid);
      if (uids.length > 0) await write((tx) => taken.note(tx, rule.remoteId, uids, true));
      const { left } = await taken.outstanding(studyUid, rule.remoteId, rule.parts);
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
      demand(by, TRANSFER_ROLES);
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
      const rows = await transfers.newest(limit);
      const studies = await archive.studies([...new Set(rows.map((row) => row.study_uid))]);
      const names = new Map(studies.map((study) => [study.studyUid, study.patientName]));
      return rows.map((row) => asForward(row, names.get(row.study_uid) ?? ''));
    },

    async again(id, by: Principal) {
      const { state, study_uid: studyUid, remote_id: remoteId } = await transfers.rowOf(id);
      // Whoever asks again for what was taken knows that the receiver has lost it.
      const lost = state === 'done' ? await taken.uidsOf(studyUid) : [];
      await transfers.again(id, by, {
        from: ['waiting', 'done', 'partial', 'failed', 'cancelled'],
        values: { rounds: 0 },
        async also(tx) {
          await taken.forget(tx, remoteId, lost);
          await commitments.giveUp(tx, id);
        },
      });
    },
    cancel: transfers.cancel,
    heardCommitment: commitments.heard,

    start() {
      transfers.start(deliver);
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
