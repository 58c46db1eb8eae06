import { readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { loadPackage } from '../assist/package.ts';
import { modelDir, readCsv, shared } from '../assist/testing.ts';
import { createAsker } from './ask.ts';
import { openFolder } from './folder.ts';
import { intendedFor } from './intended.ts';
import { greyOfPicture, headerOf, identitiesOf, sha256Of } from './picture.ts';

const model = await loadPackage(modelDir('fracture'));
const asker = createAsker(model, 'fracture');
afterAll(() => asker.close());
const files = readCsv(shared('radiographs/dicom.csv'));
const dicom = (file: string) => readFileSync(shared(`radiographs/dicom/${file}`));
const picture = (image: string) => readFileSync(shared(`radiographs/images/${image}`));

describe('the same picture as DICOM and as JPEG', () => {
  // Encodings that keep the grey values: 8 and 12 bit, MONOCHROME1, JPEG baseline and lossless, JPEG-LS, RLE, VOI LUT.
  const some = files.filter(({ file }) => /^DX(01|07|10|12|14|17|24)_/.test(file!));
  test.each(some.map(({ file, image }) => [file!, image!]))('%s and %s', async (file, image) => {
    const [one, other] = [await asker.ask(dicom(file)), await asker.ask(picture(image))];
    expect(Math.abs(one.score - other.score)).toBeLessThan(0.005);
    expect(one.marks).toHaveLength(other.marks!.length);
  });
});

test('a JPEG wrapped into DICOM is recognised by the hash of its stream', () => {
  const file = dicom('DX07_HAND_PA_0206.dcm');
  const hash = sha256Of(picture('IMG0000206.jpg'));
  expect(identitiesOf(sha256Of(file), headerOf(file))).toContain(hash);
});

test('pictures are upright, 16-bit grey is kept, transparency is left out', async () => {
  const turned = readCsv(shared('radiographs/labels.csv')).find(
    (row) => !['', '1'].includes(row.exif_orientation!),
  )!;
  expect(await greyOfPicture(picture(turned.image!))).toMatchObject({
    rows: Number(turned.height),
    columns: Number(turned.width),
  });
  const deep = await sharp(Uint16Array.from([0, 1, 300, 65535]), {
    raw: { width: 2, height: 2, channels: 1 },
  })
    .toColourspace('grey16')
    .png()
    .toBuffer();
  expect([...(await greyOfPicture(deep)).values]).toEqual([0, 1, 300, 65535]);
  const clear = await sharp({ create: { width: 3, height: 2, channels: 4, background: { r: 10, g: 10, b: 10, alpha: 0.5 } } }).png().toBuffer(); // prettier-ignore
  expect([...(await greyOfPicture(clear)).values]).toEqual([10, 10, 10, 10, 10, 10]);
  await expect(greyOfPicture(picture(turned.image!).subarray(0, 9000))).rejects.toMatchObject({
    code: 'pixels-undecodable',
  });
});

test('the intended use is asked of the header', () => {
  const within = (path: string) => intendedFor(model.manifest, headerOf(readFileSync(shared(path))), '');
  expect(within('radiographs/dicom/DX20_HAND_PA_0252.dcm')).toEqual({ within: 'yes' });
  expect(within('radiographs/dicom/DX13_PELVIS_AP_1232.dcm')).toMatchObject({ within: 'outside', reason: 'body-part', detail: 'PELVIS' }); // prettier-ignore
  expect(within('dicom/mr/GH1261.dcm')).toMatchObject({ within: 'outside', reason: 'modality' });
});

test('images are found by name, path and SOP Instance UID, and never outside the folder', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'negatoscope-folder-'));
  try {
    await symlink(shared('radiographs/dicom/DX20_HAND_PA_0252.dcm'), join(dir, 'a.dcm'));
    await symlink(shared('radiographs/images/IMG0000252.jpg'), join(dir, 'b.jpg'));
    const folder = await openFolder(dir);
    const uid = headerOf(dicom('DX20_HAND_PA_0252.dcm')).dataset.string(0x00080018)!;
    const names = async (image: string) => (await folder.find(image)).map(({ name }) => name);
    expect(folder.names).toEqual(['a.dcm', 'b.jpg']);
    expect(await names('b.jpg')).toEqual(['b.jpg']);
    expect(await names(uid)).toEqual(['a.dcm']);
    expect(await names('../../../etc/passwd')).toEqual([]);
    expect(await names(`${uid}.9`)).toEqual([]);
  } finally {
    await rm(dir, { recursive: true });
  }
});
