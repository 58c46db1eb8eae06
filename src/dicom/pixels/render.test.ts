import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { dataset } from '../builder.ts';
import { parseDataSet } from '../parse.ts';
import { EXPLICIT_LE } from '../uids.ts';
import { encodeDataSet } from '../write.ts';
import { decodeFileFrame, encodedFrame, renderFile } from './file.ts';
import { createDecoderPool } from './pool.ts';
import { renderFrame } from './render.ts';
import type { DecodedFrame } from './types.ts';
import { parseDicom } from '../parse.ts';

const shared = (path: string): Buffer =>
  readFileSync(new URL(`../../../../shared/dicom/${path}`, import.meta.url));

const size = async (image: Buffer) => {
  const { width, height, channels, format } = await sharp(image).metadata();
  return { width, height, channels, format };
};

describe('renderFile', () => {
  test('grey fits inside the box, as one channel', async () => {
    const image = await renderFile(shared('radiographs/GH133.dcm'), {
      format: 'jpeg',
      width: 128,
      height: 128,
    });
    expect(await size(image)).toEqual({ width: 100, height: 128, channels: 1, format: 'jpeg' });
  });

  test.each(['radiographs/966_fixed.dcm', 'transfer-syntax-other/htj2k_202_cr_10bit.dcm'])(
    'a thumbnail of %s from a lower resolution looks as one from all of it',
    async (path) => {
      const bytes = shared(path);
      const options = { format: 'png', width: 128, height: 128 } as const;
      const file = parseDicom(bytes);
      const quick = await sharp(await renderFile(bytes, options))
        .raw()
        .toBuffer();
      const whole = await sharp(await renderFrame(await decodeFileFrame(file), file.dataset, options))
        .raw()
        .toBuffer();
      expect(quick.length).toBe(whole.length);
      const difference = quick.reduce((sum, value, i) => sum + Math.abs(value - whole[i]!), 0) / quick.length;
      expect(difference).toBeLessThan(3);
    },
  );

  test('colour keeps its size without a box', async () => {
    const image = await renderFile(shared('colour/SC_rgb.dcm'), { format: 'png' });
    expect(await size(image)).toEqual({ width: 100, height: 100, channels: 3, format: 'png' });
    const corner = await sharp(image).raw().toBuffer();
    expect([...corner.subarray(0, 3)]).toEqual([255, 0, 0]);
  });

  test('a later frame', async () => {
    const bytes = shared('ultrasound/examples_ybr_color.dcm');
    const one = await renderFile(bytes, { format: 'png', frame: 1 });
    const last = await renderFile(bytes, { format: 'png', frame: 30 });
    expect(one.equals(last)).toBe(false);
    await expect(renderFile(bytes, { format: 'png', frame: 31 })).rejects.toMatchObject({
      code: 'pixels-undecodable',
    });
  });

  test('a window of the caller', async () => {
    const image = await renderFile(shared('ct/CT_small.dcm'), {
      format: 'png',
      window: { center: 5000, width: 10 },
    });
    expect(Math.max(...(await sharp(image).raw().toBuffer()))).toBe(0);
  });

  test('an object without pixels', async () => {
    await expect(renderFile(shared('documents/pdf.dcm'), { format: 'png' })).rejects.toMatchObject({
      code: 'pixels-undecodable',
    });
  });
});

const plain = (rows: number, columns: number, data: Uint16Array): DecodedFrame => ({
  rows,
  columns,
  samplesPerPixel: 1,
  bitsStored: 12,
  signed: false,
  photometric: 'MONOCHROME2',
  data,
});

test('Pixel Aspect Ratio stretches the shorter side of a pixel (PS3.3 C.7.6.3.1.7)', async () => {
  const header = parseDataSet(encodeDataSet(dataset({ PixelAspectRatio: [2, 1] })), EXPLICIT_LE);
  const image = await renderFrame(plain(10, 30, new Uint16Array(300)), header, { format: 'png' });
  expect(await size(image)).toMatchObject({ width: 30, height: 20 });
});

test('a thumbnail of 2,000 x 3,000 pixels takes well under a quarter of a second of a core', async () => {
  const header = parseDataSet(encodeDataSet(dataset({ WindowCenter: 2048, WindowWidth: 4096 })), EXPLICIT_LE);
  const frame = plain(
    3000,
    2000,
    Uint16Array.from({ length: 6e6 }, (_, i) => i & 4095),
  );
  const options = { format: 'jpeg', width: 128, height: 128 } as const;
  const times: number[] = [];
  for (let i = 0; i < 4; i++) {
    const start = process.cpuUsage(); // whatever else the machine does
    await renderFrame(frame, header, options);
    const { user, system } = process.cpuUsage(start);
    times.push((user + system) / 1000);
  }
  expect(Math.min(...times)).toBeLessThan(250);
});

describe('createDecoderPool', () => {
  const pool = createDecoderPool({ size: 2 });
  afterAll(() => pool.close());

  test('decodes and renders as the functions do, several at once', async () => {
    const path = 'transfer-syntax-ct/CTImage_JPEG2000LosslessOnly_1.2.840.10008.1.2.4.90.dcm';
    const bytes = shared(path);
    const file = parseDicom(bytes);
    const { encoded, attributes } = encodedFrame(file, 1);
    const here = await decodeFileFrame(file);
    const options = { format: 'png', width: 64 } as const;
    const [one, two, picture] = await Promise.all([
      pool.decode(encoded, file.transferSyntax, attributes),
      pool.decode(encoded, file.transferSyntax, attributes),
      pool.render(bytes, options),
    ]);
    const raw = ({ data }: DecodedFrame) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    expect({ ...one, data: [] }).toEqual({ ...here, data: [] });
    expect(one.data.constructor).toBe(here.data.constructor);
    expect(raw(one).equals(raw(here)) && raw(two).equals(raw(here))).toBe(true);
    expect(picture.equals(await renderFile(bytes, options))).toBe(true);
  });

  test('errors keep their code', async () => {
    await expect(pool.render(Buffer.from('no DICOM at all'), { format: 'png' })).rejects.toMatchObject({
      code: 'not-dicom',
    });
  });

  test('one who asks for much does not hold up the others, and only what has its turn is loaded', async () => {
    const one = createDecoderPool({ size: 1, maxWaiting: 40 });
    const bytes = shared('ct/CT_small.dcm');
    const file = parseDicom(bytes);
    const { encoded, attributes } = encodedFrame(file, 1);
    let loaded = 0;
    let done = 0;
    const ask = (owner: string) =>
      one
        .decode(
          async () => {
            expect(++loaded - done).toBeLessThanOrEqual(2); // the one before is just being told of
            return encoded;
          },
          file.transferSyntax,
          attributes,
          owner,
        )
        .then(() => ++done);
    const many = Array.from({ length: 40 }, () => ask('many'));
    const other = ask('other');
    await expect(ask('third')).rejects.toMatchObject({ code: 'busy', status: 503 });
    expect(await other).toBeLessThanOrEqual(3);
    await Promise.all(many);
    const broken = one.decode(async () => Promise.reject(new Error('gone')), file.transferSyntax, attributes);
    await expect(broken).rejects.toThrow('gone');
    expect((await one.decode(encoded, file.transferSyntax, attributes)).rows).toBe(128);
    await one.close();
  });

  test('a job that takes too long is given up, the next one runs', async () => {
    const impatient = createDecoderPool({ size: 1, timeoutMs: 1 });
    const job = impatient.render(shared('ct/CT_small.dcm'), { format: 'png' });
    await expect(job).rejects.toMatchObject({ code: 'pixels-undecodable' });
    await impatient.close();
    await expect(impatient.render(Buffer.alloc(0), { format: 'png' })).rejects.toMatchObject({
      code: 'shutting-down',
    });
  });
});
