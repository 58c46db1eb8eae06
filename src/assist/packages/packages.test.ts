import { execFile } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { archiveMigrations, createArchive } from '../../archive/index.ts';
import type { Principal } from '../../people/types.ts';
import { createStore } from '../../store/index.ts';
import type { Store } from '../../store/types.ts';
import { makeZip } from '../../wire/zip/testing.ts';
import type { ZipSource } from '../../wire/zip/index.ts';
import { createAssist } from '../assist.ts';
import { assistMigrations } from '../tables.ts';
import { modelDir, shared } from '../testing.ts';
import type { Assist } from '../types.ts';
import { fingerprintOf, signerOf, signPackage } from './signature.ts';
import { compareVersions } from './versions.ts';

const silent = { info() {}, warn() {}, error() {} } as never;
const ADMIN: Principal = { personId: 'p1', name: 'admin', roles: new Set(['admin']), via: 'cli', language: 'en' }; // prettier-ignore
const READER: Principal = { ...ADMIN, roles: new Set(['reader']) };

let dir: string;
let store: Store;
let assist: Assist;
let opened: Assist[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'negatoscope-packages-'));
  store = await createStore({
    dir: join(dir, 'data'),
    migrations: [...archiveMigrations, ...assistMigrations],
  });
  opened = [];
  assist = start();
});
afterEach(async () => {
  for (const each of opened) await each.close();
  await store.close();
  await rm(dir, { recursive: true });
});
function start(more: { signedOnly?: boolean; modelDirs?: string[] } = {}): Assist {
  const archive = createArchive({ store, log: silent });
  const fresh = createAssist({ store, archive, log: silent, modelDirs: [modelDir('fracture')], ...more });
  opened.push(fresh);
  return fresh;
}

/** The built-in package under another name, version or content. */
async function own(change: (manifest: any) => void = () => {}, name = 'own'): Promise<string> {
  const to = join(dir, name);
  await mkdir(to);
  for (const file of ['model.json', 'model.fp16.onnx', 'golden.json', 'CARD.md', 'split.csv'])
    await cp(join(modelDir('fracture'), file), join(to, file));
  await editJson(join(to, 'model.json'), (manifest) => {
    delete manifest.$schema;
    manifest.id = 'own';
    change(manifest);
  });
  // Two cases are enough to differ.
  await editJson(join(to, 'golden.json'), (golden) => golden.cases.splice(2));
  return to;
}
async function editJson(file: string, change: (json: any) => void): Promise<void> {
  const json = JSON.parse(await readFile(file, 'utf8'));
  change(json);
  await writeFile(file, JSON.stringify(json));
}
const sourceOf = (bytes: Buffer): ZipSource => ({
  size: bytes.length,
  read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
});
async function zipped(folder: string, prefix = ''): Promise<Buffer> {
  const files = await readdir(folder);
  return makeZip(
    await Promise.all(
      files.map(async (name) => ({ name: `${prefix}${name}`, bytes: await readFile(join(folder, name)) })),
    ),
  );
}
const inUse = async (id: string, of: Assist = assist) => {
  const model = await of.model(id);
  return model && [model.manifest.version, model.enabled, model.removed];
};
const added = () => readdir(join(dir, 'data', 'models')).catch(() => [] as string[]);

test('a folder, then a zip archive of the next version; back to the first; removed', async () => {
  await assist.add({ folder: await own() }, ADMIN);
  expect(await inUse('own')).toEqual(['1.0.0', true, false]);
  const next = await zipped(await own((m) => (m.version = '1.1.0'), 'next'), 'next/');
  const version = await assist.add({ zip: sourceOf(next) }, ADMIN);
  expect(version).toMatchObject({ origin: 'added', removed: false, signer: null, addedBy: 'p1' });
  expect(await inUse('own')).toEqual(['1.1.0', true, false]);
  expect((await added()).sort()).toEqual(['.incoming', 'own@1.0.0', 'own@1.1.0']);
  expect(await readdir(join(dir, 'data', 'models', '.incoming'))).toEqual([]);

  await assist.use('own', '1.0.0', ADMIN);
  expect(await inUse('own')).toEqual(['1.0.0', true, false]);
  // Chosen once, chosen still after a restart.
  expect(await inUse('own', start())).toEqual(['1.0.0', true, false]);

  await assist.remove('own', '1.0.0', ADMIN);
  expect(await inUse('own')).toEqual(['1.1.0', true, false]);
  await assist.remove('own', '1.1.0', ADMIN);
  expect(await inUse('own')).toEqual(['1.1.0', false, true]);
  const left = join(dir, 'data', 'models', '.removed', 'own@1.1.0');
  expect((await readdir(left)).sort()).toEqual(['CARD.md', 'golden.json', 'model.json', 'split.csv']);
  await expect(assist.use('own', '1.1.0', ADMIN)).rejects.toMatchObject({ code: 'model-unknown' });
  // The same again may come back.
  await assist.add({ zip: sourceOf(next) }, ADMIN);
  expect(await inUse('own')).toEqual(['1.1.0', true, false]);
  await store.events.settled();
  const said = (await store.events.page({})).map(({ kind, payload }) => `${kind} ${JSON.stringify(payload)}`);
  expect(said.filter((line) => line.startsWith('assist.model.removed'))).toHaveLength(2);
}, 120_000);

test('what a tool was trained on is that of the version in use, whichever way it came into use', async () => {
  const archive = createArchive({ store, log: silent, settings: { minFree: 0 } });
  const file = shared('radiographs/dicom/DX07_HAND_PA_0206.dcm');
  const outcome = await archive.ingest(createReadStream(file), { door: 'import', from: 'test' });
  const { studyUid } = outcome as { studyUid: string };
  await assist.add({ folder: await own() }, ADMIN);
  const next = await own((m) => (m.version = '1.1.0'), 'next');
  const list = join(next, 'split.csv');
  await writeFile(list, (await readFile(list, 'utf8')).replaceAll(/,(train|val),/g, ',test,'));
  await assist.add({ folder: next }, ADMIN);
  expect(await assist.inTraining('own', studyUid)).toBe(false);
  // The one before is in use again.
  await assist.remove('own', '1.1.0', ADMIN);
  expect(await inUse('own')).toEqual(['1.0.0', true, false]);
  expect(await assist.inTraining('own', studyUid)).toBe(true);
}, 120_000);

test('only an administrator; the built-in one stays; the same twice at once is taken once', async () => {
  const folder = await own();
  await expect(assist.add({ folder }, READER)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(assist.remove('fracture', '1.0.0', ADMIN)).rejects.toMatchObject({ code: 'model-not-ours' });
  const both = await Promise.allSettled([assist.add({ folder }, ADMIN), assist.add({ folder }, ADMIN)]);
  expect(both.map((each) => (each.status === 'rejected' ? each.reason.code : 'added')).sort()).toEqual([
    'added',
    'model-version-taken',
  ]);
}, 120_000);

describe('refused, and nothing is left of it', () => {
  const cases: [string, () => Promise<string>, object][] = [
    ['no manifest', async () => (await mkdir(join(dir, 'x')), join(dir, 'x')), { code: 'model-package', details: { why: 'there is no model.json in it' } }],
    ['a wrong manifest', () => own((m) => (m.labels = {})), { code: 'model-manifest', details: { field: 'finding.label', where: '' } }],
    ['no card', async () => { const to = await own(); await rm(join(to, 'CARD.md')); return to; }, { code: 'model-file-missing', details: { model: 'own', file: 'CARD.md' } }],
    ['no list of training images', async () => { const to = await own(); await rm(join(to, 'split.csv')); return to; }, { code: 'model-file-missing' }],
    ['a list of training images without hashes', async () => { const to = await own(); await writeFile(join(to, 'split.csv'), 'a,b\n1,2\n'); return to; }, { code: 'model-training' }],
    ['weights of other bytes', () => own((m) => (m.weights.sha256 = '0'.repeat(64))), { code: 'model-weights' }],
    ['weights of 5 GB', async () => { const to = await own(); await truncate(join(to, 'model.fp16.onnx'), 5e9); return to; }, { code: 'model-too-large' }],
    ['weights beyond what ONNX holds', async () => { const to = await own(); await truncate(join(to, 'model.fp16.onnx'), 2.5e9); return to; }, { code: 'model-weights-size' }],
    ['weights that are no network', async () => {
      const to = await own((m) => (m.weights.sha256 = createHash('sha256').update('no model').digest('hex')));
      await writeFile(join(to, 'model.fp16.onnx'), 'no model');
      return to;
    }, { code: 'model-differs' }],
    ['golden cases that cannot be read', async () => { const to = await own(); await writeFile(join(to, 'golden.json'), '{}'); return to; }, { code: 'model-golden' }],
    ['golden cases with other numbers', async () => { const to = await own(); await editJson(join(to, 'golden.json'), (g) => (g.cases[1].score += 0.2)); return to; }, { code: 'model-differs', details: { model: 'own', version: '1.0.0', cases: 1 } }],
    ['a link out of the package', async () => { const to = await own(); await symlink('/etc/passwd', join(to, 'notes')); return to; }, { code: 'model-package' }],
    ['a hidden file', async () => { const to = await own(); await writeFile(join(to, '.profile'), ''); return to; }, { code: 'model-package' }],
  ]; // prettier-ignore
  test.each(cases)(
    '%s',
    async (_what, make, error) => {
      await expect(assist.add({ folder: await make() }, ADMIN)).rejects.toMatchObject(error);
      expect(await inUse('own')).toBeUndefined();
      expect((await added()).filter((name) => name !== '.incoming')).toEqual([]);
      expect(await readdir(join(dir, 'data', 'models', '.incoming'))).toEqual([]);
    },
    30_000,
  );

  test.each([['../evil'], ['a/../../evil'], ['/evil'], ['a\\..\\evil'], ['C:evil'], ['.hidden'], ['a/'.repeat(20) + 'b']])(
    'an archive with %s',
    async (name) => {
      const bytes = makeZip([{ name: 'model.json', bytes: Buffer.from('{}') }, { name, bytes: Buffer.from('x') }]);
      await expect(assist.add({ zip: sourceOf(bytes) }, ADMIN)).rejects.toMatchObject({ code: 'model-package' });
      expect(await readdir(dir)).toEqual(['data']);
    },
  ); // prettier-ignore
  test('an archive with a file twice, and one that ends in the middle', async () => {
    const twice = makeZip([
      { name: 'model.json', bytes: Buffer.from('{}') },
      { name: 'a', bytes: Buffer.from('1') },
      { name: 'A', bytes: Buffer.from('2') },
    ]);
    await expect(assist.add({ zip: sourceOf(twice) }, ADMIN)).rejects.toMatchObject({
      code: 'model-package',
    });
    const half = (await zipped(await own())).subarray(0, 1_000_000);
    await expect(assist.add({ zip: sourceOf(half) }, ADMIN)).rejects.toMatchObject({
      code: expect.stringMatching(/^zip-/),
    });
  });
  test('a folder that is not there', async () => {
    await expect(assist.add({ folder: join(dir, 'nowhere') }, ADMIN)).rejects.toMatchObject({
      code: 'model-package',
    });
  });
});

test('what a version was when it was first seen stays', async () => {
  await assist.add({ folder: await own() }, ADMIN);
  await assist.remove('own', '1.0.0', ADMIN);
  const weights = Buffer.concat([
    await readFile(join(modelDir('fracture'), 'model.fp16.onnx')),
    Buffer.alloc(0),
  ]);
  const other = await own((m) => (m.weights.sha256 = createHash('sha256').update(weights.subarray(1)).digest('hex')), 'other'); // prettier-ignore
  await writeFile(join(other, 'model.fp16.onnx'), weights.subarray(1));
  await expect(assist.add({ folder: other }, ADMIN)).rejects.toMatchObject({ code: 'model-version-taken' });
  // The same by a folder of the configuration: left out, and said so.
  const again = start({ modelDirs: [modelDir('fracture'), other] });
  expect((await again.packages()).broken).toMatchObject([
    { dir: other, reason: expect.stringMatching(/other weights/) },
  ]);
  expect(await inUse('own', again)).toEqual(['1.0.0', false, true]);
}, 120_000);

test('a crash while a package was taken in leaves nothing', async () => {
  const rest = join(dir, 'data', 'models', '.incoming', 'x');
  await mkdir(rest, { recursive: true });
  await cp(await own(), join(rest, 'own@1.0.0'), { recursive: true });
  const again = start();
  await again.start();
  expect(await added()).toEqual([]);
  expect(await inUse('own', again)).toBeUndefined();
});

describe('signatures', () => {
  const keys = () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    return {
      secret: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      open: publicKey.export({ type: 'spki', format: 'pem' }) as string,
    };
  };

  test('by a known key, by an unknown one, by none', async () => {
    const key = keys();
    const strict = start({ signedOnly: true });
    const folder = await own();
    await expect(strict.add({ folder }, ADMIN)).rejects.toMatchObject({ code: 'model-unsigned' });
    const print = await signPackage(folder, key.secret, 'Maker');
    await expect(strict.add({ folder }, ADMIN)).rejects.toMatchObject({ code: 'model-unsigned' });
    expect(await strict.trust(key.open, ADMIN)).toBe(print);
    expect((await strict.add({ folder }, ADMIN)).signer).toEqual({
      name: 'Maker',
      key: print,
      trusted: true,
    });
    // Changed where it lies: left out from the next start on.
    const lies = join(dir, 'data', 'models', 'own@1.0.0');
    await writeFile(join(lies, 'CARD.md'), 'safe for everyone');
    const { versions, broken } = await start().packages();
    expect(versions.map(({ manifest }) => manifest.id)).toEqual(['fracture']);
    expect(broken).toMatchObject([{ dir: lies, reason: expect.stringMatching(/CARD\.md was changed/) }]);
  }, 120_000);

  test('whatever is changed afterwards is told', async () => {
    const folder = await own();
    await signPackage(folder, keys().secret, 'Maker');
    const trusted = new Set<string>();
    expect(await signerOf(folder, trusted)).toMatchObject({ name: 'Maker', trusted: false });
    await writeFile(join(folder, '__proto__'), 'x');
    await expect(signerOf(folder, trusted)).rejects.toThrow(/__proto__ was added/);
    await rm(join(folder, '__proto__'));
    const card = await readFile(join(folder, 'CARD.md'));
    await rm(join(folder, 'CARD.md'));
    await expect(signerOf(folder, trusted)).rejects.toThrow(/CARD\.md is not there/);
    await writeFile(join(folder, 'CARD.md'), card);
    const signed = join(folder, 'signature.json');
    const original = await readFile(signed, 'utf8');
    const edits: ((s: any) => void)[] = [
      (s) => (s.signer = 'Other'),
      (s) => (s.files['CARD.md'] = '0'.repeat(64)),
      (s) => delete s.files['CARD.md'],
      (s) => (s.publicKey = keys().open.split('\n')[1]),
      (s) => (s.publicKey = 'AAAA'),
      (s) => (s.signature = ''),
      (s) => (s.more = 1),
    ];
    for (const edit of edits) {
      await editJson(signed, edit);
      await expect(signerOf(folder, trusted), String(edit)).rejects.toMatchObject({
        code: 'model-signature',
      });
      await writeFile(signed, original);
    }
    expect(await signerOf(folder, trusted)).toMatchObject({ name: 'Maker' });
  });

  test('what OpenSSL makes and checks', async () => {
    const run = promisify(execFile);
    const [secret, open_, text, signature] = ['key.pem', 'pub.pem', 'text', 'sig'].map((name) =>
      join(dir, name),
    );
    await run('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', secret!]);
    await run('openssl', ['pkey', '-in', secret!, '-pubout', '-out', open_!]);
    const folder = await own();
    const print = await signPackage(folder, await readFile(secret!, 'utf8'), 'Fabricant "né"');
    expect(fingerprintOf(await readFile(open_!, 'utf8'))).toBe(print);
    const {
      signer,
      files,
      signature: base64,
    } = JSON.parse(await readFile(join(folder, 'signature.json'), 'utf8'));
    const lines = Object.keys(files)
      .sort()
      .map((name) => `${files[name]} "${name}"\n`);
    await writeFile(text!, `negatoscope model package 1\n${JSON.stringify(signer)}\n${lines.join('')}`);
    await writeFile(signature!, Buffer.from(base64, 'base64'));
    const { stdout } = await run('openssl', ['pkeyutl', '-verify', '-pubin', '-inkey', open_!, '-rawin', '-in', text!, '-sigfile', signature!]); // prettier-ignore
    expect(stdout).toMatch(/Verified Successfully/);
  });

  test('no key, and one of another kind', async () => {
    const folder = await own();
    await expect(signPackage(folder, 'no key', 'x')).rejects.toMatchObject({ code: 'model-key' });
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    await expect(signPackage(folder, pem, 'x')).rejects.toMatchObject({ code: 'model-key' });
    await expect(
      assist.trust(publicKey.export({ type: 'spki', format: 'pem' }) as string, ADMIN),
    ).rejects.toMatchObject({ code: 'model-key' });
  });
});

test('versions in the order of Semantic Versioning 2.0.0, clause 11', () => {
  const order = ['1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2', '1.0.0-beta.11', '1.0.0-rc.1', '1.0.0', '1.0.1', '1.2.0', '1.10.0', '2.0.0']; // prettier-ignore
  expect([...order].reverse().sort(compareVersions)).toEqual(order);
  expect(compareVersions('1.0.0+a', '1.0.0+b')).toBe(0);
});

test('a disk that is full while a package comes: said, and nothing is left', async () => {
  // A file system of its own, too small for the weights; needs the right to mount.
  const small = join(dir, 'data', 'models');
  await mkdir(small, { recursive: true });
  const run = promisify(execFile);
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', small]).then(
    () => true,
    () => false,
  );
  if (!mounted) return;
  try {
    await expect(assist.add({ folder: await own() }, ADMIN)).rejects.toMatchObject({ code: 'disk-full' });
    expect(await readdir(join(small, '.incoming'))).toEqual([]);
  } finally {
    await run('umount', [small]);
  }
});
