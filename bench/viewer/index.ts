/**
 * How soon a person sees the image, beside OHIF (`@ohif/app` from npm) on the same server, studies and Chromium with software
 * rendering. Both are opened by a click in their own list. What is shown is told by the pixels of the canvas (`e2e/canvas.ts`),
 * never by what a viewer says of itself.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { firstFullPicture } from '../../e2e/canvas.ts';
import { firstAccount, startServer, until, worklist, type Client, type Server } from '../../e2e/harness.ts';
import { ohifApp, serveOhif, type Ohif } from '../../e2e/ohif.ts';
import type { Instance } from '../data.ts';
import { radiographs } from '../radiographs.ts';
import { stow } from '../senders.ts';
import type { Line, SuiteOptions } from '../types.ts';
import { newPage, ohif, ours, scroll, shape, type Viewer } from './drive.ts';
import { memoryOf, nextAfterSigning, scriptsOf, workPerInteraction } from './own.ts';
import { stack } from './stacks.ts';

const DX = ['BENCHDX1', 'BENCHDX2'] as const;
const CT = { name: 'BENCHCT500', slices: 500 };
const LONG = { name: 'BENCHCT1000', slices: 1000 };
const SLOW = { megabits: 20, latencyMs: 40 };

/** Of how OHIF does: at most a half, a third, six tenths, as much. Ratios say how many times better ours is. */
const HALF = 2;
const THIRD = 3;
const SIX_TENTHS = 1 / 0.6;
const AS_GOOD = 1;
const NEXT_MS = 150;
const SCRIPT_MEGABYTES = 1.3;
const INTERACTION_MS = 50;

export async function* viewer({ rounds, only, say }: SuiteOptions): AsyncGenerator<Line> {
  const app = ohifApp();
  if ('missing' in app) return say(app.missing);
  const wanted = (name: string): boolean => only === undefined || name.includes(only);
  const stage = await Stage.open(app.dist);
  try {
    const compare = async function* (
      name: string,
      unit: string,
      goals: readonly [suffix: string, goal: number][],
      measure: (viewer: Viewer) => Promise<readonly number[]>,
      times = rounds,
    ): AsyncGenerator<Line> {
      if (!wanted(name)) return;
      const found = new Map<Viewer, (readonly number[])[]>([
        [stage.ours, []],
        [stage.ohif, []],
      ]);
      for (let round = 0; round < times; round++) {
        for (const each of round % 2 === 0 ? [stage.ours, stage.ohif] : [stage.ohif, stage.ours]) {
          const values = await measure(each);
          say(`${name}: ${each.name} ${values.map((value) => value.toFixed(1)).join(', ')} ${unit}`);
          found.get(each)!.push(values);
        }
      }
      for (const [i, [suffix, goal]] of goals.entries()) {
        const own = median(found.get(stage.ours)!.map((values) => values[i]!));
        const theirs = median(found.get(stage.ohif)!.map((values) => values[i]!));
        yield line(name + suffix, own, theirs, 'OHIF', unit, goal);
      }
    };
    const atMost = async function* (
      name: string,
      unit: string,
      limit: number,
      measure: () => Promise<number>,
    ): AsyncGenerator<Line> {
      if (wanted(name)) yield line(name, await measure(), limit, 'at most', unit, AS_GOOD);
    };

    const kinds = [
      ['DX 10 MB', DX[0], HALF],
      ['CT 500', CT.name, THIRD],
    ] as const;
    if (kinds.some(([kind]) => wanted(kind))) await stage.load(DX[0], CT);
    for (const [kind, patient, goal] of kinds) {
      const title = `${kind}: click to full pixels`;
      yield* compare(
        `${title}, loopback`,
        'ms',
        [
          [', cold', goal],
          [', warm', goal],
        ],
        (each) =>
          stage.inContext(each, async (context) => [
            await clickToPicture(context, each, patient),
            await clickToPicture(context, each, patient),
          ]),
      );
      yield* compare(
        `${title}, 20 Mbit/s 40 ms`,
        'ms',
        [
          [', cold', goal],
          [', warm', goal],
        ],
        (each) =>
          stage.inContext(each, async (context) => [
            await clickToPicture(context, each, patient, SLOW),
            await clickToPicture(context, each, patient, SLOW),
          ]),
      );
    }
    const stackGoals: [string, number][] = [
      [': until every slice was shown', SIX_TENTHS],
      [', then again: median of a step', AS_GOOD],
      [', then again: p99 of a step', AS_GOOD],
    ];
    yield* compare('CT 500 scrolled at once', 'ms', stackGoals, (each) =>
      stage.inContext(each, async (context) => scrolledAtOnce(context, each)),
    );
    yield* atMost('next study after signing', 'ms', NEXT_MS, async () => {
      await stage.load(...DX);
      return stage.inContext(stage.ours, (context) => nextAfterSigning(context, stage.server.url, DX[0]));
    });
    yield* atMost('JavaScript before the first image', 'MB', SCRIPT_MEGABYTES, async () => {
      await stage.load(DX[0]);
      return stage.inContext(stage.ours, (context) => scriptsOf(context, stage.ours, DX[0]));
    });
    yield* atMost('main thread, an interaction on a phone', 'ms', INTERACTION_MS, async () => {
      await stage.load(CT);
      return stage.inContext(
        stage.ours,
        (context) => workPerInteraction(context, stage.server.url, CT.name),
        { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
      );
    });
    if (wanted('memory, CT 1000')) await stage.load(LONG);
    yield* compare(
      'memory, CT 1000',
      'MB',
      [[' scrolled through, highest', SIX_TENTHS]],
      (each) => memoryOf(each, LONG),
      1,
    );
  } finally {
    await stage.close();
  }
}

async function clickToPicture(
  context: BrowserContext,
  viewer: Viewer,
  patient: string,
  network?: typeof SLOW,
): Promise<number> {
  const page = await newPage(context);
  try {
    if (network) await shape(page, network.megabits, network.latencyMs);
    await viewer.select(page, patient);
    await settled(page);
    await viewer.open(page);
    return await firstFullPicture(page);
  } finally {
    await page.close();
  }
}

/** A moment in which a person looks at the list. */
const settled = (page: Page): Promise<void> => page.waitForTimeout(2500);

async function scrolledAtOnce(context: BrowserContext, viewer: Viewer): Promise<number[]> {
  const page = await newPage(context);
  try {
    await viewer.select(page, CT.name);
    await settled(page);
    await viewer.open(page);
    await firstFullPicture(page, { stillMs: 0 });
    await scroll(page, CT.slices - 1);
    const all = await page.evaluate(() => performance.now() - window.canvasWatch.asked);
    // Back to the first by the key that both know, then through what has been loaded.
    await page.keyboard.press('Home');
    await page.waitForTimeout(1000);
    const steps = (await scroll(page, CT.slices - 1)).sort((a, b) => a - b);
    return [all, steps[steps.length >> 1]!, steps[Math.floor(steps.length * 0.99)]!];
  } finally {
    await page.close();
  }
}

const line = (
  work: string,
  ours: number,
  peer: number,
  peerName: string,
  unit: string,
  goal: number,
): Line => ({
  suite: 'viewer',
  work,
  ours,
  peer,
  peerName,
  unit,
  ratio: peer / ours,
  goal: Math.round(goal * 100) / 100,
  met: peer / ours >= goal,
});

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
};

/** Both viewers on one server. */
class Stage {
  readonly ours: Viewer;
  readonly ohif: Viewer;
  readonly server: Server;
  readonly #client: Client;
  readonly #ohif: Ohif;
  readonly #token: string;
  readonly #loaded = new Set<string>();

  private constructor(server: Server, client: Client, served: Ohif, token: string) {
    this.server = server;
    this.#client = client;
    this.#ohif = served;
    this.#token = token;
    this.ours = ours(server.url);
    this.ohif = ohif(served.url);
  }

  static async open(dist: string): Promise<Stage> {
    const where = { dicomweb: '', token: '' };
    const served = await serveOhif(dist, () => where, { compressed: true });
    const dir = mkdtempSync(join(tmpdir(), 'negatoscope-bench-'));
    process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
    writeFileSync(join(dir, 'negatoscope.json'), JSON.stringify({ corsOrigins: [served.url] }));
    const server = await startServer(dir);
    const client = await firstAccount(server);
    const add = async (roles: string[]) =>
      (await client.json<{ token: string }>('POST', '/api/tokens', { name: roles[0], roles })).token;
    Object.assign(where, { dicomweb: `${server.url}/dicom-web`, token: await add(['reader']) });
    return new Stage(server, client, served, await add(['technologist']));
  }

  /** Stores studies that are not there yet, and waits until the list has them. */
  async load(...studies: (string | { name: string; slices: number })[]): Promise<void> {
    const url = `${this.server.url}/dicom-web/studies`;
    const headers = { Authorization: `Bearer ${this.#token}` };
    const store = (instances: readonly Instance[]) =>
      stow({ name: 'Negatoscope', stow: { url, headers } } as never, instances, 1, 10);
    for (const study of studies) {
      const name = typeof study === 'string' ? study : study.name;
      if (this.#loaded.has(name)) continue;
      this.#loaded.add(name);
      if (typeof study === 'string') await store(await radiographs(1, [study], this.#loaded.size));
      else {
        const group: Instance[] = [];
        for (const instance of stack(study.name, study.slices)) {
          group.push(instance);
          if (group.length < 50) continue;
          await store(group.splice(0));
        }
        await store(group);
      }
    }
    await until(
      () => worklist(this.#client),
      (rows) =>
        [...this.#loaded].every((name) =>
          rows.some(({ study, state }) => study.patientName === name && state !== 'receiving'),
        ),
    );
  }

  async inContext<T>(viewer: Viewer, run: (context: BrowserContext) => Promise<T>, options = {}): Promise<T> {
    const browser = await viewer.browser();
    try {
      return await run(await viewer.context(browser, options));
    } finally {
      await browser.close();
    }
  }

  async close(): Promise<void> {
    await this.server.stop();
    await this.#ohif.close();
    rmSync(this.server.dir, { recursive: true, force: true });
  }
}
