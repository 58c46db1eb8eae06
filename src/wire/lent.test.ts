import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { giveBack, lent } from './lent.ts';
import { readMultipart } from './multipart.ts';

it('a view that ends its memory gives it back, any other does not', () => {
  const memory = new Uint8Array(65_536);
  giveBack(memory.subarray(0, 65_535));
  expect(memory.buffer.detached).toBe(false);
  giveBack(memory.subarray(1_000));
  expect(memory.buffer.detached).toBe(true);
  expect(memory.length).toBe(0);
  giveBack(memory); // once more does no harm
});

it('never takes memory that others have views of: what is small, and the pool of Node.js', () => {
  const small = new Uint8Array(1000);
  giveBack(small);
  expect(small.buffer.detached).toBe(false);
  // The largest that come from the pool: some of them end where it ends.
  const pooled = Array.from({ length: 20 }, () => Buffer.allocUnsafe(Buffer.poolSize / 2 - 8));
  for (const piece of pooled) giveBack(piece);
  expect(pooled.map(({ buffer }) => buffer.detached)).not.toContain(true);
  expect(pooled.some(({ buffer }) => buffer.byteLength === Buffer.poolSize)).toBe(true);
});

it('what a socket read arrives whole although each piece is gone when the next one comes', async () => {
  const bytes = Buffer.alloc(5_000_000, 'the bytes of an image ');
  const server = createServer((socket) => socket.end(bytes)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const copies: Buffer[] = [];
  const pieces: Uint8Array[] = [];
  for await (const piece of lent(socket)) {
    copies.push(Buffer.from(piece));
    pieces.push(piece);
  }
  server.close();
  expect(Buffer.concat(copies).equals(bytes)).toBe(true);
  expect(pieces.filter(({ length }) => length === 0).length).toBeGreaterThan(pieces.length / 3);
});

it('bodies of parts arrive whole, wherever their chunks end', async () => {
  const one = Buffer.alloc(200_000, 'one');
  const two = Buffer.alloc(70_000, 'two');
  const whole = Buffer.concat([
    Buffer.from('--b\r\n\r\n'),
    one,
    Buffer.from('\r\n--b\r\n\r\n'),
    two,
    Buffer.from('\r\n--b--\r\n'),
  ]);
  for (const size of [20_000, 32_768, 65_536, 100_003, whole.length]) {
    const chunks: Uint8Array[] = [];
    // Each in memory of its own, as a socket reads.
    for (let at = 0; at < whole.length; at += size)
      chunks.push(new Uint8Array(whole.subarray(at, at + size)));
    const bodies: Buffer[] = [];
    for await (const part of readMultipart(Readable.from(chunks), 'b')) {
      const copies: Buffer[] = [];
      for await (const piece of lent(part.body)) copies.push(Buffer.from(piece));
      bodies.push(Buffer.concat(copies));
    }
    expect(bodies.map((body) => body.length)).toEqual([one.length, two.length]);
    expect(bodies[0]!.equals(one) && bodies[1]!.equals(two)).toBe(true);
  }
});
