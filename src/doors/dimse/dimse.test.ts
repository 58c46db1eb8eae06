import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SEES_ALL } from '../../archive/index.ts';
import type { Archive } from '../../archive/index.ts';
import { bytesOf, dicomFile, principal } from '../../archive/testing.ts';
import { newUid, parseDicom } from '../../dicom/index.ts';
import { associate } from '../../wire/index.ts';
import { answerTo } from './index.ts';
import type { DimseDoor } from './index.ts';
import { type OpenDoor, openDoor } from './testing.ts';

const run = promisify(execFile);
const host = '127.0.0.1';
const DX = '1.2.840.10008.5.1.4.1.1.1.1';
const EXPLICIT = '1.2.840.10008.1.2.1';
const shared = (name: string) => fileURLToPath(new URL(`../../../../shared/dicom/${name}`, import.meta.url));

let opened: OpenDoor;
let dir: string;
let archive: Archive;
let door: DimseDoor;
const lines: string[] = [];
beforeEach(async () => {
  lines.length = 0;
  opened = await openDoor({ lines });
  ({ dir, archive, door } = opened);
});
afterEach(() => opened.close());

const associated = () =>
  associate({
    host,
    port: door.port,
    callingAe: 'MODALITY',
    calledAe: 'NEGATOSCOPE',
    contexts: [{ abstractSyntax: DX, transferSyntaxes: [EXPLICIT] }],
  });
const dataSet = (file: Buffer) => file.subarray(parseDicom(file).datasetOffset);

describe('the DICOM door', () => {
  it('echoes, and keeps what storescu sends: twice is once', async () => {
    const port = String(door.port);
    await run('echoscu', ['-aec', 'NEGATOSCOPE', host, port]);
    const file = shared('ct/ct-3slice_01.dcm');
    await run('storescu', ['-aet', 'CT1', host, port, file]);
    await run('storescu', ['-aet', 'CT1', host, port, file]);
    const uid = '1.2.392.200103.20080913.113635.2.2009.6.22.21.43.10.23431.1';
    expect(await archive.instance(uid, SEES_ALL)).toMatchObject({ rows: 512, columns: 512, frames: 1 });
    const path = join(dir, 'out.dcm');
    writeFileSync(path, await bytesOf(await archive.file(uid, SEES_ALL)));
    const { stdout } = await run('dcmdump', ['+P', '0002,0016', '+P', '0008,0018', path]);
    expect(stdout).toContain('[CT1]');
    expect(stdout).toContain(`[${uid}]`);
  });

  it('says by status and comment what it did not keep, and keeps it aside', async () => {
    const association = await associated();
    const sop = newUid();
    const file = dicomFile({ sop, rows: 64, columns: 64, patientName: 'Secret^Name' });
    const send = (data: Uint8Array, sopInstanceUid = sop) =>
      association.store({ sopClassUid: DX, sopInstanceUid, transferSyntax: EXPLICIT, data });
    expect(await send(dataSet(file))).toEqual({ status: 0 });
    expect(await send(dataSet(file))).toEqual({ status: 0 });
    expect(await send(dataSet(dicomFile({ sop, rows: 64, columns: 64, value: 9 })))).toEqual({
      status: 0x0111,
      comment: 'Kept in quarantine: conflict',
    });
    const other = newUid();
    const cut = dataSet(dicomFile({ sop: other, rows: 64, columns: 64 }));
    expect(await send(cut.subarray(0, cut.length - 2000), other)).toMatchObject({
      comment: expect.stringMatching(/^Kept in quarantine: (truncated|pixel-length)$/),
    });
    expect(await send(Buffer.alloc(0), newUid())).toEqual({ status: 0xc000, comment: 'Refused: empty' });
    await association.release();
    const kept = await archive.quarantine.list();
    expect(kept.map((row) => [row.door, row.from])).toEqual([
      ['dimse', 'MODALITY'],
      ['dimse', 'MODALITY'],
    ]);
    expect(lines.join('\n')).not.toContain('Secret');
  });

  it('refuses a title that may not send, and shows its knock', async () => {
    await archive.ae.refuse('STRANGER', principal('admin'));
    const args = ['-v', '-aet', 'STRANGER', host, String(door.port)];
    const failure = await run('echoscu', args).catch((error: { stderr: string }) => error);
    expect(failure.stderr).toContain('Calling AE Title Not Recognized');
    expect(await archive.ae.list()).toMatchObject([{ aeTitle: 'STRANGER', address: host, knocks: 1 }]);
    await archive.ae.admit('STRANGER', principal('admin'));
    await run('echoscu', args);
  });

  it('20 idle connections and 20 idle associations block nobody', async () => {
    const silent = Array.from({ length: 20 }, () => connect({ host, port: door.port }));
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    const idle = await Promise.all(Array.from({ length: 20 }, associated));
    const port = String(door.port);
    await run('echoscu', ['-to', '5', '-ta', '5', host, port]);
    await run('storescu', ['-to', '5', '-aet', 'CT1', host, port, shared('ct/ct-3slice_02.dcm')]);
    for (const association of idle) association.abort();
    for (const socket of silent) socket.destroy();
  });

  it('keeps nothing of an instance whose sender dies in the middle', async () => {
    const association = await associated();
    const sopInstanceUid = newUid();
    const data = dataSet(dicomFile({ sop: sopInstanceUid, rows: 1024, columns: 1024 }));
    async function* half() {
      yield data.subarray(0, 500_000);
      throw new Error('the modality lost power');
    }
    await expect(
      association.store({ sopClassUid: DX, sopInstanceUid, transferSyntax: EXPLICIT, data: half() }),
    ).rejects.toThrow('the modality lost power');
    await expect.poll(() => lines.some((line) => line.includes('dimse-aborted'))).toBe(true);
    expect(await archive.instance(sopInstanceUid, SEES_ALL)).toBeUndefined();
    expect(await archive.quarantine.list()).toEqual([]);
  });
});

describe('answerTo', () => {
  it('a full disk is out of resources: the sender may try again', () => {
    expect(answerTo({ status: 'refused', reason: 'disk-full', detail: '' }).status).toBe(0xa700);
  });
});
