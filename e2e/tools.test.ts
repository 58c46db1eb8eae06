/**
 * The reader's tools in a real Chromium, with mouse, keyboard and finger: what is drawn is what is measured, to within 1 % of
 * distances, angles and values that the test put into the images itself; what is kept comes back, and leaves as DICOM.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newUid, writePart10, type DicomJson } from '../src/dicom/index.ts';
import type { Mark, StudyView } from '../src/doors/api/contract.ts';
import {
  browserMissing,
  type Client,
  firstAccount,
  openBrowser,
  openPage,
  PIN,
  remove,
  type Server,
  signIn,
  startServer,
  until,
} from './harness.ts';

const STUDY = newUid();
const ROWS = 400;
const COLUMNS = 300;
/** Centres of bright squares, image pixels with the origin at the corner. */
const DOTS = [
  [60, 80],
  [240, 80],
  [60, 320],
] as const;
/** mm: pixels are not square here. */
const SPACING = { row: 0.5, column: 0.25 };
/** Hounsfield units: of the ground, and of a block in the middle. */
const GROUND = -100;
const BLOCK = 250;

interface Slice {
  study: string;
  series?: string;
  seriesNumber?: number;
  frameOfReference?: string;
  number?: number;
  date?: string;
  position?: number[];
  orientation?: number[];
}
/** A CT slice with squares where `DOTS` says and a block of known value in the middle. */
function phantom({ study, ...slice }: Slice): Buffer {
  const values = new Int16Array(ROWS * COLUMNS).fill(GROUND + 1024);
  const fill = (x0: number, y0: number, x1: number, y1: number, value: number) => {
    for (let y = y0; y < y1; y++) values.fill(value + 1024, y * COLUMNS + x0, y * COLUMNS + x1);
  };
  fill(120, 160, 180, 240, BLOCK);
  for (const [x, y] of DOTS) fill(x - 3, y - 3, x + 3, y + 3, 3000);
  const json: DicomJson = {
    '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.2'] },
    '00080018': { vr: 'UI', Value: [newUid()] },
    '00080020': { vr: 'DA', Value: [slice.date ?? '20260301'] },
    '00080030': { vr: 'TM', Value: ['101500'] },
    '00080060': { vr: 'CS', Value: ['CT'] },
    '00081030': { vr: 'LO', Value: ['Mire'] },
    '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Mesure^Anne' }] },
    '00100020': { vr: 'LO', Value: ['M1'] },
    '00100030': { vr: 'DA', Value: ['19700102'] },
    '00180015': { vr: 'CS', Value: ['CHEST'] },
    '0020000D': { vr: 'UI', Value: [study] },
    '0020000E': { vr: 'UI', Value: [slice.series ?? newUid()] },
    '00200011': { vr: 'IS', Value: [slice.seriesNumber ?? 1] },
    '00200013': { vr: 'IS', Value: [slice.number ?? 1] },
    '00200032': { vr: 'DS', Value: slice.position ?? [0, 0, 0] },
    '00200037': { vr: 'DS', Value: slice.orientation ?? [1, 0, 0, 0, 1, 0] },
    '00200052': { vr: 'UI', Value: [slice.frameOfReference ?? newUid()] },
    '00280002': { vr: 'US', Value: [1] },
    '00280004': { vr: 'CS', Value: ['MONOCHROME2'] },
    '00280010': { vr: 'US', Value: [ROWS] },
    '00280011': { vr: 'US', Value: [COLUMNS] },
    '00280030': { vr: 'DS', Value: [SPACING.row, SPACING.column] },
    '00280100': { vr: 'US', Value: [16] },
    '00280101': { vr: 'US', Value: [16] },
    '00280102': { vr: 'US', Value: [15] },
    '00280103': { vr: 'US', Value: [1] },
    '00281050': { vr: 'DS', Value: [40] },
    '00281051': { vr: 'DS', Value: [4000] },
    '00281052': { vr: 'DS', Value: [-1024] },
    '00281053': { vr: 'DS', Value: [1] },
    '00281054': { vr: 'LO', Value: ['HU'] },
    '7FE00010': { vr: 'OW', Binary: new Uint8Array(values.buffer) },
  };
  return writePart10({ json });
}

/** Where the bright squares lie on the screen, CSS px: read back from what was drawn, not from what the page thinks. */
const dotsOnScreen = (page: Page): Promise<[number, number][]> =>
  page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('.stage canvas')!;
    const { width, height } = canvas;
    const copy = document.createElement('canvas');
    copy.width = width;
    copy.height = height;
    const context = copy.getContext('2d')!;
    context.drawImage(canvas, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const host = canvas.getBoundingClientRect();
    const left = new Set<number>();
    for (let i = 0; i < width * height; i++) if (data[4 * i]! > 240) left.add(i);
    const found: [number, number][] = [];
    while (left.size) {
      const [first] = left;
      const open = [first!];
      left.delete(first!);
      const box = { x0: width, y0: height, x1: 0, y1: 0 };
      while (open.length) {
        const i = open.pop()!;
        const x = i % width;
        const y = (i - x) / width;
        box.x0 = Math.min(box.x0, x);
        box.y0 = Math.min(box.y0, y);
        box.x1 = Math.max(box.x1, x + 1);
        box.y1 = Math.max(box.y1, y + 1);
        for (const next of [i - 1, i + 1, i - width, i + width]) if (left.delete(next)) open.push(next);
      }
      found.push([
        host.left + (((box.x0 + box.x1) / 2) * host.width) / width,
        host.top + (((box.y0 + box.y1) / 2) * host.height) / height,
      ]);
    }
    return found;
  });

// Seconds on a machine of its own; a busy one gets its time.
describe.skipIf(browserMissing)('the tools of the viewer', { timeout: 240_000 }, () => {
  let server: Server;
  let browser: Browser;
  let client: Client;
  let page: Page;
  let errors: string[];

  const view = () => client.json<StudyView>('GET', `/api/studies/${STUDY}`);
  const marks = async (): Promise<Mark[]> => (await view()).marks;
  /** Waits for the server to have as many; gives the newest. */
  const kept = async (count: number): Promise<Mark> =>
    (await until(marks, (list) => list.length === count, 60_000)).at(-1)!;
  const figure = (mark: Mark, name: string): number =>
    mark.quantities.find((each) => each.name === name)!.value;
  const drag = async (from: readonly [number, number], to: readonly [number, number]) => {
    await page.mouse.move(...from);
    await page.mouse.down();
    await page.mouse.move((from[0] + to[0]) / 2, (from[1] + to[1]) / 2);
    await page.mouse.move(...to);
    await page.mouse.up();
  };
  /** Lets go of the mark that was drawn last: its handles would be taken hold of. */
  const letGo = async () => {
    if (await page.locator('.measure[data-selected]').count()) await page.keyboard.press('Escape');
    await page.locator('.measure[data-selected]').waitFor({ state: 'detached' });
  };
  /** Waits until the letters at the edges say how the image lies: top, right, bottom, left. */
  const lettersAre = (letters: string) =>
    until(
      async () => {
        const at = (edge: string) => page.locator(`.edge.at-${edge}`).first().textContent();
        return [await at('top'), await at('right'), await at('bottom'), await at('left')].join('');
      },
      (shown) => shown === letters,
      60_000,
    );
  const read = async (on: Page, path: string) => {
    await signIn(on, server);
    await on.goto(server.url + path);
    await on.locator('.stage[data-ready]').first().waitFor({ timeout: 120_000 });
    // Letters are dead for a moment after the patient changed.
    await on.waitForTimeout(900);
  };

  beforeAll(async () => {
    server = await startServer();
    client = await firstAccount(server);
    await client.json('POST', '/api/upload', phantom({ study: STUDY }), { 'x-file-name': 'phantom.dcm' });
    browser = await openBrowser();
    ({ page, errors } = await openPage(browser));
    page.setDefaultTimeout(60_000);
    await read(page, `/read/${STUDY}`);
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    remove(server);
  });

  let dots: [number, number][];
  /** Image pixels → screen, from the squares that were found there. */
  const onScreen = (x: number, y: number): [number, number] => {
    const [[ax, ay], [bx, by], [cx, cy]] = dots as [[number, number], [number, number], [number, number]];
    const [u, v] = [
      (x - DOTS[0][0]) / (DOTS[1][0] - DOTS[0][0]),
      (y - DOTS[0][1]) / (DOTS[2][1] - DOTS[0][1]),
    ];
    return [ax + u * (bx - ax) + v * (cx - ax), ay + u * (by - ay) + v * (cy - ay)];
  };

  test('the image lies as its spacing says', async () => {
    dots = (await dotsOnScreen(page)).sort((a, b) => a[1] - b[1] || a[0] - b[0]);
    expect(dots).toHaveLength(3);
    const [a, b, c] = dots as [[number, number], [number, number], [number, number]];
    const across = (b[0] - a[0]) / (180 * SPACING.column);
    const down = (c[1] - a[1]) / (240 * SPACING.row);
    expect(across / down).toBeCloseTo(1, 1);
  });

  test('a length with the mouse: 45 mm across, 120 mm down', async () => {
    await page.keyboard.press('l');
    await drag(dots[0]!, dots[1]!);
    const across = await kept(1);
    expect(across).toMatchObject({ kind: 'length', calibration: 'calibrated' });
    expect(figure(across, 'length') / 45).toBeCloseTo(1, 2);
    // Two clicks do as well as a stroke.
    await letGo();
    await page.mouse.click(...dots[0]!);
    await page.mouse.click(...dots[2]!);
    expect(figure(await kept(2), 'length') / 120).toBeCloseTo(1, 2);
    expect(await page.locator('.measure.own .say').first().textContent()).toMatch(/4[45],\d\s*mm/);
  });

  test('angles: at a point, between two lines, and a ratio of two widths', async () => {
    await letGo();
    await page.keyboard.press('g');
    await drag(dots[1]!, dots[0]!);
    await page.mouse.click(...dots[2]!);
    expect(figure(await kept(3), 'angle') / 90).toBeCloseTo(1, 2);
    await letGo();
    await page.keyboard.press('b');
    await drag(dots[0]!, dots[1]!);
    // 30 mm across and 30 mm down: 45°.
    await drag(onScreen(60, 260), onScreen(180, 320));
    expect(figure(await kept(4), 'angle') / 45).toBeCloseTo(1, 1);
    await letGo();
    await page.keyboard.press('t');
    await drag(onScreen(100, 350), onScreen(200, 350));
    await drag(onScreen(50, 370), onScreen(250, 370));
    expect(figure(await kept(5), 'ratio')).toBeCloseTo(0.5, 1);
  });

  test('regions and points: Hounsfield units', async () => {
    await letGo();
    await page.keyboard.press('e');
    await drag(onScreen(125, 165), onScreen(175, 235));
    const ellipse = await kept(6);
    expect(ellipse.quantities.find(({ name }) => name === 'mean')).toMatchObject({
      value: BLOCK,
      unit: 'HU',
    });
    expect(figure(ellipse, 'sd')).toBe(0);
    expect(figure(ellipse, 'area') / ((Math.PI / 4) * 12.5 * 35)).toBeCloseTo(1, 1);
    await letGo();
    await page.keyboard.press('q');
    // Half in the block, half out of it.
    await drag(onScreen(90, 170), onScreen(150, 230));
    const rectangle = await kept(7);
    expect([figure(rectangle, 'min'), figure(rectangle, 'max')]).toEqual([GROUND, BLOCK]);
    expect(Math.abs(figure(rectangle, 'mean') - 75)).toBeLessThan(12);
    await letGo();
    await page.keyboard.press('d');
    await page.mouse.click(...onScreen(150, 200));
    expect(figure(await kept(8), 'value')).toBe(BLOCK);
  });

  test('an arrow with words, and words alone', async () => {
    await letGo();
    // As on a busy machine, where a timer comes later than an answer: what is drawn, and its field of words, must stay meanwhile.
    await page.evaluate(() => {
      const real = window.setTimeout;
      const own = (node: Node) => node instanceof Element && node.matches('.measure.own');
      let vanished = 0;
      const observer = new MutationObserver((changes) => {
        for (const { removedNodes } of changes) vanished += [...removedNodes].filter(own).length;
      });
      observer.observe(document.querySelector('.stage')!, { childList: true, subtree: true });
      window.setTimeout = ((run: () => void, ms = 0) => real(run, ms + 50)) as typeof window.setTimeout;
      Object.assign(window, {
        rested: () => {
          window.setTimeout = real;
          observer.disconnect();
          return vanished;
        },
      });
    });
    await page.keyboard.press('u');
    await drag(onScreen(190, 150), onScreen(230, 130));
    await kept(9);
    await page.waitForTimeout(200);
    expect(await page.evaluate(() => (window as unknown as { rested: () => number }).rested())).toBe(0);
    await page.keyboard.type('Nodule à revoir');
    await page.keyboard.press('Enter');
    await until(marks, (list) => list.some(({ text }) => text === 'Nodule à revoir'), 60_000);
    await letGo();
    await page.mouse.click(...onScreen(30, 30));
    await page.keyboard.type('Debout');
    await page.keyboard.press('Enter');
    const list = await until(marks, (all) => all.some(({ text }) => text === 'Debout'), 60_000);
    expect(list.map(({ kind }) => kind).slice(-2)).toEqual(['arrow', 'text']);
  });

  test('by keys alone: placed, moved, removed, undone and redone', async () => {
    await page.keyboard.press('l');
    await page.keyboard.press('Enter');
    const placed = await kept(11);
    await page.locator('.measure[data-selected] [role=button]:focus').first().waitFor({ state: 'attached' });
    await page.keyboard.press('ArrowDown');
    await until(marks, (list) => list.at(-1)!.points[0]![1] > placed.points[0]![1], 60_000);
    // The first point alone.
    await page.keyboard.press('Tab');
    await page.keyboard.press('Shift+ArrowLeft');
    const stretched = await until(
      marks,
      (list) => figure(list.at(-1)!, 'length') > figure(placed, 'length'),
      10_000,
    );
    expect(stretched.at(-1)!.points[1]![0]).toBe(placed.points[1]![0]);
    await page.keyboard.press('Delete');
    await kept(10);
    await page.keyboard.press('Control+z');
    await kept(11);
    await page.keyboard.press('Control+y');
    await kept(10);
  });

  test('a mark is taken hold of and moved with the mouse', async () => {
    await letGo();
    await page.keyboard.press('w');
    const ratio = async () => (await marks()).find(({ kind }) => kind === 'ctr')!;
    const before = await ratio();
    const on = onScreen(220, 370);
    await drag(on, [on[0], on[1] - 24]);
    const after = await until(ratio, ({ points }) => points[0]![1] < before.points[0]![1], 60_000);
    expect(figure(after, 'ratio')).toBeCloseTo(figure(before, 'ratio'), 6);
    await page.keyboard.press('Control+z');
    await until(ratio, ({ points }) => points[0]![1] === before.points[0]![1], 60_000);
  });

  test('turned and flipped, the image and what is drawn on it stay together', async () => {
    const lengthOnScreen = () => page.locator('.measure.own[data-kind=length]').first().boundingBox();
    await page.keyboard.press('y');
    await lettersAre('RALP');
    // 45 mm across stand upright now. The letters may be turned a frame before the marks.
    await until(lengthOnScreen, (turned) => turned !== null && turned.height > turned.width);
    await page.keyboard.press('j');
    await lettersAre('RPLA');
    await page.keyboard.press('k');
    const key = await until(marks, (list) => list.some(({ kind }) => kind === 'key'), 60_000);
    expect(key.find(({ kind }) => kind === 'key')!.presentation).toMatchObject({
      rotation: 90,
      flipped: true,
      inverted: false,
      window: { centre: 40, width: 4000 },
    });
    await page.keyboard.press('j');
    await lettersAre('RALP');
    for (const lie of ['PRAL', 'LPRA', 'ALPR']) {
      await page.keyboard.press('y');
      await lettersAre(lie);
    }
    await until(
      async () => (await dotsOnScreen(page)).sort((a, b) => a[1] - b[1] || a[0] - b[0]),
      (back) =>
        back.length === dots.length &&
        back.every(([x, y], i) => Math.abs(x - dots[i]![0]) < 2 && Math.abs(y - dots[i]![1]) < 2),
    );
  });

  test('what was drawn survives a reload, and goes into the report with one click', async () => {
    const before = await marks();
    await page.reload();
    await page.locator('.stage[data-ready]').waitFor();
    await page.locator('.measure.own').nth(9).waitFor();
    expect(await marks()).toEqual(before);
    await page.getByRole('button', { name: 'Mettre dans le compte rendu' }).first().click();
    expect(await page.locator('#report-findings').inputValue()).toMatch(/Longueur\s*: 4[45],\d\s*mm\./);
  });

  test('signed, it is kept as DICOM, and stands on the image', async () => {
    await page.locator('#report-conclusion').fill('Mesures faites.');
    await page.locator('#report-conclusion').blur();
    const count = (await marks()).length;
    await until(view, ({ draft }) => draft.fields.conclusion === 'Mesures faites.', 60_000);
    const { draft } = await view();
    await client.json('POST', `/api/studies/${STUDY}/claim`, {});
    await client.json('POST', `/api/studies/${STUDY}/sign`, { revision: draft.revision, secret: PIN });
    await page
      .locator('.measure.signed')
      .nth(count - 2)
      .waitFor();
    const series = await until(
      () => client.json<Record<string, { Value?: unknown[] }>[]>('GET', `/dicom-web/studies/${STUDY}/series`),
      (list) => list.length === 6,
      60_000,
    );
    expect(series.map((each) => each['00080060']!.Value![0]).sort()).toEqual([
      'CT',
      'DOC',
      'KO',
      'PR',
      'SR',
      'SR',
    ]);
    expect(errors).toEqual([]);
  });

  test('side by side: panes follow to the same place, lines show where planes cross', async () => {
    const [study, frameOfReference] = [newUid(), newUid()];
    const series = [newUid(), newUid(), newUid()];
    const send = (slice: Omit<Slice, 'study' | 'frameOfReference'>) =>
      client.json('POST', '/api/upload', phantom({ study, frameOfReference, ...slice }), {
        'x-file-name': 'slice.dcm',
      });
    // Every 5 mm, every 10 mm from the other end, and one slice across both.
    for (let i = 0; i < 5; i++)
      await send({ series: series[0]!, seriesNumber: 1, number: i + 1, position: [0, 0, 5 * i] });
    for (let i = 0; i < 3; i++)
      await send({ series: series[1]!, seriesNumber: 2, number: i + 1, position: [0, 0, 20 - 10 * i] });
    await send({
      series: series[2]!,
      seriesNumber: 3,
      position: [37.5, 0, 100],
      orientation: [0, 1, 0, 0, 0, -1],
    });
    const earlier = [newUid(), newUid()] as const;
    await client.json(
      'POST',
      '/api/upload',
      phantom({ study: earlier[0], series: earlier[1], date: '20250203' }),
      { 'x-file-name': 'earlier.dcm' },
    );
    await page.goto(`${server.url}/read/${study}`);
    await page.locator('.stage[data-ready]').first().waitFor();
    await page.waitForTimeout(900);
    // A CT begins alone.
    expect(await page.locator('.pane').count()).toBe(1);
    await lettersAre('ALPR');
    await page.keyboard.press('Alt+4');
    await page.locator('.pane').nth(3).waitFor();
    const choose = async (pane: number, value: string, of = study) => {
      await page.locator('.pane').nth(pane).locator('select').selectOption(`${of}/${value}`);
      await page.locator('.pane').nth(pane).locator('.stage[data-ready]').waitFor();
    };
    await choose(1, series[1]!);
    await choose(2, series[2]!);
    await page.locator('.pane').first().locator('.canvas').click();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    // 10 mm: the second of three.
    await page.locator('.pane').nth(1).getByText('2/3').waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.locator('.pane').nth(1).getByText('1/3').waitFor();
    expect(await page.locator('.pane').nth(2).locator('.crossings line').count()).toBeGreaterThan(0);
    await page.keyboard.press('Shift+ArrowRight');
    expect(await page.locator('.pane').nth(1).getAttribute('data-active')).toBe('true');
    // A mark stands on its image wherever that is shown; and only there.
    await page.keyboard.press('l');
    await page.keyboard.press('Enter');
    await page.locator('.pane').nth(1).locator('.measure').waitFor();
    expect(await page.locator('.pane').nth(0).locator('.measure').count()).toBe(0);
    await page.keyboard.press('Delete');
    await page.keyboard.press('w');
    // An earlier exam says that it is one, and takes no marks.
    await choose(3, earlier[1], earlier[0]);
    await page.locator('.pane').nth(3).getByText('Examen antérieur : Mire · 03/02/2025').waitFor();
    await page.locator('.pane').nth(3).locator('.canvas').click();
    await page.keyboard.press('l');
    await page.keyboard.press('Enter');
    await page.keyboard.press('k');
    await page.keyboard.press('w');
    expect(await page.locator('.measure').count()).toBe(0);
    expect(await page.locator('.thumbs .key').count()).toBe(0);
    // Nor does its header pass for that of this exam.
    await page.keyboard.press(',');
    await page.getByRole('dialog').getByText('Examen antérieur').waitFor();
    await page.getByRole('dialog').getByText('20250203').first().waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    // What fills its place fills another as well.
    const filled = async () => {
      const dots = await dotsOnScreen(page);
      const host = (await page.locator('.pane').first().boundingBox())!;
      const heights = dots.map(([, y]) => y);
      return (Math.max(...heights) - Math.min(...heights)) / host.height;
    };
    const four = await filled();
    await page.keyboard.press('Alt+1');
    await page.locator('.pane').nth(1).waitFor({ state: 'detached' });
    // 240 of 400 rows, in the full height.
    expect(four).toBeCloseTo(0.6, 1);
    await until(filled, (share) => Math.abs(share - 0.6) < 0.02);
    await page.keyboard.press('Alt+2');
    await page.locator('.pane').nth(1).waitFor();
    // The choice is kept for the next exam of this kind.
    await page.reload();
    await page.locator('.pane').nth(1).locator('.stage[data-ready]').waitFor();
    await page.locator('.pane').nth(0).locator('.stage[data-ready]').waitFor();
    await page.waitForTimeout(900);
    await page.keyboard.press('Alt+1');
    await page.locator('.pane').nth(1).waitFor({ state: 'detached' });
  });

  test('windows by region, true size, letters that follow the image', async () => {
    const corner = () => page.locator('.corner.tr').first().textContent();
    await page.keyboard.press('3');
    await until(corner, (text) => /2\s?500 C 480/.test(text!), 60_000);
    await page.keyboard.press('2');
    await until(corner, (text) => /1\s?500 C -600/.test(text!), 60_000);
    await page.keyboard.press('r');
    // Until the screen was measured it is asked for.
    await page.keyboard.press('0');
    await page.getByRole('dialog').getByRole('button', { name: 'Garder pour cet écran' }).click();
    // Keys are dead until it is gone.
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.evaluate(() => localStorage.setItem('negatoscope.screen', '4'));
    await page.keyboard.press('0');
    // 4 px a mm, 0.25 mm a pixel.
    await until(corner, (text) => /× 1$/.test(text!), 60_000);
    await page.keyboard.press('y');
    await lettersAre('RALP');
    await page.keyboard.press('j');
    await lettersAre('RPLA');
  });

  test('a picture and a print say what they are not for; a second window shows the images', async () => {
    const download = page.waitForEvent('download');
    await page.keyboard.press('Control+s');
    expect((await download).suggestedFilename()).toMatch(/^negatoscope-\d+\.png$/);
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('.print-note').isVisible()).toBe(true);
    expect(await page.locator('.print-note').textContent()).toBe('Pas pour le diagnostic');
    expect(await page.locator('.panel').isVisible()).toBe(false);
    await page.emulateMedia({ media: 'screen' });
    const popup = page.waitForEvent('popup');
    await page.getByRole('button', { name: 'Autres outils' }).click();
    await page.getByRole('menuitem', { name: /seconde fenêtre/ }).click();
    const beside = await popup;
    await beside.locator('.stage[data-ready]').first().waitFor();
    expect(await beside.locator('.panel').isVisible()).toBe(false);
    await page.goto(`${server.url}/read/${STUDY}`);
    await beside.waitForURL((url) => url.pathname.endsWith(STUDY));
    await beside.close();
    // Past the moment in which keys are dead after the patient changed.
    await page.locator('.stage[data-ready]').first().waitFor();
    await page.waitForTimeout(900);
    await page.keyboard.press('?');
    const help = page.getByRole('dialog');
    for (const words of ['Angle de Cobb', 'Image clé', 'Taille réelle', 'Disposition'])
      await help.getByText(words, { exact: true }).first().waitFor();
    await page.keyboard.press('Escape');
    expect(errors).toEqual([]);
  });

  test('with one finger: a length; two fingers zoom and draw nothing', async () => {
    const other = newUid();
    await client.json('POST', '/api/upload', phantom({ study: other }), { 'x-file-name': 'phantom.dcm' });
    const phone = await openPage(browser, { width: 390, height: 844, touch: true });
    phone.page.setDefaultTimeout(60_000);
    await read(phone.page, `/read/${other}`);
    // A rail of three; the rest stands behind the last.
    expect(await phone.page.locator('.tools .light-tool:visible').count()).toBe(3);
    await phone.page.getByRole('button', { name: 'Longueur' }).tap();
    const found = (await dotsOnScreen(phone.page)).sort((a, b) => a[1] - b[1] || a[0] - b[0]);
    const cdp = await phone.page.context().newCDPSession(phone.page);
    const touch = (type: string, ...points: [number, number][]) =>
      cdp.send('Input.dispatchTouchEvent', {
        type: type as 'touchStart',
        touchPoints: points.map(([x, y], id) => ({ x, y, id })),
      });
    await touch('touchStart', found[0]!);
    await touch('touchMove', [found[0]![0] + 40, found[0]![1]]);
    await touch('touchMove', found[1]!);
    await touch('touchEnd');
    const ask = async () => (await client.json<StudyView>('GET', `/api/studies/${other}`)).marks;
    const [length] = await until(ask, (list) => list.length === 1, 60_000);
    expect(figure(length!, 'length') / 45).toBeCloseTo(1, 1);
    const zoom = () => phone.page.locator('.corner.tr').textContent();
    const before = await zoom();
    const [x, y] = [180, 260];
    await touch('touchStart', [x, y]);
    await touch('touchStart', [x, y], [x + 40, y]);
    for (const wider of [60, 90, 120]) await touch('touchMove', [x - wider / 2, y], [x + 40 + wider / 2, y]);
    await touch('touchEnd');
    await phone.page.waitForTimeout(300);
    expect(await zoom()).not.toBe(before);
    expect(await ask()).toHaveLength(1);
    expect(phone.errors).toEqual([]);
  });
});
