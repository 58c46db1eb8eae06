/** A reader who leaves a study while its last words are still on a slow way to the server. */
import { afterAll, expect, test } from 'vitest';
import type { Browser } from 'playwright-core';
import {
  browserMissing,
  firstAccount,
  newDir,
  openBrowser,
  openPage,
  PASSWORD,
  radiograph,
  remove,
  startServer,
  until,
  upload,
  worklist,
  type Server,
} from './harness.ts';

let server: Server | undefined;
let browser: Browser | undefined;
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  if (server) remove(server);
});

test.skipIf(browserMissing)('keeps the last words, then gives the study back', async () => {
  server = await startServer(newDir());
  const anne = await firstAccount(server);
  await upload(anne, radiograph('DX01_FOOT_AP_1604.dcm'));
  const [row] = await until(
    () => worklist(anne),
    (rows) => rows.length === 1,
  );
  const uid = row!.study.studyUid;
  browser = await openBrowser();
  const { page, errors } = await openPage(browser);
  await page.goto(server.url);
  await page.locator('input').first().fill('anne');
  await page.locator('input[type=password]').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.locator(`a[href="/read/${uid}"], [data-uid], table, [role=grid], ul`).first().waitFor();
  await page.route('**/draft', async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await route.continue();
  });
  await page.goto(`${server.url}/read/${uid}`);
  const conclusion = page.locator('#report-conclusion:not([readonly])');
  await conclusion.waitFor();
  await conclusion.fill('Derniers mots.');
  await page.locator('header.top button').first().click();
  const view = await until(
    () => anne.json('GET', `/api/studies/${uid}`),
    ({ claim }) => claim === null,
  );
  expect(view.draft.fields.conclusion).toBe('Derniers mots.');
  expect(errors).toEqual([]);
});
