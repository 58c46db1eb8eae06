/** Receipts of associations: who came, what was offered, kept and refused. No patients: UIDs, titles, times and counts. */
import type { Store } from '../store/types.ts';
import type { ArchiveTables, Flag } from './tables.ts';
import type { Archive, ReceiptRow } from './types.ts';

/** The oldest go first. */
export const MAX_RECEIPTS = 10_000;
/** Whoever is refused must not push out those who were heard. */
export const MAX_REJECTED = 500;
const SWEEP_EVERY = 100;

export function createReceipts(
  store: Pick<Store, 'read' | 'write'>,
): Archive['receipts'] & { recover(): Promise<void> } {
  const db = store.read.withTables<ArchiveTables>();
  let kept = 0;

  /** A machine that only echoes, or is refused each time, has one row: its latest. */
  const idOf = ({ id, outcome, callingAe, address, answers, reason }: ReceiptRow): string => {
    if (outcome === 'rejected') return `rejected ${address} ${callingAe} ${reason}`;
    const kinds = Object.keys(answers);
    const idle = kinds.every((kind) => kind === 'C-ECHO 0000');
    return idle && outcome === 'released' ? `echo ${address} ${callingAe}` : id;
  };

  return {
    /** Before anybody can associate: what is open in the table was open when the program was killed, or the power failed. */
    async recover() {
      await store.write<ArchiveTables, void>(async (tx) => {
        await tx
          .updateTable('association')
          .set({ outcome: 'cut-off' })
          .where('outcome', '=', 'open')
          .execute();
      });
    },

    async keep(receipt) {
      const id = idOf(receipt);
      const { contexts, answers, refused, tls, ...row } = receipt;
      const values = {
        ...{
          id,
          calling_ae: row.callingAe,
          called_ae: row.calledAe,
          address: row.address,
          tls: (tls ? 1 : 0) as Flag,
        },
        ...{ started_at: row.startedAt, ended_at: row.endedAt, outcome: row.outcome, reason: row.reason },
        implementation: row.implementation,
        contexts: JSON.stringify(contexts),
        answers: JSON.stringify(answers),
        refused: JSON.stringify(refused),
      } as const;
      await store.write<ArchiveTables, void>(async (tx) => {
        const { id: _, ...rest } = values;
        await tx
          .insertInto('association')
          .values(values)
          .onConflict((conflict) => conflict.column('id').doUpdateSet(rest))
          .execute();
        if (id !== receipt.id) await tx.deleteFrom('association').where('id', '=', receipt.id).execute();
        if (kept++ % SWEEP_EVERY !== 0) return;
        for (const [limit, rejected] of [
          [MAX_RECEIPTS, false],
          [MAX_REJECTED, true],
        ] as const) {
          const oldest = await tx
            .selectFrom('association')
            .select('ended_at')
            .where('outcome', rejected ? '=' : '!=', 'rejected')
            .orderBy('ended_at', 'desc')
            .offset(limit)
            .limit(1)
            .executeTakeFirst();
          if (!oldest) continue;
          await tx
            .deleteFrom('association')
            .where('outcome', rejected ? '=' : '!=', 'rejected')
            .where('ended_at', '<=', Number(oldest.ended_at))
            .execute();
        }
      });
    },

    async list({ before, limit = 50 }) {
      const rows = await db
        .selectFrom('association')
        .selectAll()
        .$if(before !== undefined, (query) => query.where('ended_at', '<', before!))
        .orderBy('ended_at', 'desc')
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        id: row.id,
        callingAe: row.calling_ae,
        calledAe: row.called_ae,
        address: row.address,
        tls: Number(row.tls) === 1,
        startedAt: Number(row.started_at),
        endedAt: Number(row.ended_at),
        outcome: row.outcome,
        reason: row.reason,
        implementation: row.implementation,
        contexts: JSON.parse(row.contexts) as ReceiptRow['contexts'],
        answers: JSON.parse(row.answers) as ReceiptRow['answers'],
        refused: JSON.parse(row.refused) as ReceiptRow['refused'],
      }));
    },
  };
}
