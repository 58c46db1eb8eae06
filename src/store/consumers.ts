import { NegatoscopeError, reasonOf } from '../errors.ts';
import { asSealed } from './events.ts';
import type { Db, Events, Log, Store, Tx } from './types.ts';

const BATCH = 20;
const PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

type Apply = Parameters<Events['consume']>[1];

interface Consumer {
  readonly name: string;
  readonly apply: Apply;
  readonly kinds: readonly string[] | undefined;
  /** Everything up to here is applied or not for it; the cursor in the table may lag behind, over events of other kinds. */
  position: number;
  running: Promise<void> | undefined;
  failures: number;
  error: unknown;
  timer: NodeJS.Timeout | undefined;
}

/** Durable readers of the event log: each event once, in order, in the transaction that moves the cursor. */
export function createConsumers(deps: { read: Db; write: Store['write']; log: Log; lastSeq: () => number }) {
  const { write, log, lastSeq } = deps;
  const consumers: Consumer[] = [];
  let closing = false;

  /** Applies up to `limit` events in one transaction. Returns the position reached. */
  const step = (consumer: Consumer, limit: number, sealed: number): Promise<number> =>
    write(async (tx: Tx) => {
      const row = await tx
        .selectFrom('consumer_cursor')
        .select('seq')
        .where('consumer', '=', consumer.name)
        .executeTakeFirst();
      const from = Math.max(row?.seq ?? 0, 0);
      let query = tx.selectFrom('event').selectAll().where('seq', '>', from).orderBy('seq').limit(limit);
      if (consumer.kinds) query = query.where('kind', 'in', [...consumer.kinds]);
      const events = await query.execute();
      for (const event of events) await consumer.apply(tx, asSealed(event));
      const reached = events.at(-1)?.seq;
      if (reached !== undefined) {
        await tx
          .insertInto('consumer_cursor')
          .values({ consumer: consumer.name, seq: reached })
          .onConflict((c) => c.column('consumer').doUpdateSet({ seq: reached }))
          .execute();
      }
      return events.length < limit ? Math.max(sealed, reached ?? 0) : reached!;
    });

  const run = async (consumer: Consumer): Promise<void> => {
    while (!closing && consumer.position < lastSeq()) {
      const sealed = lastSeq();
      try {
        // After a failure one at a time: everything before the event that fails is kept.
        consumer.position = await step(consumer, consumer.failures ? 1 : BATCH, sealed);
        consumer.failures = 0;
        consumer.error = undefined;
      } catch (thrown) {
        consumer.failures += 1;
        if (consumer.failures === 1) continue;
        consumer.error = thrown;
        if (closing) return;
        const pause = Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** (consumer.failures - 2));
        log.error(
          { consumer: consumer.name, pause, reason: reasonOf(thrown) },
          'an event could not be applied, will try again',
        );
        consumer.timer = setTimeout(() => {
          consumer.timer = undefined;
          void start(consumer);
        }, pause).unref();
        return;
      }
    }
  };
  const start = (consumer: Consumer): Promise<void> => {
    if (consumer.timer) return Promise.resolve(); // pausing after a failure
    consumer.running ??= run(consumer).finally(() => (consumer.running = undefined));
    return consumer.running;
  };

  return {
    add(name: string, apply: Apply, options: { kinds?: readonly string[] } = {}): void {
      if (consumers.some((c) => c.name === name)) throw new Error(`consumer ${name} is there already`);
      const consumer: Consumer = {
        name,
        apply,
        kinds: options.kinds,
        position: 0,
        running: undefined,
        failures: 0,
        error: undefined,
        timer: undefined,
      };
      consumers.push(consumer);
      void start(consumer);
    },
    /**
     * These events follow `before`. Who has come so far and waits for none of their kinds has come past them, without a
     * transaction; its cursor in the table moves with the next event that it does wait for.
     */
    pass(before: number, events: readonly { seq: number; kind: string }[]): void {
      const reached = events.at(-1)!.seq;
      for (const consumer of consumers) {
        const { kinds } = consumer;
        if (!kinds || consumer.running || consumer.position !== before) continue;
        if (!events.some(({ kind }) => kinds.includes(kind))) consumer.position = reached;
      }
    },
    wake(): void {
      for (const consumer of consumers) void start(consumer);
    },
    /** Resolves when all have reached the last sealed event; rejects when one is stuck. */
    async settled(): Promise<void> {
      const target = lastSeq();
      for (const consumer of consumers) {
        while (consumer.position < target) {
          await start(consumer);
          if (consumer.position < target && consumer.error) {
            throw new NegatoscopeError(
              'consumer-stuck',
              `The consumer ${consumer.name} cannot apply an event: ${reasonOf(consumer.error)}`,
              { status: 500, cause: consumer.error },
            );
          }
          if (closing) return;
        }
      }
    },
    async close(): Promise<void> {
      closing = true;
      for (const consumer of consumers) {
        clearTimeout(consumer.timer);
        await consumer.running;
      }
    },
  };
}
