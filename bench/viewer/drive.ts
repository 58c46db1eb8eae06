/** Our viewer and OHIF, opened and scrolled as a person does, in a Chromium of its own each. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { watchCanvas } from '../../e2e/canvas.ts';
import { openBrowser, signIn } from '../../e2e/harness.ts';
import { skipTour } from '../../e2e/ohif.ts';

export interface Viewer {
  readonly name: string;
  /** A browser without other origins' rules where the viewer is not at home: else each request would be asked for twice. */
  browser(): Promise<Browser>;
  /** Signed in where that is needed. */
  context(browser: Browser, options?: object): Promise<BrowserContext>;
  /** The list, with this study selected. */
  select(page: Page, patient: string): Promise<void>;
  /** The click that opens the selected study. */
  open(page: Page): Promise<void>;
}

const VIEW = { width: 1440, height: 900 };
const WAIT_MS = 120_000;

/** Px from the row's corner, where it has no link. */
export const BESIDE = { x: 4, y: 12 };
export const rowOf = (page: Page, patient: string): Locator =>
  page.locator('.wl-row').filter({ hasText: patient }).first();

export const ours = (url: string): Viewer => ({
  name: 'Negatoscope',
  browser: () => openBrowser(),
  async context(browser, options = {}) {
    const context = await browser.newContext({ viewport: VIEW, locale: 'fr-FR', ...options });
    await signIn(context, { url });
    return context;
  },
  async select(page, patient) {
    await page.goto(`${url}/?list=all`);
    // Beside the name, which is a link: the list selects its first row by itself, and a click on the name of that one follows it.
    await rowOf(page, patient).click({ position: BESIDE });
    await page.locator('.preview', { hasText: patient }).locator('a.primary').waitFor();
  },
  open: (page) => page.locator('.preview a.primary').click(),
});

export const ohif = (url: string): Viewer => ({
  name: 'OHIF',
  browser: () => openBrowser(['--disable-web-security']),
  async context(browser, options = {}) {
    const context = await browser.newContext({ viewport: VIEW, locale: 'en-US', ...options });
    await skipTour(context);
    return context;
  },
  async select(page, patient) {
    await page.goto(url);
    await page.getByText(patient).first().click();
    await page.getByText('Basic Viewer').waitFor();
  },
  open: (page) => page.getByText('Basic Viewer').click(),
});

export async function newPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  await watchCanvas(page);
  return page;
}

/** Where the wheel leads. */
export const FORWARD = 100;
export const BACK = -100;

/**
 * Turns the wheel over the stage one step, waits until the canvas shows another picture, and so on for `steps` steps. Gives ms of
 * each step, from the turn to the picture. A step that shows nothing for two seconds is turned again; where three more turns show
 * nothing the stack is at its end: a turn that was only slow has led one slice further, so there may be fewer steps than asked for.
 */
export const scroll = (page: Page, steps: number, deltaY: number): Promise<number[]> =>
  page.evaluate(
    async ([count, delta]) => {
      const stage = [...document.querySelectorAll('canvas')].reduce((a, b) =>
        a.clientWidth * a.clientHeight >= b.clientWidth * b.clientHeight ? a : b,
      );
      const { left, top, width, height } = stage.getBoundingClientRect();
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
      const times: number[] = [];
      for (let i = 0; i < count; i++) {
        const before = window.canvasWatch.pictures.length;
        const began = performance.now();
        let turned = -Infinity;
        let turns = 0;
        while (window.canvasWatch.pictures.length === before) {
          if (performance.now() - turned > 2000) {
            if (times.length > 0 && turns > 3) return times;
            turns++;
            turned = performance.now();
            stage.dispatchEvent(
              new WheelEvent('wheel', {
                deltaY: delta,
                // By this Cornerstone tells the way; what Chromium gives a made event by itself has the sign of `deltaY`.
                wheelDeltaY: -delta,
                clientX: left + width / 2,
                clientY: top + height / 2,
                bubbles: true,
                cancelable: true,
              } as WheelEventInit),
            );
          }
          if (performance.now() - began > 30_000) throw new Error('the stack does not move');
          await frame();
        }
        times.push(performance.now() - began);
      }
      return times;
    },
    [steps, deltaY] as const,
  );

/** Of every process that runs, its parent (Linux, proc(5)). */
function parents(): Map<number, number> {
  const found = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      found.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]));
    } catch {
      // ended meanwhile
    }
  }
  return found;
}

/** Proportional set size of a browser with all its processes, MB. */
export function megabytesOf(root: number): number {
  const processes = parents();
  const within = (pid: number): boolean =>
    pid === root || (processes.has(pid) && within(processes.get(pid)!));
  let kilobytes = 0;
  for (const pid of processes.keys()) {
    if (!within(pid)) continue;
    try {
      kilobytes += Number(
        /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0,
      );
    } catch {
      // ended meanwhile
    }
  }
  return kilobytes / 1024;
}

/** Browsers that we started: children of ours. */
export const browserPids = (): number[] =>
  [...parents()]
    .filter(([pid, parent]) => parent === process.pid && /chrom/.test(commandOf(pid)))
    .map(([pid]) => pid);
const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1');
  } catch {
    return ''; // ended meanwhile
  }
};
