/** The command line as a person or a script meets it: the real program, its exit codes, one clear sentence on stderr. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ownCertificate } from '../src/authority.ts';
import { makeZip } from '../src/wire/zip/testing.ts';
import { firstAccount, newDir, PASSWORD, radiograph, ROOT, startServer, type Server } from './harness.ts';

interface Run {
  code: number | null;
  out: string;
  err: string;
}
async function run(
  args: string[],
  options: { input?: string; env?: Record<string, string> } = {},
): Promise<Run> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(ROOT, 'src/main.ts'), ...args],
    { env: { ...process.env, ...options.env }, stdio: ['pipe', 'pipe', 'pipe'] },
  );
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.end(options.input ?? '');
  // A start that should have failed must not go on for ever.
  const timer = setTimeout(() => child.kill('SIGKILL'), 40_000);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { code, out, err };
}
/** One sentence for a person: no stack, no second line. */
const sentence = ({ err }: Run): string => {
  expect(err).not.toMatch(/\n\s+at /);
  expect(err.trim().split('\n')).toHaveLength(1);
  return err;
};

const dirs: string[] = [];
const folder = (): string => {
  const dir = newDir();
  dirs.push(dir);
  return dir;
};
afterAll(() => dirs.forEach((dir) => rmSync(dir, { recursive: true, force: true })));

describe('a start that cannot be', () => {
  const start = (dir: string, ...flags: string[]) =>
    run(['start', '--data', dir, '--port', '0', '--dicom-port', '0', ...flags]);

  test('flags and settings', async () => {
    const dir = folder();
    expect((await start(dir, '--prot', '1')).code).toBe(64);
    for (const [flags, said] of [
      [['--port', 'abc'], /--port/],
      [['--aet', 'far too long a title'], /--aet.*16 characters/],
      [['--trust-proxy', 'rubbish'], /--trust-proxy.*addresses/],
      [['--trust-proxy', '10.0.0.0/64'], /--trust-proxy/],
      [['--tls-cert', '/nowhere.pem'], /--tls-key/],
    ] as const) {
      const wrong = await start(dir, ...flags);
      expect(sentence(wrong)).toMatch(said);
      expect(wrong.code).toBe(78);
    }
    const zone = await run(['doctor', '--data', dir], { env: { NEGATOSCOPE_TIME_ZONE: 'Mars/Olympus' } });
    expect(sentence(zone)).toContain('NEGATOSCOPE_TIME_ZONE');
    expect(zone.code).toBe(78);
    writeFileSync(join(dir, 'negatoscope.json'), '["port"]');
    const file = await start(dir);
    expect(sentence(file)).toContain('negatoscope.json');
    expect(file.code).toBe(78);
  });

  test('certificate files that are not there, not PEM, or not a pair', async () => {
    const dir = folder();
    const bad = join(dir, 'bad.pem');
    writeFileSync(bad, 'not a certificate');
    await ownCertificate(join(dir, 'a'));
    await ownCertificate(join(dir, 'b'));
    const [cert, other] = [join(dir, 'a/tls/server.crt'), join(dir, 'b/tls/server.key')];
    for (const [certFile, keyFile] of [
      [join(dir, 'gone.pem'), bad],
      [bad, bad],
      [cert, bad],
      [cert, other],
    ] as const) {
      const wrong = await start(join(dir, 'data'), '--tls-cert', certFile, '--tls-key', keyFile);
      expect(sentence(wrong)).toMatch(certFile === cert ? keyFile : certFile);
      expect(wrong.code).toBe(78);
    }
  });

  test('an address that is not ours, a port that is taken, a folder that is none', async () => {
    const dir = folder();
    const away = await start(join(dir, 'data'), '--host', '192.0.2.1');
    expect(sentence(away)).toContain('192.0.2.1');
    expect(away.code).toBe(78);

    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const port = String((taken.address() as AddressInfo).port);
    for (const flag of ['--port', '--dicom-port']) {
      const busy = await start(join(dir, 'data'), flag, port);
      expect(sentence(busy)).toMatch(new RegExp(`${port}.*${flag}`));
      expect(busy.code).toBe(69);
    }
    taken.close();

    const file = join(dir, 'file');
    writeFileSync(file, '');
    const wrong = await start(file);
    expect(sentence(wrong)).toContain(file);
    expect(wrong.code).toBe(69);
  });

  test.skipIf(process.getuid?.() === 0)('a folder that may not be written to', async () => {
    const dir = join(folder(), 'locked');
    mkdirSync(dir);
    chmodSync(dir, 0o500);
    const wrong = await start(dir);
    expect(sentence(wrong)).toContain(dir);
    expect(wrong.code).toBe(69);
  });
});

test('what only looks does not make a folder out of a mistyped name', async () => {
  const dir = join(folder(), 'tpyo');
  for (const command of [['audit', 'verify'], ['doctor'], ['models', 'list']]) {
    const looked = await run([...command, '--data', dir]);
    expect(sentence(looked)).toContain(dir);
    expect(looked.code).toBe(65);
  }
  expect(existsSync(dir)).toBe(false);
});

test('one Ctrl+C ends in order, though it arrives several times', async () => {
  const server = await startServer(folder());
  for (let i = 0; i < 3; i++) process.kill(server.pid, 'SIGINT');
  await server.stop();
  const log = readFileSync(join(server.dir, 'logs/negatoscope.log'), 'utf8');
  expect(log).toContain('stopping');
  expect(existsSync(join(server.dir, 'control.sock'))).toBe(false);
  expect(existsSync(join(server.dir, 'negatoscope.db-wal'))).toBe(false); // the database was closed
});

describe.each(['with the server', 'without'])('commands %s', (label) => {
  let dir: string;
  let server: Server | undefined;
  beforeAll(async () => {
    dir = folder();
    if (label === 'with the server') server = await startServer(dir);
  });
  afterAll(() => server?.stop());
  const on = (...args: string[]) => [...args, '--data', dir];
  const password = { input: `${PASSWORD}\n` };

  test('accounts, stages, tokens, import, audit', async () => {
    const add = (login: string, roles: string, input = password) =>
      run(on('user', 'add', login, '--roles', roles, '--password-stdin'), input);
    expect(await add('anne', 'admin,reader')).toMatchObject({ code: 0, err: '' });
    const again = await add('anne', 'reader');
    expect(sentence(again)).toMatch(/login/);
    expect(again.code).toBe(65);
    expect((await add('eve', 'king')).code).toBe(65);
    expect((await add('eve', 'reader', { input: 'short\n' })).code).toBe(65);
    expect((await run(on('user', 'add', 'eve', '--roles', 'reader', '--language', 'de'))).code).toBe(64);
    expect((await run(on('user', 'add', 'eve'))).code).toBe(64);
    expect((await add('tech', 'technologist')).code).toBe(0);

    const stage = (by: string, input = password, to = 'pilot') =>
      run(
        on(
          'models',
          'stage',
          'fracture',
          to,
          '--readers',
          'anne',
          '--reason',
          'a trial',
          '--by',
          by,
          '--password-stdin',
        ),
        input,
      );
    expect((await stage('anne', { input: 'wrong password\n' })).code).toBe(77);
    const unfit = await stage('tech');
    expect(sentence(unfit)).not.toBe('');
    expect(unfit.code).toBe(77);
    expect((await stage('anne', password, 'fame')).code).toBe(65);
    const done = await stage('anne');
    expect(done).toMatchObject({ code: 0, err: '' });
    expect(done.out).toContain('evaluation → pilot');
    const listed = await run(on('models', 'list', '--json'));
    expect(JSON.parse(listed.out)).toMatchObject([{ id: 'fracture', stage: 'pilot' }]);

    const token = await run(on('token', 'add', 'scanner', '--roles', 'technologist'));
    expect(token.out).toMatch(/^ngs_[\w-]{43}\n$/);

    const image = radiograph('DX01_FOOT_AP_1604.dcm');
    const taken = await run(on('import', image, '--json'));
    expect(taken.code).toBe(0);
    expect(JSON.parse(taken.out.trim().split('\n').at(-1)!)).toMatchObject({
      summary: { stored: 1 },
      total: 1,
    });
    const twice = await run(on('import', image));
    expect(twice.code).toBe(0);
    expect(twice.out).toContain('1 here already');
    const nowhere = await run(on('import', '/there/is/no/such/file'));
    expect(sentence(nowhere)).toContain('/there/is/no/such/file');
    expect(nowhere.code).toBe(65);
    const nothing = await run(on('import', join(ROOT, 'package.json')));
    expect(nothing.code).toBe(65);

    const audit = await run(on('audit', 'verify', '--json'));
    expect(audit.code).toBe(0);
    expect(JSON.parse(audit.out)).toMatchObject({ ok: true });
  });
});

test('a tool is taken in by the command and on the page, used, and taken out again', async () => {
  const server = await startServer(folder());
  const { dir } = server;
  const client = await firstAccount(server);
  const pack = join(dir, '..', `${basename(dir)}-package`);
  dirs.push(pack);
  mkdirSync(pack);
  const built = join(ROOT, 'models/fracture');
  for (const name of ['model.fp16.onnx', 'golden.json', 'CARD.md', 'split.csv'])
    copyFileSync(join(built, name), join(pack, name));
  const as = (version: string) => {
    const manifest = JSON.parse(readFileSync(join(built, 'model.json'), 'utf8'));
    writeFileSync(join(pack, 'model.json'), JSON.stringify({ ...manifest, version }));
  };
  as('1.0.1');
  const added = await run(['models', 'add', pack, '--data', dir]);
  expect(added).toMatchObject({ code: 0, err: '' });
  expect(added.out).toBe('fracture 1.0.1 is in use, in stage evaluation; not signed.\n');
  as('1.0.2');
  const files = readdirSync(pack).map((name) => ({
    name: `new/${name}`,
    bytes: readFileSync(join(pack, name)),
  }));
  const sent = await client.call('POST', '/api/packages', makeZip(files), {
    'content-type': 'application/zip',
  });
  expect(await sent.json()).toEqual({ id: 'fracture', version: '1.0.2' });
  const half = makeZip(files).subarray(0, 100_000);
  const refused = await client.call('POST', '/api/packages', half, { 'content-type': 'application/zip' });
  expect([refused.status, (await refused.json()).error.code]).toEqual([422, 'zip-truncated']);
  expect(readdirSync(join(dir, 'staging'))).toEqual([]);

  const view = async () => (await client.json('GET', '/api/models'))[0];
  expect((await view()).versions.map((each: { version: string }) => each.version).sort()).toEqual(['1.0.0', '1.0.1', '1.0.2']); // prettier-ignore
  await client.json('PUT', '/api/models/fracture/version', { version: '1.0.1' });
  expect((await view()).manifest.version).toBe('1.0.1');
  expect((await client.json('POST', '/api/models/fracture/check')).ok).toBe(true);
  expect((await run(['models', 'remove', 'fracture', '1.0.2', '--data', dir])).code).toBe(0);
  expect((await client.call('DELETE', '/api/models/fracture/versions/1.0.0')).status).toBe(409);
  await client.json('PUT', '/api/models/fracture/enabled', { enabled: false });
  const listed = await run(['models', 'list', '--data', dir]);
  expect(listed.out).toBe('fracture 1.0.1  switched off  (also here: 1.0.0)\n');
  await server.stop();
}, 180_000);

test('a second start says who holds the data', async () => {
  const server = await startServer(folder());
  const second = await run(['start', '--data', server.dir, '--port', '0', '--dicom-port', '0']);
  expect(sentence(second)).toMatch(new RegExp(`in use by process ${server.pid}.*${server.url}`));
  expect(second.code).toBe(69);
  await server.stop();
});
