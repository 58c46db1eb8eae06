/**
 * How soon a person sees the image, beside OHIF (`@ohif/app` from npm) on the same server, studies and Chromium with software
 * rendering. Both are opened by a click in their own list. What is shown is told by the pixels of the canvas (`e2e/canvas.ts`),
 * never by what a viewer says of itself.
 */
import { rmSync } from 'node:fs';
import type { BrowserContext, Page } from 'playwright-core';
import { firstFullPicture } from '../../e2e/canvas.ts';
import { slowDown, until, worklist, type Client, type Server } from '../../e2e/harness.ts';
import { ohifApp, openOhif, type Ohif } from '../../e2e/ohif.ts';
import type { Instance } from '../data.ts';
import { median } from '../median.ts';
import { radiographs } from '../radiographs.ts';
import { stow } from '../senders.ts';
import type { Line, SuiteOptions } from '../types.ts';
import { BACK, FORWARD, newPage, ohif, ours, scroll, type Viewer } from './drive.ts';
import { memoryOf, nextAfterSigning, scriptsOf, workPerInteraction } from './own.ts';
import { stack } from './stacks.ts';

const DX = ['BENCHDX1', 'BENCHDX2'] as const;
const SLICES = 500;
const SLOW = { megabits: 20, latencyMs: 40 };

/** A CT by its patient's name. */
interface Stack {
  name: string;
  slices: number;
}
/** A radiograph by its patient's name, or a CT. */
type Study = string | Stack;

/** Of how OHIF does: at most a half, a third, six tenths, as much. Ratios say how many times better ours is. */
const HALF = 2;
const THIRD = 3;
const SIX_TENTHS = 1 / 0.6;
const AS_GOOD = 1;
const NEXT_MS = 150;
const SCRIPT_MEGABYTES = 1.3;
const INTERACTION_MS = 50;

export async function* viewer({ count = SLICES, rounds, only, say }: SuiteOptions): AsyncGenerator<Line> {
  const app = ohifApp();
  if ('missing' in app) return say(app.missing);
  const wanted = (name: string): boolean => name.includes(only);
  const ct: Stack = { name: `BENCHCT${count}`, slices: count };
  const long: Stack = { name: `BENCHCT${2 * count}`, slices: 2 * count };
  const stage = await Stage.open(app.dist);
  try {
    // What a work needs is loaded with it, so that each can be asked for alone.
    const compare = async function* (
      name: string,
      unit: string,
      studies: readonly Study[],
      goals: readonly [suffix: string, goal: number][],
      measure: (viewer: Viewer) => Promise<readonly number[]>,
      times = rounds,
    ): AsyncGenerator<Line> {
      if (!wanted(name)) return;
      await stage.load(...studies);
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
      studies: readonly Study[],
      measure: () => Promise<number>,
    ): AsyncGenerator<Line> {
      if (!wanted(name)) return;
      await stage.load(...studies);
      yield line(name, await measure(), limit, 'at most', unit, AS_GOOD);
    };

    // The radiographs first, and together: the one is what comes next after the other.
    const kinds = [
      ['DX 10 MB', DX, DX[0], HALF],
      [`CT ${count}`, [ct], ct.name, THIRD],
    ] as const;
    for (const [kind, studies, patient, goal] of kinds) {
      const title = `${kind}: click to full pixels`;
      yield* compare(
        `${title}, loopback`,
        'ms',
        studies,
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
        studies,
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
    yield* compare(`CT ${count} scrolled at once`, 'ms', [ct], stackGoals, (each) =>
      stage.inContext(each, (context) => scrolledAtOnce(context, each, ct, say)),
    );
    yield* atMost('next study after signing', 'ms', NEXT_MS, DX, () =>
      stage.inContext(stage.ours, (context) => nextAfterSigning(context, stage.server.url, DX[0])),
    );
    yield* atMost('JavaScript before the first image', 'MB', SCRIPT_MEGABYTES, DX, () =>
      stage.inContext(stage.ours, (context) => scriptsOf(context, stage.ours, DX[0])),
    );
    yield* atMost('main thread, an interaction on a phone', 'ms', INTERACTION_MS, [ct], () =>
      stage.inContext(stage.ours, (context) => workPerInteraction(context, stage.server.url, ct.name), {
        viewport: { width: 390, height: 844 },
        hasTouch: true,
        isMobile: true,
      }),
    );
    yield* compare(
      `memory, CT ${2 * count}`,
      'MB',
      [long],
      [[' scrolled through, highest', SIX_TENTHS]],
      (each) => memoryOf(each, long, say),
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
    if (network) await slowDown(page, network);
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

async function scrolledAtOnce(
  context: BrowserContext,
  viewer: Viewer,
  { name, slices }: Stack,
  say: (text: string) => void,
): Promise<number[]> {
  const page = await newPage(context);
  try {
    await viewer.select(page, name);
    await settled(page);
    await viewer.open(page);
    await firstFullPicture(page, { stillMs: 0 });
    const forward = await scroll(page, slices - 1, FORWARD);
    const all = await page.evaluate(() => {
      const { asked, pictures } = window.canvasWatch;
      return pictures.at(-1)!.t - asked;
    });
    await page.waitForTimeout(1000);
    // Back through what has been loaded.
    const steps = await scroll(page, slices - 1, BACK);
    if (Math.min(forward.length, steps.length) < slices - 1)
      say(
        `${viewer.name}: ${forward.length} steps forward and ${steps.length} back were seen of ${slices - 1}`,
      );
    const slowest = steps.toSorted((a, b) => a - b);
    return [all, median(steps), slowest[Math.floor(steps.length * 0.99)]!];
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
    const { server, client, ohif: served } = await openOhif(dist, ['reader'], { compressed: true });
    process.once('exit', () => rmSync(server.dir, { recursive: true, force: true }));
    const { token } = await client.json<{ token: string }>('POST', '/api/tokens', {
      name: 'technologist',
      roles: ['technologist'],
    });
    return new Stage(server, client, served, token);
  }

  /** Stores studies that are not there yet, and waits until the list has them. */
  async load(...studies: readonly Study[]): Promise<void> {
    const url = `${this.server.url}/dicom-web/studies`;
    const headers = { Authorization: `Bearer ${this.#token}` };
    const store = (instances: readonly Instance[]) =>
      stow({ name: 'Negatoscope', stow: { url, headers } }, instances, 1, 10);
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
          rows.some(({ study, state }) => study.patientName === name && state !== 'waiting-images'),
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
