/**
 * `npm run crash -- [--kills N] [--seed S] [--keep]`: `kill -9` at random moments while images come by every door, are deleted,
 * brought back, erased, corrected, signed, asked for. After each restart everything that was acknowledged has to be there, byte
 * for byte, and nothing half. Ends with 1 and keeps the data folder when not. A seed does not repeat a run: those at work draw from it
 * as their answers come.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exitOnSignal } from '../../bench/signals.ts';
import { random } from '../../scripts/fuzz/mutate.ts';
import { PROGRAM, PROGRAM_FLAGS } from '../../scripts/node24.mjs';
import { freePort } from '../../src/wire/testing/peers.ts';
import { Client, firstAccount, newDir, remove, type Server, startServer } from '../harness.ts';
import { ACTORS, fetched, letIn } from './actors.ts';
import { check } from './check.ts';
import { Ledger } from './ledger.ts';

/** Answers before the kill, at most; by number, so that a slow machine is as far as a fast one. Then so many ms more. */
const MOST_ANSWERS = 60;
const MOST_MS = 150;
/** Whatever was answered. */
const LATEST_MS = 20_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export interface CrashOptions {
  kills: number;
  seed: number;
  say?: (text: string) => void;
  keep?: boolean;
}

/** Gives what was done, by kind. Throws what was not as promised. */
export async function crashLoop({
  kills,
  seed,
  say = () => undefined,
  keep = false,
}: CrashOptions): Promise<Record<string, number>> {
  const chance = random(seed);
  // The same ports again: senders know one address.
  const ports = ['--port', `${await freePort()}`, '--dicom-port', `${await freePort()}`];
  let server = await startServer(newDir(), ports);
  let client = await firstAccount(server);
  const ledger = new Ledger();
  let sound = false;
  try {
    await letIn(server, client);
    for (let kill = 1; kill <= kills; kill++) {
      const answers = Math.floor(chance() * MOST_ANSWERS);
      await load(server, client, ledger, chance, answers);
      server = await server.restart(ports);
      client = await new Client(server.url).login('anne');
      const before = ledger.unanswered.size;
      await check(server, client, ledger);
      say(
        `${kill} of ${kills}: killed after ${answers} answers at least; ${ledger.kept.size} instances known, ${before} were under way`,
      );
    }
    await end(server, client, ledger);
    ledger.count('files set aside by the sweep', orphansIn(server.dir));
    sound = true;
    return Object.fromEntries(ledger.counts);
  } catch (thrown) {
    throw new Error(`${(thrown as Error).message}\nThe data are in ${server.dir}`, { cause: thrown });
  } finally {
    await server.stop();
    if (sound && !keep) remove(server);
    else if (sound) say(`the data are in ${server.dir}`);
  }
}

/** All of them at once, until the kill. */
async function load(
  server: Server,
  client: Client,
  ledger: Ledger,
  chance: () => number,
  answers: number,
): Promise<void> {
  let on = true;
  const problems: string[] = [];
  const old = [...new Set([...ledger.kept.values()].map(({ study }) => study))];
  const stage = { server, client, ledger, chance, old, on: () => on };
  const acting = Object.entries(ACTORS).map(async ([name, act]) => {
    try {
      await act(stage);
    } catch (thrown) {
      // What breaks off after the kill is what is tried here.
      if (on) problems.push(`${name}: ${(thrown as Error).stack}`);
    }
  });
  const begun = ledger.answers;
  const latest = performance.now() + LATEST_MS;
  // The first round lasts until a report is signed: how soon one is, is luck.
  while ((ledger.answers - begun < answers || ledger.signed.size === 0) && performance.now() < latest)
    await pause(2);
  await pause(chance() * MOST_MS);
  on = false;
  await server.kill();
  await Promise.all(acting);
  if (problems.length > 0) throw new Error(`Before the kill:\n${problems.join('\n')}`);
}

/** Once more, by the doors: every instance as it came, and the program's own look at every file. */
async function end(server: Server, client: Client, ledger: Ledger): Promise<void> {
  const wrong: string[] = [];
  for (const each of ledger.kept.values()) {
    if (each.place === 'here' && ledger.described.has(each.study)) continue; // leaves corrected
    const sum = await fetched(client, each);
    if (sum !== (each.place === 'here' ? each.dataSha : undefined)) wrong.push(each.sop);
  }
  if (wrong.length > 0)
    throw new Error(`${wrong.length} instances came back changed, or not at all: ${wrong.slice(0, 5)}`);
  const verifying = spawn(
    process.execPath,
    [...PROGRAM_FLAGS, PROGRAM, 'verify', '--all', '--data', server.dir],
    {
      stdio: 'pipe',
    },
  );
  let said = '';
  for (const stream of [verifying.stdout, verifying.stderr]) stream.on('data', (chunk) => (said += chunk));
  const [code] = await once(verifying, 'close');
  if (code !== 0) throw new Error(`negatoscope verify ended with ${code}: ${said}`);
}

function orphansIn(dir: string): number {
  try {
    return readdirSync(join(dir, 'orphans')).length;
  } catch {
    return 0;
  }
}

if (import.meta.filename === process.argv[1]) {
  exitOnSignal();
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      keep: { type: 'boolean', default: false },
    },
  });
  const [kills, seed] = [Number(values.kills), Number(values.seed)];
  console.log(`seed ${seed}`);
  try {
    const done = await crashLoop({ kills, seed, keep: values.keep, say: console.log });
    console.log(
      `${kills} kills (seed ${seed}), nothing lost, nothing half. Answered: ${JSON.stringify(done)}`,
    );
  } catch (thrown) {
    console.error((thrown as Error).message);
    process.exitCode = 1;
  }
}
