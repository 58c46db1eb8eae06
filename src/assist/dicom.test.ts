import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { parseHeader } from '../dicom/parse.ts';
import { decodeFileFrame, greyscale } from '../dicom/pixels/index.ts';
import { loadPackage } from './package.ts';
import { createRunner } from './runner/runner.ts';
import { greyOfPhoto, modelDir, readCsv, shared } from './testing.ts';

const model = await loadPackage(modelDir('fracture'));
const runner = createRunner({ model });
afterAll(() => runner.close());
const expected = new Map(
  readCsv(shared('radiographs/expected_fracture_scores.csv')).map((r) => [r['image'], Number(r['score'])]),
);
async function scoreOfPhoto(image: string): Promise<number> {
  const plane = await greyOfPhoto(shared(`radiographs/images/${image}`));
  return expected.get(image) ?? (await runner.analyse({ kind: 'grey', plane })).score;
}

// Made from these JPEGs in 8 and 12 bits, MONOCHROME1, with windows and a VOI LUT, in five transfer syntaxes. All but the VOI
// LUT (a curve) and the narrow window are linear, so the percentile stretch undoes them.
const LINEAR = 0.001;
const VOI_LUT = 0.01;
const NARROW = 'DX15_HIP_AP_2544.dcm';

test('the scores of the DICOM radiographs are those of their JPEGs', { timeout: 300_000 }, async () => {
  const wrong: string[] = [];
  for (const { file, image, voi } of readCsv(shared('radiographs/dicom.csv'))) {
    if (file === NARROW) continue;
    const bytes = readFileSync(shared(`radiographs/dicom/${file}`));
    const { score } = await runner.analyse({ kind: 'dicom', file: bytes });
    const photo = await scoreOfPhoto(image!);
    if (Math.abs(score - photo) > (voi === 'VOI LUT sequence' ? VOI_LUT : LINEAR))
      wrong.push(`${file}: ${score}, its JPEG ${photo}`);
  }
  expect(wrong).toEqual([]);
});

test('of two windows the first counts, as the pre-processing says: a narrow one changes the score', async () => {
  const bytes = readFileSync(shared(`radiographs/dicom/${NARROW}`));
  const photo = await scoreOfPhoto('IMG0002544.jpg');
  // The first window (1500/2200, "OS") makes 42 % of the pixels black; the second (2048/4096, "PLEINE") loses nothing.
  const narrow = (await runner.analyse({ kind: 'dicom', file: bytes })).score;
  expect(photo - narrow).toBeGreaterThan(0.2);
  const file = parseHeader(bytes, { complete: true });
  const window = { center: 2048, width: 4096, function: 'LINEAR' as const };
  const grey = greyscale(await decodeFileFrame(file), file.dataset, { window });
  const plane = { rows: grey.rows, columns: grey.columns, values: grey.data };
  expect(Math.abs((await runner.analyse({ kind: 'grey', plane })).score - photo)).toBeLessThan(LINEAR);
});
