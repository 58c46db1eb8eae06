/**
 * The stage in a real Chromium, while one image follows another: what lies over an image, what is drawn and what keys do belong to
 * the image that is seen, and one that cannot be had says so.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { newUid, writePart10, type DicomJson } from '../src/dicom/index.ts';
import type { Mark, StudyView } from '../src/doors/api/contract.ts';
import {
  browserMissing,
  type Client,
  firstAccount,
  openBrowser,
  openPage,
  remove,
  type Server,
  signIn,
  startServer,
  until,
  upload,
} from './harness.ts';

const SIDE = 256;
/** Stored values of the left half and of the right one. */
const LEFT = 500;
const RIGHT = 3500;

/** One slice of two halves; `more` in place of attributes or beside them. */
function slice(more: DicomJson): Buffer {
  const values = new Uint16Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y++) {
    values.fill(LEFT, y * SIDE, y * SIDE + SIDE / 2);
    values.fill(RIGHT, y * SIDE + SIDE / 2, (y + 1) * SIDE);
  }
  return writePart10({
    json: {
      '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.2'] },
      '00080018': { vr: 'UI', Value: [newUid()] },
      '00080020': { vr: 'DA', Value: ['20260302'] },
      '00080030': { vr: 'TM', Value: ['101500'] },
      '00080060': { vr: 'CS', Value: ['CT'] },
      '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Coupes^Luc' }] },
      '00100020': { vr: 'LO', Value: ['S1'] },
      '00180015': { vr: 'CS', Value: ['CHEST'] },
      '0020000D': { vr: 'UI', Value: [newUid()] },
      '0020000E': { vr: 'UI', Value: [newUid()] },
      '00200013': { vr: 'IS', Value: [1] },
      '00200032': { vr: 'DS', Value: [0, 0, 0] },
      '00200037': { vr: 'DS', Value: [1, 0, 0, 0, 1, 0] },
      '00200052': { vr: 'UI', Value: ['1.2.826.0.1.3680043.8.498.77'] },
      '00280002': { vr: 'US', Value: [1] },
      '00280004': { vr: 'CS', Value: ['MONOCHROME2'] },
      '00280010': { vr: 'US', Value: [SIDE] },
      '00280011': { vr: 'US', Value: [SIDE] },
      '00280030': { vr: 'DS', Value: [0.5, 0.5] },
      '00280100': { vr: 'US', Value: [16] },
      '00280101': { vr: 'US', Value: [12] },
      '00280102': { vr: 'US', Value: [11] },
      '00280103': { vr: 'US', Value: [0] },
      '00281050': { vr: 'DS', Value: [2048] },
      '00281051': { vr: 'DS', Value: [4096] },
      '7FE00010': { vr: 'OW', Binary: new Uint8Array(values.buffer) },
      ...more,
    },
  });
}

const STUDY = newUid();
const SERIES = newUid();
const SLICES = Array.from({ length: 6 }, () => newUid());
/** The only one with an overlay plane (PS3.3 C.9.2). */
const OVERLAID = 1;
const slices = () =>
  SLICES.map((sopInstanceUid, i) =>
    slice({
      '00080018': { vr: 'UI', Value: [sopInstanceUid] },
      '0020000D': { vr: 'UI', Value: [STUDY] },
      '0020000E': { vr: 'UI', Value: [SERIES] },
      '00200013': { vr: 'IS', Value: [i + 1] },
      '00200032': { vr: 'DS', Value: [0, 0, 2 * i] },
      ...(i === OVERLAID && {
        '60000010': { vr: 'US', Value: [SIDE] },
        '60000011': { vr: 'US', Value: [SIDE] },
        '60000040': { vr: 'CS', Value: ['G'] },
        '60000050': { vr: 'SS', Value: [1, 1] },
        '60000100': { vr: 'US', Value: [1] },
        '60000102': { vr: 'US', Value: [0] },
        '60003000': { vr: 'OW', Binary: new Uint8Array((SIDE * SIDE) / 8).fill(0x0f) },
      }),
    }),
  );

/** Grey of the left and of the right half, as drawn: 0 to 255. */
const halves = (page: Page): Promise<[number, number]> =>
  page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('.stage canvas')!;
    const { width, height } = canvas;
    const copy = document.createElement('canvas');
    copy.width = width;
    copy.height = height;
    const context = copy.getContext('2d')!;
    context.drawImage(canvas, 0, 0);
    const at = (x: number) => context.getImageData(Math.round(x), height >> 1, 1, 1).data[0]!;
    return [at(width / 2 - height / 8), at(width / 2 + height / 8)];
  });

describe.skipIf(browserMissing)('the stage', { timeout: 180_000 }, () => {
  let server: Server;
  let client: Client;
  let browser: Browser;
  let page: Page;
  let errors: string[];
  const work = mkdtempSync(join(tmpdir(), 'negatoscope-stage-'));
  const negative = join(work, 'negative.dcm');
  const negativeStudy = newUid();

  const marksOf = async (studyUid: string): Promise<Mark[]> =>
    (await client.json<StudyView>('GET', `/api/studies/${studyUid}`)).marks;
  const marks = () => marksOf(STUDY);
  const keys = async () => (await marks()).filter(({ kind }) => kind === 'key');
  const stateOf = (path: string): string => {
    execFileSync('/usr/bin/dcmpsmk', [path, `${path}.state`]);
    return `${path}.state`;
  };

  beforeAll(async () => {
    [server, browser] = await Promise.all([startServer(), openBrowser()]);
    client = await firstAccount(server);
    const paths = slices().map((bytes, i) => {
      const path = join(work, `${i}.dcm`);
      writeFileSync(path, bytes);
      return path;
    });
    writeFileSync(
      negative,
      slice({
        '0020000D': { vr: 'UI', Value: [negativeStudy] },
        '00280004': { vr: 'CS', Value: ['MONOCHROME1'] },
      }),
    );
    // DCMTK's presentation states show an image as it is shown without them.
    await upload(client, ...paths, stateOf(paths[0]!), negative, stateOf(negative));
    ({ page, errors } = await openPage(browser));
    page.setDefaultTimeout(60_000);
    await signIn(page, server);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    if (server) remove(server);
    rmSync(work, { recursive: true, force: true });
  });
  afterEach(async () => {
    await page.unrouteAll();
    expect(errors.splice(0)).toEqual([]);
  });

  const open = async (studyUid: string) => {
    await page.goto(`${server.url}/read/${studyUid}`);
    await page.waitForSelector('.stage[data-ready]');
    // Letters are dead for a moment after the patient changed.
    await page.waitForTimeout(900);
  };
  const shown = async (i: number) =>
    until(
      () => page.locator('.stage').getAttribute('data-image'),
      (imageId) => imageId?.split('/')[2] === SLICES[i],
    );
  /** A place on the image, shares of its height from its middle, CSS px. */
  const place = async (right: number, down: number): Promise<[number, number]> => {
    const box = (await page.locator('.stage .canvas').boundingBox())!;
    return [box.x + box.width / 2 + right * box.height, box.y + box.height / 2 + down * box.height];
  };
  const framesOf = (i: number) => `**/instances/${SLICES[i]}/frames/**`;

  test('the study that is read next goes on coming while this one is turned over', async () => {
    const [asked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const next = `/studies/${negativeStudy}/`;
    await page.route(`**${next}**/frames/**`, async (route) => {
      asked.resolve();
      await held.promise;
      // Nothing is left to go on where it was given up.
      await route.continue().catch(() => undefined);
    });
    const come = page.waitForEvent('requestfinished', {
      predicate: (request) => request.url().includes(next) && request.url().includes('/frames/'),
    });
    await open(STUDY);
    await asked.promise;
    await page.keyboard.press('ArrowDown');
    await shown(1);
    await page.waitForTimeout(300);
    held.resolve();
    await come;
  });

  test('a presentation state on MONOCHROME1 decides alone what is white (PS3.4 N.2.1)', async () => {
    await open(negativeStudy);
    const [left, right] = await until(
      () => halves(page),
      ([a, b]) => a > b + 100,
    );
    await page
      .locator('.results li[data-kind=presentation]')
      .getByRole('button', { name: /Appliquer/ })
      .click();
    await page.waitForSelector('.presentation[data-presentation]');
    await page.waitForTimeout(500);
    const under = await halves(page);
    expect(Math.abs(under[0] - left)).toBeLessThan(3);
    expect(Math.abs(under[1] - right)).toBeLessThan(3);
  });

  test('a measurement that was begun on one slice is not finished on another', async () => {
    await open(STUDY);
    await page.keyboard.press('l');
    await page.mouse.click(...(await place(-0.2, -0.2)));
    await page.locator('.measure.drawing').waitFor();
    await page.keyboard.press('ArrowDown');
    await shown(1);
    await page.mouse.click(...(await place(-0.1, 0.1)));
    await page.mouse.click(...(await place(0.1, 0.1)));
    const [length] = await until(marks, (list) => list.length > 0);
    expect(length!.sopInstanceUid).toBe(SLICES[1]);
    const [[ax, ay], [bx, by]] = length!.points as [[number, number], [number, number]];
    expect(by - ay).toBeCloseTo(0, 0);
    expect(bx - ax).toBeGreaterThan(30);
    // One that is dragged, and given up by the system, stands where it was, and goes where it is put.
    const own = page.locator('.measure.own');
    const line = () => own.locator('.hold > .line').getAttribute('d');
    const before = await line();
    await own.locator('[role=button]').first().focus();
    await page.keyboard.press('Shift+ArrowDown');
    await until(marks, ([mark]) => mark!.points[0]![1] > ay);
    const moved = await line();
    expect(moved).not.toBe(before);
    const [x, y] = await place(0, 0.1);
    await page.mouse.move(x, y + 10);
    await page.mouse.down();
    await page.mouse.move(x + 20, y + 40);
    await until(line, (now) => now !== moved);
    await own.locator('.hold').dispatchEvent('pointercancel', { bubbles: true });
    expect(await line()).toBe(moved);
    await page.mouse.up();
    await page.keyboard.press('Control+z');
    await until(line, (now) => now === before);
    await until(marks, ([mark]) => mark!.points[0]![1] === ay);
    await page.keyboard.press('Delete');
    await until(marks, (list) => list.length === 0);
  });

  test('an overlay plane goes with its image', async () => {
    await open(STUDY);
    await page.keyboard.press('ArrowDown');
    await shown(OVERLAID);
    const plane = page.locator('canvas[data-overlay="6000"]');
    await plane.waitFor();
    await page.evaluate(() => {
      const stage = document.querySelector('.stage')!;
      const seen: boolean[] = [];
      Object.assign(window, { seen });
      new MutationObserver(() =>
        seen.push(stage.querySelector('canvas[data-overlay="6000"]') !== null),
      ).observe(stage, { attributeFilter: ['data-image'] });
    });
    await page.keyboard.press('ArrowDown');
    await shown(OVERLAID + 1);
    expect(await page.evaluate(() => (window as unknown as { seen: boolean[] }).seen)).toEqual([false]);
    await page.keyboard.press('ArrowUp');
    await plane.waitFor();
  });

  test('the key of key images is for the image that is seen, and for no document', async () => {
    const held = Promise.withResolvers<void>();
    await page.route(framesOf(4), async (route) => {
      await held.promise;
      await route.continue();
    });
    await open(STUDY);
    for (const at of [1, 2, 3]) {
      await page.keyboard.press('ArrowDown');
      await shown(at);
    }
    await page.keyboard.press('k');
    const [key] = await until(keys, (list) => list.length === 1);
    expect(key).toMatchObject({ kind: 'key', sopInstanceUid: SLICES[3] });
    // The next one is asked for and still on its way: this one is seen.
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('k');
    await until(keys, (list) => list.length !== 1);
    expect(await keys()).toEqual([]);
    held.resolve();
    await shown(4);
    await page.locator('.object-tile').click();
    await page.locator('.object').waitFor();
    await page.keyboard.press('k');
    await page.waitForTimeout(500);
    expect(await keys()).toEqual([]);
  });

  test('an image that cannot be had says so, and the others are shown', async () => {
    await page.route(framesOf(5), (route) => route.fulfill({ status: 500, body: '{}' }));
    await open(STUDY);
    const alert = page.locator('.stage [role=alert]');
    for (const at of [1, 2, 3, 4]) {
      await page.keyboard.press('ArrowDown');
      await shown(at);
    }
    await page.keyboard.press('ArrowDown');
    await alert.waitFor();
    await page.keyboard.press('ArrowUp');
    await alert.waitFor({ state: 'detached' });
    await shown(4);
    await page.mouse.move(...(await place(0, 0)));
    await page.mouse.wheel(0, 100);
    await alert.waitFor();
    await page.mouse.wheel(0, -100);
    await alert.waitFor({ state: 'detached' });
    await shown(4);
    expect(errors.splice(0)).toEqual([]);
  });
});
