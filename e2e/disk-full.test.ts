/** A full disk: refused with the right word at every door before harm, and by itself in order again when there is room. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { dicomFile } from '../src/archive/testing.ts';
import { newUid } from '../src/dicom/index.ts';
import { Client, firstAccount, newDir, startServer, until, type Server } from './harness.ts';

const KEY = 'NEGATOSCOPE_MIN_FREE_MB';
let server: Server | undefined;
afterEach(async () => {
  delete process.env[KEY];
  await server?.stop();
  server = undefined;
});

const upload = (client: Client, bytes: Uint8Array) =>
  client.call('POST', '/api/upload', bytes, { 'x-file-name': 'x.dcm' });
const stow = (client: Client, bytes: Uint8Array) =>
  client.call(
    'POST',
    '/dicom-web/studies',
    Buffer.concat([
      Buffer.from('--b\r\ncontent-type: application/dicom\r\n\r\n'),
      bytes,
      Buffer.from('\r\n--b--\r\n'),
    ]),
    { 'content-type': 'multipart/related; type="application/dicom"; boundary=b' },
  );

test('with less room than it keeps free every door refuses, and what is here can be read', async () => {
  const dir = newDir();
  const scratch = mkdtempSync(join(tmpdir(), 'negatoscope-full-'));
  const file = join(scratch, 'x.dcm');
  const study = newUid();
  const bytes = dicomFile({ study });
  writeFileSync(file, dicomFile({}));
  server = await startServer(dir);
  let client = await firstAccount(server);
  expect((await upload(client, bytes)).status).toBe(200);

  process.env[KEY] = String(1024 ** 3); // an exbibyte
  server = await server.restart();
  client = await new Client(server.url).login('anne');
  expect((await upload(client, dicomFile({}))).status).toBe(507);
  expect((await stow(client, dicomFile({}))).status).toBe(507);
  const sent = spawnSync(
    'storescu',
    ['-v', '-R', '-aec', 'NEGATOSCOPE', '127.0.0.1', String(server.dicomPort), file],
    { encoding: 'utf8' },
  );
  expect(sent.stdout + sent.stderr).toMatch(/0xa700|OutOfResources|Out ?Of ?Resources/i);
  const imported = spawnSync('./negatoscope', ['import', file, '--data', dir], { encoding: 'utf8' });
  expect(imported.status).not.toBe(0);
  expect(imported.stdout + imported.stderr).toMatch(/disk is full/i);
  expect(await client.json('GET', `/dicom-web/studies?StudyInstanceUID=${study}`)).toHaveLength(1);
  expect(await client.json('GET', '/dicom-web/studies')).toHaveLength(1);

  delete process.env[KEY];
  server = await server.restart();
  client = await new Client(server.url).login('anne');
  expect((await upload(client, dicomFile({}))).status).toBe(200);
  rmSync(dir, { recursive: true, force: true });
  rmSync(scratch, { recursive: true, force: true });
}, 120_000);

/** A small volume of its own needs the rights to mount one. */
function smallVolume(): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'negatoscope-volume-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', dir], { stdio: 'ignore' });
    return dir;
  } catch {
    rmSync(dir, { recursive: true, force: true });
    return undefined;
  }
}

test('a volume that is really full, database and all: nothing acknowledged is lost, and it goes on when there is room', async (context) => {
  const volume = smallVolume();
  if (!volume) return context.skip();
  try {
    process.env[KEY] = '0';
    server = await startServer(volume);
    const client = await firstAccount(server);
    const kept: { sop: string; study: string; series: string }[] = [];
    /** Until ten are refused, each with the right status. */
    const fill = async (): Promise<void> => {
      const refused: number[] = [];
      for (let n = 0; n < 400 && refused.length < 10; n++) {
        const [sop, study, series] = [newUid(), newUid(), newUid()];
        // Some go with the rows, some by a file.
        const size = n % 2 ? 120 : 400;
        const answer = await upload(client, dicomFile({ sop, study, series, rows: size, columns: size }));
        if (answer.status === 200) kept.push({ sop, study, series });
        else refused.push(answer.status);
        await answer.arrayBuffer();
      }
      expect(new Set(refused)).toEqual(new Set([507]));
    };
    await fill();
    expect(kept.length).toBeGreaterThan(20);

    execFileSync('mount', ['-o', 'remount,size=96m', volume]);
    await until(
      async () => {
        const answer = await upload(client, dicomFile({}));
        await answer.arrayBuffer();
        return answer.status;
      },
      (status) => status === 200,
      30_000,
    );

    // To the last byte: not even a line of the log has room.
    const filler = join(volume, 'filler');
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=512']);
    await fill();
    await server.stop();
    rmSync(filler);
    server = await startServer(volume);
    const again = await new Client(server.url).login('anne');
    for (const { sop, study, series } of kept) {
      const path = `/dicom-web/studies/${study}/series/${series}/instances/${sop}/frames/1`;
      const frame = await again.call('GET', path);
      expect(frame.status).toBe(200);
      await frame.arrayBuffer();
    }
    const verified = spawnSync('./negatoscope', ['verify', '--all', '--data', volume], { encoding: 'utf8' });
    expect(verified.stdout).toMatch(/0 damaged/);
    expect((await again.json('POST', '/api/audit/verify', {})).ok).toBe(true);
  } finally {
    await server?.stop();
    server = undefined;
    spawnSync('umount', ['-l', volume]);
    rmSync(volume, { recursive: true, force: true });
  }
}, 180_000);
