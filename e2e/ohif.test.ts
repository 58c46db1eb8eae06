/** OHIF as it comes from npm, on a port of its own with a token: it lists what we have and opens it without an error. */
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BLANK, watchCanvas } from './canvas.ts';
import {
  analysed,
  browserMissing,
  openBrowser,
  openPage,
  radiograph,
  remove,
  SHARED,
  upload,
  type Server,
} from './harness.ts';
import { ohifApp, openOhif, skipTour, type Ohif } from './ohif.ts';

describe.skipIf(browserMissing)('OHIF', () => {
  let missing: string | undefined;
  let server: Server;
  let ohif: Ohif;
  let browser: Browser;
  let page: Page;
  let errors: string[];
  const refused: string[] = [];

  beforeAll(async () => {
    const app = ohifApp();
    if ('missing' in app) {
      if (process.env.CI === 'true') throw new Error(app.missing);
      missing = app.missing;
      return;
    }
    // The role that sees what AI made at any stage: our SR is tried, too.
    const opened = await openOhif(app.dist, ['evidence', 'technologist']);
    ({ server, ohif } = opened);
    const { client } = opened;
    await upload(
      client,
      radiograph('DX21_HAND_PA_1494.dcm'),
      ...['01', '02', '03'].map((n) => join(SHARED, `dicom/ct/ct-3slice_${n}.dcm`)),
    );
    await analysed(client, 1);
    browser = await openBrowser();
    ({ page, errors } = await openPage(browser, { locale: 'en-US' }));
    page.setDefaultTimeout(150_000);
    page.on('response', (response) => {
      if (response.status() >= 400) refused.push(`${response.status()} ${response.url()}`);
    });
    await watchCanvas(page);
    await skipTour(page);
  }, 180_000);
  beforeEach(({ skip }) => skip(missing !== undefined, missing));
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    await ohif?.close();
    if (server) remove(server);
  });

  const shown = (): Promise<unknown> =>
    page.waitForFunction((blank) => (window.canvasWatch.pictures.at(-1)?.spread ?? 0) > blank, BLANK);
  const open = async (patient: string) => {
    await page.goto(ohif.url);
    await page.getByText(patient).first().dblclick();
    await page.waitForURL(/\/viewer\?/);
    await shown();
  };

  test('lists our studies and shows a radiograph beside what our AI wrote of it', async () => {
    await open('Gagné');
    await page
      .getByText(/\bSR\b/)
      .first()
      .waitFor();
    expect({ errors, refused }).toEqual({ errors: [], refused: [] });
  }, 180_000);

  test('shows a CT and scrolls it', async () => {
    await open('JANCT000');
    const stage = (await page.locator('canvas').first().boundingBox())!;
    await page.mouse.move(stage.x + stage.width / 2, stage.y + stage.height / 2);
    await page.evaluate(() => window.canvasWatch.clear());
    await page.mouse.wheel(0, 100);
    await shown();
    expect({ errors, refused }).toEqual({ errors: [], refused: [] });
  }, 180_000);
});
