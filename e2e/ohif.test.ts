/**
 * OHIF as it comes from npm, on a port of its own with a token: it lists what we have and opens it without an error, and shows what
 * was measured here, and segmentations, as they are.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { stack } from '../bench/viewer/stacks.ts';
import type { Draft, StudyView } from '../src/doors/api/contract.ts';
import type { MarkForm } from '../src/reading/types.ts';
import { BLANK, watchCanvas } from './canvas.ts';
import {
  analysed,
  browserMissing,
  type Client,
  openBrowser,
  openPage,
  PIN,
  radiograph,
  remove,
  SHARED,
  until,
  upload,
  worklist,
  type Server,
} from './harness.ts';
import { ohifApp, openOhif, skipTour, type Ohif } from './ohif.ts';

/** What OHIF says of values, each on a line of its own in the one or the other; a length it writes without its name. */
const FOUR: [form: Partial<MarkForm>, said: string[]][] = [
  [
    {
      kind: 'length',
      points: [
        [100, 100],
        [300, 100],
      ],
    },
    [': 162.11 mm'],
  ],
  [
    {
      kind: 'angle',
      points: [
        [100, 200],
        [200, 200],
        [200, 300],
      ],
    },
    ['Angle: 90.00 deg'],
  ],
  [
    {
      kind: 'ellipse',
      points: [
        [300, 300],
        [400, 350],
      ],
      pixels: [
        { name: 'mean', value: 41.5 },
        { name: 'sd', value: 12.25 },
        { name: 'min', value: -3 },
        { name: 'max', value: 88 },
      ],
    },
    [
      'Area: 2579.98 mm2',
      "Attenuation Coefficient: 41.50 [hnsf'U]",
      "Attenuation Coefficient: 12.25 [hnsf'U]",
      "Attenuation Coefficient: -3.00 [hnsf'U]",
      "Attenuation Coefficient: 88.00 [hnsf'U]",
    ],
  ],
  [
    {
      kind: 'arrow',
      points: [
        [150, 350],
        [190, 320],
      ],
      text: 'Nodule',
    },
    [],
  ],
];
const OTHERS: typeof FOUR = [
  [
    {
      kind: 'cobb',
      points: [
        [60, 60],
        [160, 60],
        [60, 120],
        [160, 220],
      ],
    },
    ['Cobb angle: 45.00 deg'],
  ],
  [
    {
      kind: 'ctr',
      points: [
        [150, 260],
        [250, 260],
        [100, 280],
        [350, 280],
      ],
    },
    [
      'Cardiothoracic ratio: 0.40 1',
      'Transverse diameter of heart: 81.05 mm',
      'Internal transverse diameter of thorax: 202.64 mm',
    ],
  ],
  [
    {
      kind: 'rectangle',
      points: [
        [320, 100],
        [400, 180],
      ],
      pixels: [{ name: 'mean', value: 7.5 }],
    },
    ['Area: 4204.71 mm2', "Attenuation Coefficient: 7.50 [hnsf'U]"],
  ],
  [
    { kind: 'probe', points: [[250, 250]], pixels: [{ name: 'value', value: 61 }] },
    ["Attenuation Coefficient: 61.00 [hnsf'U]"],
  ],
  [{ kind: 'text', points: [[30, 30]], text: 'Debout' }, []],
];
/** Of a DICOMweb answer. */
type Found = Record<string, { Value?: unknown[] }>;
const valueIn = (found: Found, tag: string): unknown => found[tag]?.Value?.[0];
const KEY: Partial<MarkForm> = {
  kind: 'key',
  points: [],
  presentation: { window: { centre: 40, width: 400 }, inverted: false, rotation: 0, flipped: false },
};

describe.skipIf(browserMissing)('OHIF', () => {
  let missing: string | undefined;
  let server: Server;
  let client: Client;
  let ohif: Ohif;
  let browser: Browser;
  let page: Page;
  let errors: string[];
  const refused: string[] = [];

  beforeAll(async () => {
    const app = ohifApp();
    if ('missing' in app) {
      if (process.env.CI === 'true') throw new Error(app.missing);
      missing = app.missing;
      return;
    }
    // The role that sees what AI made at any stage: our SR is tried, too.
    const opened = await openOhif(app.dist, ['evidence', 'technologist']);
    ({ server, client, ohif } = opened);
    await upload(
      client,
      radiograph('DX21_HAND_PA_1494.dcm'),
      ...['01', '02', '03'].map((n) => join(SHARED, `dicom/ct/ct-3slice_${n}.dcm`)),
      join(SHARED, 'dicom/seg/liver.dcm'),
    );
    for (const { bytes } of stack('MESURES', 3))
      await client.json('POST', '/api/upload', bytes, { 'x-file-name': 'slice.dcm' });
    await analysed(client, 3);
    browser = await openBrowser();
    ({ page, errors } = await openPage(browser, { locale: 'en-US' }));
    page.setDefaultTimeout(150_000);
    page.on('response', (response) => {
      if (response.status() >= 400) refused.push(`${response.status()} ${response.url()}`);
    });
    await watchCanvas(page);
    await skipTour(page);
  }, 180_000);
  beforeEach(({ skip }) => skip(missing !== undefined, missing));
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    await ohif?.close();
    if (server) remove(server);
  });

  const shown = (): Promise<unknown> =>
    page.waitForFunction((blank) => (window.canvasWatch.pictures.at(-1)?.spread ?? 0) > blank, BLANK);
  const open = async (patient: string) => {
    await page.goto(ohif.url);
    await page.getByText(patient).first().dblclick();
    await page.waitForURL(/\/viewer\?/);
    await shown();
  };

  test('lists our studies and shows a radiograph beside what our AI wrote of it', async () => {
    await open('Gagné');
    await page
      .getByText(/\bSR\b/)
      .first()
      .waitFor();
    expect({ errors, refused }).toEqual({ errors: [], refused: [] });
  }, 180_000);

  test('shows a CT and scrolls it', async () => {
    await open('JANCT000');
    const stage = (await page.locator('canvas').first().boundingBox())!;
    await page.mouse.move(stage.x + stage.width / 2, stage.y + stage.height / 2);
    await page.evaluate(() => window.canvasWatch.clear());
    await page.mouse.wheel(0, 100);
    await shown();
    expect({ errors, refused }).toEqual({ errors: [], refused: [] });
  }, 180_000);

  /** Measures on the second slice as the page does, and signs. */
  const readWith = async (patient: string, forms: readonly Partial<MarkForm>[]): Promise<void> => {
    const row = (await worklist(client)).find(({ study }) => study.patientName.includes(patient))!;
    const path = `/api/studies/${row.study.studyUid}`;
    await client.json('POST', `${path}/claim`, {});
    const { draft } = await client.json<StudyView>('GET', path);
    const web = path.replace('/api', '/dicom-web');
    const seriesNow = () => client.json<Found[]>('GET', `${web}/series`);
    const ct = (await seriesNow()).find((each) => valueIn(each, '00080060') === 'CT')!;
    const slices = await client.json<Found[]>('GET', `${web}/series/${valueIn(ct, '0020000E')}/instances`);
    const sopInstanceUid = valueIn(slices[1]!, '00080018');
    for (const form of forms)
      await client.json('PUT', `${path}/marks/${randomUUID()}`, {
        sopInstanceUid,
        frame: 1,
        text: null,
        pixels: [],
        presentation: null,
        ...form,
      });
    const { revision } = await client.json<Draft>('PUT', `${path}/draft`, {
      fields: { ...draft.fields, conclusion: 'Mesures faites.' },
      revision: draft.revision,
    });
    await client.json('POST', `${path}/sign`, { revision, secret: PIN });
    await until(seriesNow, (series) => {
      const there = series.map((each) => valueIn(each, '00080060'));
      return (
        ['DOC', 'KO', 'PR'].every((one) => there.includes(one)) &&
        there.filter((one) => one === 'SR').length === 2
      );
    });
  };
  /** Lines that stand on the image beside what is measured, sorted. */
  const said = async (): Promise<string[]> =>
    (await page.locator('svg text tspan').allTextContents()).filter((line) => line !== '').sort();
  const expected = (marks: typeof FOUR): string[] => marks.flatMap(([, lines]) => lines).sort();
  const failures = () => page.locator('[data-sonner-toast][data-type=error]').count();

  test('shows our measurements with their values', async () => {
    await readWith('MESURES', [...FOUR.map(([form]) => form), KEY]);
    await open('MESURES');
    await page.getByText('Mesures et annotations').first().dblclick();
    await until(said, (lines) => lines.length >= expected(FOUR).length);
    expect(await said()).toEqual(expected(FOUR));
    expect({ errors, refused, failures: await failures() }).toEqual({ errors: [], refused: [], failures: 0 });
  }, 180_000);

  test('shows those of every kind, once it was told not to take them over', async () => {
    const all = [...FOUR, ...OTHERS];
    await readWith('JANCT000', [...all.map(([form]) => form), KEY]);
    await open('JANCT000');
    await page.getByText('Mesures et annotations').first().dblclick();
    // It asks for the rectangle's sake, and by Yes would keep none of them: it looks for the coordinates under each value, which
    // TID 1410 gives once for the region.
    await page.getByText('Do you want to continue tracking measurements').waitFor();
    await page.getByText('No', { exact: true }).click();
    await until(said, (lines) => lines.length >= expected(all).length);
    expect(await said()).toEqual(expected(all));
    expect({ errors, refused, failures: await failures() }).toEqual({ errors: [], refused: [], failures: 0 });
  }, 180_000);

  test('draws a segmentation', async () => {
    /** Share of pixels of the largest canvas that are not grey. */
    const coloured = (): Promise<number> =>
      page.evaluate(() => {
        const canvas = [...document.querySelectorAll('canvas')].reduce((a, b) =>
          a.clientWidth * a.clientHeight >= b.clientWidth * b.clientHeight ? a : b,
        );
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d')!;
        copy.drawImage(canvas, 0, 0);
        const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
        let count = 0;
        for (let i = 0; i < data.length; i += 4)
          if (
            Math.max(data[i]!, data[i + 1]!, data[i + 2]!) - Math.min(data[i]!, data[i + 1]!, data[i + 2]!) >
            24
          )
            count++;
        return count / (data.length / 4);
      });
    await open('JANCT000');
    expect(await coloured()).toBe(0);
    await page.getByText('Liver Segmentation').first().dblclick();
    await page.getByText('Do you want to open this Segmentation?').waitFor();
    // Before as well as after it was taken over.
    await until(coloured, (share) => share > 0.05);
    await page.getByText('Yes', { exact: true }).click();
    await page.getByText('Do you want to open this Segmentation?').waitFor({ state: 'detached' });
    await until(coloured, (share) => share > 0.05);
    expect({ errors, refused, failures: await failures() }).toEqual({ errors: [], refused: [], failures: 0 });
  }, 180_000);
});
