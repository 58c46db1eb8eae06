/** A radiograph over 20 Mbit/s with 40 ms: a named preview first, then the same pixels as over a fast network, in fewer bytes. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BLANK, watchCanvas } from './canvas.ts';
import {
  browserMissing,
  firstAccount,
  openBrowser,
  openPage,
  radiograph,
  remove,
  type Server,
  signIn,
  startServer,
  upload,
  worklist,
} from './harness.ts';

const BYTES_A_SECOND = 20e6 / 8;
const LATENCY_MS = 40;
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
  const shown = async (page: Page): Promise<number> => {
    const last = await page.waitForFunction((blank) => {
      const picture = window.canvasWatch.pictures.at(-1);
      return picture && picture.spread > blank && performance.now() - picture.t > 1500 && picture;
    }, BLANK);
    return ((await last.jsonValue()) as { hash: number }).hash;
  };

  test('shows a preview, then the pixels that a fast one shows', async () => {
    const fast = await opened();
    await fast.page.goto(address);
    const expected = await shown(fast.page);
    await fast.page.context().close();

    const { page, errors } = await opened();
    const session = await page.context().newCDPSession(page);
    await session.send('Network.enable');
    await session.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: LATENCY_MS,
      downloadThroughput: BYTES_A_SECOND,
      uploadThroughput: BYTES_A_SECOND,
    });
    const frame = page.waitForResponse((response) => /\/frames\/1$/.test(response.url()));
    await page.goto(address);
    await page.locator('.stage-preview-label').waitFor();
    expect(await page.locator('.stage-preview-label').textContent()).toBe('Aperçu');
    expect((await frame).headers()['content-type']).toContain(HTJ2K);
    expect(await shown(page)).toBe(expected);
    expect(await page.locator('.stage-preview').count()).toBe(0);
    expect(errors).toEqual([]);
  }, 120_000);
});
