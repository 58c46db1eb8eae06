import { createHash } from 'node:crypto';
import { existsSync, openSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BlobsInside, createBlobs, makeDirectory } from './blobs.ts';
import { writeTo } from './reserve.ts';
import type { StagedBlob } from './types.ts';

let dir: string;
let blobs: BlobsInside;
const at = Date.UTC(2026, 1, 3, 4, 5, 6);

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'negatoscope-blobs-'));
  for (const name of ['objects', 'staging']) await makeDirectory(join(dir, name));
  blobs = createBlobs({ dir, now: () => at });
});
afterEach(async () => {
  await blobs.close();
  await rm(dir, { recursive: true, force: true });
});
/** More than what is written to its place at once. */
const LARGE = 1_100_000;

const stage = async (...chunks: Uint8Array[]): Promise<StagedBlob> => {
  const staged = await blobs.stage();
  for (const chunk of chunks) await staged.write(chunk);
  await staged.finish();
  return staged;
};
async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

test('any chunks come back whole, with their digest, also when the caller uses its buffer again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 1_400_000 }), { maxLength: 6 }), async (lengths) => {
      const shared = new Uint8Array(1_400_000);
      const expected: Buffer[] = [];
      const staged = await blobs.stage();
      for (const [i, length] of lengths.entries()) {
        shared.fill(i + 1);
        expected.push(Buffer.from(shared.subarray(0, length)));
        await staged.write(shared.subarray(0, length));
      }
      await staged.finish();
      const whole = Buffer.concat(expected);
      const [ref] = await blobs.commit([staged]);
      expect(staged.size).toBe(whole.length);
      expect(staged.sha256).toBe(createHash('sha256').update(whole).digest('hex'));
      expect((await blobs.read(ref!)).equals(whole)).toBe(true);
      expect(await blobs.size(ref!)).toBe(whole.length);
    }),
    { numRuns: 30 },
  );
});

test('lies in the folder of its hour, UTC; nothing stays in staging', async () => {
  const staged = await stage(Buffer.from('DICM'));
  expect((await readFile(staged.path)).toString()).toBe('DICM');
  const [ref] = await blobs.commit([staged]);
  expect(ref).toMatch(/^objects\/2026\/02\/03\/04\/[0-9a-f-]{36}\.dcm$/);
  expect(existsSync(join(dir, ref!))).toBe(true);
  expect(readdirSync(join(dir, 'staging'))).toEqual([]);
});

test('names made ahead are removed when nothing comes, and those of an hour that is over are not used', async () => {
  let now = at;
  const hourly = createBlobs({ dir, now: () => now });
  const put = async (): Promise<string> => {
    const staged = await hourly.stage();
    await staged.write(Buffer.from('x'));
    await staged.finish();
    return (await hourly.commit([staged]))[0]!;
  };
  const first = await put();
  expect(readdirSync(join(dir, 'objects/2026/02/03/04')).length).toBeGreaterThan(1);
  now += 3_600_000;
  const second = await put();
  expect(second).toContain('/03/05/');
  await hourly.close();
  await expect
    .poll(() =>
      readdirSync(join(dir, 'objects/2026/02/03/04')).map((name) => `objects/2026/02/03/04/${name}`),
    )
    .toEqual([first]);
  expect(readdirSync(join(dir, 'objects/2026/02/03/05'))).toEqual([second.slice(-40)]);
  expect(statSync(join(dir, second)).mode & 0o777).toBe(0o600);
});

test('a group keeps its order, and many groups at once do not disturb each other', async () => {
  const groups = await Promise.all(
    Array.from({ length: 20 }, async (_, g) => {
      const staged = await Promise.all([0, 1, 2].map((i) => stage(Buffer.from(`${g}.${i}`))));
      return blobs.commit(staged);
    }),
  );
  for (const [g, refs] of groups.entries()) {
    expect(await Promise.all(refs.map(async (ref) => (await blobs.read(ref)).toString()))).toEqual(
      [0, 1, 2].map((i) => `${g}.${i}`),
    );
  }
});

test('reads and streams ranges, clipped at the end', async () => {
  const [ref] = await blobs.commit([await stage(Buffer.from('0123456789'))]);
  const ranges: [number, number, string][] = [
    [0, 10, '0123456789'],
    [3, 4, '3456'],
    [8, 10, '89'],
    [5, 0, ''],
    [10, 5, ''],
    [20, 5, ''],
  ];
  for (const [offset, length, expected] of ranges) {
    expect((await blobs.read(ref!, { offset, length })).toString()).toBe(expected);
    expect((await collect(blobs.stream(ref!, { offset, length }))).toString()).toBe(expected);
  }
});

test('what is set aside is kept for 30 days', async () => {
  const staged = await blobs.stage();
  await staged.write(Buffer.from('perhaps an image'));
  await staged.finish();
  const [ref] = await blobs.commit([staged]);
  await blobs.setAside(ref!);
  await expect(blobs.size(ref!)).rejects.toMatchObject({ code: 'blob-missing' });
  expect(await blobs.orphans()).toBe(1);
  const later = (days: number) => createBlobs({ dir, now: () => Date.now() + days * 86_400_000 });
  await later(29).sweepStaging();
  expect(await blobs.orphans()).toBe(1);
  await later(31).sweepStaging();
  expect(await blobs.orphans()).toBe(0);
});

test('discarded or unfinished files leave nothing that can be seen; the sweep takes the rest', async () => {
  const gone = await blobs.stage();
  await gone.write(Buffer.alloc(2 * LARGE));
  await gone.discard();
  await (await stage(Buffer.alloc(LARGE))).discard();
  await (await stage(Buffer.from('small'))).discard();
  expect(readdirSync(join(dir, 'staging'))).toEqual([]);
  await stage(Buffer.alloc(LARGE)); // left behind by a crash
  expect(await blobs.sweepStaging()).toBe(1);
  expect(readdirSync(join(dir, 'staging'))).toEqual([]);
  await blobs.close();
  for await (const _ of blobs.list()) expect.unreachable();
});

test.each([
  '../etc/passwd',
  'objects/../../etc/passwd',
  '/etc/passwd',
  'objects/2026/02/03/04/../../../../../x.dcm',
  'objects/2026/02/03/04/00000000-0000-0000-0000-000000000000.dcm\0.txt',
  'objects/2026/02/03/04/00000000-0000-0000-0000-000000000000.dcm\n',
  'negatoscope.db',
  '',
])('refuses the reference %j', async (ref) => {
  await expect(blobs.read(ref)).rejects.toMatchObject({ code: 'bad-ref' });
  await expect(blobs.size(ref)).rejects.toMatchObject({ code: 'bad-ref' });
  await expect(blobs.remove(ref)).rejects.toMatchObject({ code: 'bad-ref' });
  expect(() => blobs.stream(ref)).toThrow();
});

test('a file that is gone is said to be gone, by read and by stream; removing twice is no error', async () => {
  const [ref] = await blobs.commit([await stage(Buffer.from('x'))]);
  await blobs.remove(ref!);
  await blobs.remove(ref!);
  await expect(blobs.read(ref!)).rejects.toMatchObject({ code: 'blob-missing' });
  await expect(blobs.size(ref!)).rejects.toMatchObject({ code: 'blob-missing' });
  await expect(collect(blobs.stream(ref!))).rejects.toMatchObject({ code: 'blob-missing' });
});

test('lists what was stored since an hour, oldest first, and nothing that is not an object', async () => {
  const refs: string[] = [];
  for (const hour of [1, 2, 3]) {
    const then = createBlobs({ dir, now: () => Date.UTC(2026, 0, 31, hour) });
    const staged = await then.stage();
    await staged.finish();
    refs.push(...(await then.commit([staged])));
    await then.close();
  }
  writeFileSync(join(dir, 'objects', 'README.txt'), '');
  writeFileSync(join(dir, 'objects/2026/01/31/03', '.nfs0001'), '');
  const listed = async (since?: number): Promise<string[]> => {
    const found: string[] = [];
    for await (const ref of blobs.list(since)) found.push(ref);
    return found;
  };
  expect(await listed()).toEqual(refs);
  expect(await listed(Date.UTC(2026, 0, 31, 2, 30))).toEqual(refs.slice(1));
  expect(await listed(Date.UTC(2027, 0, 1))).toEqual([]);
});

test('a folder that somebody removed is made again', async () => {
  await blobs.commit([await stage(Buffer.from('a'))]);
  await rm(join(dir, 'objects/2026'), { recursive: true });
  const refs = await blobs.commit([await stage(Buffer.from('b')), await stage(Buffer.alloc(LARGE, 'c'))]);
  const read = await Promise.all(refs.map(async (ref) => (await blobs.read(ref)).toString('utf8', 0, 1)));
  expect(read).toEqual(['b', 'c']);
});

test('a group of which one file is missing is not committed by half', async () => {
  const [good, bad] = [await stage(Buffer.alloc(LARGE)), await stage(Buffer.alloc(LARGE))];
  await rm(bad.path);
  await expect(blobs.commit([good, bad])).rejects.toThrow();
  for await (const _ of blobs.list()) expect.unreachable();
});

test.runIf(existsSync('/dev/full'))('a full volume is named', async () => {
  const place = { fd: openSync('/dev/full', 'w'), path: join(dir, 'full'), ref: '' };
  await expect(writeTo(place, Buffer.alloc(1000))).rejects.toMatchObject({ code: 'disk-full', status: 507 });
});

test('a file that cannot be opened is told when it is finished, and can be discarded', async () => {
  await rm(join(dir, 'staging'), { recursive: true });
  const staged = await blobs.stage();
  await staged.write(Buffer.alloc(LARGE));
  await expect(staged.finish()).rejects.toMatchObject({ code: 'ENOENT' });
  await staged.discard();
});

test('says how many bytes are free', async () => {
  expect(await blobs.free()).toBeGreaterThan(0);
});
