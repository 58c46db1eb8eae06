import type { Socket } from 'node:net';
import { DimseError } from './errors.ts';

const EMPTY = Buffer.alloc(0);
/** Of a timer in Node.js. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Bytes of a socket, pulled. What is not yet asked for waits in a queue; beyond `highWater` bytes the socket is paused, and
 * TCP tells the peer to wait.
 *
 * Time is counted only while a caller waits for bytes: how long *we* take to use them is not the peer's fault.
 */
export class SocketReader {
  readonly #socket: Socket;
  readonly #highWater: number;
  #queue: Buffer[] = [];
  #size = 0;
  #failure: DimseError | undefined;
  #wake: (() => void) | undefined;
  #phase = '';
  #limitMs = 0;
  #refundBytes = Infinity;
  #spentMs = 0;
  #bytes = 0;
  #rearm: (() => void) | undefined;

  constructor(socket: Socket, highWater = 256 * 1024) {
    this.#socket = socket;
    this.#highWater = highWater;
    socket.on('data', this.#onData);
    socket.on('error', (error) =>
      this.fail(new DimseError('dimse-closed', 'The connection broke', { cause: error })),
    );
    socket.on('end', () => this.fail(new DimseError('dimse-closed', 'The peer closed the connection')));
    socket.on('close', () => this.fail(new DimseError('dimse-closed', 'The connection is closed')));
  }

  #onData = (chunk: Buffer): void => {
    this.#queue.push(chunk);
    this.#size += chunk.length;
    this.#bytes += chunk.length;
    if (this.#bytes >= this.#refundBytes) {
      this.#bytes = 0;
      this.#spentMs = 0;
    }
    if (this.#wake) this.#wake();
    else if (this.#size >= this.#highWater) this.#socket.pause();
  };

  /**
   * How long the peer may keep us waiting from now on, in all. With `refundBytes` the account starts anew each time that
   * many bytes have come: a peer that drips a byte now and then does not hold a place for ever. Also in the middle of
   * a wait.
   */
  allow(phase: string, limitMs: number, refundBytes = Infinity): void {
    this.#phase = phase;
    this.#limitMs = limitMs;
    this.#refundBytes = refundBytes;
    this.#spentMs = 0;
    this.#bytes = 0;
    this.#rearm?.();
  }

  /** Ends all waiting, now and later, once what has arrived is used up. The first reason stays. */
  fail(error: DimseError): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  /** Forgets what has arrived and reads no more; the socket runs empty. */
  discard(): void {
    this.#socket.off('data', this.#onData);
    this.#queue = [];
    this.#size = 0;
    this.#socket.resume();
  }

  async #wait(): Promise<void> {
    if (this.#failure) throw this.#failure;
    const started = performance.now();
    await new Promise<void>((resolve) => {
      const expired = () => {
        this.#failure ??= new DimseError(
          'dimse-timeout',
          `The peer was silent for too long (${this.#phase})`,
        );
        this.#wake?.();
      };
      const arm = () => setTimeout(expired, Math.min(LONGEST_MS, Math.max(0, this.#limitMs - this.#spentMs)));
      let timer = arm();
      this.#rearm = () => {
        clearTimeout(timer);
        timer = arm();
      };
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        this.#rearm = undefined;
        resolve();
      };
      this.#socket.resume();
    });
    if (this.#bytes > 0) this.#spentMs += performance.now() - started; // 0: the account was just started anew
  }

  /** Exactly `length` bytes in one piece: a view where one chunk holds them, else a copy. Only for what is small. */
  async exactly(length: number): Promise<Buffer> {
    while (this.#size < length) await this.#wait();
    if (length === 0) return EMPTY;
    const first = this.#queue[0]!;
    if (first.length >= length) return this.#take(first, length);
    const whole = Buffer.allocUnsafe(length);
    for (let at = 0; at < length;) {
      const chunk = this.#queue[0]!;
      at += this.#take(chunk, Math.min(chunk.length, length - at)).copy(whole, at);
    }
    return whole;
  }

  /** The next bytes, at least one and at most `max`: always a view. */
  async some(max: number): Promise<Buffer> {
    while (this.#size === 0) await this.#wait();
    const first = this.#queue[0]!;
    return this.#take(first, Math.min(max, first.length));
  }

  #take(first: Buffer, length: number): Buffer {
    this.#size -= length;
    if (this.#size < this.#highWater / 2 && this.#socket.isPaused()) this.#socket.resume();
    if (length === first.length) {
      this.#queue.shift();
      return first;
    }
    this.#queue[0] = first.subarray(length);
    return first.subarray(0, length);
  }
}
