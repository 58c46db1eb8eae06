/** A radiograph over 20 Mbit/s with 40 ms: a named preview first, then the same pixels as over a fast network, in fewer bytes. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stillPictures, watchCanvas } from './canvas.ts';
import {
  browserMissing,
  firstAccount,
  openBrowser,
  openPage,
  radiograph,
  remove,
  type Server,
  signIn,
  slowDown,
  startServer,
  upload,
  worklist,
} from './harness.ts';

const SLOW = { megabits: 20, latencyMs: 40 };
const HTJ2K = '1.2.840.10008.1.2.4.201';

describe.skipIf(browserMissing)('a slow network', () => {
  let server: Server;
  let browser: Browser;
  let address: string;

  beforeAll(async () => {
    server = await startServer();
    const client = await firstAccount(server);
    await upload(client, radiograph('DX08_SHOULDER_AP_2302.dcm'));
    const [row] = await worklist(client);
    address = `${server.url}/read/${row!.study.studyUid}`;
    browser = await openBrowser();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    remove(server);
  });

  const opened = async (): Promise<{ page: Page; errors: string[] }> => {
    const { page, errors } = await openPage(browser);
    page.setDefaultTimeout(60_000);
    await watchCanvas(page);
    await signIn(page, server);
    return { page, errors };
  };
  /** Hash of the patch in the middle of the stage once it keeps still. */
  const shown = async (page: Page): Promise<number> => (await stillPictures(page)).pictures.at(-1)!.hash;
  const frameOf = (page: Page) => page.waitForResponse((response) => /\/frames\/1$/.test(response.url()));

  test('shows a preview, then the pixels that a fast one shows', async () => {
    const fast = await opened();
    // A busy machine answers as one from afar does: nothing is told of it, so that the frame is asked for as stored.
    await fast.page.addInitScript(() => {
      performance.getEntriesByType = () => [];
    });
    const native = frameOf(fast.page);
    await fast.page.goto(address);
    // Else the compressed picture would be held against itself.
    expect((await native).headers()['content-type']).not.toContain(HTJ2K);
    const expected = await shown(fast.page);
    await fast.page.context().close();

    const { page, errors } = await opened();
    await slowDown(page, SLOW);
    const frame = frameOf(page);
    await page.goto(address);
    await page.locator('.stage-preview-label').waitFor();
    expect(await page.locator('.stage-preview-label').textContent()).toBe('Aperçu');
    expect((await frame).headers()['content-type']).toContain(HTJ2K);
    expect(await shown(page)).toBe(expected);
    expect(await page.locator('.stage-preview').count()).toBe(0);
    expect(errors).toEqual([]);
  }, 120_000);
});
