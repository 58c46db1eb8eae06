/** Delivered only once the receiver has said that it keeps it: Orthanc, an archive of our own, and receivers that do not. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Archive, archiveMigrations, createArchive } from '../../archive/index.ts';
import { chunks, dicomFile, principal, silentLog } from '../../archive/testing.ts';
import { newUid, parseDataSet, parseDicom } from '../../dicom/index.ts';
import { createDimseDoor, type DimseDoor } from '../../doors/dimse/index.ts';
import type { Log } from '../../log.ts';
import { createRemote, remoteMigrations, type Remote } from '../../remote/index.ts';
import { createStore, type Store } from '../../store/index.ts';
import { COMMAND, createDimseServer, STORAGE_COMMITMENT, storage } from '../../wire/index.ts';
import type { Service } from '../../wire/index.ts';
import { freePort, orthancMissing, startOrthanc } from '../../wire/testing/peers.ts';
import { createForwarding, deliveryMigrations } from './index.ts';
import { waitingOn } from './testing.ts';
import type { Forwarding } from './types.ts';

const ADMIN = principal('admin');
const log = { ...silentLog, debug() {} } as unknown as Log;
const host = '127.0.0.1';
const ownCertificate = () => Promise.reject(new Error('Nobody asks for it here'));

let dir: string;
let store: Store;
let archive: Archive;
let remote: Remote;
let forwarding: Forwarding;
let ownPort: number;
let door: DimseDoor;
/** How far time is ahead of the clock on the wall, ms. */
let ahead: number;
const now = () => Date.now() + ahead;
const closing: (() => Promise<unknown> | void)[] = [];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'negatoscope-commit-'));
  ahead = 0;
  ownPort = await freePort();
  store = await createStore({
    ...{ dir, now },
    migrations: [...archiveMigrations, ...remoteMigrations, ...deliveryMigrations],
  });
  archive = createArchive({ store, log: silentLog });
  const here = async () => ({ aeTitle: 'NEGATOSCOPE', port: ownPort, network: false });
  remote = createRemote({ store, archive, here, log, ownCertificate });
  begin([60_000, 60_000]);
  door = createDimseDoor({
    archive,
    aeTitle: 'NEGATOSCOPE',
    host,
    port: ownPort,
    log,
    heardCommitment: (result) => forwarding.heardCommitment(result),
    destinationOf: async () => undefined,
  });
  await door.start();
});
vi.setConfig({ testTimeout: 30_000 });

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await door.close();
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

function begin(commitWaits: readonly number[]): void {
  forwarding = createForwarding({
    ...{ store, archive, remote, log, now, commitWaits },
    isRoutine: async () => false,
    pause: () => 150,
  });
}

const study = newUid();
async function images(count: number): Promise<string[]> {
  const uids = [];
  for (let n = 0; n < count; n++) {
    const file = dicomFile({ study, value: n });
    await archive.ingest(chunks(file), { door: 'upload', from: 'anne' });
    uids.push(parseDicom(file).dataset.string(0x00080018)!);
  }
  return uids.sort();
}
const system = (aeTitle: string, port: number, commitment = true) =>
  remote.add({ name: aeTitle, aeTitle, host, port, sendTo: true, commitment }, ADMIN);
const { until, ended } = waitingOn(() => forwarding);

describe.skipIf(orthancMissing)('Orthanc', () => {
  test('confirms what it keeps by an association of its own; what it has lost is sent again', async () => {
    const orthanc = await startOrthanc([{ aeTitle: 'NEGATOSCOPE', port: ownPort }]);
    closing.push(() => orthanc.remove());
    const uids = await images(3);
    forwarding.start();
    const { id } = await system('ORTHANC', orthanc.port, false);
    await forwarding.send(study, id, ['images'], ADMIN);
    expect(await ended()).toMatchObject({ state: 'done', sent: 3, committed: null });

    const rows = (await (await fetch(`${orthanc.url}/instances`)).json()) as string[];
    await fetch(`${orthanc.url}/instances/${rows[0]}`, { method: 'DELETE' });
    expect(await orthanc.instances()).toHaveLength(2);
    await remote.change(id, { commitment: true }, ADMIN);
    await forwarding.send(study, id, ['images'], ADMIN);
    expect(await ended()).toMatchObject({ state: 'done', sent: 3, committed: 3, failed: [], text: null });
    expect((await orthanc.instances()).sort()).toEqual(uids);
    await store.events.settled();
    const [event] = (await store.events.page({})).filter(({ kind }) => kind === 'delivery.forward.ended');
    expect(event!.payload).toEqual({ state: 'done', total: 3, sent: 3, committed: 3 });
  });
});

test('another Negatoscope confirms on the association that asked', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'negatoscope-commit-'));
  const theirs = await createStore({ dir: elsewhere, migrations: archiveMigrations });
  const port = await freePort();
  const other = createDimseDoor({
    archive: createArchive({ store: theirs, log: silentLog }),
    aeTitle: 'OTHER',
    host,
    port,
    log,
    heardCommitment: async () => false,
    destinationOf: async () => undefined,
  });
  await other.start();
  closing.push(async () => {
    await other.close();
    await theirs.close();
    rmSync(elsewhere, { recursive: true, force: true });
  });
  await images(4);
  forwarding.start();
  const { id } = await system('OTHER', port);
  await forwarding.send(study, id, ['images'], ADMIN);
  expect(await ended()).toMatchObject({ state: 'done', sent: 4, committed: 4 });
});

/** Takes every instance; what it answers to a request for commitment is the script's. */
async function receiver(services: (asked: string[]) => Service[]) {
  const got: string[] = [];
  const asked: string[] = [];
  const server = createDimseServer({
    acceptCaller: () => 'accept',
    services: [
      storage({
        async onStore({ sopInstanceUid }, body) {
          for await (const _ of body);
          got.push(sopInstanceUid);
          return { status: 0 };
        },
      }),
      ...services(asked),
    ],
  });
  const { port } = await server.listen(0, host);
  closing.push(() => server.close());
  return { port, got, asked };
}
const commitment = (asked: string[], answer: () => number = () => 0): Service => ({
  name: 'Commitment',
  accepts: ({ abstractSyntax, transferSyntaxes }) =>
    abstractSyntax === STORAGE_COMMITMENT ? { transferSyntax: transferSyntaxes[0]! } : undefined,
  handlers: {
    [COMMAND.actionRq]: async ({ data, context }) => {
      const parts: Uint8Array[] = [];
      for await (const part of data ?? []) parts.push(Uint8Array.from(part));
      asked.push(parseDataSet(Buffer.concat(parts), context.transferSyntax).string(0x00081195)!);
      return { status: answer() };
    },
  },
});

test('one that never says a word is asked again, then told of; its late word still counts', async () => {
  // Longer than the association that asked is listened on, shorter than the lease of a job.
  const wait = 20_000;
  begin([wait, wait]);
  const { port, got, asked } = await receiver((transactions) => [commitment(transactions)]);
  const uids = await images(2);
  forwarding.start();
  const { id } = await system('SILENT', port);
  await forwarding.send(study, id, ['images'], ADMIN);
  const waiting = await until(({ text }) => text !== null);
  expect(waiting).toMatchObject({ state: 'waiting', sent: 2, committed: 0 });
  expect(waiting.text!.en).toMatch(/its word .* is awaited/);
  expect(asked).toHaveLength(1);
  ahead += wait;
  const again = await until(({ nextAt }) => nextAt !== null && nextAt > waiting.nextAt!);
  expect(again).toMatchObject({ state: 'waiting', sent: 2, committed: 0 });
  expect(again.text!.en).toMatch(/its word .* is awaited/);
  ahead += wait;
  expect(await ended()).toMatchObject({ state: 'partial', sent: 2, committed: 0 });
  expect(asked).toHaveLength(2);
  expect(got).toHaveLength(2);
  expect(await forwarding.heardCommitment({ transactionUid: '1.2.3', committed: uids, failed: [] })).toBe(
    false,
  );
  expect(await forwarding.heardCommitment({ transactionUid: asked[0]!, committed: uids, failed: [] })).toBe(
    true,
  );
  expect(await until(({ state }) => state === 'done')).toMatchObject({ committed: 2 });
});

test('one that refuses the question is asked again after the pauses of any attempt; people are told its reason', async () => {
  let status = 0x0110;
  const { port, asked } = await receiver((transactions) => [commitment(transactions, () => status)]);
  const uids = await images(2);
  forwarding.start();
  const { id } = await system('REFUSES', port);
  await forwarding.send(study, id, ['images'], ADMIN);
  for (const times of [1, 2, 3]) {
    const row = await until(({ text }) => text !== null && asked.length >= times);
    expect(row).toMatchObject({ state: 'waiting', sent: 2, committed: 0 });
    expect(row.text!.en).toMatch(/could not do what was asked \(0110\)/);
  }
  status = 0;
  const before = asked.length;
  await until(() => asked.length > before);
  const transactionUid = asked.at(-1)!;
  expect(await forwarding.heardCommitment({ transactionUid, committed: uids, failed: [] })).toBe(true);
  expect(await ended()).toMatchObject({ state: 'done', committed: 2, text: null });
});

test('one that hangs up on the question may have heard it: its word is waited for as often as that of any', async () => {
  begin([300, 300]);
  const sockets = new Set<Socket>();
  const { port, got, asked } = await receiver((transactions) => [
    commitment(transactions, () => {
      for (const socket of sockets) socket.destroy();
      return 0;
    }),
  ]);
  const between = createServer((socket) => {
    const there = connect(port, host);
    for (const each of [socket, there]) {
      sockets.add(each);
      each.on('error', () => {}).on('close', () => sockets.delete(each));
    }
    socket.pipe(there).pipe(socket);
  }).listen(0, host);
  await once(between, 'listening');
  closing.push(() => void between.close());
  await images(1);
  forwarding.start();
  const { id } = await system('HANGSUP', (between.address() as AddressInfo).port);
  await forwarding.send(study, id, ['images'], ADMIN);
  const row = await ended();
  expect(row).toMatchObject({ state: 'partial', text: { en: expect.stringMatching(/not confirmed/) } });
  expect(asked).toHaveLength(2);
  expect(got).toHaveLength(1);
});

test('what comes while an answer is waited for is sent at once, and asked about with the rest', async () => {
  const { port, got, asked } = await receiver((transactions) => [commitment(transactions)]);
  const first = await images(1);
  forwarding.start();
  const { id } = await system('SLOW', port);
  await forwarding.send(study, id, ['images'], ADMIN);
  await until(({ text }) => text !== null);
  const late = await images(1);
  expect(await forwarding.send(study, id, ['images'], ADMIN)).toMatchObject({
    state: 'waiting',
    text: null,
    nextAt: null,
  });
  expect(await until(({ sent, text }) => sent === 2 && text !== null)).toMatchObject({ total: 2 });
  expect(got).toEqual([...first, ...late]);
  expect(asked).toHaveLength(2);
  const committed = [...first, ...late];
  expect(await forwarding.heardCommitment({ transactionUid: asked[1]!, committed, failed: [] })).toBe(true);
  expect(await ended()).toMatchObject({ state: 'done', committed: 2 });
});

test('one that refuses to keep an image is sent it again, and named in the end', async () => {
  begin([400, 400]);
  const uids = await images(2);
  const failed = [{ sopInstanceUid: uids[0]!, reason: 0x0213 }];
  const { port, got, asked } = await receiver((transactions) => [
    commitment(transactions, () => {
      setTimeout(() => {
        const transactionUid = asked.at(-1)!;
        void forwarding.heardCommitment({ transactionUid, committed: [uids[1]!], failed });
      }, 20);
      return 0;
    }),
  ]);
  forwarding.start();
  const { id } = await system('FULL', port);
  await forwarding.send(study, id, ['images'], ADMIN);
  const row = await ended();
  expect(row).toMatchObject({ state: 'partial', text: { en: expect.stringMatching(/not confirmed/) } });
  expect(row.failed).toMatchObject([{ sopInstanceUid: uids[0], text: { en: 'FULL is short of space.' } }]);
  expect(got.filter((uid) => uid === uids[0])).toHaveLength(2);
  expect(got.filter((uid) => uid === uids[1])).toHaveLength(1);
});

test('one that cannot confirm anything: said in words, nothing is sent twice', async () => {
  const { port, got } = await receiver(() => []);
  await images(1);
  forwarding.start();
  const { id } = await system('PLAIN', port);
  await forwarding.send(study, id, ['images'], ADMIN);
  expect(await ended()).toMatchObject({ state: 'partial', text: { fr: expect.stringMatching(/décochez/) } });
  expect(got).toHaveLength(1);
  expect((await archive.ae.list()).map(({ aeTitle, state }) => [aeTitle, state])).toEqual([
    ['PLAIN', 'admitted'],
  ]);
});
