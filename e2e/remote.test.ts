/** With another archive, as a user has it: sending by rule and by hand, asking, fetching, and what happens when either side dies. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Forward, PullRow, QueryLine, RemoteSystem, Trial } from '../src/doors/api/contract.ts';
import { freePort, orthancMissing, startOrthanc, type OrthancPeer } from '../src/wire/testing/peers.ts';
import {
  Client,
  firstAccount,
  newDir,
  PASSWORD,
  remove,
  SHARED,
  startServer,
  until,
  upload,
  worklist,
  type Row,
  type Server,
} from './harness.ts';

const folder = join(SHARED, 'mr-t1');
const slices = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.dcm'))
  .sort()
  .map((name) => join(folder, name));
const radiographs = readdirSync(join(SHARED, 'radiographs/dicom'))
  .filter((name) => name.endsWith('.dcm'))
  .sort()
  .map((name) => join(SHARED, 'radiographs/dicom', name));

describe.skipIf(orthancMissing)('with Orthanc', () => {
  let server: Server;
  let client: Client;
  let orthanc: OrthancPeer;
  let port: number;
  let system: RemoteSystem;
  const flags = () => ['--dicom-port', String(port)];

  beforeAll(async () => {
    port = await freePort();
    server = await startServer(newDir(), flags());
    client = await firstAccount(server);
    orthanc = await startOrthanc([{ aeTitle: 'NEGATOSCOPE', port }]);
    system = await client.json('POST', '/api/remotes', {
      name: 'Orthanc',
      aeTitle: 'ORTHANC',
      host: '127.0.0.1',
      port: orthanc.port,
      sendTo: true,
      queryFrom: true,
      moveTo: true,
    });
  });
  afterAll(async () => {
    await orthanc?.remove();
    await server?.stop();
    if (server) remove(server);
  });
  const forwards = () => client.json<Forward[]>('GET', '/api/forwards');
  const open = ({ state }: { state: string }) => state === 'waiting' || state === 'running';

  test('the trial works both ways', async () => {
    const trial = await client.json<Trial>('POST', `/api/remotes/${system.id}/echo`, {});
    expect(trial.there.ok && trial.here?.ok).toBe(true);
  });

  test('a rule sends what is complete; the receiver is down, and gets it when it is back', async () => {
    await orthanc.stop('SIGKILL');
    await client.json('POST', '/api/rules', {
      name: 'Everything',
      remoteId: system.id,
      occasion: 'complete',
      parts: ['images'],
      modality: 'DX',
    });
    await upload(client, radiographs[0]!);
    const [waiting] = await until(forwards, ([row]) => row?.text !== undefined && row.text !== null);
    expect(waiting!.text!.fr).toMatch(/arrêté, ou écoute à un autre port/);
    await orthanc.start();
    await client.json('POST', `/api/forwards/${waiting!.id}/again`, {});
    await until(forwards, ([row]) => row!.state === 'done');
    expect(await orthanc.instances()).toHaveLength(1);
  });

  test('a second Negatoscope takes a study by STOW-RS, with a token or with it as a password', async () => {
    const other = await startServer();
    try {
      const theirs = await firstAccount(other);
      const token = { name: 'sender', roles: ['technologist'] };
      const { token: secret } = await theirs.json<{ token: string }>('POST', '/api/tokens', token);
      const [{ study }] = (await worklist(client)) as [Row];
      const { studyUid } = study;
      const web = { kind: 'dicomweb', url: `${other.url}/dicom-web`, sendTo: true };
      const add = (form: object) => client.json<RemoteSystem>('POST', '/api/remotes', { ...web, ...form });
      const trial = (id: string) => client.json<Trial>('POST', `/api/remotes/${id}/echo`, {});
      const wrong = await add({ name: 'Wrong', auth: 'bearer', secret: 'nothing' });
      expect(await trial(wrong.id)).toMatchObject({ there: { code: 'web-credentials' }, here: null });
      const bearer = await add({ name: 'Bearer', auth: 'bearer', secret });
      const basic = await add({ name: 'Basic', auth: 'basic', user: 'sender', secret });
      for (const { id, hasSecret } of [bearer, basic]) {
        expect(hasSecret).toBe(true);
        expect((await trial(id)).there.code).toBe('ok');
        const { id: forward } = await client.json<Forward>('POST', `/api/studies/${studyUid}/forward`, {
          ...{ remoteId: id, parts: ['images'] },
        });
        await until(forwards, (rows) => rows.find((row) => row.id === forward)!.state === 'done');
      }
      expect((await theirs.call('GET', `/dicom-web/studies/${studyUid}/instances`)).status).toBe(200);
      expect(JSON.stringify(await client.json('GET', '/api/remotes'))).not.toContain(secret);
    } finally {
      await other.stop();
      remove(other);
    }
  });

  test('killed in the middle, it goes on: each slice arrives, and none is counted twice', async () => {
    const some = slices.slice(0, 120);
    const [first] = await upload(client, ...some);
    const before = (await orthanc.instances()).length;
    const sent = await client.json<Forward>('POST', `/api/studies/${first.studyUid}/forward`, {
      remoteId: system.id,
      parts: ['images'],
    });
    await until(
      () => orthanc.instances(),
      (uids) => uids.length > before,
      20_000,
    );
    await server.kill();
    server = await server.restart(flags());
    client = await new Client(server.url).login('anne', PASSWORD);
    const row = await until(
      async () => (await forwards()).find(({ id }) => id === sent.id)!,
      (each) => !open(each),
    );
    expect(row).toMatchObject({ state: 'done', total: some.length, sent: some.length });
    expect(await orthanc.instances()).toHaveLength(before + some.length);
  });

  test.each(['move', 'get'] as const)('asked and fetched by C-%s', async (way) => {
    // Of studies that are not here yet.
    const file = radiographs[way === 'move' ? 3 : 20]!;
    const posted = await fetch(`${orthanc.url}/instances`, { method: 'POST', body: readFileSync(file) });
    expect(posted.ok).toBe(true);
    // A title that Orthanc does not know is no destination.
    await client.json('PATCH', `/api/remotes/${system.id}`, {
      callingAe: way === 'move' ? null : 'STRANGER',
    });
    const answer = await client.call('POST', `/api/remotes/${system.id}/query`, { modality: 'DX' });
    const lines = (await answer.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as QueryLine);
    expect(lines.at(-1)).toEqual({ end: 'all' });
    const elsewhere = lines.flatMap((line) => ('study' in line && !line.study.here ? [line.study] : []));
    expect(elsewhere).toHaveLength(1);
    const { studyUid, patientName, patientId } = elsewhere[0]!;
    await client.json('POST', `/api/remotes/${system.id}/pulls`, {
      studies: [{ studyUid, patientName, patientId }],
    });
    const [row] = await until(
      () => client.json<PullRow[]>('GET', '/api/pulls'),
      ([each]) => !open(each!),
    );
    expect(row).toMatchObject({ state: 'done', via: way, total: 1, received: 1 });
    const rows = await client.json<Record<string, { Value: string[] }>[]>(
      'GET',
      `/dicom-web/studies/${studyUid}/instances`,
    );
    expect(rows).toHaveLength(1);
  });
});
