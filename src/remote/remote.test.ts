import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { principal } from '../archive/testing.ts';
import { eachStore } from '../store/testing.ts';
import type { Store } from '../store/types.ts';
import { ownCertificate } from '../tls.ts';
import { createRemote, remoteMigrations, type Remote, type RemoteForm } from './index.ts';

const ADMIN = principal('admin');
const PACS: RemoteForm = {
  name: 'Hôpital',
  aeTitle: 'PACS',
  host: 'pacs.example',
  port: 104,
  tls: false,
  ca: null,
  callingAe: null,
  sendTo: true,
  queryFrom: true,
  moveTo: true,
  enabled: true,
};

eachStore((_label, make) => {
  let store: Store;
  let remote: Remote;
  beforeEach(async () => {
    store = await make({ migrations: remoteMigrations });
    remote = createRemote({ store });
  });

  test('added, changed, found, removed; each told to the log without more than was changed', async () => {
    const added = await remote.add({ ...PACS, name: ' Hôpital ', host: '[::1]' }, ADMIN);
    expect(added).toMatchObject({ ...PACS, host: '::1' });
    expect(await remote.list()).toEqual([added]);
    const changed = await remote.change(added.id, { port: 11112, enabled: false }, ADMIN);
    expect(await remote.get(added.id)).toEqual(changed);
    expect(await remote.change(added.id, { port: 11112 }, ADMIN)).toEqual(changed);
    expect((await remote.find('hôpital')).id).toBe(added.id);
    expect((await remote.find('PACS')).id).toBe(added.id);
    await remote.remove(added.id, ADMIN);
    await expect(remote.get(added.id)).rejects.toMatchObject({ code: 'remote-unknown' });
    await store.events.settled();
    const events = await store.events.page({});
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

  test('only an administrator changes it', async () => {
    await expect(remote.add(PACS, principal('reader'))).rejects.toMatchObject({ code: 'forbidden' });
  });
});

test('a form that cannot be right names its field', async () => {
  const { checked } = await import('./form.ts');
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
