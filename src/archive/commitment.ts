/** Storage commitment (PS3.4 J): a durable promise to look whether instances are kept, and to say so until it was heard. */
import { NegatoscopeError } from '../errors.ts';
import type { Store } from '../store/types.ts';
import type { Objects } from './objects.ts';
import type { Archive, CommitmentReport, CommitmentRequest, Sight } from './types.ts';

const KIND = 'commitment';
/** The answer to the request goes first. */
const AFTER_MS = 300;
/** With pauses up to an hour: over a day. */
const MAX_ATTEMPTS = 40;
const pause = (attempt: number): number => Math.min(3_600_000, 5_000 * 2 ** Math.min(20, attempt - 1));

/** Failure Reason (0008,1197), PS3.3 C.14.1.1. */
const NO_SUCH_INSTANCE = 0x0112;
const CLASS_CONFLICT = 0x0119;
const PROCESSING_FAILURE = 0x0110;

export function createCommitment(store: Store, objects: Objects, now: () => number): Archive['commitment'] {
  const reasonAgainst = async (
    { sopClassUid, sopInstanceUid }: CommitmentRequest['references'][number],
    sight: Sight,
  ): Promise<number | undefined> => {
    const row = await objects.instance(sopInstanceUid, sight);
    if (!row) return NO_SUCH_INSTANCE;
    if (row.sopClassUid !== sopClassUid) return CLASS_CONFLICT;
    try {
      return (await objects.verify(sopInstanceUid)).ok ? undefined : PROCESSING_FAILURE;
    } catch {
      return PROCESSING_FAILURE; // the file is gone or cannot be read
    }
  };

  let told: { sight: Sight; report: (report: CommitmentReport) => Promise<void> } | undefined;

  return {
    async request(request) {
      await store.write(async (tx) => {
        await store.jobs.enqueue(tx, {
          kind: KIND,
          key: `${request.aeTitle} ${request.transactionUid}`,
          payload: request,
          maxAttempts: MAX_ATTEMPTS,
          runAfter: now() + AFTER_MS,
        });
      });
    },

    work(sight, report) {
      const working = told !== undefined;
      told = { sight, report }; // the door may be opened anew; the latest one tells
      if (working) return;
      store.jobs.work<CommitmentRequest>(
        KIND,
        async ({ payload }, signal) => {
          const found: {
            committed: CommitmentReport['committed'][number][];
            failed: CommitmentReport['failed'][number][];
          } = { committed: [], failed: [] };
          for (const reference of payload.references) {
            if (signal.aborted)
              throw new NegatoscopeError('shutting-down', 'The server is stopping.', { status: 503 });
            const reason = await reasonAgainst(reference, told!.sight);
            if (reason === undefined) found.committed.push(reference);
            else found.failed.push({ ...reference, reason });
          }
          const { references: _, ...request } = payload;
          await told!.report({ ...request, ...found });
        },
        { concurrency: 2, backoffMs: pause, leaseMs: 120_000 },
      );
    },
  };
}
