/** Our viewer and OHIF, opened and scrolled as a person does, in a Chromium of its own each. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { watchCanvas } from '../../e2e/canvas.ts';
import { openBrowser, PASSWORD } from '../../e2e/harness.ts';

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

export const ours = (url: string): Viewer => ({
  name: 'Negatoscope',
  browser: () => openBrowser(),
  async context(browser, options = {}) {
    const context = await browser.newContext({ viewport: VIEW, locale: 'fr-FR', ...options });
    const answer = await context.request.post(`${url}/api/login`, {
      data: { login: 'anne', password: PASSWORD },
    });
    if (!answer.ok()) throw new Error(`sign-in: ${answer.status()} ${await answer.text()}`);
    return context;
  },
  async select(page, patient) {
    await page.goto(`${url}/?list=all`);
    await page.locator('.wl-list').getByText(patient).first().click();
    await page.locator('.preview a.primary').waitFor();
  },
  open: (page) => page.locator('.preview a.primary').click(),
});

export const ohif = (url: string): Viewer => ({
  name: 'OHIF',
  browser: () => openBrowser(['--disable-web-security']),
  async context(browser, options = {}) {
    const context = await browser.newContext({ viewport: VIEW, locale: 'en-US', ...options });
    // The tour for those who come for the first time would lie above the image.
    await context.addInitScript(() => localStorage.setItem('shownTours', '["basicViewerTour"]'));
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

/** Chromium's emulation of a slower network: bits a second down and up, and ms before each answer. */
export async function shape(page: Page, megabits: number, latencyMs: number): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const bytes = (megabits * 1e6) / 8;
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: latencyMs,
    downloadThroughput: bytes,
    uploadThroughput: bytes,
  });
}

/**
 * Turns the wheel over the stage one step, waits until the canvas shows another picture, and so on for `steps` steps. Gives ms of
 * each step, from the turn to the picture. A step that shows nothing for two seconds is turned again.
 */
export const scroll = (page: Page, steps: number): Promise<number[]> =>
  page.evaluate(async (count) => {
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
      while (window.canvasWatch.pictures.length === before) {
        if (performance.now() - turned > 2000) {
          turned = performance.now();
          stage.dispatchEvent(
            new WheelEvent('wheel', {
              deltaY: 100,
              clientX: left + width / 2,
              clientY: top + height / 2,
              bubbles: true,
              cancelable: true,
            }),
          );
        }
        if (performance.now() - began > 30_000) throw new Error(`slice ${i + 2} does not come`);
        await frame();
      }
      times.push(performance.now() - began);
    }
    return times;
  }, steps);

/** Proportional set size of a browser with all its processes, MB (Linux, proc(5)). */
export function megabytesOf(root: number): number {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]));
    } catch {
      // ended meanwhile
    }
  }
  const within = (pid: number): boolean => pid === root || (parents.has(pid) && within(parents.get(pid)!));
  let kilobytes = 0;
  for (const pid of parents.keys()) {
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

/** The browser's own process: a child of ours. */
export function browserPids(): number[] {
  const found: number[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]);
      if (parent === process.pid && /chrom/.test(stat)) found.push(Number(name));
    } catch {
      // ended meanwhile
    }
  }
  return found;
}
