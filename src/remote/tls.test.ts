/** Proving who one is, both ways: DCMTK's storescp that demands a certificate, and peers whose own is not in order. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { archiveMigrations, createArchive } from '../archive/index.ts';
import { dicomFile, principal, silentLog } from '../archive/testing.ts';
import { ownCertificate, ownClientCertificate } from '../authority.ts';
import { parseDicom } from '../dicom/index.ts';
import type { Log } from '../log.ts';
import { createStore, type Store } from '../store/index.ts';
import { associate, createDimseServer, verification } from '../wire/index.ts';
import { answers, freePort } from '../wire/testing/peers.ts';
import { createRemote, remoteMigrations, type NewRemote, type Remote } from './index.ts';

const ADMIN = principal('admin');
const DAY = 86_400_000;
const host = '127.0.0.1';
let dir: string;
let store: Store;
let remote: Remote;
/** Authorities of the hospital, and of somebody else. */
let hospital: Awaited<ReturnType<typeof ownCertificate>>;
let stranger: Awaited<ReturnType<typeof ownCertificate>>;
let strict: { port: number; child: ChildProcess };
let time = Date.now();

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'negatoscope-mutual-'));
  hospital = await ownCertificate(join(dir, 'hospital'), ['localhost', host]);
  stranger = await ownCertificate(join(dir, 'stranger'), ['stranger.example']);
  store = await createStore({ dir, migrations: [...archiveMigrations, ...remoteMigrations] });
  remote = createRemote({
    store,
    archive: createArchive({ store, log: silentLog }),
    log: silentLog as unknown as Log,
    here: async () => ({ aeTitle: 'NEGATOSCOPE', port: 11112, network: false }),
    ownCertificate: () => ownClientCertificate(dir),
    now: () => time,
  });
  strict = await storescp(await remote.ownAuthority());
}, 60_000);
afterAll(async () => {
  strict?.child.kill();
  await store?.close();
  rmSync(dir, { recursive: true, force: true });
});

/** With the hospital's certificate, demanding one that `trusted` or the hospital has signed. */
async function storescp(trusted: string): Promise<typeof strict> {
  const port = await freePort();
  const tls = join(dir, 'hospital/tls');
  expect(trusted).toContain('BEGIN CERTIFICATE');
  const files = ['+tls', join(tls, 'server.key'), join(tls, 'server.crt'), '+cf', join(tls, 'ca.crt')];
  const child = spawn(
    'storescp',
    [...files, '+cf', join(dir, 'tls/ca.crt'), '--require-peer-cert', '-od', dir, String(port)],
    { stdio: 'ignore' },
  );
  await once(child, 'spawn');
  while (!(await answers(port))) await new Promise((resolve) => setTimeout(resolve, 50));
  return { port, child };
}

async function trial(port: number, form: Partial<NewRemote>) {
  const base = { name: `System ${Math.random()}`, aeTitle: 'STORESCP', host, port, tls: true };
  const system = await remote.add({ ...base, ca: hospital.ca, ...form }, ADMIN);
  return { system, ...(await remote.tryOut(system.id)).there };
}

test('storescp that demands a certificate: none, ours, one that was given, one it does not trust', async () => {
  const { port } = strict;
  expect(await trial(port, {})).toMatchObject({ code: 'tls-client', ok: false });
  const { system, code } = await trial(port, { identity: 'own' });
  expect(code).toBe('ok');
  expect((await trial(port, { identity: 'given', certificate: hospital.cert, key: hospital.key })).code).toBe(
    // Signed by an authority that it trusts, and yet no certificate of a client (RFC 5280 4.2.1.12).
    'tls-client-refused',
  );
  const issued = await ownClientCertificate(join(dir, 'hospital'));
  expect((await trial(port, { identity: 'given', certificate: issued.cert, key: issued.key })).code).toBe(
    'ok',
  );
  const foreign = await ownClientCertificate(join(dir, 'stranger'));
  expect((await trial(port, { identity: 'given', certificate: foreign.cert, key: foreign.key })).code).toBe(
    'tls-client-refused',
  );

  // And what is sent arrives.
  const file = dicomFile();
  const { dataset, datasetOffset, transferSyntax } = parseDicom(file);
  const [sopClassUid, sopInstanceUid] = [dataset.string(0x00080016)!, dataset.string(0x00080018)!];
  const association = await associate({
    ...(await remote.address(system)),
    contexts: [{ abstractSyntax: sopClassUid, transferSyntaxes: [transferSyntax] }],
  });
  const data = file.subarray(datasetOffset);
  const { status } = await association.store({ sopClassUid, sopInstanceUid, transferSyntax, data });
  expect(status).toBe(0);
  await association.release();
  expect(readdirSync(dir).some((name) => name.includes(sopInstanceUid))).toBe(true);
});

test('a peer of Node.js that demands one: without a word about it', async () => {
  const server = createDimseServer({
    acceptCaller: () => 'accept',
    services: [verification()],
    tls: { cert: hospital.cert, key: hospital.key, clientCa: hospital.ca },
  });
  const { port } = await server.listen(0, host);
  try {
    expect((await trial(port, {})).code).toBe('tls-client');
    expect((await trial(port, { identity: 'own' })).code).toBe('tls-client-refused');
    const issued = await ownClientCertificate(join(dir, 'hospital'));
    const given = { identity: 'given', certificate: issued.cert, key: issued.key } as const;
    expect((await trial(port, given)).code).toBe('ok');
  } finally {
    await server.close();
  }
});

test('a certificate of theirs that is over, not yet valid, for another name, or nobody’s', async () => {
  const codes = async (cert: { cert: string; key: string }, ca: string | null) => {
    const server = createDimseServer({ acceptCaller: () => 'accept', services: [verification()], tls: cert });
    const { port } = await server.listen(0, host);
    const { code, text } = await trial(port, { ca });
    await server.close();
    expect(text.fr.length).toBeGreaterThan(20);
    return code;
  };
  const names = ['localhost', host];
  const old = await ownCertificate(join(dir, 'old'), names, Date.now() - 500 * DAY);
  const early = await ownCertificate(join(dir, 'early'), names, Date.now() + 30 * DAY);
  expect(await codes(old, old.ca)).toBe('tls-expired');
  expect(await codes(early, early.ca)).toBe('tls-not-yet');
  expect(await codes(stranger, stranger.ca)).toBe('tls-name');
  expect(await codes(hospital, stranger.ca)).toBe('tls-certificate');
  expect(await codes(hospital, null)).toBe('tls-certificate');
  expect(await codes(hospital, hospital.ca)).toBe('ok');
});

test('the key is kept and used, never given back; one that cannot be right is refused', async () => {
  const issued = await ownClientCertificate(join(dir, 'hospital'));
  const given = { identity: 'given', certificate: issued.cert, key: issued.key } as const;
  const { system } = await trial(strict.port, given);
  expect(system).toMatchObject({ hasKey: true });
  expect(JSON.stringify([system, await remote.list()])).not.toContain('PRIVATE KEY');
  // Another change leaves it as it is.
  const changed = await remote.change(system.id, { name: 'Renamed' }, ADMIN);
  expect((await remote.tryOut(changed.id)).there.code).toBe('ok');
  await store.events.settled();
  const [event] = await store.events.page({});
  expect(event!.payload).toEqual({ aeTitle: 'STORESCP', fields: ['name'] });

  const refused = (form: Partial<NewRemote>) => remote.change(system.id, form, ADMIN);
  await expect(refused({ key: hospital.key })).rejects.toMatchObject({ details: { field: 'key' } });
  await expect(refused({ key: 'hello' })).rejects.toMatchObject({ details: { field: 'key' } });
  await expect(refused({ certificate: 'hello' })).rejects.toMatchObject({
    details: { field: 'certificate' },
  });
  // It ends while it is in use: said before anything is sent.
  time += 400 * DAY;
  expect((await remote.tryOut(system.id)).there.code).toBe('tls-client-expired');
  await expect(refused({ name: 'Again' })).rejects.toMatchObject({ details: { field: 'certificate' } });
  time -= 400 * DAY;
  expect((await refused({ tls: false })).hasKey).toBe(false);
});
