/** One forward at work: what is not taken yet is sent, then the receiver is asked whether it keeps it, where that is wanted. */
import type { Archive, InstanceRow } from '../../archive/types.ts';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { reasonCode } from '../../remote/index.ts';
import type { Remote, RemoteSystem } from '../../remote/types.ts';
import { PROGRESS_MS, SHOWN_FAILURES } from '../../remote/transfers.ts';
import type { Store, Tx } from '../../store/types.ts';
import { DimseError } from '../../wire/index.ts';
import type { Commitments } from './commitment.ts';
import type { ForwardTable, ForwardTables } from './tables.ts';
import type { Outstanding, Taken } from './taken.ts';
import { transferByWeb } from './stow.ts';
import { transfer } from './transfer.ts';
import type { Transfers } from './index.ts';
import type { Part } from './types.ts';

/** How often what single instances were refused for is tried again: it seldom passes. */
const REFUSED_ATTEMPTS = 3;
/** How long the association that asks for commitment stays open for the answer. */
const LISTEN_MS = 3_000;
/** What was taken is written down in groups: after a crash so many are sent once more. */
const TAKEN_AT_ONCE = 50;

export interface DeliverDependencies {
  readonly store: Store;
  readonly archive: Archive;
  readonly remote: Remote;
  readonly taken: Taken;
  readonly commitments: Commitments;
  readonly transfers: Transfers;
  readonly mayLeave: (row: InstanceRow) => Promise<boolean>;
  readonly log: Log;
  readonly now: () => number;
  /** How long an answer to each request for commitment is waited for, ms: after the last one nobody asks any more. */
  readonly commitWaits: readonly number[];
}

export function createDeliverer(deps: DeliverDependencies) {
  const { store, remote, taken, commitments, transfers, log, now, commitWaits } = deps;
  const { set, end } = transfers;
  const write = <R>(act: (tx: Tx<ForwardTables>) => Promise<R>) => store.write<ForwardTables, R>(act);
  const read = store.read.withTables<ForwardTables>();
  const outstandingOf = (row: ForwardTable) =>
    taken.outstanding(row.study_uid, row.remote_id, row.parts.split(',') as Part[]);

  /** Sends what is left. Gives what was refused, and why. */
  async function send(
    row: ForwardTable,
    { meant, left }: Outstanding,
    system: RemoteSystem,
    signal: AbortSignal,
  ): Promise<[string, string][]> {
    const refused: [string, string][] = [];
    let sent = meant.length - left.length;
    let fresh: string[] = [];
    let written = now();
    await set(row.id, { total: meant.length, sent });
    if (left.length === 0) return refused;
    const keep = async () => {
      const uids = fresh;
      fresh = [];
      written = now();
      await write(async (tx) => {
        await taken.note(tx, row.remote_id, uids);
        await transfers.turn(tx, row.id, { sent }, ['running']);
      });
    };
    try {
      const deliverTo = {
        archive: deps.archive,
        signal,
        mayLeave: deps.mayLeave,
        async onTaken(uid: string) {
          fresh.push(uid);
          sent++;
          if (fresh.length >= TAKEN_AT_ONCE || now() - written > PROGRESS_MS) await keep();
        },
        onRefused: (uid: string, reason: string) => void refused.push([uid, reason]),
      };
      if (system.kind === 'dicomweb') await transferByWeb(await remote.web(system), left, deliverTo);
      else await transfer(await remote.address(system), left, deliverTo);
    } finally {
      await keep();
    }
    return refused;
  }

  /** Everything is taken: ends when the receiver has confirmed all of it, else asks, or waits for its answer. */
  async function confirm(row: ForwardTable, system: RemoteSystem, signal: AbortSignal): Promise<void> {
    const { id } = row;
    const { meant, unconfirmed } = await outstandingOf(row);
    await set(id, { committed: meant.length - unconfirmed.length });
    if (unconfirmed.length === 0) return end(id, 'done', { failed: '[]', reason: null });
    const asked = await commitments.pendingSince(read, id);
    const due = asked === undefined || now() >= asked + waitOf(row.rounds);
    if (!due) return settle(id, row.rounds);
    await write((tx) => commitments.giveUp(tx, id));
    if (row.rounds >= commitWaits.length) return end(id, 'partial', { reason: 'not-committed' });
    try {
      const listenMs = Math.min(LISTEN_MS, waitOf(row.rounds + 1));
      await commitments.ask(row, unconfirmed, await remote.address(system), signal, listenMs);
    } catch (error) {
      if (error instanceof DimseError && error.code === 'dimse-no-context')
        return end(id, 'partial', { reason: 'no-commitment' });
      // One that broke off behind the question may have heard it.
      if (signal.aborted || (await commitments.pendingSince(read, id)) === undefined) throw error;
    }
    await settle(id, row.rounds + 1);
  }
  const waitOf = (rounds: number): number =>
    commitWaits[Math.min(Math.max(0, rounds - 1), commitWaits.length - 1)]!;

  /** In one transaction, since an answer may come at any time: it waits for answers, or looks again where all are here. */
  async function settle(id: string, rounds: number): Promise<void> {
    await write(async (tx) => {
      const since = await commitments.pendingSince(tx, id);
      const nextAt = since === undefined ? null : since + waitOf(rounds);
      const reason = since === undefined ? null : 'committing';
      const values = { state: 'waiting', rounds, reason, next_at: nextAt } as const;
      const waiting = await transfers.turn(tx, id, values, ['running']);
      if (waiting) await transfers.enqueue(tx, id, nextAt ?? now());
    });
  }

  return async function deliver(row: ForwardTable, attempt: number, signal: AbortSignal): Promise<void> {
    const { id } = row;
    await set(id, { state: 'running', reason: null, next_at: null });
    try {
      const system = await remote.get(row.remote_id);
      if (!system.enabled || !system.sendTo) return await end(id, 'failed', { reason: 'off' });
      const outstanding = await outstandingOf(row);
      // It said each time that it does not keep them.
      if (outstanding.left.length > 0 && row.rounds >= commitWaits.length)
        return await end(id, 'partial', { reason: 'not-committed' });
      const refused = await send(row, outstanding, system, signal);
      if (refused.length === 0) {
        if (system.commitment) return await confirm(row, system, signal);
        return await end(id, 'done', { failed: '[]', reason: null });
      }
      const failed = JSON.stringify(refused.slice(0, SHOWN_FAILURES));
      if (attempt >= REFUSED_ATTEMPTS) return await end(id, 'partial', { failed, reason: 'not-taken' });
      await transfers.waits(id, attempt, { failed, reason: 'not-taken' });
      throw new NegatoscopeError('remote-not-taken', 'Not everything was taken.');
    } catch (error) {
      if (signal.aborted) throw error;
      const reason = reasonCode(error);
      if (reason === 'remote-unknown') return await end(id, 'failed', { reason });
      if (reason !== 'not-taken') {
        log.warn({ forward: id, attempt, reason: reasonOf(error) }, 'a study could not be sent');
        await transfers.waits(id, attempt, { reason });
      }
      throw error;
    }
  };
}
