import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { goldenPattern } from '../golden.ts';
import { loadPackage } from '../package.ts';
import type { ModelPackage } from '../package.ts';
import { modelDir } from '../testing.ts';
import { createRunner } from './runner.ts';
import type { Runner, RunnerOptions } from './runner.ts';

const model = await loadPackage(modelDir('fracture'));
const plane = goldenPattern({ seed: 1, columns: 900, rows: 1200, max: 4095 });
const limited = (resources: { memoryMB: number; seconds: number }): ModelPackage => ({
  ...model,
  manifest: { ...model.manifest, resources },
});

const opened: Runner[] = [];
const open = (options: Partial<RunnerOptions> = {}): Runner => {
  const runner = createRunner({ model, ...options });
  opened.push(runner);
  return runner;
};
afterEach(async () => {
  for (const runner of opened.splice(0)) await runner.close();
});
const alive = (pid: number): boolean => existsSync(`/proc/${pid}`);
/** Of user and system, in ticks of 1/100 s: proc(5). */
const processorSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};
async function gone(pid: number): Promise<boolean> {
  for (let i = 0; i < 100 && alive(pid); i += 1) await pause(50);
  return !alive(pid);
}

describe('the process of a model', () => {
  test('stays warm, is niced, has nothing of our environment, ends when closed', async () => {
    const runner = open();
    const one = await runner.analyse({ kind: 'grey', plane });
    const { pid } = runner;
    expect(await runner.analyse({ kind: 'grey', plane })).toEqual(one);
    expect(runner.pid).toBe(pid);
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain('HOME=');
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[16]).toBe('10'); // nice, proc(5)
    await runner.close();
    expect(await gone(pid!)).toBe(true);
  });

  test('ends after idleness, and the next image starts another', async () => {
    const runner = open({ idleMs: 50 });
    const one = await runner.analyse({ kind: 'grey', plane });
    const first = runner.pid!;
    expect(await gone(first)).toBe(true);
    expect(runner.pid).toBeUndefined();
    expect((await runner.analyse({ kind: 'grey', plane })).score).toBe(one.score);
  });

  test('killed in the middle: this image fails, the next one runs', async () => {
    const runner = open();
    await runner.analyse({ kind: 'grey', plane });
    const running = runner.analyse({ kind: 'grey', plane });
    running.catch(() => undefined);
    await pause(20);
    process.kill(runner.pid!, 'SIGKILL');
    await expect(running).rejects.toMatchObject({ code: 'model-process' });
    expect((await runner.analyse({ kind: 'grey', plane })).score).toBeGreaterThan(0);
  });

  test('takes too long: ended by its id', async () => {
    const runner = open({ model: limited({ memoryMB: 4096, seconds: 0.005 }) });
    await expect(runner.analyse({ kind: 'grey', plane })).rejects.toMatchObject({ code: 'model-time' });
    expect(runner.pid).toBeUndefined();
  });

  test.runIf(process.platform === 'linux')(
    'waits for the processor: that is not its time',
    async () => {
      const runner = open();
      await runner.analyse({ kind: 'grey', plane });
      const from = processorSeconds(runner.pid!);
      await runner.analyse({ kind: 'grey', plane });
      const limit = 2 * (processorSeconds(runner.pid!) - from);
      await runner.close();

      const shared = open({ model: limited({ memoryMB: 4096, seconds: limit }) });
      await shared.analyse({ kind: 'grey', plane });
      // One core shared with somebody of normal priority: ten times as long (sched(7)), and more than is allowed.
      const busy = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
      try {
        for (const pid of [busy.pid!, shared.pid!]) execFileSync('taskset', ['-acp', '0', String(pid)]);
        const before = performance.now();
        await shared.analyse({ kind: 'grey', plane });
        expect((performance.now() - before) / 1000).toBeGreaterThan(limit);
      } finally {
        busy.kill('SIGKILL');
      }
    },
    180_000,
  );

  test('takes too much memory: ended by its id', async () => {
    const runner = open({ model: limited({ memoryMB: 40, seconds: 60 }) });
    await expect(runner.analyse({ kind: 'grey', plane })).rejects.toMatchObject({ code: 'model-memory' });
  });

  test('stopped by the signal', async () => {
    const runner = open();
    const abort = new AbortController();
    const running = runner.analyse({ kind: 'grey', plane }, abort.signal);
    setTimeout(() => abort.abort(), 30);
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    await expect(runner.analyse({ kind: 'grey', plane }, abort.signal)).rejects.toMatchObject({
      code: 'aborted',
    });
  });

  test('images that were asked for together come out in order', async () => {
    const runner = open();
    const patterns = [1, 2, 3].map((seed) => goldenPattern({ seed, columns: 300, rows: 900, max: 255 }));
    const together = await Promise.all(patterns.map((p) => runner.analyse({ kind: 'grey', plane: p })));
    const apart: number[] = [];
    for (const p of patterns) apart.push((await runner.analyse({ kind: 'grey', plane: p })).score);
    expect(together.map((r) => r.score)).toEqual(apart);
    expect(new Set(apart).size).toBe(3);
  });

  test('weights that are not those of the manifest are not run', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'model-'));
    try {
      const weights = join(dir, model.manifest.weights.file);
      copyFileSync(join(model.dir, model.manifest.weights.file), weights);
      const bytes = readFileSync(weights);
      bytes[bytes.length - 100]! ^= 1;
      writeFileSync(weights, bytes);
      const runner = open({ model: { ...model, dir } });
      await expect(runner.analyse({ kind: 'grey', plane })).rejects.toMatchObject({ code: 'model-weights' });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  test('bytes that are no DICOM file are undecodable, and the process lives', async () => {
    const runner = open();
    await runner.analyse({ kind: 'grey', plane });
    const { pid } = runner;
    const file = new TextEncoder().encode('not a DICOM file at all');
    await expect(runner.analyse({ kind: 'dicom', file })).rejects.toMatchObject({
      code: 'pixels-undecodable',
    });
    expect(runner.pid).toBe(pid);
  });
});
