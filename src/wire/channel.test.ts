import fc from 'fast-check';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Channel, DEFAULT_LIMITS } from './channel.ts';
import type { ChannelLimits } from './channel.ts';
import { encodeCommand } from './command.ts';
import { DimseError } from './errors.ts';
import { encodeReleaseRequest, writeDataHeader } from './pdu.ts';

let server: Server;
beforeAll(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => server.close());

/** Two ends of one connection on loopback. */
async function pair(limits: Partial<ChannelLimits> = {}): Promise<{ channel: Channel; peer: Socket }> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const peer = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, noDelay: true });
  const [socket] = await accepted;
  return { channel: new Channel(socket, { ...DEFAULT_LIMITS, ...limits }), peer: peer.on('error', () => {}) };
}

/** A message as P-DATA-TF: fragments of the sizes given, in turn, and up to three of them in one PDU. */
function framed(control: number, bytes: Buffer, sizes: readonly number[]): Buffer {
  const values: Buffer[] = [];
  let at = 0;
  do {
    const end = Math.min(bytes.length, at + sizes[values.length % sizes.length]!);
    const header = Buffer.alloc(12);
    writeDataHeader(header, 0, 1, control | (end === bytes.length ? 2 : 0), end - at);
    values.push(Buffer.concat([header.subarray(6), bytes.subarray(at, end)]));
    at = end;
  } while (at < bytes.length);
  const pdus: Buffer[] = [];
  for (let i = 0; i < values.length; i += 3) {
    const body = Buffer.concat(values.slice(i, i + 3));
    const header = Buffer.from([4, 0, 0, 0, 0, 0]);
    header.writeUInt32BE(body.length, 2);
    pdus.push(header, body);
  }
  return Buffer.concat(pdus);
}
const store = encodeCommand({
  CommandField: 1,
  MessageID: 7,
  CommandDataSetType: 0,
  AffectedSOPInstanceUID: '1.2',
});

describe('a channel', () => {
  it('property: a message arrives equal, however it is cut into fragments, PDUs and segments', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 20_000 }),
        sizes,
        sizes,
        sizes,
        async (data, a, b, cuts) => {
          const { channel, peer } = await pair();
          const bytes = Buffer.concat([
            framed(1, store, a),
            framed(0, Buffer.from(data), b),
            encodeReleaseRequest(),
          ]);
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const end = at + cuts[i % cuts.length]!;
            peer.write(bytes.subarray(at, end));
            if (i % 8 === 0) await new Promise(setImmediate);
            at = end;
          }
          const message = await channel.next();
          if (message === 'release' || !message.data) throw new Error('a message with data was expected');
          expect(message).toMatchObject({
            contextId: 1,
            command: { MessageID: 7, AffectedSOPInstanceUID: '1.2' },
          });
          const views: Uint8Array[] = [];
          for await (const view of message.data) views.push(view);
          expect(Buffer.concat(views).equals(data)).toBe(true);
          expect(await channel.next()).toBe('release');
          peer.destroy();
          channel.socket.destroy();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('property: any bytes end in messages or in the documented errors, within the limits', async () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(framed(1, store, [50]), framed(0, Buffer.alloc(30), [7]), encodeReleaseRequest()),
      fc
        .constantFrom('0400', '00000010', '070000000004', '00000008010201', 'ffffffff')
        .map((hex) => Buffer.from(hex, 'hex')),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const { channel, peer } = await pair({
          idleMs: 2_000,
          stallMs: 2_000,
          maxPduLength: 1000,
          maxCommandBytes: 500,
        });
        peer.end(Buffer.concat(pieces));
        try {
          for (let message = await channel.next(); message !== 'release'; message = await channel.next()) {
            for await (const _ of message.data ?? []);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(DimseError);
          expect((error as DimseError).code).toMatch(/^dimse-(pdu|command|aborted|closed)$/);
        }
        channel.socket.destroy();
        peer.destroy();
      }),
      { numRuns: 200 },
    );
  });

  it('a peer that takes nothing is not waited for', async () => {
    const { channel, peer } = await pair({ stallMs: 100 });
    peer.pause();
    const data = Buffer.alloc(64 * 1024 * 1024);
    await expect(channel.send(1, { CommandField: 1 }, data)).rejects.toMatchObject({ code: 'dimse-timeout' });
    peer.destroy();
    channel.socket.destroy();
  });
});
