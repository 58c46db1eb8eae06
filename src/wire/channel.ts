import type { Socket } from 'node:net';
import { decodeCommand, encodeCommand, NO_DATA_SET } from './command.ts';
import type { CommandSet } from './command.ts';
import { ABORT_REASON, DimseError, pduError } from './errors.ts';
import {
  decodeAbort,
  decodeHeader,
  encodeAbort,
  encodeReleaseReply,
  encodeReleaseRequest,
  maxLengthOf,
  PDU,
  PDU_HEADER_BYTES,
  PDV_COMMAND,
  PDV_HEADER_BYTES,
  PDV_LAST,
  writeDataHeader,
} from './pdu.ts';
import { SocketReader } from './reader.ts';

/** How long the peer may keep us waiting, in ms, and how much it may make us hold, in bytes. */
export interface ChannelLimits {
  /** ARTIM (PS3.8 9.1.5): from the connection to the whole association PDU, and from our last word to the close. */
  readonly artimMs: number;
  /** Between two messages: ultrasound machines keep one association for a whole examination. */
  readonly idleMs: number;
  /** Inside a message: at least `minBytesPerStall` have to come in this time. Also for the peer to take what we send. */
  readonly stallMs: number;
  /** For the response to a request of ours on an association that we accepted: a receiver may take its time. */
  readonly responseMs: number;
  /** P-DATA-TF length that we announce and hold the peer to. */
  readonly maxPduLength: number;
  readonly maxAssociateBytes: number;
  readonly maxCommandBytes: number;
}

export const DEFAULT_LIMITS: ChannelLimits = {
  artimMs: 15_000,
  idleMs: 300_000,
  stallMs: 30_000,
  responseMs: 60_000,
  // Most toolkits send no longer ones; a longer PDU saves nothing measurable.
  maxPduLength: 131_072,
  maxAssociateBytes: 256 * 1024,
  maxCommandBytes: 64 * 1024,
};
const MIN_BYTES_PER_STALL = 1024;
/** What a peer that sets no limit (0) is sent at most. */
const UNLIMITED_PDU = 131_072;
const LEAST_PDU = 16;
/** Of a P-DATA-TF with one value. */
const HEADERS_BYTES = PDU_HEADER_BYTES + PDV_HEADER_BYTES;
/** Handed to the socket at once, even. */
const WRITE_BYTES = 1024 * 1024;
/** So little is put behind its header in one buffer: an answer is one write. */
const COPIED_BYTES = 1024;

export interface Message {
  readonly contextId: number;
  readonly command: CommandSet & { CommandField: number };
  /** The data set, as views in order; undefined when the command says that none follows. To be read to its end. */
  readonly data?: AsyncGenerator<Uint8Array, void, undefined>;
}
export type Incoming = Message | 'release';

interface ValueHeader {
  readonly contextId: number;
  readonly command: boolean;
  readonly last: boolean;
  readonly length: number;
}

/**
 * One transport connection between two upper layers: PDUs and messages in order, in both roles, with limits on everything
 * that a peer can make us wait for or hold.
 */
export class Channel {
  readonly socket: Socket;
  readonly limits: ChannelLimits;
  readonly #reader: SocketReader;
  #sendLength = UNLIMITED_PDU;
  #pduLeft = 0;
  #over = false;
  /** `next` waits for the first byte of a message. */
  #between = false;

  constructor(socket: Socket, limits: ChannelLimits) {
    this.socket = socket;
    this.limits = limits;
    socket.setNoDelay(true);
    this.#reader = new SocketReader(socket);
  }

  /** The Maximum Length that the peer announced; 0 is no limit. */
  set peerMaxPduLength(length: number) {
    if (length !== 0 && length < LEAST_PDU) throw pduError('The peer takes no useful PDU length');
    this.#sendLength = length === 0 ? UNLIMITED_PDU : Math.min(length, UNLIMITED_PDU);
  }

  // ── receiving ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The next PDU of the association services, under ARTIM. @throws DimseError; `dimse-aborted` for A-ABORT */
  async readControl(): Promise<{ type: number; body: Buffer }> {
    this.#reader.allow('association', this.limits.artimMs);
    const { type, length } = await this.#header();
    if (type === PDU.data) throw pduError('P-DATA-TF outside an association', ABORT_REASON.unexpectedPdu);
    return { type, body: await this.#control(type, length) };
  }

  async #header(): Promise<{ type: number; length: number }> {
    return decodeHeader(await this.#reader.exactly(PDU_HEADER_BYTES));
  }

  async #control(type: number, length: number): Promise<Buffer> {
    if (length > maxLengthOf(type, this.limits.maxAssociateBytes))
      throw pduError('The PDU is too long for its type');
    const body = await this.#reader.exactly(length);
    if (type === PDU.abort) {
      const { source, reason } = decodeAbort(body);
      throw new DimseError('dimse-aborted', 'The peer aborted the association', {
        details: { source, reason },
      });
    }
    return body;
  }

  /** The next message or the wish to release. `waitMs`: for its first byte. The data of the one before has to be used up. */
  async next(waitMs: number = this.limits.idleMs): Promise<Incoming> {
    this.#reader.allow('idle', waitMs);
    this.#between = true;
    let first = await this.#nextValue();
    this.#between = false;
    if (first === 'release') return first;
    const { contextId } = first;
    this.#reader.allow('message', this.limits.stallMs, MIN_BYTES_PER_STALL);
    const pieces: Buffer[] = [];
    let size = 0;
    for (;;) {
      if (first === 'release') throw pduError('A-RELEASE-RQ inside a command', ABORT_REASON.unexpectedPdu);
      if (!first.command || first.contextId !== contextId) throw pduError('A command was expected');
      size += first.length;
      if (size > this.limits.maxCommandBytes) throw pduError('The command set is too long');
      pieces.push(await this.#value(first.length));
      if (first.last) break;
      first = await this.#nextValue();
    }
    const command = decodeCommand(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces));
    if ((command.CommandDataSetType ?? NO_DATA_SET) === NO_DATA_SET) return { contextId, command };
    return { contextId, command, data: this.#data(contextId) };
  }

  /** From now on the peer has this long to begin the message that `next` waits for. */
  allowIdle(waitMs: number): void {
    if (this.#between) this.#reader.allow('idle', waitMs);
  }

  async *#data(contextId: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const value = await this.#nextValue();
      if (value === 'release') throw pduError('A-RELEASE-RQ inside a data set', ABORT_REASON.unexpectedPdu);
      if (value.command || value.contextId !== contextId) throw pduError('A data set was expected');
      for (let left = value.length; left > 0;) {
        const piece = await this.#reader.some(left);
        left -= piece.length;
        this.#pduLeft -= piece.length;
        yield piece;
      }
      if (value.last) return;
    }
  }

  /** The header of the next presentation data value, PS3.8 9.3.5.1. */
  async #nextValue(): Promise<ValueHeader | 'release'> {
    while (this.#pduLeft === 0) {
      const { type, length } = await this.#header();
      if (type !== PDU.data) {
        await this.#control(type, length);
        if (type === PDU.releaseRq) return 'release';
        throw pduError('This PDU is not allowed within an association', ABORT_REASON.unexpectedPdu);
      }
      if (length > this.limits.maxPduLength) throw pduError('The P-DATA-TF is longer than negotiated');
      if (length < PDV_HEADER_BYTES) throw pduError('The P-DATA-TF is too short');
      this.#pduLeft = length;
    }
    if (this.#pduLeft < PDV_HEADER_BYTES) throw pduError('A presentation data value is cut off');
    const header = await this.#reader.exactly(PDV_HEADER_BYTES);
    const length = header.readUInt32BE(0) - 2; // the length counts context id and control header
    this.#pduLeft -= PDV_HEADER_BYTES;
    if (length < 0 || length > this.#pduLeft)
      throw pduError('A presentation data value does not fit its PDU');
    const control = header[5]!;
    return {
      contextId: header[4]!,
      command: (control & PDV_COMMAND) !== 0,
      last: (control & PDV_LAST) !== 0,
      length,
    };
  }

  async #value(length: number): Promise<Buffer> {
    const bytes = await this.#reader.exactly(length);
    this.#pduLeft -= length;
    return bytes;
  }

  // ── sending ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Writes, and waits while the peer does not take what was written before. */
  async write(bytes: Buffer): Promise<void> {
    this.socket.write(bytes);
    await this.#drained();
  }

  async #drained(): Promise<void> {
    const { socket } = this;
    if (socket.destroyed) throw new DimseError('dimse-closed', 'The connection is closed');
    if (!socket.writableNeedDrain) return;
    await new Promise<void>((resolve, reject) => {
      const done = (error?: DimseError) => {
        clearTimeout(timer);
        socket.off('drain', resume).off('close', resume);
        if (error) reject(error);
        else resolve();
      };
      const resume = () => done();
      const timer = setTimeout(
        () => done(new DimseError('dimse-timeout', 'The peer does not take what is sent')),
        this.limits.stallMs,
      );
      socket.once('drain', resume).once('close', resume);
    });
    if (socket.destroyed) throw new DimseError('dimse-closed', 'The connection is closed');
  }

  /** One message: the command, then the data set as it comes. The views are handed to the socket, not copied. */
  async send(
    contextId: number,
    command: CommandSet,
    data?: Uint8Array | AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const whole = data instanceof Uint8Array ? data : undefined;
    if (whole) this.socket.cork();
    this.#values(contextId, PDV_COMMAND, encodeCommand(command), true);
    if (whole) {
      this.#values(contextId, 0, whole.subarray(0, WRITE_BYTES), whole.length <= WRITE_BYTES);
      this.socket.uncork();
    }
    await this.#drained();
    if (whole && whole.length > WRITE_BYTES)
      await this.#fragments(contextId, whole.subarray(WRITE_BYTES), true);
    if (!data || data instanceof Uint8Array) return;
    // The last fragment has to say so, and every other has to be even (PS3.8 E.2): one chunk is held back until the next
    // one or the end is known, and with it the odd byte.
    let held: Uint8Array = new Uint8Array(0);
    for await (const chunk of data) {
      if (chunk.length === 0) continue;
      const even = held.length & ~1;
      if (even > 0) await this.#fragments(contextId, held.subarray(0, even), false);
      held = even === held.length ? chunk : Buffer.concat([held.subarray(even), chunk]);
    }
    await this.#fragments(contextId, held, true);
  }

  /** A message for each data set, all with the same command, written at once: for many that are small. */
  async sendEach(contextId: number, command: CommandSet, dataSets: readonly Uint8Array[]): Promise<void> {
    const said = encodeCommand(command);
    const bytes = Buffer.allocUnsafe(
      dataSets.reduce((sum, data) => sum + this.#framed(said.length) + this.#framed(data.length), 0),
    );
    let at = 0;
    for (const data of dataSets) {
      at = this.#copy(bytes, at, contextId, PDV_COMMAND, said, true);
      at = this.#copy(bytes, at, contextId, 0, data, true);
    }
    await this.write(bytes);
  }

  /** Length of what `#copy` writes of so many bytes. */
  #framed(length: number): number {
    return length + HEADERS_BYTES * Math.max(1, Math.ceil(length / this.#room));
  }

  /** As `#values` into memory. Gives where it ended. */
  #copy(
    into: Buffer,
    at: number,
    contextId: number,
    control: number,
    bytes: Uint8Array,
    last: boolean,
  ): number {
    let from = 0;
    do {
      const value = bytes.subarray(from, from + this.#room);
      from += value.length;
      const flags = control | (last && from === bytes.length ? PDV_LAST : 0);
      writeDataHeader(into, at, contextId, flags, value.length);
      into.set(value, at + HEADERS_BYTES);
      at += HEADERS_BYTES + value.length;
    } while (from < bytes.length);
    return at;
  }

  /** Of a fragment: of even length, PS3.8 E.2. */
  get #room(): number {
    return (this.#sendLength - PDV_HEADER_BYTES) & ~1;
  }

  /** A piece of a data set, in steps: the peer has `stallMs` to take each, not the whole. */
  async #fragments(contextId: number, bytes: Uint8Array, last: boolean): Promise<void> {
    let at = 0;
    do {
      const step = bytes.subarray(at, at + WRITE_BYTES);
      at += step.length;
      this.socket.cork();
      this.#values(contextId, 0, step, last && at === bytes.length);
      this.socket.uncork();
      await this.#drained();
    } while (at < bytes.length);
  }

  /** P-DATA-TF PDUs of one value each: PS3.8 E.1. */
  #values(contextId: number, control: number, bytes: Uint8Array, last: boolean): void {
    const room = this.#room;
    if (bytes.length <= Math.min(room, COPIED_BYTES)) {
      const whole = Buffer.allocUnsafe(HEADERS_BYTES + bytes.length);
      this.#copy(whole, 0, contextId, control, bytes, last);
      this.socket.write(whole);
      return;
    }
    const count = Math.max(1, Math.ceil(bytes.length / room));
    const headers = Buffer.allocUnsafe(count * HEADERS_BYTES);
    for (let i = 0; i < count; i++) {
      const value = bytes.subarray(i * room, (i + 1) * room);
      const flags = control | (last && i === count - 1 ? PDV_LAST : 0);
      writeDataHeader(headers, i * HEADERS_BYTES, contextId, flags, value.length);
      this.socket.write(headers.subarray(i * HEADERS_BYTES, (i + 1) * HEADERS_BYTES));
      this.socket.write(value);
    }
  }

  // ── ending ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Says `farewell`, then waits under ARTIM for the peer to close (PS3.8 Sta13), whatever it still sends. */
  end(farewell: Buffer): void {
    if (this.#over) return;
    this.#over = true;
    this.#reader.fail(new DimseError('dimse-closed', 'The association is over'));
    this.#reader.discard();
    const { socket } = this;
    if (socket.destroyed) return;
    socket.end(farewell);
    const timer = setTimeout(() => socket.destroy(), Math.min(this.limits.artimMs, 5_000));
    socket.once('close', () => clearTimeout(timer));
  }

  /** A-ABORT: as service user, or as provider with the reason when the peer broke the protocol. */
  abort(error?: DimseError): void {
    const broken = error?.code === 'dimse-pdu' || error?.code === 'dimse-command';
    this.end(encodeAbort(broken ? { source: 2, reason: error.abortReason } : { source: 0, reason: 0 }));
  }

  /** Answers A-RELEASE-RQ. */
  replyRelease(): void {
    this.end(encodeReleaseReply());
  }

  /** Releases as requestor, PS3.8 7.2: asks, waits for the answer, closes. */
  async release(): Promise<void> {
    await this.write(encodeReleaseRequest());
    const { type } = await this.readControl();
    if (type !== PDU.releaseRp && type !== PDU.releaseRq) {
      throw pduError('A-RELEASE-RP was expected', ABORT_REASON.unexpectedPdu);
    }
    this.#over = true;
    this.socket.destroy();
  }
}
