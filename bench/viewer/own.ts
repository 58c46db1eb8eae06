/** Figures of our viewer alone, and memory of both. */
import type { BrowserContext, Page } from 'playwright-core';
import { BLANK, firstFullPicture } from '../../e2e/canvas.ts';
import { PIN } from '../../e2e/harness.ts';
import { BESIDE, browserPids, FORWARD, megabytesOf, newPage, rowOf, scroll, type Viewer } from './drive.ts';

/** Reads a study and signs; ms from the end of the answer to the signature until the canvas shows the next study. */
export async function nextAfterSigning(
  context: BrowserContext,
  url: string,
  patient: string,
): Promise<number> {
  const page = await newPage(context);
  await page.goto(`${url}/?list=all`);
  await rowOf(page, patient).dblclick({ position: BESIDE });
  await firstFullPicture(page);
  await page.getByLabel('Conclusion', { exact: true }).fill('Pas de lésion.');
  const foot = page.locator('.foot').getByRole('button');
  await page.waitForFunction(
    () => document.querySelector('.foot button')?.getAttribute('aria-disabled') === 'false',
  );
  // As long as a person takes at least to read an image: the next one is fetched meanwhile.
  await page.waitForTimeout(5000);
  await foot.click();
  const dialog = page.getByRole('dialog');
  await dialog.locator('input[type=password]').fill(PIN);
  await page.evaluate(() => window.canvasWatch.clear());
  const answered = page.waitForResponse((response) => response.url().endsWith('/sign'));
  await dialog.getByRole('button', { name: /Signer/ }).click();
  if (!(await answered).ok()) throw new Error(`signing: ${(await answered).status()}`);
  await page.waitForFunction((name) => {
    const who = document.querySelector('.reading .who')?.textContent;
    return who && !who.includes(name);
  }, patient);
  await page.waitForTimeout(2000);
  return page.evaluate((blank) => {
    const signed = (performance.getEntriesByType('resource') as PerformanceResourceTiming[]).findLast(
      ({ name }) => name.endsWith('/sign'),
    )!.responseEnd;
    const { pictures } = window.canvasWatch;
    const last = pictures.at(-1)!;
    const first = pictures.find(
      ({ t, spread, edges }) => t > signed && spread > blank && Math.abs(edges / last.edges - 1) <= 0.1,
    );
    if (!first) throw new Error('the next study is not shown');
    return first.t - signed;
  }, BLANK);
}

/** Compressed bytes of all scripts and WebAssembly, MB, that came over the network before the first full picture: cold, from the list. */
export async function scriptsOf(context: BrowserContext, viewer: Viewer, patient: string): Promise<number> {
  const page = await newPage(context);
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  const scripts = new Set<string>();
  let bytes = 0;
  session.on('Network.responseReceived', ({ requestId, type, response }) => {
    if (type === 'Script' || /javascript|wasm/.test(response.mimeType)) scripts.add(requestId);
  });
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (scripts.has(requestId)) bytes += encodedDataLength;
  });
  await viewer.select(page, patient);
  await viewer.open(page);
  await firstFullPicture(page, { stillMs: 0 });
  return bytes / 1e6;
}

const INTERACTIONS = 20;
/** Main-thread ms of one interaction (a step of the stack, a stroke of the window), processor four times slower: the worse of both. */
export async function workPerInteraction(
  context: BrowserContext,
  url: string,
  patient: string,
): Promise<number> {
  const page = await context.newPage(); // without the watch: it is no part of the work
  page.setDefaultTimeout(120_000);
  await page.goto(`${url}/?list=all`);
  await rowOf(page, patient).click();
  await page.locator('.stage[data-ready]').waitFor();
  await page.waitForTimeout(15_000); // the stack is there
  const session = await context.newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  await session.send('Performance.enable', { timeDomain: 'timeTicks' });
  const spent = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')!.value * 1000;
  };
  const stage = (await page.locator('.stage').boundingBox())!;
  const [x, y] = [stage.x + stage.width / 2, stage.y + stage.height / 2];
  const measured = async (act: (i: number) => Promise<void>): Promise<number> => {
    await page.waitForTimeout(500);
    const before = await spent();
    for (let i = 0; i < INTERACTIONS; i++) {
      await act(i);
      await page.waitForTimeout(100);
    }
    return ((await spent()) - before) / INTERACTIONS;
  };
  const idle = await measured(async () => undefined);
  const step = await measured(() => page.keyboard.press('ArrowDown'));
  await page.mouse.move(x, y);
  await page.mouse.down();
  const stroke = await measured((i) => page.mouse.move(x + i, y - i));
  await page.mouse.up();
  return Math.max(step, stroke) - idle;
}

/** Highest memory of the browser with all its processes, MB, while the whole stack is scrolled through and for a moment after. */
export async function memoryOf(
  viewer: Viewer,
  { name, slices }: { name: string; slices: number },
  say: (text: string) => void,
): Promise<number[]> {
  const before = new Set(browserPids());
  const browser = await viewer.browser();
  try {
    const pid = browserPids().find((each) => !before.has(each))!;
    const page: Page = await newPage(await viewer.context(browser));
    let highest = 0;
    const timer = setInterval(() => (highest = Math.max(highest, megabytesOf(pid))), 500);
    try {
      await viewer.select(page, name);
      await viewer.open(page);
      await firstFullPicture(page);
      const { length } = await scroll(page, slices - 1, FORWARD);
      if (length < slices - 1) say(`${viewer.name}: ${length} of ${slices - 1} steps were seen`);
      await page.waitForTimeout(3000);
    } finally {
      clearInterval(timer);
    }
    return [highest];
  } finally {
    await browser.close();
  }
}
