import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { metadataOf } from './dicomweb.ts';

const asked: string[] = [];
const server = createServer(({ url }, response) => {
  asked.push(url!);
  response.end(JSON.stringify([{ '00080018': { vr: 'UI', Value: ['1.1.1'] } }]));
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  // A page asks its own host.
  const real = fetch;
  vi.stubGlobal('fetch', (path: string, init?: RequestInit) => real(`http://127.0.0.1:${port}${path}`, init));
});
afterAll(() => {
  vi.unstubAllGlobals();
  server.close();
});

test('metadata of the last studies is kept, that of earlier ones let go', async () => {
  const read = async (n: number) => {
    await metadataOf({ studyUid: `1.${n}`, seriesUid: '1.1', sopInstanceUid: '1.1.1' });
    const of = asked.filter((url) => url.startsWith(`/dicom-web/studies/1.${n}/`));
    return of.filter((url) => url.includes('/instances/')).length;
  };
  for (let n = 0; n < 8; n++) expect(await read(n)).toBe(1);
  expect(await read(0)).toBe(1);
  // The ninth takes the place of the one asked for longest ago.
  expect(await read(8)).toBe(1);
  expect(await read(0)).toBe(1);
  expect(await read(1)).toBe(2);
});
