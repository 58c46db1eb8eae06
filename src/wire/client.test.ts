import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { associate } from './client.ts';
import { VERIFICATION } from './policy.ts';

const ct = fileURLToPath(new URL('../../../shared/dicom/ct/ct-3slice_01.dcm', import.meta.url));
const CT = '1.2.840.10008.5.1.4.1.1.2';
const EXPLICIT = '1.2.840.10008.1.2.1';
const IMPLICIT = '1.2.840.10008.1.2';
const host = '127.0.0.1';

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, host);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

describe('against DCMTK storescp', () => {
  let dir: string;
  let port: number;
  let storescp: ChildProcess;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'negatoscope-storescp-'));
    port = await freePort();
    storescp = spawn('storescp', ['-od', dir, '--bit-preserving', String(port)], { stdio: 'ignore' });
    const open = () =>
      new Promise<boolean>((resolve) => {
        const socket = connect({ host, port }, () => socket.destroy() && resolve(true));
        socket.on('error', () => resolve(false));
      });
    while (!(await open())) await new Promise((resolve) => setTimeout(resolve, 50));
  });
  afterAll(() => {
    storescp.kill();
    rmSync(dir, { recursive: true, force: true });
  });

  it('echo and store, from memory and as a stream: the file there has our data set', async () => {
    const file = readFileSync(ct);
    const offset = 144 + file.readUInt32LE(140);
    const association = await associate({
      host,
      port,
      callingAe: 'NEGATOSCOPE',
      calledAe: 'ANY-SCP',
      contexts: [
        { abstractSyntax: VERIFICATION, transferSyntaxes: [IMPLICIT] },
        { abstractSyntax: CT, transferSyntaxes: [IMPLICIT] },
      ],
    });
    expect(await association.echo()).toEqual({ status: 0 });
    const uids = ['1.2.3.4.1', '1.2.3.4.2'];
    const inputs = [file.subarray(offset), createReadStream(ct, { start: offset, highWaterMark: 10_001 })];
    for (const [i, data] of inputs.entries()) {
      const sopInstanceUid = uids[i]!;
      expect(
        await association.store({ sopClassUid: CT, sopInstanceUid, transferSyntax: IMPLICIT, data }),
      ).toEqual({ status: 0 });
    }
    await association.release();
    const written = readdirSync(dir).sort();
    expect(written).toHaveLength(2);
    for (const name of written) {
      const kept = readFileSync(join(dir, name));
      expect(kept.subarray(-(file.length - offset)).equals(file.subarray(offset))).toBe(true);
      expect(execFileSync('dcmdump', ['+P', '0002,0010', join(dir, name)]).toString()).toContain(
        'LittleEndianImplicit',
      );
    }
  });

  it('says so when the peer does not take the SOP class', async () => {
    const association = await associate({
      host,
      port,
      callingAe: 'A',
      calledAe: 'B',
      contexts: [{ abstractSyntax: VERIFICATION, transferSyntaxes: [IMPLICIT] }],
    });
    const store = async () =>
      association.store({
        sopClassUid: CT,
        sopInstanceUid: '1',
        transferSyntax: EXPLICIT,
        data: Buffer.alloc(2),
      });
    await expect(store()).rejects.toMatchObject({ code: 'dimse-no-context' });
    expect(await association.echo()).toEqual({ status: 0 });
    await association.release();
  });
});

describe('bad peers', () => {
  const options = {
    host,
    callingAe: 'A',
    calledAe: 'B',
    contexts: [{ abstractSyntax: VERIFICATION, transferSyntaxes: [IMPLICIT] }],
    limits: { artimMs: 200 },
  };
  it('silence, garbage, a close and nobody at all are told apart', async () => {
    const answer = async (reply: (socket: import('node:net').Socket) => void) => {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        reply(socket);
      }).listen(0, host);
      await once(server, 'listening');
      try {
        await associate({ ...options, port: (server.address() as AddressInfo).port });
        return 'associated';
      } catch (error) {
        return (error as { code: string }).code;
      } finally {
        server.close();
      }
    };
    expect(await answer(() => {})).toBe('dimse-timeout');
    expect(await answer((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))).toBe('dimse-pdu');
    expect(await answer((socket) => socket.end())).toBe('dimse-closed');
    expect(await answer((socket) => socket.end(Buffer.from('07000000000400000200', 'hex')))).toBe(
      'dimse-aborted',
    );
    await expect(associate({ ...options, port: await freePort() })).rejects.toMatchObject({
      code: 'dimse-unreachable',
    });
  });
});
