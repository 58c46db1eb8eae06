import { expect, test } from 'vitest';
import { eachStore } from './testing.ts';
import type { Job, NewJob, Store } from './types.ts';

const enqueue = (store: Store, job: NewJob): Promise<string> =>
  store.write((tx) => store.jobs.enqueue(tx, job));
const states = async (store: Store, kind = 'k'): Promise<string[]> =>
  (await store.read.selectFrom('job').select('state').where('kind', '=', kind).orderBy('id').execute()).map(
    (r) => r.state,
  );
const until = async (condition: () => boolean | Promise<boolean>, ms = 8_000): Promise<void> => {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
const never = (signal: AbortSignal): Promise<void> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

eachStore((label, make) => {
  test('a job runs once, soon after its transaction, with its payload', async () => {
    const store = await make();
    const seen: Job[] = [];
    store.jobs.work('k', async (job) => void seen.push(job));
    const before = performance.now();
    const id = await enqueue(store, { kind: 'k', key: 'study 1', payload: { n: 1 }, priority: 3 });
    await until(() => seen.length === 1);
    expect(performance.now() - before).toBeLessThan(900); // not by the poll
    expect(seen).toEqual([{ id, kind: 'k', key: 'study 1', payload: { n: 1 }, attempt: 1, priority: 3 }]);
    await until(async () => (await states(store))[0] === 'done');
  });

  test('while one waits, asking again gives the same; while one runs, a second waits behind it', async () => {
    const store = await make();
    const first = await enqueue(store, { kind: 'k', key: '1' });
    expect(await enqueue(store, { kind: 'k', key: '1', priority: 9 })).toBe(first);
    const order: string[] = [];
    let release!: () => void;
    const gate = new Promise<void>((resolve) => (release = resolve));
    store.jobs.work(
      'k',
      async (job) => {
        order.push(`+${job.id}`);
        if (job.id === first) await gate;
        order.push(`-${job.id}`);
      },
      { concurrency: 4 },
    );
    await until(() => order.length === 1);
    const second = await enqueue(store, { kind: 'k', key: '1' });
    expect(second).not.toBe(first);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(order).toEqual([`+${first}`]); // never two of a key at once
    release();
    await until(() => order.length === 4);
    expect(order).toEqual([`+${first}`, `-${first}`, `+${second}`, `-${second}`]);
  });

  test('urgent first, then in order of asking; no more at once than allowed', async () => {
    const store = await make();
    for (const [key, priority] of [
      ['a', 0],
      ['b', 0],
      ['c', 100],
      ['d', 10],
    ] as const) {
      await enqueue(store, { kind: 'k', key, priority });
    }
    const order: string[] = [];
    let now = 0;
    let most = 0;
    store.jobs.work('k', async (job) => {
      most = Math.max(most, ++now);
      order.push(job.key);
      await new Promise((resolve) => setTimeout(resolve, 2));
      now -= 1;
    });
    await until(() => order.length === 4);
    expect(order).toEqual(['c', 'd', 'a', 'b']);
    expect(most).toBe(1);
  });

  test('each of many jobs runs exactly once under concurrency', async () => {
    const store = await make();
    const seen: string[] = [];
    store.jobs.work('k', async (job) => void seen.push(job.key), { concurrency: 8 });
    await store.write(async (tx) => {
      for (let i = 0; i < 60; i++) await store.jobs.enqueue(tx, { kind: 'k', key: String(i) });
    });
    await until(async () => (await store.jobs.counts()).k?.done === 60);
    expect(new Set(seen).size).toBe(60);
    expect(seen).toHaveLength(60);
  });

  test('a failure is tried again with pauses that grow, then given up, with the reason kept', async () => {
    const store = await make();
    const attempts: number[] = [];
    const given: [string, string][] = [];
    store.jobs.work(
      'k',
      async (job) => {
        attempts.push(job.attempt);
        throw new Error(`broken ${job.attempt}`);
      },
      {
        backoffMs: (attempt) => attempt * 2,
        onGiveUp: async (job, error) => void given.push([job.key, error]),
      },
    );
    await enqueue(store, { kind: 'k', key: '1', maxAttempts: 3 });
    await until(() => given.length === 1);
    expect(attempts).toEqual([1, 2, 3]);
    expect(given).toEqual([['1', 'broken 3']]);
    const row = await store.read.selectFrom('job').selectAll().executeTakeFirstOrThrow();
    expect([row.state, row.error, row.attempt]).toEqual(['failed', 'broken 3', 3]);
  });

  test('a job is not taken before its time', async () => {
    let clock = 1_000;
    const store = await make({ now: () => clock });
    const seen: string[] = [];
    await enqueue(store, { kind: 'k', key: '1', runAfter: 2_000 });
    store.jobs.work('k', async (job) => void seen.push(job.key));
    await enqueue(store, { kind: 'k', key: '2' });
    await until(() => seen.length === 1);
    expect(seen).toEqual(['2']);
    clock = 2_000;
    await until(() => seen.length === 2); // by the poll
  });

  test('cancelling ends what waits and tells what runs', async () => {
    const store = await make();
    let aborted = false;
    let started = false;
    store.jobs.work('k', async (_, signal) => {
      started = true;
      await never(signal).finally(() => (aborted = true));
    });
    await enqueue(store, { kind: 'k', key: '1' });
    await until(() => started);
    await enqueue(store, { kind: 'k', key: '1' });
    await store.write((tx) => store.jobs.cancel(tx, 'k', '1'));
    await until(() => aborted);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await states(store)).toEqual(['cancelled', 'cancelled']);
  });

  test('the heartbeat keeps a long job; the lease of a dead process runs out', async () => {
    const store = await make();
    let runs = 0;
    let release!: () => void;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const work = async (): Promise<void> => {
      runs += 1;
      await gate;
    };
    store.jobs.work('k', work, { leaseMs: 600, concurrency: 2 });
    await enqueue(store, { kind: 'k', key: '1' });
    await new Promise((resolve) => setTimeout(resolve, 1_700)); // several leases and a poll
    expect(runs).toBe(1);
    release();
    await until(async () => (await states(store))[0] === 'done');

    // As a process leaves it that was killed: running, its lease not renewed.
    await enqueue(store, { kind: 'dead', key: '1' });
    await store.db
      .updateTable('job')
      .set({ state: 'running', worker: 'gone:1:x', attempt: 1, lease_until: Date.now() + 100 })
      .where('kind', '=', 'dead')
      .execute();
    const seen: Job[] = [];
    store.jobs.work('dead', async (job) => void seen.push(job));
    expect(seen).toEqual([]);
    await until(() => seen.length === 1);
    expect(seen[0]!.attempt).toBe(2);
  });

  test('a job whose process was killed a few times is run all the same', async () => {
    const store = await make();
    await enqueue(store, { kind: 'k', key: '1', maxAttempts: 2 });
    await store.db
      .updateTable('job')
      .set({ state: 'running', worker: 'gone:1:x', attempt: 11, lease_until: 0 })
      .execute();
    let ran = false;
    store.jobs.work('k', async () => void (ran = true));
    await until(() => ran);
  });

  test('a job that kills the process each time is given up', async () => {
    const store = await make();
    await enqueue(store, { kind: 'k', key: '1', maxAttempts: 2 });
    await store.db
      .updateTable('job')
      .set({ state: 'running', worker: 'gone:1:x', attempt: 12, lease_until: 0 })
      .execute();
    const given: string[] = [];
    let ran = false;
    store.jobs.work('k', async () => void (ran = true), {
      onGiveUp: async (_, error) => void given.push(error),
    });
    await until(() => given.length === 1);
    expect(ran).toBe(false);
    expect(await states(store)).toEqual(['failed']);
  });

  test('closing tells the handlers; their jobs wait again and the attempt does not count', async () => {
    let store = await make();
    let started = false;
    store.jobs.work('k', async (_, signal) => {
      started = true;
      await never(signal);
    });
    await enqueue(store, { kind: 'k', key: '1' });
    await until(() => started);
    store = await make.reopen(store);
    expect(await states(store)).toEqual(['waiting']);
    const seen: Job[] = [];
    store.jobs.work('k', async (job) => void seen.push(job));
    await until(() => seen.length === 1);
    expect(seen[0]!.attempt).toBe(1);
  });

  test('a failing job whose successor waits leaves the work to it', async () => {
    const store = await make();
    let release!: () => void;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const seen: string[] = [];
    store.jobs.work('k', async (job) => {
      seen.push(job.id);
      if (seen.length > 1) return;
      await gate;
      throw new Error('broken');
    });
    const first = await enqueue(store, { kind: 'k', key: '1' });
    await until(() => seen.length === 1);
    const second = await enqueue(store, { kind: 'k', key: '1' });
    release();
    await until(() => seen.length === 2);
    expect(seen).toEqual([first, second]);
    await until(async () => (await states(store)).join() === 'cancelled,done');
  });

  test('old jobs that ended well are forgotten when the store opens; failed ones stay', async () => {
    let clock = Date.UTC(2026, 0, 1);
    let store = await make({ now: () => clock });
    for (const key of ['done', 'failed', 'waiting', 'cancelled'] as const) {
      await enqueue(store, { kind: 'k', key });
      await store.db.updateTable('job').set({ state: key }).where('key', '=', key).execute();
    }
    clock += 31 * 24 * 3_600_000;
    await enqueue(store, { kind: 'k', key: 'new' });
    await store.db.updateTable('job').set({ state: 'done' }).where('key', '=', 'new').execute();
    store = await make.reopen(store, { now: () => clock });
    const left = await store.read.selectFrom('job').select('key').orderBy('key').execute();
    expect(left.map((row) => row.key)).toEqual(['failed', 'new', 'waiting']);
  });

  test.runIf(label === 'sqlite')('opening takes up at once what a killed process was running', async () => {
    let store = await make();
    await enqueue(store, { kind: 'k', key: '1' });
    await store.db
      .updateTable('job')
      .set({ state: 'running', worker: 'gone:1:x', attempt: 1, lease_until: Date.now() + 60_000 })
      .execute();
    store = await make.reopen(store);
    const seen: Job[] = [];
    store.jobs.work('k', async (job) => void seen.push(job));
    await until(() => seen.length === 1, 500);
    expect(seen[0]!.attempt).toBe(2);
  });

  test.runIf(label === 'postgres')(
    'two processes on one database share the jobs, each runs once',
    async () => {
      const store = await make();
      const other = await make({ url: make.url(store)! });
      const seen: string[] = [];
      for (const [name, each] of [
        ['a', store],
        ['b', other],
      ] as const) {
        each.jobs.work(
          'k',
          async (job) => {
            seen.push(`${name}${job.key}`);
            await new Promise((resolve) => setTimeout(resolve, 1));
          },
          { concurrency: 4 },
        );
      }
      await store.write(async (tx) => {
        for (let i = 0; i < 40; i++) await store.jobs.enqueue(tx, { kind: 'k', key: String(i) });
      });
      await other.write(async (tx) => {
        for (let i = 40; i < 80; i++) await other.jobs.enqueue(tx, { kind: 'k', key: String(i) });
      });
      await until(async () => (await store.jobs.counts()).k?.done === 80);
      expect(new Set(seen.map((name) => name.slice(1))).size).toBe(80);
      expect(seen).toHaveLength(80);
    },
  );
});
