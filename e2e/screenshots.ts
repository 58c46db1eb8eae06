/**
 * Photographs pages of a running program, in both sizes, themes and languages:
 *
 *   node scripts/run24.mjs e2e/screenshots.ts URL OUT_DIR [--login NAME --password SECRET] [--paths /,/evidence]
 *     [--sizes desktop,phone] [--themes dark,light] [--languages fr,en]
 *
 * Exits with 1 when a page wrote an error to the console.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const SIZES = {
  desktop: { width: 1440, height: 900 },
  tablet: { width: 1024, height: 768 },
  phone: { width: 390, height: 844 },
} as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    login: { type: 'string' },
    password: { type: 'string' },
    paths: { type: 'string', default: '/,/evidence,/settings/account' },
    sizes: { type: 'string', default: 'desktop,phone' },
    themes: { type: 'string', default: 'dark,light' },
    languages: { type: 'string', default: 'fr,en' },
  },
});
const [url, out] = positionals;
if (!url || !out) {
  console.error('Usage: screenshots.ts URL OUT_DIR [--login … --password …] [--paths …]');
  process.exit(64);
}
mkdirSync(out, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
});
let errors = 0;
for (const language of values.languages.split(',')) {
  for (const theme of values.themes.split(',')) {
    for (const size of values.sizes.split(',') as (keyof typeof SIZES)[]) {
      const context = await browser.newContext({
        baseURL: url,
        viewport: SIZES[size],
        locale: language === 'fr' ? 'fr-FR' : 'en-GB',
        ignoreHTTPSErrors: true,
        hasTouch: size !== 'desktop',
        isMobile: size === 'phone',
      });
      await context.addInitScript(
        ([theme, language]) => {
          localStorage.setItem('negatoscope.theme', theme!);
          localStorage.setItem('negatoscope.language', language!);
        },
        [theme, language],
      );
      const page = await context.newPage();
      page.on('console', (message) => {
        if (message.type() !== 'error') return;
        errors++;
        console.error(`${page.url()}: ${message.text()}`);
      });
      page.on('pageerror', (error) => {
        errors++;
        console.error(`${page.url()}: ${error.message}`);
      });
      await page.goto('/');
      if (values.login && values.password) {
        const answer = await context.request.post('/api/login', {
          data: { login: values.login, password: values.password },
        });
        const { csrf } = (await answer.json()) as { csrf: string };
        await context.request.patch('/api/me', { headers: { 'x-csrf': csrf }, data: { theme, language } });
      }
      for (const path of values.paths.split(',')) {
        await page.goto(path);
        await page.waitForTimeout(900);
        const name = `${path.replace(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '') || 'worklist'}-${size}-${theme}-${language}`;
        await page.screenshot({ path: join(out, `${name}.png`) });
      }
      await context.close();
    }
  }
}
await browser.close();
process.exit(errors ? 1 : 0);
