/**
 * What stands on the canvas is what the file says: every modality, transfer syntax and photometric interpretation of
 * ../shared/dicom against a reference picture of DCMTK, pixel by pixel, within rounding. What DCMTK cannot decode is compared with
 * our own decoder, after its values have been held against those of the manifest.
 *
 * A few by default. By command, for it takes minutes: `NEGATOSCOPE_PIXELS=some npm test -- e2e/pixels.test.ts` draws files in which
 * every sort occurs, `NEGATOSCOPE_PIXELS=all` every decodable one.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { corpus, corpusFile, corpusPath } from '../src/dicom/corpus.ts';
import { hasDcmtk } from '../src/dicom/dcmtk.ts';
import { parseDicom, type DataSet, type DicomFile } from '../src/dicom/index.ts';
import { decodeFileFrame } from '../src/dicom/pixels/file.ts';
import { isColour, rgb } from '../src/dicom/pixels/colour.ts';
import { greyBytes } from '../src/dicom/pixels/greyscale.ts';
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
} from './harness.ts';

const ASKED = process.env.NEGATOSCOPE_PIXELS;
/** Inverted, padded and lossy, by a palette, a window of its own for each frame. */
const FEW = [
  'radiographs/CR-MONO1-10-chest',
  'ct/CT1_J2KI',
  'colour/OT-PAL-8-face.dcm',
  'enhanced-multiframe/CT0012.fragmented_no_bot_jpeg_lossless.57.dcm',
];

interface Row {
  path: string;
  modality: string;
  ts: string;
  photometric: string;
  bits: string;
  stats: string;
  frames: number;
  pixels: number;
}
const rows: Row[] = corpus()
  .filter(
    (entry) =>
      entry.expected === 'decodable' &&
      entry.rows !== '' &&
      // Segmentations lie over images: e2e/kinds.test.ts.
      entry.modality !== 'SEG' &&
      !/MPEG|HEVC/.test(entry.ts_name) &&
      (ASKED || FEW.includes(entry.path)),
  )
  .map((entry) => ({
    path: entry.path,
    modality: entry.modality,
    ts: entry.ts_name,
    photometric: entry.photometric,
    bits: [entry.bits_allocated, entry.bits_stored, entry.signed].join('/'),
    stats: entry.frame0_min_max_mean,
    frames: Number(entry.frames) || 1,
    pixels: Number(entry.rows) * Number(entry.cols),
  }))
  // Test patterns without identity are kept aside by every archive.
  .filter(({ path }) => {
    const { dataset } = parseDicom(corpusFile(path));
    return [0x0020000d, 0x0020000e, 0x00080018].every((tag) => dataset.string(tag));
  });

/** Few files in which every modality, syntax, interpretation, depth and folder occurs. */
function representative(): Row[] {
  const traits = ({ path, modality, ts, photometric, bits }: Row) =>
    [modality, ts, photometric, bits, `${path.split('/')[0]}`].map((trait, i) => `${i} ${trait}`);
  const open = new Set(rows.flatMap(traits));
  const chosen: Row[] = [];
  while (open.size > 0) {
    const gain = (row: Row) => traits(row).filter((trait) => open.has(trait)).length;
    // Of equals the smaller one: the browser draws in software here.
    const best = rows.reduce((a, b) => ((gain(b) - gain(a) || a.pixels - b.pixels) > 0 ? b : a));
    if (gain(best) === 0) break;
    for (const trait of traits(best)) open.delete(trait);
    chosen.push(best);
  }
  return chosen;
}

/** A binary PGM or PPM of 8 bits as DCMTK writes it; undefined when none of its programs reads the file. */
function dcmtk(path: string, frame: number, options: string[]): Buffer | undefined {
  for (const program of ['dcm2pnm', 'dcmj2pnm', 'dcml2pnm']) {
    try {
      const bytes = execFileSync(
        `/usr/bin/${program}`,
        ['-q', '+op', '+F', String(frame), '-O', ...options, path],
        {
          maxBuffer: 1 << 28,
          stdio: ['ignore', 'pipe', 'ignore'],
        },
      );
      const start = /^P[56]\s+(?:#.*\n)?\s*\d+\s+\d+\s+255\s/.exec(bytes.subarray(0, 200).toString('latin1'));
      if (start) return bytes.subarray(start[0].length);
    } catch (thrown) {
      // The next one may. That none is installed is no reason to do without.
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') throw thrown;
    }
  }
  return undefined;
}

/** What has DCMTK take the window that holds for this frame; in functional groups (PS3.3 C.7.6.16.2.10) it does not look. */
function voiOptions(dataset: DataSet, frame: number): string[] {
  if (dataset.items(0x00283010).length) return ['+Wl', '1'];
  if (dataset.number(0x00281051)) return ['+Wi', '1'];
  const group = (macro: number) =>
    (dataset.items(0x52009230)[frame - 1]?.items(macro)[0] ??
      dataset.items(0x52009229)[0]?.items(macro)[0]) as DataSet | undefined;
  const voi = group(0x00289132);
  const width = voi?.number(0x00281051);
  if (!voi || !width) return ['+Wm'];
  return ['+Ww', String(voi.number(0x00281050)), String(width)];
}

/** Where DCMTK is no measure, and why. */
const dcmtkDiffers = (row: Row, { dataset }: DicomFile): boolean =>
  // It takes the two words of a 32-bit value in the other order than pydicom, whose values the little-endian twin of the file has.
  (/BE$/.test(row.ts) && row.bits.startsWith('32')) ||
  // Of one value only: where a window is forbidden (width 0) or missing, it shows medium grey, and nothing is to be seen either way.
  (/^([^/]+)\/\1\//.test(row.stats) && !dataset.number(0x00281051));

async function reference(
  row: Row,
  file: DicomFile,
  frame: number,
): Promise<{ by: string; bytes: Uint8Array }> {
  const path = fileURLToPath(corpusPath(row.path));
  const colour = !row.photometric.startsWith('MONOCHROME');
  const { dataset } = file;
  const peer = dcmtkDiffers(row, file)
    ? undefined
    : dcmtk(path, frame, colour ? [] : voiOptions(dataset, frame));
  if (peer) return { by: 'DCMTK', bytes: peer };
  const decoded = await decodeFileFrame(file, frame);
  if (row.stats && frame === 1) {
    const [min, max, mean] = row.stats.split('/').map(Number);
    let [low, high, sum] = [Infinity, -Infinity, 0];
    for (const value of decoded.data) {
      low = Math.min(low, value);
      high = Math.max(high, value);
      sum += value;
    }
    const lossy = /lossy|Near|HTJ2K$|JPEG 2000$/.test(row.ts) ? Math.max(3, (max! - min!) / 100) : 0;
    // Six digits of a float are written down.
    const written = Math.max(Math.abs(min!), Math.abs(max!)) * 1e-4;
    const limit =
      lossy || (decoded.data instanceof Float32Array || decoded.data instanceof Float64Array ? written : 0);
    expect(Math.abs(low - min!), 'smallest value of the manifest').toBeLessThanOrEqual(limit);
    expect(Math.abs(high - max!), 'largest value of the manifest').toBeLessThanOrEqual(limit);
    expect(Math.abs(sum / decoded.data.length - mean!)).toBeLessThanOrEqual(Math.max(0.01, limit));
  }
  return {
    by: 'own decoder',
    bytes: isColour(decoded) ? rgb(decoded, dataset) : greyBytes(decoded, dataset, { frame }),
  };
}

/** Lets the stage be as large as the image, so that one screen pixel is one of the image. */
const stageOf = (page: Page, width: number, height: number) =>
  page.evaluate(
    ([w, h]) => {
      document.querySelector('#exact')?.remove();
      const style = document.createElement('style');
      style.id = 'exact';
      style.textContent = `.stage .canvas { position: absolute !important; inset: 0 auto auto 0 !important; width: ${w}px !important; height: ${h}px !important }`;
      document.head.append(style);
    },
    [width, height] as const,
  );

/** The canvas as red, green, blue, once it shows the frame and two readings in a row are the same. */
async function drawn(page: Page, image: string, width: number, height: number): Promise<Buffer> {
  await page.waitForSelector(`.stage[data-image$="${image}"], .stage [role=alert]`, { timeout: 60_000 });
  const failure = page.locator('.stage [role=alert]');
  if (await failure.count()) throw new Error((await failure.textContent()) ?? '');
  const read = await page.evaluate(
    async ([w, h]) => {
      const canvas = () => document.querySelector<HTMLCanvasElement>('.stage .canvas canvas');
      const pixels = () => {
        const { data } = canvas()!.getContext('2d')!.getImageData(0, 0, w, h);
        return new Uint32Array(data.buffer);
      };
      const text = (rgba: Uint32Array) => {
        const rgb = new Uint8Array(rgba.length * 3);
        for (let i = 0, j = 0; i < rgba.length; i++) {
          rgb[j++] = rgba[i]! & 255;
          rgb[j++] = (rgba[i]! >> 8) & 255;
          rgb[j++] = (rgba[i]! >> 16) & 255;
        }
        const parts: string[] = [];
        for (let i = 0; i < rgb.length; i += 0x6000)
          parts.push(btoa(String.fromCharCode(...rgb.subarray(i, i + 0x6000))));
        return parts.join('');
      };
      let before = new Uint32Array(0);
      for (let tries = 0; tries < 500; tries++) {
        await new Promise((done) => setTimeout(done, 60));
        if (canvas()?.width !== w || canvas()?.height !== h) continue;
        const now = pixels();
        if (now.length === before.length && now.every((value, i) => value === before[i])) return text(now);
        before = now;
      }
      return null;
    },
    [width, height] as const,
  );
  if (read === null) throw new Error(`The canvas never stood still at ${width} × ${height}.`);
  return Buffer.from(read, 'base64');
}

/** The largest and the mean difference of two pictures; a grey one counts for all three channels. */
function differences(have: Uint8Array, want: Uint8Array): { worst: number; mean: number } {
  const grey = want.length * 3 === have.length;
  expect(want.length * (grey ? 3 : 1)).toBe(have.length);
  let [worst, sum] = [0, 0];
  for (let i = 0; i < have.length; i++) {
    const difference = Math.abs(have[i]! - want[grey ? Math.floor(i / 3) : i]!);
    sum += difference;
    if (difference > worst) worst = difference;
  }
  return { worst, mean: sum / have.length };
}

describe.skipIf(browserMissing || !hasDcmtk)('the canvas shows what the file says', () => {
  let server: Server;
  let client: Client;
  let browser: Browser;
  let page: Page;
  const stored = new Map<string, { study: string; sop: string; file: DicomFile }>();
  const twice = new Set<string>();
  const chosen = ASKED && ASKED !== 'all' ? representative() : rows;

  beforeAll(async () => {
    server = await startServer();
    client = await firstAccount(server);
    const sops = new Set<string>();
    for (const { path } of chosen) {
      const bytes = corpusFile(path);
      const file = parseDicom(bytes);
      const sop = file.dataset.string(0x00080018) ?? '';
      // Files of one UID are one instance here: the first of them.
      if (sops.has(sop)) {
        twice.add(path);
        continue;
      }
      sops.add(sop);
      const answer = await client.json('POST', '/api/upload', bytes, { 'x-file-name': 'a.dcm' });
      if (answer.status !== 'stored') continue;
      stored.set(path, { study: file.dataset.string(0x0020000d) ?? '', sop, file });
    }
    browser = await openBrowser();
    ({ page } = await openPage(browser, { width: 1440, height: 900 }));
    await signIn(page, server);
    await page.goto(server.url);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    if (server) remove(server);
  });

  test.each(chosen.map((row) => [row.path, row] as const))('%s', async (path, row) => {
    if (twice.has(path)) return;
    const known = stored.get(path);
    if (!known) throw new Error('It was not taken in.');
    const { study, sop, file } = known;
    for (const frame of row.frames > 1 ? [1, row.frames] : [1]) {
      const want = await reference(row, file, frame);
      const width = file.dataset.number(0x00280011)!;
      const height = file.dataset.number(0x00280010)!;
      await page.setViewportSize({ width: Math.max(1440, width + 500), height: Math.max(900, height + 200) });
      await stageOf(page, width, height);
      // The stage that is left takes its new size first.
      await page.waitForTimeout(150);
      await page.evaluate(
        (to) => history.pushState(null, '', to),
        `/read/${study}?image=${sop}&frame=${frame}`,
      );
      const image = `${sop}/${frame}`;
      // Decoders of lossy JPEG may differ by a few units where one rounds earlier.
      const lossy =
        /JPEG Baseline|JPEG Extended|Spectral|Progression/.test(row.ts) || /^YBR/.test(row.photometric);
      // Pixels that are no squares are drawn as they are in the body: between them the browser interpolates.
      const [high, wide] = file.dataset.numbers(0x00280030);
      const limit = high !== wide ? 16 : lossy ? 6 : 1;
      let found = differences(await drawn(page, image, width, height), want.bytes);
      if (found.worst > limit) {
        // Perhaps it was fitted before the stage had its size: again, once keys work.
        await page.waitForTimeout(750);
        await page.keyboard.press('r');
        found = differences(await drawn(page, image, width, height), want.bytes);
      }
      if (row.photometric === 'MONOCHROME1') {
        // Put back as it was, it is not to be its own negative.
        await page.waitForTimeout(750);
        await page.keyboard.press('r');
        await page.waitForTimeout(250);
        found = differences(await drawn(page, image, width, height), want.bytes);
      }
      const { worst, mean } = found;
      if (process.env.NEGATOSCOPE_PIXELS_SAY)
        console.log(path, frame, want.by, 'worst', worst, 'mean', mean.toFixed(3));
      expect(worst, `${want.by}, frame ${frame}, mean ${mean}`).toBeLessThanOrEqual(limit);
      if (lossy) expect(mean, `${want.by}, frame ${frame}`).toBeLessThan(1);
    }
  });
});
