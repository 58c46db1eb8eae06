/**
 * Every kind of object is shown, or called what it is: stacks in order with their letters, clips that play, video, documents, key
 * images, presentation states, segmentations, and whatever cannot be drawn, with its header. `NEGATOSCOPE_SCREENSHOTS=dir` keeps
 * pictures.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hasDcmtk } from '../src/dicom/dcmtk.ts';
import { parseDicom, TAG } from '../src/dicom/index.ts';
import {
  browserMissing,
  type Client,
  firstAccount,
  openBrowser,
  openPage,
  remove,
  type Server,
  SHARED,
  signIn,
  startServer,
  until,
  upload,
} from './harness.ts';

const DICOM = join(SHARED, 'dicom');
const PICTURES = process.env.NEGATOSCOPE_SCREENSHOTS;
const datasetOf = (path: string) => parseDicom(readFileSync(path)).dataset;
const studyOf = (path: string): string => datasetOf(path).string(TAG.StudyInstanceUID)!;
const sopOf = (path: string): string => datasetOf(path).string(TAG.SOPInstanceUID)!;
const dicom = (name: string): string => join(DICOM, name);

const CT = ['01', '02', '03'].map((number) => dicom(`ct/ct-3slice_${number}.dcm`));
const GSPS = dicom('presentation-state/gsps_ct_window_annotation.dcm');
const KEYS = dicom('presentation-state/key_object_selection.dcm');
const LIVER = dicom('seg/liver.dcm');
const CINE = dicom('ultrasound/examples_ybr_color.dcm');
const H264 = dicom('video/video_h264_hp41_us_cine.dcm');
const MPEG2 = dicom('video/video_mpeg2_mpml_us_cine.dcm');
const PDF = dicom('documents/pdf.dcm');
const SR = dicom('sr/test_SR.dcm');
const RTSTRUCT = dicom('rt/rtstruct.dcm');
const ECG = dicom('waveform/waveform_ecg.dcm');
const T1 = readdirSync(join(SHARED, 'mr-t1/series'))
  .sort()
  .slice(100, 108)
  .map((name) => join(SHARED, 'mr-t1/series', name));

describe.skipIf(browserMissing || !hasDcmtk)('every kind of object', { timeout: 180_000 }, () => {
  let server: Server;
  let client: Client;
  let browser: Browser;
  let page: Page;
  let errors: string[];
  const work = mkdtempSync(join(tmpdir(), 'negatoscope-kinds-'));
  const turned = join(work, 'turned.dcm');

  beforeAll(async () => {
    // The same state, turned by a quarter, mirrored, shut to a circle.
    copyFileSync(GSPS, turned);
    execFileSync(
      '/usr/bin/dcmodify',
      [
        ['-nb', '-gin'],
        ['-i', '(0070,0042)=90'],
        ['-i', '(0070,0041)=Y'],
        ['-m', '(0070,0080)=TURNED'],
        ['-i', '(0018,1600)=CIRCULAR'],
        ['-i', '(0018,1610)=256\\256'],
        ['-i', '(0018,1612)=100'],
        [turned],
      ].flat(),
    );
    [server, browser] = await Promise.all([startServer(), openBrowser()]);
    client = await firstAccount(server);
    // Backwards: the order on the screen must not be that of arrival.
    await upload(client, ...[...CT, ...T1].reverse());
    const quarter = join(work, 'quarter.dcm');
    copyFileSync(GSPS, quarter);
    execFileSync('/usr/bin/dcmodify', [
      ...['-nb', '-gin', '-i', '(0070,0042)=90', '-m', '(0070,0080)=QUARTER'],
      quarter,
    ]);
    await upload(client, GSPS, quarter, turned, KEYS, LIVER, CINE, H264, MPEG2, PDF, SR, RTSTRUCT, ECG);
    ({ page, errors } = await openPage(browser));
    page.setDefaultTimeout(60_000);
    await signIn(page, server);
    await page.goto(server.url);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    if (server) remove(server);
    rmSync(work, { recursive: true, force: true });
  });
  afterEach(() => {
    expect(errors.splice(0)).toEqual([]);
  });

  const go = (path: string, query = '') =>
    page.evaluate((to) => history.pushState(null, '', to), `/read/${studyOf(path)}${query}`);
  const picture = async (name: string) => {
    if (!PICTURES) return;
    mkdirSync(PICTURES, { recursive: true });
    await page.screenshot({ path: join(PICTURES, `${name}.png`) });
  };
  const letters = async () => {
    await page.waitForSelector('.stage[data-ready] .edge.at-right');
    const read = (edge: string) => page.locator(`.edge.at-${edge}`).textContent();
    return Promise.all([read('left'), read('right'), read('top'), read('bottom')]);
  };
  const shownSop = () =>
    page
      .locator('.stage[data-image]')
      .getAttribute('data-image')
      .then((id) => id!.split('/')[2]);
  /** Past the moment in which keys are dead after the patient changed. */
  const settle = () => page.waitForTimeout(800);

  test('the T1 brain: in the order of the body, with the letters of a sagittal slice', async () => {
    await go(T1[0]!);
    await page.waitForSelector('.thumbs .stack');
    expect(await letters()).toEqual(['A', 'P', 'H', 'F']);
    expect(await shownSop()).toBe(sopOf(T1[0]!));
    await settle();
    for (const path of T1.slice(1)) {
      await page.keyboard.press('ArrowDown');
      await until(shownSop, (sop) => sop === sopOf(path), 30_000);
    }
    await picture('stack');
  });

  test('a presentation state: window, drawing and text; then one that turns, mirrors and shuts', async () => {
    await go(CT[0]!);
    expect(await letters()).toEqual(['R', 'L', 'A', 'P']);
    const results = page.getByRole('region', { name: 'Résultats reçus' });
    const line = results.locator('li[data-kind=presentation]');
    await line.first().waitFor();
    expect(await results.textContent()).toContain('Zoé');
    const apply = async (label: string) => {
      for (let i = 0; i < (await line.count()); i++) {
        await line
          .nth(i)
          .getByRole('button', { name: /Appliquer/ })
          .click();
        await page.waitForSelector('.presentation[data-presentation]');
        if ((await page.locator('.presentation').getAttribute('data-presentation')) === label) return i;
        await line
          .nth(i)
          .getByRole('button', { name: /Ne plus/ })
          .click();
      }
      throw new Error(`No state ${label}`);
    };
    const first = await apply('FOIE');
    await until(
      async () => page.locator('.corner.tr').textContent(),
      (text) => /L 160 C 60/.test(text ?? ''),
      10_000,
    );
    expect(await page.locator('.presentation polyline').count()).toBe(1);
    expect(await page.locator('.presentation text').textContent()).toBe('Lésion ?');
    await picture('presentation');
    await line
      .nth(first)
      .getByRole('button', { name: /Ne plus/ })
      .click();
    await page.waitForSelector('.presentation', { state: 'detached' });
    const quarter = await apply('QUARTER');
    // Clockwise: what was at the left is above.
    await until(letters, (now) => now.join() === 'P,A,R,L', 30_000);
    await line
      .nth(quarter)
      .getByRole('button', { name: /Ne plus/ })
      .click();
    await page.waitForSelector('.presentation', { state: 'detached' });
    const second = await apply('TURNED');
    // Mirrored after that.
    await until(letters, (now) => now.join() === 'A,P,R,L', 30_000);
    expect(await page.locator('.presentation [data-shutter=circle]').count()).toBe(1);
    await picture('presentation-turned');
    await line
      .nth(second)
      .getByRole('button', { name: /Ne plus/ })
      .click();
    await until(letters, (now) => now.join() === 'R,L,A,P', 30_000);
  });

  test('a segmentation over its images, with opacity and list', async () => {
    await go(CT[0]!);
    const line = page.locator('.results li[data-kind=segmentation]');
    await line.getByRole('button', { name: 'Montrer' }).click();
    const laid = page.locator(`canvas[data-overlay="${sopOf(LIVER)}"]`);
    await laid.waitFor();
    const counted = () =>
      laid.evaluate((canvas: HTMLCanvasElement) => {
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
        let inside = 0;
        for (let i = 3; i < data.length; i += 4) if (data[i]! > 0) inside++;
        return inside;
      });
    const sop = await shownSop();
    const dataset = datasetOf(LIVER);
    const frames = dataset.items(TAG.PerFrameFunctionalGroupsSequence);
    const frame = frames.findIndex(
      (item) =>
        item
          .items(TAG.DerivationImageSequence)[0]!
          .items(TAG.SourceImageSequence)[0]!
          .string(TAG.ReferencedSOPInstanceUID) === sop,
    );
    const bytes = dataset
      .bytes(TAG.PixelData)!
      .subarray((frame * 512 * 512) / 8, ((frame + 1) * 512 * 512) / 8);
    let want = 0;
    for (const byte of bytes) for (let bits = byte; bits; bits >>= 1) want += bits & 1;
    expect(want).toBeGreaterThan(100);
    await until(counted, (count) => count === want, 30_000);
    // As large as the image, and where it is.
    const [over, below] = await Promise.all([
      laid.boundingBox(),
      page.locator('.stage .canvas').boundingBox(),
    ]);
    expect(Math.abs(over!.x + over!.width / 2 - (below!.x + below!.width / 2))).toBeLessThan(2);
    expect(Math.abs(over!.y + over!.height / 2 - (below!.y + below!.height / 2))).toBeLessThan(2);
    await line.getByLabel('Opacité').fill('0.8');
    await until(
      () => laid.evaluate((canvas) => getComputedStyle(canvas).opacity),
      (value) => value === '0.8',
      5000,
    );
    await picture('segmentation');
    await line.getByRole('checkbox').first().uncheck();
    await laid.waitFor({ state: 'detached' });
    await line.getByRole('button', { name: 'Masquer' }).click();
  });

  test('key images open their images', async () => {
    await go(CT[0]!);
    await page.locator('.object-tile[data-kind=keys]').click();
    await page.getByText('Coupes clés : foie').waitFor();
    await picture('keys');
    await page.locator('.key-images button').nth(1).click();
    await until(shownSop, (sop) => sop!.endsWith('.23432.1'), 30_000);
  });

  test('any header with one key, searched without accents', async () => {
    await go(CT[0]!);
    await letters();
    await settle();
    await page.keyboard.press(',');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('searchbox').fill('pixel spacing');
    await dialog.getByText('Pixel Spacing', { exact: true }).waitFor();
    await until(
      () => dialog.locator('tbody tr').count(),
      (rows) => rows === 1,
    );
    await picture('header');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  test('a clip plays at its own rate, steps and loops', async () => {
    await go(CINE);
    const bar = page.getByRole('group', { name: 'Lecture du clip' });
    await bar.waitFor();
    await page.waitForSelector('.stage[data-ready]');
    expect(await bar.textContent()).toContain('30 images/s');
    const at = async () => Number((await bar.locator('.cine-at').textContent())!.split('/')[0]);
    expect(await at()).toBe(1);
    await settle();
    await bar.getByRole('button', { name: 'Image suivante' }).click();
    expect(await at()).toBe(2);
    // A loop of three frames is never left.
    await page.keyboard.press('[');
    await bar.getByRole('button', { name: 'Image suivante' }).click();
    await bar.getByRole('button', { name: 'Image suivante' }).click();
    await page.keyboard.press(']');
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press(' ');
    const seen = new Set<number>();
    await until(
      async () => seen.add(await at()).size,
      (size) => size === 3,
      30_000,
    );
    for (let i = 0; i < 10; i++) seen.add(await at());
    await page.keyboard.press(' ');
    await picture('cine');
    expect([...seen].sort()).toEqual([2, 3, 4]);
    const stopped = await at();
    await page.waitForTimeout(200);
    expect(await at()).toBe(stopped);
  });

  test('video plays where the browser can, with the same controls; elsewhere a clear word', async () => {
    await go(H264, `?image=${sopOf(H264)}`);
    await page.waitForSelector('.video[data-state=ready], .video[data-state=failed]');
    // Chromium is built with and without patented codecs; both answers are right, silence is not.
    const can = await page.evaluate(() =>
      document.createElement('video').canPlayType('video/mp4; codecs="avc1.640029"'),
    );
    if (can) {
      const bar = page.getByRole('group', { name: 'Lecture du clip' });
      expect(await bar.textContent()).toContain('1/30');
      await bar.getByRole('button', { name: 'Image suivante' }).click();
      await until(
        () => bar.textContent(),
        (text) => text!.includes('2/30'),
        5000,
      );
      await bar.getByRole('button', { name: 'Lire' }).click();
      await until(
        () => bar.textContent(),
        (text) => !/\b2\/30/.test(text!),
        5000,
      );
      await picture('video');
    } else await page.getByText(/ne sait pas lire cette vidéo/).waitFor();
    await go(MPEG2, `?image=${sopOf(MPEG2)}`);
    await page.getByText(/ne sait pas lire cette vidéo/).waitFor();
    await picture('video-cannot');
    await settle();
    await page.keyboard.press(',');
    await page.getByRole('dialog').getByText('Number Of Frames').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('documents and what cannot be drawn: PDF, SR, RT, ECG', async () => {
    await go(PDF);
    await page.waitForSelector('.object[data-kind=pdf] .pdf a[download]');
    const inline = await page.evaluate(() => navigator.pdfViewerEnabled);
    if (inline) expect(await page.locator('.pdf iframe').getAttribute('src')).toMatch(/^blob:/);
    else await page.getByText(/n’affiche pas les PDF/).waitFor();
    await picture('pdf');
    await go(SR);
    await page.locator('.sr h2').waitFor();
    expect(await page.locator('.sr').textContent()).toContain('Diagnosis');
    await picture('sr');
    for (const [path, kind, word] of [
      [RTSTRUCT, 'rt', /radiothérapie/],
      [ECG, 'waveform', /tracé/i],
    ] as const) {
      await go(path);
      await page.locator(`.object[data-kind=${kind}]`).getByText(word).first().waitFor();
      await page.locator('.header-table tbody tr').first().waitFor();
      await picture(kind);
    }
  });

  test('on a phone nothing is wider than the screen', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    for (const [name, path] of [
      ['phone-sr', SR],
      ['phone-cine', CINE],
      ['phone-rt', RTSTRUCT],
      ['phone-ct', CT[0]!],
    ] as const) {
      await go(path);
      await page.waitForSelector('.object, .stage[data-ready]');
      await page.waitForTimeout(300);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
      await picture(name);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
  });
});
