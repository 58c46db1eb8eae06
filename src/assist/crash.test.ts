import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { shared } from './testing.ts';

const SERVER = fileURLToPath(new URL('./testing-server.ts', import.meta.url));
interface State {
  states: string[];
  scores: number[];
  findings: number;
  rows: number;
  results: number;
  asideCount: number;
}

function start(
  dir: string,
  ...args: string[]
): { server: ChildProcess; until(want: (s: State) => boolean): Promise<State> } {
  const server = spawn(process.execPath, [SERVER, dir, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const seen: State[] = [];
  createInterface({ input: server.stdout! }).on('line', (line) => seen.push(JSON.parse(line) as State));
  return {
    server,
    async until(want) {
      for (let i = 0; i < 3000; i += 1) {
        const found = seen.find(want);
        if (found) return found;
        if (server.exitCode !== null) break;
        await pause(10);
      }
      throw new Error(`not seen; last: ${JSON.stringify(seen.at(-1))}`);
    },
  };
}
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
const ended = (server: ChildProcess): Promise<unknown> =>
  server.exitCode !== null || server.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => server.once('exit', resolve));

// Spread over what a run does: opening the model, inference, writing the rows, storing the result.
const DELAYS = process.env['CI'] === 'true' ? [0, 50, 100, 150, 200, 250, 300, 400, 500, 700] : [0, 200, 400];
test.each(DELAYS)(
  'the server is killed %i ms into a run: the run happens again, its result once',
  async (delay) => {
    const dir = mkdtempSync(join(tmpdir(), 'crash-'));
    try {
      const first = start(dir, shared('radiographs/dicom/DX16_KNEE_AP_2390.dcm'));
      await first.until((s) => s.states[0] === 'running');
      await pause(delay);
      const models = childrenOf(first.server.pid!);
      first.server.kill('SIGKILL');
      await ended(first.server);

      const second = start(dir);
      const state = await second.until((s) => s.states[0] === 'analysed');
      expect(state).toMatchObject({ states: ['analysed'], findings: 1, rows: 1, results: 1, asideCount: 0 });
      expect(state.scores[0]).toBeCloseTo(0.9363, 3);
      second.server.stdin!.end();
      await ended(second.server);
      // The model's process does not outlive its server.
      for (let i = 0; i < 100 && models.some((pid) => existsSync(`/proc/${pid}`)); i += 1) await pause(50);
      expect(models.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  },
);
