/** Labelling in a real browser: by keys alone, by mouse, taken back, gone on with on another machine; nothing of the tool or the name. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { QueueOverview } from '../src/doors/api/contract.ts';
import {
  analysed,
  browserMissing,
  Client,
  firstAccount,
  openBrowser,
  openPage,
  PASSWORD,
  PIN,
  radiograph,
  remove,
  signIn,
  startServer,
  until,
  upload,
  withOwnPassword,
  type Server,
} from './harness.ts';

describe.skipIf(browserMissing)('the labelling page', () => {
  let server: Server;
  let browser: Browser;
  let evidence: Client;
  let queue = '';

  beforeAll(async () => {
    [server, browser] = await Promise.all([startServer(), openBrowser()]);
    const anne = await firstAccount(server);
    const form = { name: 'Dr Preuve', login: 'preuve', password: PASSWORD, pin: PIN, language: 'fr' };
    await anne.json('POST', '/api/users', { ...form, roles: ['evidence'] });
    evidence = await withOwnPassword(await new Client(server.url).login('preuve'));
    await upload(
      anne,
      ...['DX16_KNEE_AP_2390', 'DX21_HAND_PA_1494', 'DX22_HAND_PA_3116', 'DX12_SHOULDER_AP_1178'].map(
        (name) => radiograph(`${name}.dcm`),
      ),
    );
    await analysed(anne, 4);
    const { tools } = await evidence.json('GET', '/api/labelling?model=fracture');
    const { studies: _, ...tool } = tools[0];
    const drawn = await evidence.json('POST', '/api/labelling', {
      modelId: 'fracture',
      ...tool,
      from: 0,
      to: Date.now() + 86_400_000,
      title: 'Urgences de mars',
      sample: 10,
      second: 'none',
      offerUnread: true,
    });
    queue = drawn.id;
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    if (server) remove(server);
  });

  const shown = (page: Page) => page.locator('.stage[data-ready]').getAttribute('data-image');
  /** The next case on the screen, and the moment over in which keys are dead. */
  const another = async (page: Page, before: string | null) => {
    await until(
      () => shown(page).catch(() => null),
      (image) => image !== null && image !== before,
    );
    await page.waitForTimeout(800);
  };
  const status = (page: Page) => page.locator('.labelling [role=status]').innerText();

  test('four cases: by keys alone, with a frame by mouse and one by arrows, one taken back', async () => {
    const { page, errors } = await openPage(browser);
    page.setDefaultTimeout(20_000);
    await signIn(page, server);
    await page.goto(`${server.url}/evidence`);
    await page.getByRole('link', { name: 'Commencer' }).click();
    await another(page, null);
    const text = await page.locator('body').innerText();
    expect(text).toContain('Fracture');
    // Whose it is, and what the tool says, stands nowhere on the page.
    expect(text).not.toMatch(/Gagné|Béliveau|FA-TEST|FA2024|\bIA\b|score|%|signalé/);
    expect(await page.locator('.mark.ai, .heat').count()).toBe(0);
    expect(await status(page)).toBe('Faits\u00a0: 0 · à faire\u00a0: 4');

    const first = await shown(page);
    await page.keyboard.press('n');
    await another(page, first);
    await until(
      () => status(page),
      (say) => say === 'Faits\u00a0: 1 · à faire\u00a0: 3',
    );
    const second = await shown(page);
    await page.keyboard.press('o');
    const sheet = (await page.locator('.draw').boundingBox())!;
    await page.mouse.move(sheet.x + sheet.width * 0.45, sheet.y + sheet.height * 0.4);
    await page.mouse.down();
    await page.mouse.move(sheet.x + sheet.width * 0.55, sheet.y + sheet.height * 0.5, { steps: 5 });
    await page.mouse.up();
    await page.locator('.mark.editing').waitFor();
    await page.keyboard.press('Enter');
    await another(page, second);
    const third = await shown(page);
    // By the keyboard alone: in the middle, then moved and sized.
    await page.keyboard.press('o');
    await page.keyboard.press(' ');
    await page.locator('.mark.editing .frame:focus').waitFor();
    for (const key of ['ArrowRight', 'ArrowDown', 'Shift+ArrowLeft']) await page.keyboard.press(key);
    await page.keyboard.press('Enter');
    await another(page, third);
    await until(
      () => status(page),
      (say) => say === 'Faits\u00a0: 3 · à faire\u00a0: 1',
    );
    await page.keyboard.press('Control+z');
    await until(
      () => shown(page),
      (image) => image === third,
    );
    expect(await status(page)).toBe('Faits\u00a0: 2 · à faire\u00a0: 2');

    // Elsewhere the same person goes on with the same case.
    const other = await openPage(browser, { width: 390, height: 844, touch: true });
    await signIn(other.page, server);
    await other.page.goto(`${server.url}/label/${queue}`);
    await until(
      () => shown(other.page).catch(() => null),
      (image) => image === third,
    );
    await other.page.waitForTimeout(800);
    await other.page.getByRole('button', { name: 'Incertain' }).tap();
    await another(other.page, third);
    await other.page.getByRole('button', { name: 'Non', exact: true }).tap();
    await other.page.getByText('Plus aucun cas pour vous').waitFor();

    const { progress, figures } = await evidence.json<QueueOverview>('GET', `/api/labelling/${queue}`);
    expect(progress).toMatchObject({ drawn: 4, answered: 4, open: 0 });
    expect(figures!.uncertain).toBe(1);
    const cases = await evidence.json('GET', `/api/labelling/${queue}/cases?figure=answered`);
    const drawn = cases.flatMap(({ case: of }: { case: { labels: { boxes: unknown[] }[] } }) =>
      of.labels.flatMap(({ boxes }) => boxes),
    );
    expect(drawn.length).toBe(1);
    expect([...errors, ...other.errors]).toEqual([]);
    await page.context().close();
    await other.page.context().close();
  }, 120_000);
});
