import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createDelivery } from '../delivery/index.ts';
import { createStore } from '../store/index.ts';
import type { Db } from '../store/types.ts';
import { migrations, MODEL, openHouse } from './testing/house.ts';
import type { ReadingTables } from './tables.ts';

const CHILD = fileURLToPath(new URL('./testing/sign-child.ts', import.meta.url));
const TIMES = process.env.CI ? 10 : 3;

/** Runs the child, kills it some time after it began to sign; the ids that it had acknowledged by then. */
async function signUntilKilled(dir: string, afterMs: number): Promise<string[]> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const acknowledged: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'ready') setTimeout(() => child.kill('SIGKILL'), afterMs);
    else if (line !== 'done') acknowledged.push(line);
  }
  await ended;
  return acknowledged;
}

test(
  `kill -9 while reports are signed, ${TIMES} times: each is signed whole or not at all`,
  { timeout: 300_000 },
  async () => {
    for (let time = 0; time < TIMES; time++) {
      const dir = await mkdtemp(join(tmpdir(), 'negatoscope-sign-'));
      try {
        const acknowledged = await signUntilKilled(dir, 10 + ((time * 37) % 150));
        const store = await createStore({ dir, migrations });
        try {
          const house = await openHouse(store);
          const { reading, archive } = house;
          const read = store.read as unknown as Db<ReadingTables>;
          const reports = await read.selectFrom('report').select(['id', 'study_uid']).execute();
          const ids = reports.map(({ id }) => id).sort();
          for (const id of acknowledged) expect(ids).toContain(id);
          // What came in no answer may have been signed all the same, at most the one under way.
          expect(ids.length - acknowledged.length).toBeLessThanOrEqual(1);

          await store.events.settled();
          expect(await store.events.verify()).toMatchObject({ ok: true });
          const events = await store.events.page({ kind: 'reading.report.signed', limit: 1000 });
          expect(events.map(({ subject }) => subject).sort()).toEqual(ids);
          const states = await read.selectFrom('reading_state').select('report_id').execute();
          expect(states.map((row) => row.report_id).sort()).toEqual(ids);
          const runs = await read.selectFrom('report_run').select('report_id').execute();
          expect(runs.map((row) => row.report_id).sort()).toEqual(ids);
          const signed = new Set(reports.map((row) => row.study_uid));
          const claims = await read.selectFrom('claim').select('study_uid').execute();
          expect(claims.some((claim) => signed.has(claim.study_uid))).toBe(false);
          for (const id of ids) expect(await reading.report(id)).toBeDefined(); // its digest matches
          expect((await house.evidence.cases(MODEL, 'read')).map(({ reportId }) => reportId).sort()).toEqual(
            ids,
          );

          // What was signed is delivered, each document once.
          if (time > 0) continue;
          await createDelivery({ store, archive, reading }).start();
          for (const { id, study_uid: studyUid } of reports) {
            await house.until(async () => {
              const report = await reading.report(id);
              return Boolean(report?.pdfSopInstanceUid && report.srSopInstanceUid);
            });
            const kinds = (await archive.findInstances({ match: {}, studyUid }, async () => new Set())).map(
              ({ kind }) => kind,
            );
            expect(kinds.sort()).toEqual(['image', 'report', 'report']);
          }
        } finally {
          await store.close();
        }
      } finally {
        await rm(dir, { recursive: true, force: true });
      }
    }
  },
);
