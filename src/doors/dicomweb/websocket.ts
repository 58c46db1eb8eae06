/**
 * The server's side of a WebSocket (RFC 6455) that only tells: text goes out, what comes in is kept to the protocol and dropped.
 * No extensions. For the notification connection of PS3.18 8.10.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** RFC 6455 1.3. */
const KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
/** RFC 6455 7.4.1. */
const CLOSE = { goingAway: 1001, protocol: 1002, tooLarge: 1009 } as const;
/** A client has nothing to tell us: a frame of this size is a mistake or worse. */
const MAX_INCOMING = 64 * 1024;
/** Unsent bytes of a client that does not read: beyond them it is let go, and asks again. */
const MAX_UNSENT = 4 * 1024 * 1024;
const PING_MS = 30_000;
const CLOSING_MS = 2_000;

export interface Frame {
  readonly final: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
}

/** Thrown by the reader: the connection is closed with this code. */
export class WebSocketError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** One unmasked frame, as a server sends it: RFC 6455 5.2. */
export function frame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const size = length < 126 ? 0 : length < 0x10000 ? 2 : 8;
  const head = Buffer.alloc(2 + size);
  head[0] = 0x80 | opcode;
  head[1] = size === 0 ? length : size === 2 ? 126 : 127;
  if (size === 2) head.writeUInt16BE(length, 2);
  if (size === 8) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

/** Reads the frames of a client from whatever pieces they come in. `push` throws `WebSocketError`. */
export function createFrameReader(onFrame: (frame: Frame) => void, limit = MAX_INCOMING) {
  let held = Buffer.alloc(0);
  let fragmented = false;
  const protocol = (message: string) => new WebSocketError(CLOSE.protocol, message);

  /** Length of the frame at the start of `held`, and where its parts lie; undefined while its head is incomplete. */
  function head(): { offset: number; length: number } | undefined {
    if (held.length < 2) return undefined;
    const short = held[1]! & 0x7f;
    const size = short < 126 ? 0 : short === 126 ? 2 : 8;
    if (held.length < 2 + size) return undefined;
    const length = size === 0 ? short : size === 2 ? held.readUInt16BE(2) : Number(held.readBigUInt64BE(2));
    return { offset: 2 + size, length };
  }

  return {
    push(chunk: Uint8Array): void {
      held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]);
      for (;;) {
        if (held.length >= 2) {
          if ((held[0]! & 0x70) !== 0) throw protocol('a reserved bit is set');
          if ((held[1]! & 0x80) === 0) throw protocol('a frame of a client is not masked'); // RFC 6455 5.1
        }
        const at = head();
        if (!at) return;
        const final = (held[0]! & 0x80) !== 0;
        const opcode = held[0]! & 0x0f;
        const control = opcode >= 8;
        if (control && (!final || at.length > 125))
          throw protocol('a control frame is too long or in pieces');
        if (opcode > OPCODE.pong || (opcode > OPCODE.binary && opcode < OPCODE.close))
          throw protocol('an unknown opcode');
        if (at.length > limit) throw new WebSocketError(CLOSE.tooLarge, 'a frame is too large');
        if (!control) {
          if ((opcode === OPCODE.continuation) !== fragmented) throw protocol('pieces out of order');
        }
        const end = at.offset + 4 + at.length;
        if (held.length < end) return;
        if (!control) fragmented = !final;
        const mask = held.subarray(at.offset, at.offset + 4);
        const payload = Buffer.from(held.subarray(at.offset + 4, end));
        for (let i = 0; i < payload.length; i += 1) payload[i]! ^= mask[i % 4]!;
        held = held.subarray(end);
        onFrame({ final, opcode, payload });
      }
    },
  };
}

export interface Channel {
  /** False when the connection is gone. */
  send(text: string): boolean;
  close(): void;
  readonly closed: Promise<void>;
}

/** What a client that wants a WebSocket has to say: RFC 6455 4.2.1. Undefined when it does not. */
export function keyOf({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): string | undefined {
  const key = headers['sec-websocket-key'];
  const asks =
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    /(^|,)\s*upgrade\s*(,|$)/i.test(headers.connection ?? '') &&
    headers['sec-websocket-version'] === '13';
  return asks && key && Buffer.from(key, 'base64').length === 16 ? key : undefined;
}

/** Shakes hands and speaks from then on. `head`: what the client sent already. */
export function openChannel(socket: Duplex, key: string, head: Buffer): Channel {
  const accept = createHash('sha1')
    .update(key + KEY_SUFFIX)
    .digest('base64');
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  let open = true;
  let alive = true;
  const closed = Promise.withResolvers<void>();
  const say = (opcode: number, payload: Uint8Array): void => {
    if (!socket.destroyed && socket.writable) socket.write(frame(opcode, payload));
  };
  const close = (code: number): void => {
    if (!open) return;
    open = false;
    const reason = Buffer.alloc(2);
    reason.writeUInt16BE(code);
    say(OPCODE.close, reason);
    socket.end();
    // A client that does not answer is not waited for.
    setTimeout(() => socket.destroy(), CLOSING_MS).unref();
  };
  const reader = createFrameReader(({ opcode, payload }) => {
    alive = true;
    if (opcode === OPCODE.ping) say(OPCODE.pong, payload);
    if (opcode === OPCODE.close) close(payload.length >= 2 ? payload.readUInt16BE() : 1000);
  });
  const take = (chunk: Buffer): void => {
    if (!open) return;
    try {
      reader.push(chunk);
    } catch (error) {
      close(error instanceof WebSocketError ? error.code : CLOSE.protocol);
    }
  };
  const beat = setInterval(() => {
    if (!alive) socket.destroy();
    alive = false;
    say(OPCODE.ping, Buffer.alloc(0));
  }, PING_MS);
  beat.unref();
  socket.on('data', take);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    open = false;
    clearInterval(beat);
    closed.resolve();
  });
  if (head.length > 0) take(head);
  socket.resume();
  return {
    send(text) {
      if (!open || socket.destroyed) return false;
      if (socket.writableLength > MAX_UNSENT) {
        socket.destroy();
        return false;
      }
      say(OPCODE.text, Buffer.from(text));
      return true;
    },
    close: () => close(CLOSE.goingAway),
    closed: closed.promise,
  };
}
