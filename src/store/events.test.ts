import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { eachStore } from './testing.ts';
import type { Migration, NewEvent, SealedEvent, Store, StoreTables } from './types.ts';

type Seen = { seen: { consumer: string; seq: number } };
const seenTable: Migration = {
  id: 'seen-001',
  async up(db) {
    await db.schema
      .createTable('seen')
      .addColumn('consumer', 'text', (c) => c.notNull())
      .addColumn('seq', 'bigint', (c) => c.notNull())
      .addUniqueConstraint('seen_once', ['consumer', 'seq'])
      .execute();
  },
};
const append = (store: Store, ...events: NewEvent[]): Promise<void> =>
  store.write(async (tx) => {
    for (const event of events) await store.events.append(tx, event);
  });
const some = (n: number): NewEvent[] =>
  Array.from({ length: n }, (_, i) => ({
    kind: i % 3 ? 'archive.study.changed' : 'reading.report.signed',
    studyUid: `1.2.${i % 4}`,
    subject: `s${i}`,
    ...(i % 2 && { actor: 'person-1' }),
    payload: { i, text: `é"\\ ${i}` },
  }));
const seenBy = async (store: Store, consumer: string): Promise<number[]> =>
  (
    await store.read
      .withTables<Seen>()
      .selectFrom('seen')
      .select('seq')
      .where('consumer', '=', consumer)
      .orderBy('seq')
      .execute()
  ).map((r) => r.seq);

eachStore((label, make) => {
  test('events are numbered without gaps in the order of their commits, whatever is written at once', async () => {
    const store = await make();
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        store
          .write(async (tx) => {
            await store.events.append(tx, { kind: 'a.b.c', payload: { i } });
            if (i % 5 === 0) throw new Error('undone');
            order.push(i);
          })
          .catch(() => undefined),
      ),
    );
    await store.events.settled();
    const events = (await store.events.page({ limit: 1000 })).reverse();
    expect(events.map((e) => e.seq)).toEqual(Array.from({ length: 48 }, (_, i) => i + 1));
    expect(events.map((e) => e.payload?.i)).toEqual(order);
    expect(await store.events.lastSeq()).toBe(48);
    expect(await store.events.verify()).toEqual({ ok: true, events: 48 });
  });

  test('what is added up is told of once for many writes, and nothing is lost or told twice', async () => {
    const store = await make();
    const started = performance.now();
    const wanted = new Map<string, number>();
    await Promise.all(
      ['1.1', '1.2'].map(async (studyUid) => {
        for (let i = 1; i <= 40; i++) {
          const event = { kind: 'a.b.c', studyUid, payload: { images: i, late: i > 30 }, adds: 'images' };
          const undone = i % 7 === 0;
          const twice = i % 5 === 0;
          await store
            .write(async (tx) => {
              await store.events.append(tx, event);
              if (twice) await store.events.append(tx, event);
              if (undone) throw new Error('undone');
            })
            .catch(() => undefined);
          if (i % 16 === 0) await store.events.settled();
          const key = `${studyUid} ${i > 30}`;
          if (!undone) wanted.set(key, (wanted.get(key) ?? 0) + i * (twice ? 2 : 1));
        }
      }),
    );
    await store.events.settled();
    const events = await store.events.page({ limit: 1000 });
    const told = new Map<string, number>();
    for (const { study_uid, payload } of events) {
      const key = `${study_uid} ${payload!.late}`;
      told.set(key, (told.get(key) ?? 0) + Number(payload!.images));
    }
    expect(told).toEqual(wanted);
    // Where a write takes as long as sealing waits there is no company.
    expect(events.length).toBeLessThan(performance.now() - started < 5_000 ? 60 : 100);
    expect(await store.events.verify()).toEqual({ ok: true, events: events.length });
  });

  test('of many writes one after the other the events are sealed in company, within a moment', async () => {
    const store = await make();
    const heard: number[] = [];
    let groups = 0;
    let within = false;
    store.events.tail((event) => {
      heard.push(event.seq);
      if (!within) groups += 1;
      within = true;
      queueMicrotask(() => (within = false));
    });
    const started = performance.now();
    const count = 60;
    for (let i = 0; i < count; i++) await append(store, { kind: 'a.b.c', payload: { i } });
    const written = performance.now();
    while (heard.length < count && performance.now() - written < 2_000)
      await new Promise((r) => setTimeout(r, 5));
    expect(performance.now() - written).toBeLessThan(1_000);
    expect(heard).toEqual(Array.from({ length: count }, (_, i) => i + 1));
    // One at once, then one each 100 ms; and one look of the poll.
    expect(groups).toBeLessThanOrEqual(3 + (performance.now() - started) / 100);
  });

  test('sealing ends while writes go on: what comes meanwhile is added up for the next time', async () => {
    const store = await make();
    const started = performance.now();
    let images = 0;
    // Several at once, so that one is always written before the sealing of the one before is on the disk.
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        while (performance.now() - started < 600) {
          await append(store, { kind: 'a.b.c', payload: { images: 1 }, adds: 'images' });
          images += 1;
        }
      }),
    );
    await store.events.settled();
    const events = await store.events.page({ limit: 1000 });
    expect(events.reduce((sum, { payload }) => sum + Number(payload!.images), 0)).toBe(images);
    // One each 250 ms, and as many again at the edges of a sealing.
    expect(events.length).toBeLessThanOrEqual(4 + (2 * (performance.now() - started)) / 250);
  });

  test('listeners hear every sealed event in order, soon, and nothing after they left', async () => {
    const store = await make();
    const heard: SealedEvent[] = [];
    const leave = store.events.tail((event) => heard.push(event));
    store.events.tail(() => {
      throw new Error('a bad listener');
    });
    await append(store, { kind: 'a.b.c', studyUid: '1.2', subject: 's', actor: 'p', payload: { x: 1 } });
    const before = performance.now();
    while (heard.length === 0 && performance.now() - before < 2_000)
      await new Promise((r) => setTimeout(r, 1));
    expect(performance.now() - before).toBeLessThan(500);
    expect(heard[0]).toMatchObject({
      seq: 1,
      kind: 'a.b.c',
      study_uid: '1.2',
      subject: 's',
      actor: 'p',
      payload: { x: 1 },
    });
    await append(store, ...some(5));
    await store.events.settled();
    expect(heard.map((e) => e.seq)).toEqual([1, 2, 3, 4, 5, 6]);
    leave();
    await append(store, ...some(1));
    await store.events.settled();
    expect(heard).toHaveLength(6);
  });

  test('a consumer gets each event once, in order, from the first on, also over a restart', async () => {
    let store = await make({ migrations: [seenTable] });
    const consume = (): void => {
      for (const [name, kinds] of [
        ['all', undefined],
        ['signed', ['reading.report.signed']],
      ] as const) {
        store.events.consume(
          name,
          async (tx, event) => {
            await tx
              .insertInto('seen' as never)
              .values({ consumer: name, seq: event.seq } as never)
              .execute();
          },
          kinds && { kinds },
        );
      }
    };
    await append(store, ...some(30));
    consume();
    await store.events.settled();
    await append(store, ...some(3));
    store = await make.reopen(store, { migrations: [seenTable] });
    consume();
    await append(store, ...some(27));
    await store.events.settled();
    expect(await seenBy(store, 'all')).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    const signed = (await store.events.page({ kind: 'reading.report.signed' })).map((e) => e.seq).reverse();
    expect(signed).toHaveLength(20);
    expect(await seenBy(store, 'signed')).toEqual(signed);
  });

  test('a consumer that fails keeps what was before, says so, and goes on when the cause is gone', async () => {
    const store = await make({ migrations: [seenTable] });
    let broken = true;
    await append(store, ...some(10));
    store.events.consume('c', async (tx, event) => {
      await tx
        .insertInto('seen' as never)
        .values({ consumer: 'c', seq: event.seq } as never)
        .execute();
      if (broken && event.seq === 5) throw new Error('five is broken');
    });
    await expect(store.events.settled()).rejects.toMatchObject({ code: 'consumer-stuck' });
    expect(await seenBy(store, 'c')).toEqual([1, 2, 3, 4]);
    broken = false;
    await expect.poll(() => seenBy(store, 'c'), { timeout: 5_000 }).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await store.events.settled();
  });

  test('events of events are settled too', async () => {
    const store = await make();
    store.events.consume('c', async (tx, event) => {
      const n = (event.payload as { n: number }).n;
      if (n > 0) await store.events.append(tx, { kind: 'a.b.c', payload: { n: n - 1 } });
    });
    await append(store, { kind: 'a.b.c', payload: { n: 4 } });
    await store.events.settled();
    expect(await store.events.lastSeq()).toBe(5);
  });

  test('pages go backwards and filter', async () => {
    const store = await make();
    await append(store, ...some(20));
    await store.events.settled();
    expect((await store.events.page({ limit: 3 })).map((e) => e.seq)).toEqual([20, 19, 18]);
    expect((await store.events.page({ before: 18, limit: 2 })).map((e) => e.seq)).toEqual([17, 16]);
    expect(
      (await store.events.page({ studyUid: '1.2.1', kind: 'reading.report.signed' })).map((e) => e.seq),
    ).toEqual([10]);
    expect(await store.events.page({ actor: 'person-1', limit: 100 })).toHaveLength(10);
    expect(await store.events.page({ actor: 'nobody' })).toEqual([]);
  });

  test('an erased payload leaves its digest and a chain that verifies', async () => {
    const store = await make();
    await append(store, ...some(3));
    await store.events.settled();
    await store.write((tx) => store.events.erasePayload(tx, 2));
    expect((await store.events.page({ limit: 3 })).map((e) => e.payload?.i ?? null)).toEqual([2, null, 0]);
    expect(await store.events.verify()).toEqual({ ok: true, events: 3 });
    await expect(store.write((tx) => store.events.erasePayload(tx, 9))).rejects.toMatchObject({
      code: 'event-missing',
    });
  });

  const text: (keyof StoreTables['event'])[] = [
    'kind',
    'study_uid',
    'subject',
    'actor',
    'payload',
    'payload_digest',
    'prev_hash',
    'hash',
    'id',
  ];
  test.each(text)('a changed %s is found where it is', async (column) => {
    const store = await make();
    await append(store, ...some(6));
    await store.events.settled();
    await sql`update event set ${sql.ref(column)} = 'forged' where seq = 4`.execute(store.db);
    expect(await store.events.verify()).toMatchObject({ ok: false, events: 3, brokenAt: 4 });
  });

  test('a changed time, a missing, a swapped and a rewritten event are found', async () => {
    const store = await make();
    await append(store, ...some(8));
    await store.events.settled();
    const original = await store.read.selectFrom('event').selectAll().orderBy('seq').execute();
    const restore = async (): Promise<void> => {
      await store.db.deleteFrom('event').execute();
      await store.db.insertInto('event').values(original).execute();
      expect(await store.events.verify()).toMatchObject({ ok: true });
    };
    await sql`update event set at = at + 1 where seq = 2`.execute(store.db);
    expect(await store.events.verify()).toMatchObject({ brokenAt: 2, reason: 'changed' });
    await restore();
    await sql`delete from event where seq = 3`.execute(store.db);
    expect(await store.events.verify()).toMatchObject({ brokenAt: 3, reason: 'missing' });
    await restore();
    await sql`delete from event where seq = 1`.execute(store.db);
    expect(await store.events.verify()).toMatchObject({ brokenAt: 1, reason: 'missing' });
    await restore();
    await sql`update event set seq = case seq when 5 then -6 else -5 end where seq in (5, 6)`.execute(
      store.db,
    );
    await sql`update event set seq = -seq where seq < 0`.execute(store.db);
    expect(await store.events.verify()).toMatchObject({ brokenAt: 5, reason: 'relinked' });
  });

  test('a chain cut at its end is found by either anchor, and new events do not heal it', async () => {
    let store = await make();
    await append(store, ...some(9));
    await store.events.settled();
    await sql`delete from event where seq > 7`.execute(store.db);
    expect(await store.events.verify()).toEqual({ ok: false, events: 7, brokenAt: 8, reason: 'truncated' });
    store = await make.reopen(store);
    await sql`delete from setting where key = 'audit-anchor'`.execute(store.db);
    expect(await store.events.verify()).toMatchObject({ brokenAt: 8, reason: 'truncated' });
    await writeFile(join(store.dir, 'audit-anchor'), 'rubbish');
    expect(await store.events.verify()).toMatchObject({ ok: true }); // both gone: nothing left to tell
  });

  test('what is appended after a cut leaves the gap to be seen', async () => {
    const store = await make();
    await append(store, ...some(4));
    await store.events.settled();
    await sql`delete from event where seq = 4`.execute(store.db);
    await append(store, ...some(2));
    await store.events.settled();
    expect(await store.events.verify()).toMatchObject({ ok: false, brokenAt: 4, reason: 'missing' });
  });

  test('a restart seals what a crash left pending', async () => {
    let store = await make();
    await append(store, ...some(2));
    await store.events.settled();
    store = await make.reopen(store);
    await store.db
      .insertInto('event_pending')
      .values({
        id: 'ffffffff-0000-7000-8000-000000000000',
        at: 1,
        kind: 'a.b.c',
        study_uid: null,
        subject: null,
        actor: null,
        payload: '{}',
        payload_digest: 'x',
      })
      .execute();
    store = await make.reopen(store);
    await store.events.settled();
    expect(await store.events.lastSeq()).toBe(3);
  });

  test('the anchor file follows', async () => {
    const store = await make();
    await append(store, ...some(3));
    await store.events.settled();
    await store.close();
    expect(JSON.parse(await readFile(join(store.dir, 'audit-anchor'), 'utf8'))).toMatchObject({ seq: 3 });
  });

  test.runIf(label === 'postgres')(
    'two processes on one database make one chain and both hear all of it',
    async () => {
      const a = await make();
      const b = await make({ url: make.url(a)! });
      const heard: number[] = [];
      b.events.tail((event) => heard.push(event.seq));
      await Promise.all(Array.from({ length: 20 }, (_, i) => append(i % 2 ? a : b, ...some(2))));
      await a.events.settled();
      await b.events.settled();
      await expect.poll(() => heard.length, { timeout: 5_000 }).toBe(40);
      expect(heard).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
      expect(await b.events.verify()).toEqual({ ok: true, events: 40 });
    },
  );
});
