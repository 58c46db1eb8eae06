/**
 * Storage commitment as user (PS3.4 J.3.2): after everything was taken the receiver is asked whether it keeps it, and what was
 * sent counts as delivered once it has said so. Its answer comes on the association that asked, or later to our own port.
 */
import { EXPLICIT_LE, IMPLICIT_LE, newUid } from '../../dicom/index.ts';
import type { InstanceRow } from '../../archive/types.ts';
import { statusCode } from '../../remote/index.ts';
import { SHOWN_FAILURES } from '../../remote/transfers.ts';
import type { Address } from '../../remote/types.ts';
import { associate, DimseError, STATUS, STORAGE_COMMITMENT } from '../../wire/index.ts';
import type { CommitmentResult } from '../../wire/index.ts';
import type { Store, Tx } from '../../store/types.ts';
import type { ForwardTable, ForwardTables } from './tables.ts';
import { chunksOf, type Taken } from './taken.ts';

const PLAIN = [EXPLICIT_LE, IMPLICIT_LE];
/** Instances of one request: some receivers hold it in memory, or limit its length. */
const AT_ONCE = 1000;
const ANSWER_MS = 60_000;
/** Transactions that were answered, or given up, are kept for so long: an answer may come late. */
const KEPT_MS = 30 * 86_400_000;

export function createCommitments(deps: {
  store: Store;
  taken: Taken;
  now: () => number;
  /** Something that a forward waited for has come. */
  onAnswer: (tx: Tx<any>, forwardId: string) => Promise<void>;
}) {
  const { store, taken, now } = deps;
  const write = <R>(act: (tx: Tx<ForwardTables>) => Promise<R>) => store.write<ForwardTables, R>(act);

  /** What a receiver has reported. False: nobody asked this. */
  async function heard({ transactionUid, committed, failed }: CommitmentResult): Promise<boolean> {
    return write(async (tx) => {
      const asked = await tx
        .updateTable('forward_commitment')
        .set({ answered_at: now() })
        .where('transaction_uid', '=', transactionUid)
        .returningAll()
        .executeTakeFirst();
      if (!asked) return false;
      await taken.confirm(tx, asked.remote_id, committed);
      await taken.forget(
        tx,
        asked.remote_id,
        failed.map(({ sopInstanceUid }) => sopInstanceUid),
      );
      if (failed.length > 0) {
        const reasons = failed
          .slice(0, SHOWN_FAILURES)
          .map(({ sopInstanceUid, reason }) => [sopInstanceUid, statusCode('commit', reason)]);
        await tx
          .updateTable('forward')
          .set({ failed: JSON.stringify(reasons) })
          .where('id', '=', asked.forward_id)
          .execute();
      }
      await deps.onAnswer(tx, asked.forward_id);
      return true;
    });
  }

  /**
   * Asks about all of them, and keeps each association for `listenMs` in case the answer comes there. @throws DimseError
   * `dimse-no-context` when the receiver does not offer it, `dimse-status` when it does not take the request
   */
  async function ask(
    forward: Pick<ForwardTable, 'id' | 'remote_id'>,
    rows: readonly InstanceRow[],
    address: Address,
    signal: AbortSignal,
    listenMs: number,
  ): Promise<void> {
    for (const chunk of chunksOf(rows, AT_ONCE)) {
      const association = await associate({
        ...address,
        contexts: [{ abstractSyntax: STORAGE_COMMITMENT, transferSyntaxes: PLAIN }],
        responseTimeoutMs: ANSWER_MS,
        signal,
      });
      try {
        const transactionUid = newUid();
        // Before it is asked: the answer may be here before the response is.
        await begin(forward, transactionUid);
        const references = chunk.map(({ sopClassUid, sopInstanceUid }) => ({ sopClassUid, sopInstanceUid }));
        const { status, result } = await association.commit(transactionUid, references, listenMs);
        if (status !== STATUS.success) {
          // No answer will come to what it did not take (PS3.4 J.3.2).
          await write((tx) => close(tx, 'transaction_uid', transactionUid));
          throw new DimseError('dimse-status', 'The receiver does not take the request', {
            details: { status },
          });
        }
        if (result) await heard(result);
      } finally {
        await association.release().catch(() => association.abort());
      }
    }
  }

  async function begin(
    { id, remote_id }: Pick<ForwardTable, 'id' | 'remote_id'>,
    transactionUid: string,
  ): Promise<void> {
    await write(async (tx) => {
      await tx
        .deleteFrom('forward_commitment')
        .where('asked_at', '<', now() - KEPT_MS)
        .execute();
      await tx
        .insertInto('forward_commitment')
        .values({
          transaction_uid: transactionUid,
          forward_id: id,
          remote_id,
          asked_at: now(),
          answered_at: null,
        })
        .execute();
    });
  }

  /** Nobody waits for these any more. */
  async function close(
    tx: Tx<ForwardTables>,
    by: 'forward_id' | 'transaction_uid',
    value: string,
  ): Promise<void> {
    await tx
      .updateTable('forward_commitment')
      .set({ answered_at: now() })
      .where(by, '=', value)
      .where('answered_at', 'is', null)
      .execute();
  }

  return {
    ask,
    heard,
    /** When the latest request of a forward that has no answer yet was made. */
    async pendingSince(
      tx: Pick<Tx<ForwardTables>, 'selectFrom'>,
      forwardId: string,
    ): Promise<number | undefined> {
      const row = await tx
        .selectFrom('forward_commitment')
        .select((eb) => eb.fn.max('asked_at').as('at'))
        .where('forward_id', '=', forwardId)
        .where('answered_at', 'is', null)
        .executeTakeFirst();
      return row?.at === null || row?.at === undefined ? undefined : Number(row.at);
    },
    giveUp: (tx: Tx<ForwardTables>, forwardId: string) => close(tx, 'forward_id', forwardId),
  };
}
export type Commitments = ReturnType<typeof createCommitments>;
