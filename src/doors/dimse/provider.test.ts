/** Storage commitment, receipts and TLS at the DICOM door. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Archive } from '../../archive/index.ts';
import { chunks, dicomFile, principal } from '../../archive/testing.ts';
import { newUid, parseDicom, TAG } from '../../dicom/index.ts';
import type { Store } from '../../store/types.ts';
import { ownCertificate } from '../../authority.ts';
import {
  acceptAnyCaller,
  acceptKnownSyntax,
  associate,
  COMMAND,
  createDimseServer,
  STORAGE_COMMITMENT,
  verification,
} from '../../wire/index.ts';
import type { Destination, DimseDoor } from './index.ts';
import { readDataSet } from './identifier.ts';
import { type OpenDoor, openDoor } from './testing.ts';

const run = promisify(execFile);
const host = '127.0.0.1';
const DX = '1.2.840.10008.5.1.4.1.1.1.1';
const EXPLICIT = '1.2.840.10008.1.2.1';
const ct = fileURLToPath(new URL('../../../../shared/dicom/ct/ct-3slice_01.dcm', import.meta.url));

let opened: OpenDoor;
let dir: string;
let store: Store;
let archive: Archive;
let door: DimseDoor;
const lines: string[] = [];
const destinations = new Map<string, Destination>();
const [kept, ai] = [newUid(), newUid()];

beforeAll(async () => {
  opened = await openDoor({ lines, destinations, tls: true });
  ({ dir, store, archive, door } = opened);
  const origin = { door: 'stow', from: 'test' } as const;
  await archive.ingest(chunks(dicomFile({ sop: kept, patientName: 'Secret^Name' })), origin);
  await archive.ingest(chunks(dicomFile({ sop: ai })), origin, { kind: 'ai', aiRunId: 'run-1' });
});
afterAll(() => opened.close());

const asking = (callingAe: string) =>
  associate({
    host,
    port: door.port,
    callingAe,
    calledAe: 'NEGATOSCOPE',
    contexts: [{ abstractSyntax: STORAGE_COMMITMENT, transferSyntaxes: [EXPLICIT] }],
  });

describe('storage commitment', () => {
  it('is told on the same association, for what is here alone', async () => {
    const association = await asking('MODALITY');
    const missing = newUid();
    const transactionUid = newUid();
    const all = [kept, missing, ai].map((sopInstanceUid) => ({ sopClassUid: DX, sopInstanceUid }));
    const wrongClass = { sopClassUid: '1.2.840.10008.5.1.4.1.1.2', sopInstanceUid: kept };
    const { status, result } = await association.commit(transactionUid, [...all, wrongClass], 20_000);
    expect(status).toBe(0);
    expect(result).toEqual({
      transactionUid,
      committed: [kept],
      failed: [
        { sopInstanceUid: missing, reason: 0x0112 },
        { sopInstanceUid: ai, reason: 0x0112 }, // as if it were not there
        { sopInstanceUid: kept, reason: 0x0119 },
      ],
    });
    const sound = await association.commit(newUid(), [all[0]!], 20_000);
    expect(sound.result).toMatchObject({ committed: [kept], failed: [] });
    await association.release();
  });

  it('refuses what is no request', async () => {
    const association = await asking('MODALITY');
    expect(await association.commit('', [{ sopClassUid: DX, sopInstanceUid: kept }])).toMatchObject({
      status: 0x0115,
    });
    expect(await association.commit(newUid(), [])).toMatchObject({ status: 0x0115 });
    await association.release();
  });

  it('calls back when the association was released, once it is known where, again until it is heard', async () => {
    const association = await asking('BACK');
    const transactionUid = newUid();
    await association.commit(transactionUid, [{ sopClassUid: DX, sopInstanceUid: kept }]);
    await association.release();
    // Nobody knows yet where it is: the first attempt fails.
    await expect
      .poll(async () => (await store.jobs.counts())['commitment']?.waiting, { timeout: 10_000 })
      .toBe(1);
    const heard: string[] = [];
    const server = createDimseServer({
      acceptCaller: acceptAnyCaller,
      services: [
        {
          name: 'commitment',
          accepts: (context, role) =>
            context.abstractSyntax === STORAGE_COMMITMENT && role?.scp
              ? acceptKnownSyntax(context)
              : undefined,
          peerMayProvide: true,
          handlers: {
            [COMMAND.eventReportRq]: async ({ command, data, context }) => {
              const dataset = await readDataSet(data, context.transferSyntax);
              heard.push(`${command.EventTypeID} ${dataset.string(TAG.TransactionUID)}`);
              return { status: 0 };
            },
          },
        },
      ],
    });
    destinations.set('BACK', { host, port: (await server.listen(0, host)).port });
    try {
      await expect.poll(() => heard, { timeout: 20_000 }).toEqual([`1 ${transactionUid}`]);
    } finally {
      await server.close();
    }
  }, 40_000);
});

describe('receipts', () => {
  it('say what was offered, kept and refused, and no names', async () => {
    const association = await associate({
      host,
      port: door.port,
      callingAe: 'SENDER',
      calledAe: 'NEGATOSCOPE',
      contexts: [
        { abstractSyntax: DX, transferSyntaxes: [EXPLICIT] },
        { abstractSyntax: '1.2.840.10008.5.1.4.31', transferSyntaxes: [EXPLICIT] },
      ],
    });
    const good = dicomFile({ patientName: 'Secret^Name' });
    const sop = parseDicom(good).dataset.string(TAG.SOPInstanceUID)!;
    const send = (file: Buffer, sopInstanceUid: string) =>
      association.store({
        sopClassUid: DX,
        sopInstanceUid,
        transferSyntax: EXPLICIT,
        data: file.subarray(parseDicom(file).datasetOffset),
      });
    await send(good, sop);
    await send(dicomFile({ sop, value: 9, patientName: 'Secret^Name' }), sop);
    await association.release();
    const mine = async () =>
      (await archive.receipts.list({})).find(({ callingAe }) => callingAe === 'SENDER');
    await expect.poll(mine).toBeDefined();
    expect(await mine()).toMatchObject({
      calledAe: 'NEGATOSCOPE',
      address: host,
      tls: false,
      outcome: 'released',
      contexts: [
        { abstractSyntax: DX, result: 0 },
        { abstractSyntax: '1.2.840.10008.5.1.4.31', result: 3 },
      ],
      answers: { 'C-STORE 0000': 1, 'C-STORE 0111': 1 },
      refused: [{ sopInstanceUid: sop, status: 0x0111, comment: 'Kept in quarantine: conflict' }],
    });
    expect(JSON.stringify(await archive.receipts.list({}))).not.toContain('Secret');
  });

  it('of a machine that only echoes or is refused there is one, its latest', async () => {
    await archive.ae.refuse('STRANGER', principal('admin'));
    const port = String(door.port);
    for (let i = 0; i < 3; i++) {
      await run('echoscu', ['-aet', 'ECHO', host, port]);
      await run('echoscu', ['-aet', 'STRANGER', host, port]).catch(() => undefined);
    }
    const of = async (title: string) =>
      (await archive.receipts.list({})).filter(({ callingAe }) => callingAe === title);
    await expect.poll(() => of('STRANGER')).toMatchObject([{ outcome: 'rejected', reason: '1/1/3' }]);
    expect(await of('ECHO')).toMatchObject([{ outcome: 'released', answers: { 'C-ECHO 0000': 1 } }]);
  });
});

describe('TLS', () => {
  it('takes images from DCMTK by TLS, with the certificate of the practice, and no plain association', async () => {
    const ca = join(dir, 'tls', 'ca.crt');
    const port = String(door.tlsPort);
    await run('storescu', ['+tla', '+cf', ca, '-aet', 'SECURE', host, port, ct]);
    const of = async () => (await archive.receipts.list({})).find(({ callingAe }) => callingAe === 'SECURE');
    await expect.poll(of).toMatchObject({ tls: true, answers: { 'C-STORE 0000': 1 } });
    await expect(run('echoscu', ['-to', '5', '-ta', '5', host, port])).rejects.toThrow();
  });

  it('asks for a client certificate where that is set', async () => {
    const { cert, key, ca } = await ownCertificate(dir);
    const [clientKey, clientCert] = [join(dir, 'client.key'), join(dir, 'client.crt')];
    await run('openssl', [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=modality'],
      ...['-keyout', clientKey, '-out', clientCert],
    ]);
    const server = createDimseServer({
      acceptCaller: acceptAnyCaller,
      services: [verification()],
      tls: { cert, key, clientCa: readFileSync(clientCert, 'utf8') },
    });
    const { port } = await server.listen(0, host);
    const contexts = [{ abstractSyntax: DX, transferSyntaxes: [EXPLICIT] }];
    const without = associate({ host, port, callingAe: 'A', calledAe: 'B', contexts, tls: { ca } });
    await expect(without).rejects.toMatchObject({ code: expect.stringMatching(/^dimse-/) as string });
    const authority = join(dir, 'tls', 'ca.crt');
    await run('echoscu', ['+tls', clientKey, clientCert, '+cf', authority, host, String(port)]);
    await server.close();
  });
});
