import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { beforeEach, expect, test } from 'vitest';
import { type Archive, archiveMigrations, createArchive } from '../archive/index.ts';
import type { Log } from '../log.ts';
import { principal, silentLog } from '../archive/testing.ts';
import { eachStore } from '../store/testing.ts';
import type { Store } from '../store/types.ts';
import { ownCertificate } from '../authority.ts';
import { createDimseServer, verification } from '../wire/index.ts';
import { freePort } from '../wire/testing/peers.ts';
import { BLANK, checked } from './form.ts';
import { createRemote, remoteMigrations, type Remote, type RemoteForm } from './index.ts';

const ADMIN = principal('admin');
const PACS = {
  ...BLANK,
  name: 'Hôpital',
  aeTitle: 'PACS',
  host: 'pacs.example',
  port: 104,
  sendTo: true,
  queryFrom: true,
  moveTo: true,
};

eachStore((_label, make) => {
  let store: Store;
  let archive: Archive;
  let remote: Remote;
  beforeEach(async () => {
    store = await make({ migrations: [...archiveMigrations, ...remoteMigrations] });
    archive = createArchive({ store, log: silentLog });
    remote = createRemote({
      store,
      archive,
      log: silentLog as unknown as Log,
      here: async () => ({ aeTitle: 'NEGATOSCOPE', port: 11112, network: false }),
      ownCertificate: () => Promise.reject(new Error('Nobody asks for it here')),
    });
  });

  test('added, changed, found, removed; each told to the log without more than was changed', async () => {
    const added = await remote.add({ ...PACS, name: ' Hôpital ', host: '[::1]' }, ADMIN);
    const { key: _, secret: __, ...shown } = PACS;
    expect(added).toMatchObject({ ...shown, host: '::1', hasKey: false });
    expect(await remote.list()).toEqual([added]);
    const changed = await remote.change(added.id, { port: 11112, enabled: false }, ADMIN);
    expect(await remote.get(added.id)).toEqual(changed);
    expect(await remote.change(added.id, { port: 11112 }, ADMIN)).toEqual(changed);
    expect((await remote.find('hôpital')).id).toBe(added.id);
    expect((await remote.find('PACS')).id).toBe(added.id);
    await remote.remove(added.id, ADMIN);
    await expect(remote.get(added.id)).rejects.toMatchObject({ code: 'remote-unknown' });
    await store.events.settled();
    expect((await archive.ae.list()).map(({ aeTitle, state }) => [aeTitle, state])).toEqual([
      ['PACS', 'admitted'],
    ]);
    const events = (await store.events.page({})).filter(({ kind }) => kind.startsWith('remote.'));
    expect(events.map(({ kind }) => kind)).toEqual([
      'remote.system.removed',
      'remote.system.changed',
      'remote.system.added',
    ]);
    expect(events[1]!.payload).toEqual({ aeTitle: 'PACS', fields: ['port', 'enabled'] });
  });

  test('a C-MOVE finds its destination by title, unless it is switched off or not meant for it', async () => {
    const { id } = await remote.add(PACS, ADMIN);
    expect((await remote.destinationOf('PACS '))?.host).toBe('pacs.example');
    expect(await remote.destinationOf('pacs')).toBeUndefined();
    await remote.change(id, { enabled: false }, ADMIN);
    expect(await remote.destinationOf('PACS')).toBeUndefined();
    await remote.change(id, { enabled: true, moveTo: false }, ADMIN);
    expect(await remote.destinationOf('PACS')).toBeUndefined();
  });

  test('two of one name, or two destinations of one title, are refused', async () => {
    await remote.add(PACS, ADMIN);
    await expect(remote.add({ ...PACS, name: 'HÔPITAL', aeTitle: 'X' }, ADMIN)).rejects.toMatchObject({
      code: 'remote-name-taken',
    });
    await expect(remote.add({ ...PACS, name: 'Other' }, ADMIN)).rejects.toMatchObject({
      code: 'remote-title-taken',
    });
    const other = await remote.add({ ...PACS, name: 'Other', moveTo: false }, ADMIN);
    await expect(remote.change(other.id, { moveTo: true }, ADMIN)).rejects.toMatchObject({
      code: 'remote-title-taken',
    });
  });

  test('a trial says what is wrong on either side', async () => {
    const there = async (form: Partial<RemoteForm>) => {
      const { id } = await remote.add({ ...PACS, moveTo: false, ...form }, ADMIN);
      const trial = await remote.tryOut(id);
      await remote.remove(id, ADMIN);
      return [trial.there.code, trial.here!.code];
    };
    const port = await freePort();
    expect(await there({ host: 'nobody.invalid' })).toEqual(['name', 'local-only']);
    expect(await there({ host: '127.0.0.1', port })).toEqual(['refused', 'admitted']);
    const server = createDimseServer({
      acceptCaller: ({ callingAe, calledAe }) =>
        callingAe !== 'NEGATOSCOPE'
          ? 'calling-ae-not-recognized'
          : calledAe !== 'PACS'
            ? 'called-ae-not-recognized'
            : 'accept',
      services: [verification()],
    });
    await server.listen(port, '127.0.0.1');
    try {
      const at = { host: '127.0.0.1', port };
      expect(await there(at)).toEqual(['ok', 'admitted']);
      expect(await there({ ...at, callingAe: 'OTHER' })).toEqual(['calling-ae', 'admitted']);
      expect(await there({ ...at, aeTitle: 'PACS2' })).toEqual(['called-ae', 'admitted']);
      expect(await there({ ...at, tls: true })).toEqual(['tls-none', 'admitted']);
    } finally {
      await server.close();
    }
  });

  test('a trial finds TLS where it was not asked for', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'negatoscope-remote-'));
    const server = createTlsServer(await ownCertificate(dir), (socket) => socket.on('error', () => {}));
    server.on('tlsClientError', () => {}).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { id } = await remote.add({ ...PACS, host: '127.0.0.1', port }, ADMIN);
    expect((await remote.tryOut(id)).there.code).toBe('tls-wanted');
    server.close();
    rmSync(dir, { recursive: true });
  });

  test('only an administrator changes it', async () => {
    await expect(remote.add(PACS, principal('reader'))).rejects.toMatchObject({ code: 'forbidden' });
  });
});

test('a form that cannot be right names its field', async () => {
  const bad: [Partial<RemoteForm>, keyof RemoteForm][] = [
    [{ name: ' ' }, 'name'],
    [{ aeTitle: 'seventeen letters' }, 'aeTitle'],
    [{ aeTitle: 'BÂTIMENT' }, 'aeTitle'],
    [{ aeTitle: '  ' }, 'aeTitle'],
    [{ callingAe: 'A\\B' }, 'callingAe'],
    [{ host: 'http://pacs' }, 'host'],
    [{ host: 'pacs:104' }, 'host'],
    [{ host: '' }, 'host'],
    [{ port: 0 }, 'port'],
    [{ port: 1.5 }, 'port'],
    [{ tls: true, ca: 'hello' }, 'ca'],
    [{ tls: true, ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' }, 'ca'],
  ];
  for (const [part, field] of bad)
    expect(() => checked({ ...PACS, ...part }), field).toThrow(
      expect.objectContaining({ code: 'remote-form', details: { field } }),
    );
  for (const host of ['10.0.0.5', 'pacs', 'pacs-1.chu.example.', 'srv_pacs', 'fe80::1', 'hôpital.fr'])
    expect(checked({ ...PACS, host }).host).toBe(host);
  const dir = mkdtempSync(join(tmpdir(), 'negatoscope-remote-'));
  const { ca } = await ownCertificate(dir);
  rmSync(dir, { recursive: true });
  expect(checked({ ...PACS, tls: true, ca }).ca).toBe(ca.trim());
});

test('a password or token leaves by https alone, but for a service on this computer', () => {
  const web = { ...PACS, kind: 'dicomweb', auth: 'bearer', secret: 'a token' } as const;
  for (const host of ['pacs.example', '127.example.com', '127.0.0.1.example.com', '10.0.0.5', '[::2]'])
    expect(() => checked({ ...web, url: `http://${host}/dicom-web` }), host).toThrow(
      expect.objectContaining({ code: 'remote-form', details: { field: 'url' } }),
    );
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '[::1]'])
    expect(checked({ ...web, url: `http://${host}/dicom-web` }).secret).toBe('a token');
  expect(checked({ ...web, url: 'https://127.example.com/dicom-web' }).secret).toBe('a token');
});
