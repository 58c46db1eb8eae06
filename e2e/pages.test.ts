/**
 * Every page in both themes, on a desktop and a phone, in French and English: axe finds nothing against WCAG 2.2 AA, nothing is
 * said on the console, nothing is wider than the screen. `NEGATOSCOPE_SCREENSHOTS=dir` keeps a picture of each.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  analysed,
  browserMissing,
  Client,
  firstAccount,
  newDir,
  openBrowser,
  openPage,
  PASSWORD,
  PIN,
  radiograph,
  remove,
  SHARED,
  startServer,
  upload,
  type Server,
} from './harness.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PICTURES = process.env.NEGATOSCOPE_SCREENSHOTS;
const ALL_LOOKS = (['fr', 'en'] as const).flatMap((language) =>
  (['dark', 'light'] as const).flatMap((theme) =>
    [
      { width: 1440, height: 900 },
      { width: 390, height: 844 },
    ].map((size) => ({ language, theme, ...size })),
  ),
);
/** Each language, theme and width twice; every combination where pictures are taken. */
const LOOKS = PICTURES
  ? ALL_LOOKS
  : ALL_LOOKS.filter(
      ({ language, theme, width }) => ((language === 'fr') === (theme === 'dark')) === width > 500,
    );
const SETTINGS = [
  'account',
  'practice',
  'people',
  'tokens',
  'senders',
  'remotes',
  'rules',
  'folders',
  'quarantine',
  'recycle',
  'tools',
  'validation',
  'audit',
  'system',
];

describe.skipIf(browserMissing)('every page', () => {
  let server: Server;
  let empty: Server;
  let browser: Browser;
  let client: Client;
  let read = '';
  let signed = '';
  let queue = '';

  beforeAll(async () => {
    [server, empty, browser] = await Promise.all([startServer(), startServer(newDir()), openBrowser()]);
    client = await firstAccount(server);
    await upload(
      client,
      ...[
        'DX21_HAND_PA_1494',
        'DX11_SHOULDER_AP_3616',
        'DX16_KNEE_AP_2390',
        'DX13_PELVIS_AP_1232',
        'DX01_FOOT_AP_1604',
      ].map((name) => radiograph(`${name}.dcm`)),
      join(SHARED, 'dicom/charsets/chrArab.dcm'),
      join(SHARED, 'dicom/charsets/chrX1.dcm'),
    );
    await client.call('POST', '/api/upload', Buffer.from('not an image at all'.repeat(20)), {
      'x-file-name': 'x.dcm',
    });
    await client.json('POST', '/api/tokens', { name: 'CT scanner', roles: ['technologist'] });
    await client.json('POST', '/api/users', {
      name: 'Jean Roux',
      login: 'jean',
      password: PASSWORD,
      roles: ['technologist'],
      language: 'fr',
    });
    const rows = await analysed(client, 7);
    const me = await client.json('GET', '/api/me');
    await client.json('POST', '/api/models/fracture/stage', {
      stage: 'pilot',
      readers: [me.person.id],
      blindFirst: true,
      reason: 'Deux semaines aux urgences',
      secret: PIN,
    });
    const uid = (name: RegExp) => rows.find(({ study }) => name.test(study.patientName))!.study.studyUid;
    read = uid(/Gagn/);
    signed = uid(/elik/);
    for (const study of [read, signed]) {
      await client.json('POST', `/api/studies/${study}/claim`, {});
      await client.json('POST', `/api/studies/${study}/opinion`, { modelId: 'fracture', answer: 'yes' });
    }
    let view = await client.json('GET', `/api/studies/${signed}`);
    for (const finding of view.findings)
      await client.json('PUT', `/api/findings/${finding.id}/decision`, { decision: 'rejected' });
    view = await client.json('GET', `/api/studies/${signed}`);
    const draft = await client.json('PUT', `/api/studies/${signed}/draft`, {
      revision: view.draft.revision,
      fields: {
        findings: 'Pas de fracture visible.',
        conclusion: 'Examen normal.',
        answers: { fracture: 'no' },
      },
    });
    await client.json('POST', `/api/studies/${signed}/sign`, { revision: draft.revision, secret: PIN });

    const hypothesis = { target: 0.9, margin: 0.05, cases: 330 };
    const protocol = await client.json('POST', '/api/gates/fracture/protocols', {
      stage: 'pilot',
      source: 'readings',
      reference: 'Urgences, adultes. Conclusion du lecteur désigné avant l’IA. Fils et plâtres exclus.',
      hypotheses: [
        { ...hypothesis, measure: 'sensitivity', design: 'fixed' },
        { ...hypothesis, measure: 'specificity', design: 'sequential' },
      ],
      subgroups: [{ by: 'bodyPart', value: 'WRIST', measure: 'sensitivity', floor: 0.8, minimum: 40 }],
      safety: [
        { measure: 'sensitivity', limit: 0.8, rule: 'cusum', budget: 1000 },
        { measure: 'specificity', limit: 0.7, rule: 'e-process', alpha: 0.05 },
      ],
      futility: true,
      days: 180,
      secret: PIN,
    });
    await client.json('POST', `/api/gates/fracture/protocols/${protocol.id}/deviations`, {
      text: 'Deux semaines sans la seconde salle.',
      secret: PIN,
    });
    await client.json('PATCH', `/api/users/${me.person.id}`, { roles: ['admin', 'reader', 'evidence'] });
    client = await new Client(server.url).login('anne');
    const { tools } = await client.json('GET', '/api/labelling?model=fracture');
    const { studies: _, ...tool } = tools[0];
    const form = {
      modelId: 'fracture',
      ...tool,
      from: 0,
      to: Date.now() + 86_400_000,
      sample: 10,
      second: 'none',
    };
    const drawn = (title: string) =>
      client.json('POST', '/api/labelling', { ...form, title, offerUnread: true });
    queue = (await drawn('Urgences, premier trimestre')).id;
    const { id } = await drawn('Urgences, trimestre précédent');
    for (let desk = await client.json('POST', `/api/labelling/${id}/next`, {}); desk.case;)
      desk = await client.json('POST', `/api/labelling/${id}/labels`, {
        studyUid: desk.case.study.studyUid,
        kind: 'reading',
        answer: 'no',
      });
    await client.json('POST', `/api/labelling/${id}/close`, {});
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    for (const each of [server, empty]) {
      await each?.stop();
      if (each) remove(each);
    }
  });

  async function look(page: Page, name: string, trouble: string[]): Promise<void> {
    await page.waitForTimeout(350);
    if (PICTURES) {
      mkdirSync(PICTURES, { recursive: true });
      await page.screenshot({ path: join(PICTURES, `${name}.png`) });
    }
    const wide = await page.evaluate(() =>
      Math.max(
        ...[
          document.documentElement,
          ...document.querySelectorAll('.settings-page, .settings-page > *, .page, .panel .scroll'),
        ].map((each) => each.scrollWidth - each.clientWidth),
      ),
    );
    if (wide > 0) trouble.push(`${name}: ${wide} px wider than the screen`);
    // By the tool's own call, not as a script of the page: its content security policy stays in force.
    await page.evaluate(AXE);
    const found = await page.evaluate(async () => {
      const axe = (
        window as never as {
          axe: {
            run(
              context: unknown,
              options: unknown,
            ): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }>;
          };
        }
      ).axe;
      const { violations } = await axe.run(
        { exclude: [['canvas']] },
        { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] },
      );
      return violations.map(
        ({ id, nodes }) =>
          `${id}: ${nodes
            .map(
              ({ html, failureSummary }) =>
                `${html.slice(0, 160)} ${failureSummary.replace(/\s+/g, ' ').slice(0, 200)}`,
            )
            .slice(0, 3)
            .join(' | ')}`,
      );
    });
    trouble.push(...found.map((line) => `${name}: ${line}`));
  }

  test.each(LOOKS)(
    '$language, $theme, $width px',
    async ({ language, theme, width, height }) => {
      const trouble: string[] = [];
      const look_ = `${language}-${theme}-${width}`;
      const { page, errors } = await openPage(browser, {
        width,
        height,
        locale: language === 'fr' ? 'fr-FR' : 'en-GB',
        touch: width < 500,
      });
      page.setDefaultTimeout(20_000);
      await page.addInitScript(
        ([chosen, tongue]) => {
          localStorage.setItem('negatoscope.theme', chosen!);
          localStorage.setItem('negatoscope.language', tongue!);
        },
        [theme, language],
      );
      await page.goto(empty.setup!);
      await page.locator('form').waitFor();
      await look(page, `${look_}-setup`, trouble);
      await page.goto(`${server.url}/login`);
      await page.locator('input[type=password]').waitFor();
      await look(page, `${look_}-login`, trouble);
      await page.locator('input[autocomplete=username]').fill('anne');
      await page.locator('input[type=password]').fill(PASSWORD);
      await page.keyboard.press('Enter');
      await page.locator('.wl-list').waitFor();
      const me = await page.request.get(`${server.url}/api/me`).then((response) => response.json());
      await page.request.patch(`${server.url}/api/me`, {
        headers: { 'x-csrf': me.csrf },
        data: { language, theme },
      });
      await page.goto(server.url);
      await page.getByText(/GAGNÉ/).first().waitFor();
      await look(page, `${look_}-worklist`, trouble);

      await page.goto(`${server.url}/read/${read}`);
      await page.locator('.stage[data-ready]').waitFor();
      await page.locator('.mark').first().waitFor();
      await look(page, `${look_}-reading`, trouble);
      await page.goto(`${server.url}/read/${signed}`);
      await page.locator('.stage[data-ready]').waitFor();
      await page.locator('.signed-report').first().waitFor();
      await look(page, `${look_}-signed`, trouble);
      await page.goto(`${server.url}/evidence`);
      await page.locator('.queue-figures').waitFor();
      await look(page, `${look_}-evidence`, trouble);
      await page.locator('.protocol summary').click();
      await page.locator('.gates').scrollIntoViewIfNeeded();
      await look(page, `${look_}-evidence-gate`, trouble);
      await page.locator('.gate-acts button').first().click();
      await page.locator('.power svg').waitFor();
      await look(page, `${look_}-evidence-plan`, trouble);
      await page.locator('.dialog .btn.primary').click();
      await page.locator('[role=dialog] form').waitFor();
      await look(page, `${look_}-evidence-protocol`, trouble);
      await page.keyboard.press('Escape');
      await page.locator('[role=dialog]').waitFor({ state: 'detached' });
      await page.locator('.queue-figures').scrollIntoViewIfNeeded();
      await look(page, `${look_}-evidence-queue`, trouble);
      await page.getByRole('button', { name: language === 'fr' ? 'Tirer une file' : 'Draw a queue' }).click();
      await page.locator('[role=dialog] form').waitFor();
      await look(page, `${look_}-evidence-draw`, trouble);
      await page.goto(`${server.url}/label/${queue}`);
      await page.locator('.stage[data-ready]').waitFor();
      await page.locator('.label-answers button').first().click();
      await look(page, `${look_}-label`, trouble);
      await page.goto(`${server.url}/exchange`);
      await page.locator('h1, h2').first().waitFor();
      await look(page, `${look_}-exchange`, trouble);
      for (const section of SETTINGS) {
        await page.goto(`${server.url}/settings/${section}`);
        await page.locator('h1, h2').first().waitFor();
        await look(page, `${look_}-settings-${section}`, trouble);
      }
      await page.goto(`${server.url}/nothing/here`);
      await page.locator('h1').first().waitFor();
      await look(page, `${look_}-not-found`, trouble);
      await page.context().close();
      expect(trouble).toEqual([]);
      expect(errors).toEqual([]);
    },
    180_000,
  );
});
