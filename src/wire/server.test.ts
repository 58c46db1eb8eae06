import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { associate } from './client.ts';
import { decodeCommand, encodeCommand } from './command.ts';
import { decodeAssociateAccept, encodeAssociateRequest, writeDataHeader } from './pdu.ts';
import type { ProposedContext } from './pdu.ts';
import { acceptAnyCaller, isStorageClass, VERIFICATION } from './policy.ts';
import { createDimseServer } from './server.ts';
import type { DimseServer, DimseServerOptions } from './server.ts';
import { storage, verification } from './service.ts';
import type { StorageOptions, StoreRequest } from './service.ts';

const run = promisify(execFile);
const ct = fileURLToPath(new URL('../../../shared/dicom/ct/ct-3slice_01.dcm', import.meta.url));
const CT = '1.2.840.10008.5.1.4.1.1.2';
const EXPLICIT = '1.2.840.10008.1.2.1';
const host = '127.0.0.1';

let servers: DimseServer[] = [];
let sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.map((server) => server.close(0)));
  servers = [];
  sockets = [];
});

interface Received {
  request: StoreRequest;
  body: Buffer;
}
async function serve({
  onStore,
  ...options
}: Partial<DimseServerOptions> & { onStore?: StorageOptions['onStore'] } = {}) {
  const received: Received[] = [];
  const errors: string[] = [];
  const server = createDimseServer({
    acceptCaller: acceptAnyCaller,
    services: [
      verification(),
      storage({
        onStore:
          onStore ??
          (async (request, body) => {
            const views: Uint8Array[] = [];
            for await (const view of body) views.push(Buffer.from(view)); // valid until the next one
            received.push({ request, body: Buffer.concat(views) });
            return { status: 0 };
          }),
      }),
    ],
    log: {
      debug() {},
      info: (facts) => errors.push(String((facts as { code?: string }).code)),
      warn() {},
      error: (facts) => errors.push(JSON.stringify(facts)),
    },
    ...options,
  });
  servers.push(server);
  const { port } = await server.listen(0, host);
  return { server, port, received, errors };
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true });
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}
/** Everything that the server says until it closes. */
async function hear(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  socket.on('data', (piece) => pieces.push(piece));
  socket.on('error', () => {});
  if (!socket.closed) await once(socket, 'close');
  return Buffer.concat(pieces);
}
const associateRequest = (abstractSyntax = CT) =>
  encodeAssociateRequest({
    protocolVersion: 1,
    calledAe: 'TEST',
    callingAe: 'RAW',
    applicationContext: '1.2.840.10008.3.1.1.1',
    contexts: [{ id: 1, abstractSyntax, transferSyntaxes: [EXPLICIT] }],
    user: { maxPduLength: 16384, implementationClassUid: '1.2.3', implementationVersion: 'RAW', roles: [] },
  });
/** An association in which raw bytes can follow. */
async function established(port: number, abstractSyntax = CT): Promise<Socket> {
  const socket = await dial(port);
  socket.write(associateRequest(abstractSyntax));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer[0]).toBe(2);
  return socket;
}
const dataPdu = (control: number, bytes: Buffer, contextId = 1) => {
  const header = Buffer.alloc(12);
  writeDataHeader(header, 0, contextId, control, bytes.length);
  return Buffer.concat([header, bytes]);
};
const storeCommand = encodeCommand({
  AffectedSOPClassUID: CT,
  CommandField: 1,
  MessageID: 1,
  Priority: 0,
  CommandDataSetType: 0,
  AffectedSOPInstanceUID: '1.2.3.4',
});
const abortOf = (bytes: Buffer) => bytes.subarray(-10).toString('hex');
const contexts = [{ abstractSyntax: CT, transferSyntaxes: [EXPLICIT] }];

describe('with DCMTK', () => {
  it('echoscu gets its echo', async () => {
    const { port } = await serve();
    await run('echoscu', [host, String(port)]);
  });

  it('storescu sends a CT: whole, whatever the PDU length', async () => {
    // storescu writes sequences anew; the pixels, 512 × 512 × 2 bytes at the end, are as in the file.
    const pixels = readFileSync(ct).subarray(-524_288);
    let first: Buffer | undefined;
    for (const maxPduLength of [4096, 16384, 131_072]) {
      const { port, received } = await serve({ limits: { maxPduLength } });
      await run('storescu', ['-aet', 'MODALITY', '-aec', 'TEST', host, String(port), ct, ct]);
      expect(received).toHaveLength(2);
      expect(received[0]).toMatchObject({
        request: {
          callingAe: 'MODALITY',
          calledAe: 'TEST',
          address: host,
          sopClassUid: CT,
          transferSyntax: EXPLICIT,
        },
      });
      first ??= received[0]!.body;
      expect(first.subarray(-524_288).equals(pixels)).toBe(true);
      for (const { body } of received) expect(body.equals(first)).toBe(true);
    }
  });

  it('takes compressed images as they are', async () => {
    const { port, received } = await serve();
    const dir = fileURLToPath(new URL('../../../shared/dicom/ct/', import.meta.url));
    await run('storescu', ['-xs', host, String(port), `${dir}CT-JPEGLosslessSV1.dcm`]);
    await run('storescu', ['-xv', host, String(port), `${dir}CT2_J2KR`]);
    expect(received.map(({ request }) => request.transferSyntax)).toEqual([
      '1.2.840.10008.1.2.4.70',
      '1.2.840.10008.1.2.4.90',
    ]);
  });

  it('an unknown calling AE title is told so', async () => {
    const { port } = await serve({ acceptCaller: () => 'calling-ae-not-recognized' });
    const failure = await run('echoscu', ['-v', host, String(port)]).catch(
      (error: { stderr: string }) => error,
    );
    expect(failure.stderr).toContain('Calling AE Title Not Recognized');
  });

  it('a refused instance is told with status and comment', async () => {
    const { port } = await serve({ onStore: async () => ({ status: 0xa900, comment: 'bad-uid' }) });
    const { stderr } = await run('storescu', ['-v', '-nh', host, String(port), ct]).catch(
      (e: { stderr: string }) => e,
    );
    expect(stderr).toContain('DataSetDoesNotMatchSOPClass');
  });
});

describe('negotiation', () => {
  it('answers roles and the operations window, and reads over user identity and extended negotiation', async () => {
    const { port } = await serve();
    const plain = encodeAssociateRequest({
      protocolVersion: 1,
      calledAe: 'TEST',
      callingAe: 'RAW',
      applicationContext: '1.2.840.10008.3.1.1.1',
      contexts: [{ id: 1, abstractSyntax: CT, transferSyntaxes: [EXPLICIT] }],
      user: {
        maxPduLength: 16384,
        implementationClassUid: '1.2.3',
        implementationVersion: '',
        asyncOperations: { invoked: 8, performed: 8 },
        roles: [{ sopClassUid: CT, scu: true, scp: true }],
      },
    });
    // PS3.7 D.3.3.7 user name "ab" with a positive response wanted, and D.3.3.5 of two bytes: inside User Information, the last item.
    const extra = Buffer.from('58000008010100026162' + '0000' + '56000006' + '0002312e' + '0000', 'hex');
    const bytes = Buffer.concat([plain, extra]);
    bytes.writeUInt32BE(bytes.length - 6, 2);
    const userAt = plain.indexOf(Buffer.from('510000040000', 'hex')) - 4;
    bytes.writeUInt16BE(bytes.length - userAt - 4, userAt + 2);
    const socket = await dial(port);
    socket.write(bytes);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer[0]).toBe(2);
    expect(decodeAssociateAccept(answer.subarray(6))).toMatchObject({
      contexts: [{ id: 1, result: 0, transferSyntax: EXPLICIT }],
      user: {
        asyncOperations: { invoked: 8, performed: 1 },
        roles: [{ sopClassUid: CT, scu: true, scp: false }],
      },
    });
  });

  it('takes storage classes and verification in the first known transfer syntax, and nothing else', () => {
    const services = [verification(), storage({ onStore: async () => ({ status: 0 }) })];
    const accept = (proposed: ProposedContext) =>
      services.map((service) => service.accepts(proposed, undefined)).find((verdict) => verdict);
    const context = (abstractSyntax: string, ...transferSyntaxes: string[]) =>
      accept({ id: 1, abstractSyntax, transferSyntaxes });
    expect(context(CT, '1.2.3.4', '1.2.840.10008.1.2.4.70', EXPLICIT)).toEqual({
      transferSyntax: '1.2.840.10008.1.2.4.70',
    });
    expect(context(CT, '1.2.3.4')).toBe('transfer-syntaxes-not-supported');
    expect(context('1.2.840.10008.5.1.4.1.2.2.1', EXPLICIT)).toBeUndefined();
    expect(['1.2.840.10008.5.1.4.34.7', '1.3.12.2.1107.5.9.1'].every(isStorageClass)).toBe(true);
    expect(['', '1.2.840.10008.1.20.1', '1.2.840.10008.5.1.4.31', 'no uid'].some(isStorageClass)).toBe(false);
  });

  it('our client is told the reason of a refusal, and the contexts that it got', async () => {
    const { port } = await serve({
      acceptCaller: ({ callingAe }) => (callingAe === 'FRIEND' ? 'accept' : 'calling-ae-not-recognized'),
    });
    const to = {
      host,
      port,
      calledAe: 'TEST',
      contexts: [...contexts, { abstractSyntax: '1.2.840.10008.5.1.4.31', transferSyntaxes: [EXPLICIT] }],
    };
    await expect(associate({ ...to, callingAe: 'STRANGER' })).rejects.toMatchObject({
      code: 'dimse-rejected',
      details: { result: 1, source: 1, reason: 3 },
    });
    const association = await associate({ ...to, callingAe: 'FRIEND' });
    expect(association.context(CT)).toEqual({ id: 1, transferSyntax: EXPLICIT });
    expect(association.context('1.2.840.10008.5.1.4.31')).toBeUndefined();
    await association.release();
  });
});

describe('the SOP class of a command', () => {
  const store = (AffectedSOPClassUID: string) => ({
    AffectedSOPClassUID,
    CommandField: 1,
    MessageID: 1,
    Priority: 0,
    CommandDataSetType: 0,
    AffectedSOPInstanceUID: '1.2.3.4',
  });
  const echo = (AffectedSOPClassUID?: string) => ({
    ...(AffectedSOPClassUID === undefined ? {} : { AffectedSOPClassUID }),
    CommandField: 0x30,
    MessageID: 1,
    CommandDataSetType: 0x0101,
  });
  it.each([
    ['C-STORE of the class of its context', CT, store(CT), 0x0000],
    ['C-STORE of another class', CT, store('1.2.840.10008.5.1.4.1.1.4'), 0x0122],
    ['C-STORE of an image in a Verification context', VERIFICATION, store(CT), 0x0122],
    ['C-STORE of Verification in its context', VERIFICATION, store(VERIFICATION), 0x0122],
    ['C-ECHO', VERIFICATION, echo(VERIFICATION), 0x0000],
    ['C-ECHO in a storage context', CT, echo(VERIFICATION), 0x0122],
    ['C-ECHO of a storage class', CT, echo(CT), 0x0122],
    ['C-ECHO without a class', VERIFICATION, echo(), 0x0000],
    ['C-ECHO without a class in a storage context', CT, echo(), 0x0122],
  ])('%s', async (_, abstractSyntax, command, status) => {
    const { port, received } = await serve();
    const socket = await established(port, abstractSyntax);
    socket.write(dataPdu(3, encodeCommand(command)));
    if (command.CommandDataSetType === 0) socket.write(dataPdu(2, Buffer.alloc(100)));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(decodeCommand(answer.subarray(12)).Status).toBe(status);
    expect(received).toHaveLength(status === 0 && command.CommandField === 1 ? 1 : 0);
  });
});

describe('back-pressure and streams', () => {
  const body = Buffer.alloc(3_000_001, 'abcdefg');
  const input = { sopClassUid: CT, sopInstanceUid: '1.2.3.4', transferSyntax: EXPLICIT };

  it('bytes and odd chunks arrive equal', async () => {
    const { port, received } = await serve();
    const association = await associate({ host, port, callingAe: 'A', calledAe: 'B', contexts });
    async function* chunks() {
      for (let at = 0; at < body.length; at += 77_777) yield body.subarray(at, at + 77_777);
    }
    expect(await association.store({ ...input, data: body })).toEqual({ status: 0 });
    expect(await association.store({ ...input, data: chunks() })).toEqual({ status: 0 });
    await association.release();
    expect(received.map((r) => r.body.equals(body))).toEqual([true, true]);
  });

  it('the peer waits while the body is not read', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    const { port } = await serve({
      onStore: async (_, stream) => {
        await gate;
        for await (const _view of stream);
        return { status: 0 };
      },
    });
    const socket = await established(port);
    socket.write(dataPdu(3, storeCommand));
    const piece = dataPdu(0, Buffer.alloc(131_000));
    let sent = 0;
    const total = 600; // 79 MB: more than the buffers of any loopback
    while (sent < total && socket.write(piece)) sent++;
    const stalled = await Promise.race([
      once(socket, 'drain').then(async () => {
        while (sent++ < total) if (!socket.write(piece)) await once(socket, 'drain');
        return false;
      }),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 400)),
    ]);
    expect(stalled).toBe(true);
    expect(sent).toBeLessThan(total);
    open();
    await once(socket, 'drain');
  });

  it('what the handler leaves unread is read over, and the association goes on', async () => {
    const { port } = await serve({
      onStore: async (_, stream) => {
        for await (const _view of stream) break;
        return { status: 0xa700, comment: 'disk full' };
      },
    });
    const association = await associate({ host, port, callingAe: 'A', calledAe: 'B', contexts });
    for (let i = 0; i < 3; i++) {
      expect(await association.store({ ...input, data: body })).toEqual({
        status: 0xa700,
        comment: 'disk full',
      });
    }
    await association.release();
  });

  it('a handler that throws is answered with processing failure, without its words', async () => {
    const { port } = await serve({ onStore: () => Promise.reject(new Error('Doe^John')) });
    const association = await associate({ host, port, callingAe: 'A', calledAe: 'B', contexts });
    expect(await association.store({ ...input, data: body })).toEqual({ status: 0x0110 });
    await association.release();
  });
});

describe('bad peers', () => {
  it.each([
    ['garbage', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), '07000000000400000201'],
    [
      'an endless association PDU',
      Buffer.from('010000' + 'ffffff' + '00000000', 'hex'),
      '07000000000400000206',
    ],
    ['P-DATA-TF before an association', dataPdu(3, storeCommand), '07000000000400000202'],
    ['an association PDU without items', Buffer.from('01000000000400010000', 'hex'), '07000000000400000206'],
  ])('%s is aborted with its reason', async (_, bytes, abort) => {
    const { port } = await serve();
    const socket = await dial(port);
    socket.write(bytes);
    expect(abortOf(await hear(socket))).toBe(abort);
  });

  it.each([
    ['a P-DATA-TF longer than negotiated', Buffer.from('0400ffffffff', 'hex'), '06'],
    ['a value longer than its PDU', Buffer.from('0400000000100000ffff0103', 'hex'), '06'],
    ['an empty P-DATA-TF', Buffer.from('040000000000', 'hex'), '06'],
    ['a context that was not accepted', dataPdu(3, storeCommand, 3), '06'],
    ['a data set without a command', dataPdu(2, Buffer.alloc(10)), '06'],
    [
      'an endless command',
      Buffer.concat([dataPdu(1, Buffer.alloc(60_000)), dataPdu(1, Buffer.alloc(60_000))]),
      '06',
    ],
    ['a broken command', dataPdu(3, Buffer.alloc(9, 1)), '06'],
    ['a second A-ASSOCIATE-RQ', associateRequest(), '02'],
    [
      'release inside a message',
      Buffer.concat([dataPdu(3, storeCommand), Buffer.from('05000000000400000000', 'hex')]),
      '02',
    ],
  ])('%s is aborted with its reason', async (_, bytes, reason) => {
    const { port, server } = await serve();
    const socket = await established(port);
    socket.write(bytes);
    expect(abortOf(await hear(socket))).toBe(`070000000004000002${reason}`);
    await run('echoscu', [host, String(port)]);
    expect(server.associations).toBeLessThanOrEqual(1);
  });

  it('a peer that dies inside a C-STORE fails the body; the server goes on', async () => {
    const outcomes: unknown[] = [];
    const { port } = await serve({
      onStore: async (_, stream) => {
        try {
          for await (const _view of stream);
          outcomes.push('whole');
        } catch (error) {
          outcomes.push((error as { code: string }).code);
          throw error;
        }
        return { status: 0 };
      },
    });
    for (const how of ['destroy', 'abort', 'reset'] as const) {
      const socket = await established(port);
      socket.write(Buffer.concat([dataPdu(3, storeCommand), dataPdu(0, Buffer.alloc(1000))]));
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (how === 'abort') socket.write(Buffer.from('07000000000400000000', 'hex'));
      else if (how === 'reset') socket.resetAndDestroy();
      else socket.destroy();
      await expect.poll(() => outcomes.length).toBe({ destroy: 1, abort: 2, reset: 3 }[how]);
    }
    expect(outcomes).toEqual(['dimse-closed', 'dimse-aborted', 'dimse-closed']);
    await run('echoscu', [host, String(port)]);
  });

  it('a slow loris loses its place in every state', async () => {
    const limits = { artimMs: 150, idleMs: 150, stallMs: 150 };
    const { port, errors, server } = await serve({ limits });
    const drip = async (socket: Socket) => {
      const timer = setInterval(() => socket.write(Buffer.alloc(1)), 20);
      try {
        return await hear(socket);
      } finally {
        clearInterval(timer);
      }
    };
    // before the association: nothing, then a header and drops
    await hear(await dial(port));
    const slow = await dial(port);
    slow.write(Buffer.from('010000001000', 'hex'));
    await drip(slow);
    // between messages
    await hear(await established(port));
    // inside a message: a drop every 20 ms is not enough to stay
    const stuck = await established(port);
    stuck.write(Buffer.concat([dataPdu(3, storeCommand), Buffer.from('04000001000000000ffa0100', 'hex')]));
    await drip(stuck);
    expect(errors).toEqual(Array(4).fill('dimse-timeout'));
    await expect.poll(() => server.connections).toBe(0);
  });

  it('a flood costs a bounded number of sockets and ends with the peers that flood', async () => {
    const { port, server } = await serve({ maxAssociations: 2 });
    const flood = await Promise.all(Array.from({ length: 60 }, () => dial(port)));
    for (const socket of flood) socket.on('error', () => {});
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(server.connections).toBeLessThanOrEqual(2 + 32);
    for (const socket of flood) socket.destroy();
    await expect.poll(() => server.connections).toBe(0);

    const first = await established(port);
    await dial(port); // silent: takes no place that a machine with images needs
    await established(port);
    expect(server.associations).toBe(2);
    const failure = await run('echoscu', ['-v', host, String(port)]).catch(
      (error: { stderr: string }) => error,
    );
    expect(failure.stderr).toContain('Rejected Transient');
    first.destroy();
    await expect.poll(() => server.associations).toBe(1);
    await run('echoscu', [host, String(port)]);
  });

  it('close ends idle associations and lets the instance under way finish', async () => {
    let begun = () => {};
    const started = new Promise<void>((resolve) => (begun = resolve));
    const { port, server } = await serve({
      onStore: async (_, stream) => {
        begun();
        for await (const _view of stream);
        await new Promise((resolve) => setTimeout(resolve, 100));
        return { status: 0 };
      },
    });
    const idle = await established(port);
    const association = await associate({ host, port, callingAe: 'A', calledAe: 'B', contexts });
    const stored = association.store({
      sopClassUid: CT,
      sopInstanceUid: '1.2.3',
      transferSyntax: EXPLICIT,
      data: Buffer.alloc(1000),
    });
    await started;
    const heard = hear(idle);
    const closed = server.close(5_000);
    expect(abortOf(await heard)).toBe('07000000000400000000');
    expect(await stored).toEqual({ status: 0 });
    await closed;
    await expect(associate({ host, port, callingAe: 'A', calledAe: 'B', contexts })).rejects.toMatchObject({
      code: 'dimse-unreachable',
    });
  });
});

describe('receipts', () => {
  it('of an association that is open come when there is news, then the last one', async () => {
    const told: string[] = [];
    const { port } = await serve({
      openReceiptMs: 30,
      onReceipt: ({ outcome, answers }) => told.push(`${outcome} ${answers['C-STORE 0000'] ?? 0}`),
    });
    const association = await associate({ host, port, callingAe: 'A', calledAe: 'B', contexts });
    await expect.poll(() => told).toEqual(['open 0']);
    const store = { sopClassUid: CT, sopInstanceUid: '1.2.3', transferSyntax: EXPLICIT };
    await association.store({ ...store, data: Buffer.alloc(100) });
    await expect.poll(() => told).toEqual(['open 0', 'open 1']);
    await new Promise((resolve) => setTimeout(resolve, 100)); // nothing new
    await association.release();
    await expect.poll(() => told).toEqual(['open 0', 'open 1', 'released 1']);
  });
});

describe('several at a time', () => {
  it('stores are performed together where the peer asks for it, and answered as they end', async () => {
    const waiting: (() => void)[] = [];
    const { port } = await serve({
      onStore: async (_, body) => {
        for await (const __ of body);
        await new Promise<void>((resolve) => waiting.push(resolve));
        return { status: 0 };
      },
    });
    const association = await associate({ host, port, callingAe: 'A', calledAe: 'B', contexts, window: 3 });
    expect(association.window).toBe(3);
    const ended: number[] = [];
    const sent = [1, 2, 3, 4].map(async (n) => {
      const data = Buffer.alloc(1000, n);
      await association.store({
        sopClassUid: CT,
        sopInstanceUid: `1.2.${n}`,
        transferSyntax: EXPLICIT,
        data,
      });
      ended.push(n);
    });
    await expect.poll(() => waiting.length).toBe(3);
    waiting[2]!();
    await expect.poll(() => ended).toEqual([3]);
    await expect.poll(() => waiting.length).toBe(4);
    for (const end of waiting) end();
    await Promise.all(sent);
    await association.release();
  });

  it('without asking, one after the other', async () => {
    let running = 0;
    let most = 0;
    const { port } = await serve({
      onStore: async (_, body) => {
        most = Math.max(most, ++running);
        for await (const __ of body);
        running--;
        return { status: 0 };
      },
    });
    const socket = await established(port);
    const one = Buffer.concat([dataPdu(3, storeCommand), dataPdu(2, Buffer.alloc(100))]);
    socket.write(Buffer.concat([one, one, one]));
    await expect.poll(() => most).toBe(1);
  });
});

describe('who is silent keeps nobody out', () => {
  it('connections that say nothing give way', async () => {
    const { port, server } = await serve();
    for (let i = 0; i < 150; i++) await dial(port);
    await run('echoscu', [host, String(port)]);
    expect(server.connections).toBeLessThan(100);
  });

  it('idle associations give way, busy and lively ones do not', async () => {
    const { port, server } = await serve({ maxAssociations: 3, giveWayMs: 300 });
    const idle = [await established(port), await established(port), await established(port)];
    await expect(associate({ host, port, callingAe: 'A', calledAe: 'B', contexts })).rejects.toMatchObject({
      details: { result: 2, source: 3, reason: 2 },
    });
    await new Promise((resolve) => setTimeout(resolve, 400));
    const gone = hear(idle[0]!);
    const association = await associate({ host, port, callingAe: 'A', calledAe: 'B', contexts });
    expect(abortOf(await gone)).toBe('07000000000400000000');
    expect(server.associations).toBe(3);
    await association.release();
  });
});
