import fc from 'fast-check';
import { expect, test } from 'vitest';
import { grouped } from './grouped.ts';

test('whatever was written before a call is covered when it resolves, one run at a time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
      async (s, pauses) => {
        let written = 0;
        let covered = 0;
        let atOnce = 0;
        const sync = grouped(async () => {
          expect(++atOnce).toBe(1);
          const reached = written;
          await s.schedule(Promise.resolve());
          covered = reached;
          atOnce -= 1;
        });
        const calls: Promise<void>[] = [];
        for (const pause of pauses) {
          const mine = ++written;
          calls.push(sync().then(() => expect(covered).toBeGreaterThanOrEqual(mine)));
          if (pause && s.count() > 0) await s.waitOne();
        }
        await s.waitFor(Promise.all(calls));
      },
    ),
  );
});

test('many calls share few runs', async () => {
  let runs = 0;
  const sync = grouped(async () => {
    runs += 1;
    await new Promise((resolve) => setTimeout(resolve, 5));
  });
  await Promise.all(Array.from({ length: 100 }, () => sync()));
  expect(runs).toBe(2);
});

test('a failure reaches those who shared it; the next call tries anew', async () => {
  let broken = true;
  const sync = grouped(async () => {
    if (broken) throw new Error('EIO');
  });
  await expect(sync()).rejects.toThrow('EIO');
  broken = false;
  await sync();
});
