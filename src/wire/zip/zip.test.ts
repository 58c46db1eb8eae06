import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32 } from './crc32.ts';
import { ZipBudget, zipContent, zipEntries } from './index.ts';
import { makeZip, sourceOfBytes, type MadeEntry } from './testing.ts';

async function unzip(bytes: Uint8Array): Promise<Record<string, string>> {
  const source = sourceOfBytes(bytes);
  const budget = new ZipBudget();
  const found: Record<string, string> = {};
  for await (const entry of zipEntries(source)) {
    const parts: Uint8Array[] = [];
    for await (const part of zipContent(source, entry, budget)) parts.push(part);
    found[entry.name] = Buffer.concat(parts).toString('latin1');
  }
  return found;
}
const entry = (name: string | Buffer, text: string, more: Partial<MadeEntry> = {}): MadeEntry => ({
  name,
  bytes: Buffer.from(text),
  ...more,
});

test.each([
  ['stored and deflated', [entry('a', 'AAAA', { method: 0 }), entry('d/b', 'BBBB')], {}],
  [
    'with sizes behind the bytes',
    [entry('a', 'A', { descriptor: true }), entry('d/b', 'B', { descriptor: true, method: 0 })],
    {},
  ],
  [
    'zip64',
    [entry('a', 'A', { zip64: true }), entry('d/b', 'B', { zip64: true, method: 0 })],
    { zip64: true },
  ],
  [
    'behind a program, before a comment',
    [entry('a', 'A'), entry('d/b', 'B')],
    { prefix: Buffer.from('MZ program'), comment: 'PK\x05\x06 as a comment'.padEnd(60) },
  ],
  [
    'zip64 behind a program',
    [entry('a', 'A', { zip64: true }), entry('d/b', 'B')],
    { zip64: true, prefix: Buffer.alloc(500) },
  ],
] as const)('%s', async (_, entries, options) => {
  const found = await unzip(makeZip(entries, options));
  expect(found).toEqual({ a: entries[0].bytes.toString(), 'd/b': entries[1].bytes.toString() });
});

test('an empty archive has nothing in it; folders are no files', async () => {
  expect(await unzip(makeZip([]))).toEqual({});
  expect(await unzip(makeZip([entry('d/', ''), entry('d\\x\\', ''), entry('d/a', 'A')]))).toEqual({
    'd/a': 'A',
  });
});

test('names in any code page, and hostile ones, are labels', async () => {
  const cp850 = Buffer.from([0x82, 0x74, 0x75, 0x64, 0x65, 0x20, 0xb7]); // "étude À"
  const unicode = Buffer.concat([
    Buffer.from([0x75, 0x70, 9, 0, 1]),
    Buffer.alloc(4),
    Buffer.from('日', 'utf8'),
    Buffer.from('x'),
  ]);
  unicode.writeUInt32LE(crc32(Buffer.from('?')), 5);
  const names = Object.keys(
    await unzip(
      makeZip([
        entry(cp850, '1'),
        entry('étude', '2'), // UTF-8 without its flag
        entry('Ωβ', '3', { flags: 0x800 }),
        entry(Buffer.from('?'), '4', { extra: unicode.subarray(0, 13) }),
        entry('../../etc/passwd', '5'),
        entry('C:\\x\0\x1b[31m', '6'),
      ]),
    ),
  );
  expect(names).toEqual(['étude À', 'étude', 'Ωβ', '日x', '../../etc/passwd', 'C:/x��[31m']);
});

test.each([
  ['cut off', () => makeZip([entry('a', 'A'.repeat(500))]).subarray(0, 40), 'zip-truncated'],
  ['no archive', () => Buffer.from('PK\x03\x04 but nothing else'), 'zip-truncated'],
  ['locked', () => makeZip([entry('a', 'A', { flags: 1 })]), 'zip-encrypted'],
  ['AES', () => makeZip([entry('a', 'A', { lie: { method: 99 } })]), 'zip-encrypted'],
  ['LZMA', () => makeZip([entry('a', 'A', { lie: { method: 14 } })]), 'zip-method'],
  ['a size that lies low', () => makeZip([entry('a', 'AAAAAAAA', { lie: { size: 3 } })]), 'zip-damaged'],
  ['a size that lies high', () => makeZip([entry('a', 'AAA', { lie: { size: 300 } })]), 'zip-damaged'],
  ['a wrong sum', () => makeZip([entry('a', 'AAA', { lie: { crc32: 1 } })]), 'zip-damaged'],
  ['an entry outside', () => makeZip([entry('a', 'AAA', { lie: { offset: 10_000 } })]), 'zip-damaged'],
  [
    'an entry elsewhere',
    () => makeZip([entry('a', 'AAA'), entry('b', 'B', { lie: { offset: 33 } })]),
    'zip-overlap',
  ],
  [
    'the same bytes twice',
    () => makeZip([entry('a', 'AAA'), entry('b', 'AAA', { lie: { offset: 0 } })]),
    'zip-overlap',
  ],
  ['more entries said than there are', () => makeZip([entry('a', 'A')], { count: 7 }), 'zip-damaged'],
  [
    'rubbish for deflate',
    () => {
      const zip = makeZip([entry('a', 'AAAAAAAABBBB')]);
      zip.fill(0xff, 32, 36);
      return zip;
    },
    'zip-damaged',
  ],
])('%s is told', async (_, make, code) => {
  await expect(unzip(make())).rejects.toMatchObject({ code });
});

test('a bomb is stopped while it unpacks, not after', async () => {
  const zip = makeZip([{ name: 'bomb', bytes: Buffer.alloc(ZipBudget.RATIO_FROM + 8 * 1024 ** 2) }]);
  const source = sourceOfBytes(zip);
  let unpacked = 0;
  const run = async (): Promise<void> => {
    for await (const found of zipEntries(source))
      for await (const part of zipContent(source, found, new ZipBudget())) unpacked += part.length;
  };
  await expect(run()).rejects.toMatchObject({ code: 'zip-bomb' });
  expect(unpacked).toBeLessThanOrEqual(ZipBudget.RATIO_FROM);
}, 30_000);

test('what Info-ZIP writes, to a file and to a pipe', async () => {
  if (!existsSync('/usr/bin/zip')) return;
  const dir = mkdtempSync(join(tmpdir(), 'negatoscope-zip-'));
  try {
    writeFileSync(join(dir, 'étude.txt'), 'x'.repeat(100_000));
    execFileSync('zip', ['-q', 'file.zip', 'étude.txt'], { cwd: dir });
    const piped = execFileSync('zip', ['-q', '-', 'étude.txt'], { cwd: dir });
    for (const bytes of [readFileSync(join(dir, 'file.zip')), piped]) {
      expect(await unzip(bytes)).toEqual({ 'étude.txt': 'x'.repeat(100_000) });
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('any files come back as they were', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(
        fc.record({
          name: fc.stringMatching(/^[a-z]{1,8}$/),
          text: fc.string({ maxLength: 2000 }),
          method: fc.constantFrom(0, 8),
          descriptor: fc.boolean(),
          zip64: fc.boolean(),
        }),
        { selector: ({ name }) => name, maxLength: 8 },
      ),
      fc.boolean(),
      async (files, zip64) => {
        const made = files.map(({ text, ...file }) => ({ ...file, bytes: Buffer.from(text) })) as MadeEntry[];
        const found = await unzip(makeZip(made, { zip64 }));
        expect(found).toEqual(
          Object.fromEntries(made.map(({ name, bytes }) => [name, Buffer.from(bytes).toString('latin1')])),
        );
      },
    ),
    { numRuns: 60 },
  );
});

test('a mutated archive gives files or an error of its own, and ends', async () => {
  const zip = makeZip(
    [
      entry('a', 'A'.repeat(300)),
      entry('d/b', 'B', { method: 0, descriptor: true }),
      entry('c', 'C', { zip64: true }),
    ],
    { zip64: true },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(zip.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.nat(zip.length),
      fc.boolean(),
      async (changes, cut, short) => {
        const copy = Buffer.from(zip);
        for (const [at, byte] of changes) copy[at] = byte;
        await unzip(short ? copy.subarray(0, cut) : copy).catch((error: { code?: string }) =>
          expect(error.code).toMatch(/^zip-/),
        );
      },
    ),
    { numRuns: 1500 },
  );
});
