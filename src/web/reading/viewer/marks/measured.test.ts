import { cache } from '@cornerstonejs/core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Metadata } from '../loading/dicomweb.ts';
import { imageIdOf } from '../loading/imageId.ts';
import { load } from '../loading/load.ts';
import { known } from '../loading/loaded.ts';
import { measured } from './measured.ts';

const lut = (data: number[] | undefined) => ({
  vr: 'SQ',
  Value: [
    {
      '00283002': { vr: 'US', Value: [4, 0, 16] },
      ...(data && { '00283006': { vr: 'US', Value: data } }),
    },
  ],
});
const window = { '00281050': { vr: 'DS', Value: [2] }, '00281051': { vr: 'DS', Value: [4] } };
const image = {
  '00280002': { vr: 'US', Value: [1] },
  '00280004': { vr: 'CS', Value: ['MONOCHROME2'] },
  '00280010': { vr: 'US', Value: [1] },
  '00280011': { vr: 'US', Value: [4] },
};

let series = 0;
/** Of the pixel with the stored value 2, as the page loads the image. */
async function probe(data: Metadata) {
  const ref = { studyUid: '1', seriesUid: `1.${++series}`, sopInstanceUid: '1.2.3' };
  const metadata: Metadata = { '00080018': { vr: 'UI', Value: [ref.sopInstanceUid] }, ...image, ...data };
  vi.stubGlobal('fetch', (url: string) =>
    Promise.resolve(
      url.endsWith('/metadata') ? Response.json([metadata]) : new Response(Uint8Array.of(0, 1, 2, 3)),
    ),
  );
  const imageId = imageIdOf(ref);
  await cache.putImageLoadObject(imageId, { promise: load(imageId, new AbortController().signal) });
  return measured(imageId, 'probe', [[2.5, 0.5]], { id: '', text: null, presentation: null })!.quantities;
}

describe('values of pixels', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    cache.purgeCache();
    known.clear();
  });
  test('are those after the modality transformation', async () => {
    expect(await probe({ '00281052': { vr: 'DS', Value: [-10] } })).toEqual([
      { name: 'value', value: -8, unit: '' },
    ]);
  });
  test('are not told where a VOI LUT was applied, beside a window or not, of all frames or of one (PS3.3 C.11.2)', async () => {
    const table = lut([0, 100, 200, 300]);
    expect(await probe({ '00283010': table })).toEqual([]);
    expect(await probe({ '00283010': table, ...window })).toEqual([]);
    for (const groups of ['52009229', '52009230']) {
      const macro = { '00289132': { vr: 'SQ', Value: [{ '00283010': table, ...window }] } };
      expect([groups, await probe({ [groups]: { vr: 'SQ', Value: [macro] } })]).toEqual([groups, []]);
    }
  });
  test('are told where a VOI LUT cannot be read: none was applied', async () => {
    expect(await probe({ '00283010': lut(undefined) })).toEqual([{ name: 'value', value: 2, unit: '' }]);
  });
});
