/**
 * A validation study from the page, as a person does it: choose the tool, the images and the table, watch, read the report. And
 * the command, which needs no server: its errors, an interruption by Ctrl+C and by a kill.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROGRAM, PROGRAM_FLAGS } from '../scripts/node24.mjs';
import { browserMissing, Client, firstAccount, openBrowser, openPage, PASSWORD, remove, SHARED, signIn, startServer, type Server } from './harness.ts'; // prettier-ignore

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PICTURES = process.env.NEGATOSCOPE_SCREENSHOTS;
const [head, ...lines] = readFileSync(join(SHARED, 'radiographs/labels.csv'), 'utf8').trim().split('\n');
const names = head!.split(',');
/** Small files of images that the model does not know: three with, three without a fracture. */
const chosen = ['0', '1'].flatMap((fractured) =>
  lines
    .filter(
      (line) => line.includes(',open-test,') && line.split(',')[names.indexOf('fractured')] === fractured,
    )
    .sort((a, b) => Number(a.split(',').at(-1)) - Number(b.split(',').at(-1)))
    .slice(0, 3),
);

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'negatoscope-validate-'));
  mkdirSync(join(dir, 'images'));
  for (const line of chosen) {
    const [image] = line.split(',');
    symlinkSync(join(SHARED, 'radiographs/images', image!), join(dir, 'images', image!));
  }
  // As a spreadsheet of a French practice saves it.
  writeFileSync(
    join(dir, 'labels.csv'),
    `\ufeffimage;fractured;région\r\n${chosen.map((line) => `${line.split(',').slice(0, 1)};${line.split(',')[2]};${line.split(',')[3]}`).join('\r\n')}\r\n`,
  );
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('the command', () => {
  const start = (...more: string[]) => {
    const child = spawn(process.execPath, [
      ...PROGRAM_FLAGS, PROGRAM, 'validate', 'fracture', '--images', join(dir, 'images'),
      '--labels', join(dir, 'labels.csv'), '--label-column', 'fractured', '--data', join(dir, 'no-data'), ...more,
    ]); // prettier-ignore
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    return {
      child,
      ended: once(child, 'exit').then(([code]) => ({ code: code as number | null, out, err })),
    };
  };
  const scored = (out: string): number => {
    try {
      return readFileSync(join(out, 'scores.jsonl'), 'utf8').split('\n').length - 1;
    } catch {
      return 0;
    }
  };

  test(
    'killed and interrupted in the middle, it goes on and ends with the same bytes',
    { timeout: 300_000 },
    async () => {
      const [torn, whole] = [join(dir, 'torn'), join(dir, 'whole')];
      for (const [signal, exit] of [['SIGKILL', null], ['SIGINT', 130]] as const) {
      const had = scored(torn);
      const { child, ended } = start('--out', torn, '--processes', '1');
      while (scored(torn) <= had && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20));
      child.kill(signal);
      const { code, err } = await ended;
      expect(code).toBe(exit);
      if (signal === 'SIGINT') expect(err).toContain('the same command goes on');
    } // prettier-ignore
      const { code, out } = await start('--out', torn, '--json').ended;
      expect(code).toBe(0);
      expect(JSON.parse(out)).toMatchObject({
        model: 'fracture',
        n: 6,
        positives: 3,
        excluded: [],
        subgroups: { région: {} },
      });
      expect(JSON.parse(readFileSync(join(torn, 'run.json'), 'utf8')).kept).toBeGreaterThanOrEqual(2);
      const second = await start('--out', whole, '--processes', '3').ended;
      expect(second.out).toContain('6 images counted, 3 with the finding; 0 excluded');
      for (const file of ['result.json', 'cases.csv'])
        expect(readFileSync(join(whole, file), 'utf8')).toBe(readFileSync(join(torn, file), 'utf8'));
    },
  );

  test.each([
    [['--label-column', 'label'], 65, /no column "label"/],
    [['--images', '/nowhere'], 65, /--images|cannot be read/],
    [['--labels', '/nowhere.csv'], 65, /cannot be read \(ENOENT\)/],
    [['--compare', 'nothing'], 65, /There is no model "nothing". Installed: fracture@/],
    [['--processes', 'many'], 64, /whole number/],
  ])('%s ends with %d and a sentence', { timeout: 60_000 }, async (more, exit, text) => {
    const { code, err } = await start('--out', join(dir, 'refused'), ...more).ended;
    expect(err).toMatch(text);
    expect(err).not.toContain('    at ');
    expect(code).toBe(exit);
  });
});

describe.skipIf(browserMissing)('the page', () => {
  let server: Server;
  let browser: Browser;
  let admin: Client;
  beforeAll(async () => {
    const data = mkdtempSync(join(tmpdir(), 'negatoscope-e2e-'));
    writeFileSync(join(data, 'negatoscope.json'), JSON.stringify({ studyFolders: [join(dir, 'images')] }));
    [server, browser] = await Promise.all([startServer(data), openBrowser()]);
    admin = await firstAccount(server);
    await admin.json('POST', '/api/users', { name: 'Ada Mesure', login: 'ada', password: PASSWORD, roles: ['evidence'], language: 'fr' }); // prettier-ignore
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    if (server) remove(server);
  });

  test('a study is begun, watched and read', { timeout: 300_000 }, async () => {
    const { page, errors } = await openPage(browser, { width: 1440, height: 900 });
    page.setDefaultTimeout(30_000);
    await signIn(page, server);
    await page.goto(`${server.url}/settings/validation`);
    await page.getByRole('button', { name: /Nouvelle étude|New study/ }).click();
    const shot = async (name: string) => {
      if (!PICTURES) return;
      mkdirSync(PICTURES, { recursive: true });
      await page.waitForTimeout(400);
      await page.screenshot({ path: join(PICTURES, `validation-${name}.png`) });
    };
    const clean = async () => {
      await page.evaluate(AXE);
      const found = await page.evaluate(async () => {
        const { violations } = await (window as never as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } }).axe.run(); // prettier-ignore
        return violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html.slice(0, 200)}`);
      });
      expect(found.filter((line) => !/^(region|page-has-heading-one|landmark)/.test(line))).toEqual([]);
    };
    await page.locator('input[type=file]').setInputFiles(join(dir, 'labels.csv'));
    await page.getByLabel(/Colonne qui dit|Column that says/).selectOption('fractured');
    await shot('form');
    await clean();
    await page.getByRole('button', { name: /Démarrer|Start/ }).click();
    await page.locator('.study progress').waitFor();
    await shot('running');
    await clean();
    await page.getByRole('link', { name: /^Rapport$|^Report$/ }).waitFor({ timeout: 200_000 });
    await shot('done');
    await clean();
    await page.setViewportSize({ width: 390, height: 844 });
    await shot('phone');
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(
      0,
    );
    const href = await page.getByRole('link', { name: /^Rapport$|^Report$/ }).getAttribute('href');
    await page.setViewportSize({ width: 1000, height: 1200 });
    await page.goto(`${server.url}${href}`);
    await expect(page.locator('h1').textContent()).resolves.toMatch(/Étude de validation|Validation study/);
    await page.locator('svg').first().waitFor();
    await shot('report');
    await clean();
    expect(errors).toEqual([]);
  });

  test(
    'who reads does not learn by this door what a tool says of the archive’s images',
    { timeout: 60_000 },
    async () => {
      const study = await admin.json('POST', '/api/validation', {
        modelId: 'fracture',
        source: 'archive',
        labelColumn: 'label',
        language: 'fr',
        labels: Buffer.from('image,label\n1.2.3,1\n1.2.4,0\n').toString('base64'),
      });
      // The first account reads, too; ada judges tools alone.
      const refused = await admin.call('GET', `/api/validation/${study.id}/cases.csv`);
      expect(refused.status).toBe(403);
      const ada = await new Client(server.url).login('ada');
      expect((await ada.call('GET', `/api/validation/${study.id}/cases.csv`)).status).toBe(404); // no result yet
      expect((await ada.json('GET', '/api/validation')).studies).toHaveLength(2);
    },
  );

  test('a study that failed says so as an error, also to who came without the sign-in page', async () => {
    await admin.json('POST', '/api/validation', {
      modelId: 'fracture',
      source: 'archive',
      labelColumn: 'label',
      language: 'fr',
      labels: Buffer.from('image,label\n1.2.3,1\n1.2.4,0\n').toString('base64'),
    });
    const { page } = await openPage(browser);
    await signIn(page, server);
    await page.goto(`${server.url}/settings/validation`);
    const error = page.locator('.study .form-error').first();
    await error.waitFor({ timeout: 20_000 });
    expect(await error.evaluate((each) => getComputedStyle(each).borderTopStyle)).toBe('solid');
    await page.context().close();
  });
});
