/** What leaves: to a receiver that is there, down, back again, full; by hand and by rule; and what never leaves. */
import { createHash } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { type Archive, archiveMigrations, createArchive } from '../../archive/index.ts';
import { bytesOf, chunks, dicomFile, principal, silentLog } from '../../archive/testing.ts';
import { newUid, parseDicom } from '../../dicom/index.ts';
import type { Log } from '../../log.ts';
import { createRemote, remoteMigrations, type Remote } from '../../remote/index.ts';
import { eachStore } from '../../store/testing.ts';
import type { Store } from '../../store/types.ts';
import { createDimseServer, storage, type DimseServer, type StoreAnswer } from '../../wire/index.ts';
import { freePort } from '../../wire/testing/peers.ts';
import { createForwarding, deliveryMigrations } from './index.ts';
import { applies } from './rules.ts';
import { waitingOn } from './testing.ts';
import type { Forwarding, Rule, RuleForm } from './types.ts';

const ADMIN = principal('admin');
const log = { ...silentLog, debug() {} } as unknown as Log;
const here = async () => ({ aeTitle: 'NEGATOSCOPE', port: 11112, network: false });
const ownCertificate = () => Promise.reject(new Error('Nobody asks for it here'));
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

eachStore((_label, make) => {
  let store: Store;
  let archive: Archive;
  let remote: Remote;
  let forwarding: Forwarding;
  let port: number;
  let routine: boolean;
  let server: DimseServer | undefined;
  let taken: { uid: string; hash: string }[];
  let answer: (uid: string) => StoreAnswer;
  let remoteId: string;

  const listen = async () => {
    server = createDimseServer({
      acceptCaller: () => 'accept',
      services: [
        storage({
          async onStore({ sopInstanceUid }, body) {
            const bytes = await bytesOf(body);
            const verdict = answer(sopInstanceUid);
            if (verdict.status === 0) taken.push({ uid: sopInstanceUid, hash: sha(bytes) });
            return verdict;
          },
        }),
      ],
    });
    await server.listen(port, '127.0.0.1');
  };

  beforeEach(async () => {
    store = await make({ migrations: [...archiveMigrations, ...remoteMigrations, ...deliveryMigrations] });
    archive = createArchive({ store, log: silentLog, settings: { silenceMs: 200 } });
    remote = createRemote({ store, archive, here, log, ownCertificate });
    routine = false;
    taken = [];
    answer = () => ({ status: 0 });
    forwarding = createForwarding({
      store,
      archive,
      remote,
      log,
      isRoutine: async () => routine,
      pause: () => 150,
    });
    port = await freePort();
    const system = {
      name: 'PACS',
      aeTitle: 'PACS',
      host: '127.0.0.1',
      port,
      sendTo: true,
    };
    ({ id: remoteId } = await remote.add(system, ADMIN));
    return async () => server?.close();
  });

  const study = newUid();
  const put = async (
    file: Buffer,
    kind: 'image' | 'ai' | 'report' = 'image',
    door: 'dimse' | 'assist' | 'reading' = 'dimse',
  ) => {
    const outcome = await archive.ingest(
      chunks(file),
      { door, from: door === 'dimse' ? 'CT1' : 'x' },
      { kind, ...(kind === 'ai' ? { aiRunId: 'run-1' } : {}) },
    );
    expect(outcome.status).toBe('stored');
    const { dataset, datasetOffset } = parseDicom(file);
    return { uid: dataset.string(0x00080018)!, hash: sha(file.subarray(datasetOffset)) };
  };
  const images = async (count: number) => {
    const all = [];
    for (let n = 0; n < count; n++) all.push(await put(dicomFile({ study, value: n })));
    return all;
  };
  const { until, ended } = waitingOn(() => forwarding);
  const byUid = <T extends { uid: string }>(rows: T[]): T[] =>
    rows.toSorted((a, b) => (a.uid < b.uid ? -1 : 1));

  test('by hand: byte for byte, once; again only when somebody asks for it', async () => {
    const sent = await images(5);
    await listen();
    forwarding.start();
    await forwarding.send(study, remoteId, ['images'], ADMIN);
    expect(await ended()).toMatchObject({ state: 'done', total: 5, sent: 5, text: null });
    expect(byUid(taken)).toEqual(byUid(sent));
    await forwarding.send(study, remoteId, ['images'], ADMIN);
    expect(await ended()).toMatchObject({ state: 'done', sent: 5 });
    expect(taken).toHaveLength(5);
    const [last] = await forwarding.list();
    await forwarding.again(last!.id, ADMIN);
    await until(({ state }) => state === 'done' && taken.length === 10);
    await expect(forwarding.send('1.2.3', remoteId, ['images'], ADMIN)).rejects.toMatchObject({
      code: 'study-not-found',
    });
    await expect(forwarding.send(study, remoteId, ['images'], principal('viewer'))).rejects.toMatchObject({
      code: 'forbidden',
    });
  });

  test('a receiver that is down, back, and falls over in the middle gets each instance once', async () => {
    const sent = await images(8);
    forwarding.start();
    await forwarding.send(study, remoteId, ['images'], ADMIN);
    const waiting = await until(({ text }) => text !== null);
    expect(waiting.text!.en).toMatch(/stopped/);
    expect(waiting.nextAt).toBeGreaterThan(waiting.createdAt);
    let count = 0;
    // Full after three, then it goes on.
    answer = () => (++count === 4 ? { status: 0xa700 } : { status: 0 });
    await listen();
    expect(await ended()).toMatchObject({ state: 'done', total: 8, sent: 8 });
    expect(byUid(taken)).toEqual(byUid(sent));
  });

  test('what is refused is named, and does not hold up the rest', async () => {
    const [first] = await images(3);
    answer = (uid) => (uid === first!.uid ? { status: 0xa900 } : { status: 0 });
    await listen();
    forwarding.start();
    await forwarding.send(study, remoteId, ['images'], ADMIN);
    const row = await ended();
    expect(row).toMatchObject({ state: 'partial', total: 3, sent: 2 });
    expect(row.failed).toMatchObject([{ sopInstanceUid: first!.uid, text: { en: /kind of images/ } }]);
    expect(taken).toHaveLength(2);
  });

  test('stopped by a person it stays stopped; it can begin again', async () => {
    await images(2);
    forwarding.start();
    const { id } = await forwarding.send(study, remoteId, ['images'], ADMIN);
    await until(({ text }) => text !== null);
    await forwarding.cancel(id, ADMIN);
    await listen();
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await ended()).toMatchObject({ state: 'cancelled' });
    expect(taken).toEqual([]);
    await forwarding.again(id, ADMIN);
    expect(await ended()).toMatchObject({ state: 'done', sent: 2 });
  });

  test('no result of AI leaves before its tool is in routine, by hand or by rule', async () => {
    await images(1);
    const ai = await put(dicomFile({ study }), 'ai', 'assist');
    const report = await put(dicomFile({ study }), 'report', 'reading');
    await listen();
    forwarding.start();
    await forwarding.addRule(rule({ occasion: 'ai', parts: ['ai'] }), ADMIN);
    const finished = () =>
      store.write((tx) => store.events.append(tx, { kind: 'assist.run.finished', studyUid: study }));
    await finished();
    await forwarding.send(study, remoteId, ['images', 'report', 'ai'], ADMIN);
    expect(await ended()).toMatchObject({ state: 'done', total: 2, sent: 2 });
    await store.events.settled();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(taken.map(({ uid }) => uid)).not.toContain(ai.uid);
    expect(taken.map(({ uid }) => uid)).toContain(report.uid);
    expect(await forwarding.list()).toHaveLength(1);
    routine = true;
    await finished();
    await until(({ ruleName, state }) => ruleName === 'To the PACS' && state === 'done');
    expect(taken.map(({ uid }) => uid)).toContain(ai.uid);
  });

  test('a rule sends a complete study, and what came late, once', async () => {
    await archive.start();
    await listen();
    forwarding.start();
    await forwarding.addRule(rule({ sourceAe: 'CT1', modality: 'dx', bodyPart: 'wrist' }), ADMIN);
    await forwarding.addRule(rule({ name: 'Other sender', sourceAe: 'MR1' }), ADMIN);
    await images(3);
    expect(await ended()).toMatchObject({ state: 'done', ruleName: 'To the PACS', total: 3, sent: 3 });
    const late = await put(dicomFile({ study }));
    await until(({ state, total }) => state === 'done' && total === 4);
    expect(taken).toHaveLength(4);
    expect(taken.at(-1)).toEqual(late);
  });

  test('what came from a system is not sent back to it by rule', async () => {
    await archive.start();
    await listen();
    await remote.change(remoteId, { aeTitle: 'CT1' }, ADMIN);
    forwarding.start();
    await forwarding.addRule(rule({}), ADMIN);
    await images(2);
    const ours = dicomFile({ study });
    await archive.ingest(chunks(ours), { door: 'upload', from: 'anne' });
    expect(await ended()).toMatchObject({ state: 'done', total: 3, sent: 3 });
    expect(taken.map(({ uid }) => uid)).toEqual([parseDicom(ours).dataset.string(0x00080018)]);
  });

  function rule(part: Partial<RuleForm>): RuleForm {
    return {
      name: 'To the PACS',
      remoteId,
      occasion: 'complete',
      parts: ['images'],
      modality: '',
      bodyPart: '',
      sourceAe: '',
      enabled: true,
      ...part,
    };
  }
});

test('a rule applies where all that it names holds', () => {
  const rule = { modality: '', bodyPart: '', sourceAe: '', enabled: true } as Rule;
  const facts = { modalities: ['CT', 'SR'], bodyParts: ['LOWER LEG'], senders: ['CT1'] };
  expect(applies(rule, facts)).toBe(true);
  expect(applies({ ...rule, enabled: false }, facts)).toBe(false);
  expect(applies({ ...rule, modality: 'CT', bodyPart: 'LOWERLEG', sourceAe: 'CT1' }, facts)).toBe(true);
  expect(applies({ ...rule, modality: 'MR' }, facts)).toBe(false);
  expect(applies({ ...rule, bodyPart: 'LEG' }, facts)).toBe(false);
  expect(applies({ ...rule, sourceAe: 'CT' }, facts)).toBe(false);
});
