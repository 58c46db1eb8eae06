/**
 * `multipart/related` as a stream, in both directions: RFC 2387, RFC 2046 5.1, PS3.18 8.6.1.2.
 *
 *     for await (const part of readMultipart(request.raw, boundaryOf(request.headers['content-type']))) {
 *       await archive.ingest(part.body, origin);
 *     }
 *
 * Memory is bounded by one chunk of the source and the header limit, whatever the size of a part.
 */
import { randomUUID } from 'node:crypto';
import { NegatoscopeError } from '../errors.ts';

export interface MultipartPart {
  /** Names in lower case; a repeated header keeps its last value. */
  readonly headers: Map<string, string>;
  /**
   * Views onto the source's chunks, in order. To be read before the next part is asked for: what is left is skipped.
   * Throws `multipart-truncated` when the source ends before the closing delimiter.
   */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface MultipartLimits {
  /** Header block of one part, in bytes; 16 KiB unless told. */
  readonly maxHeaderBytes?: number;
}

const NOTHING = Buffer.alloc(0);
const LF = 0x0a;
const CR = 0x0d;
const DASH = 0x2d;
/** Transport padding (RFC 2046 5.1.1) that we bear after a boundary. */
const MAX_PADDING = 256;
/** RFC 2046 5.1.1: 1 to 70 characters. We bear what clients send, so long as it is a plain line of text. */
const BOUNDARY = /^[\x20-\x7e]{1,200}$/;

const broken = (code: string, message: string) => new NegatoscopeError(code, message, { status: 400 });
const truncated = () =>
  broken('multipart-truncated', 'The upload ended before its closing boundary. Send it again.');

/**
 * Parts of a `multipart/*` body, in order. Tolerates a preamble, an epilogue, LF line ends, padding after the boundary and a
 * missing line end after the closing delimiter.
 *
 * @throws NegatoscopeError `multipart-boundary` (unusable boundary), `multipart-header` (too large, or no header line),
 *   `multipart-truncated` (source ends before the closing delimiter; also when there is no delimiter at all)
 */
export async function* readMultipart(
  stream: AsyncIterable<Uint8Array>,
  boundary: string,
  { maxHeaderBytes = 16 * 1024 }: MultipartLimits = {},
): AsyncGenerator<MultipartPart, void, undefined> {
  const reader = new MultipartReader(stream, boundary, maxHeaderBytes);
  try {
    // What lies before the first delimiter is the preamble: a body that nobody asked for.
    await reader.skipBody();
    while (!reader.closed) {
      const headers = await reader.readHeaders();
      const body = reader.openBody();
      yield { headers, body };
      await reader.skipBody();
    }
    await reader.drain();
  } finally {
    await reader.release();
  }
}

class MultipartReader {
  /** True once the closing delimiter was read. */
  closed = false;
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #delimiter: Buffer;
  readonly #maxHeaderBytes: number;
  /** Read but not yet handed out. Starts with the line end that a delimiter at offset 0 would need. */
  #held: Buffer = Buffer.from('\n');
  /** Bytes at the start of `#held` that belong to a line end already consumed: part of a delimiter, never of a body. */
  #virtual = 1;
  #inBody = true;
  #ended = false;
  #generation = 0;

  constructor(stream: AsyncIterable<Uint8Array>, boundary: string, maxHeaderBytes: number) {
    if (!BOUNDARY.test(boundary)) {
      throw broken('multipart-boundary', 'The Content-Type names no usable multipart boundary.');
    }
    this.#source = stream[Symbol.asyncIterator]();
    this.#delimiter = Buffer.from(`\n--${boundary}`, 'latin1');
    this.#maxHeaderBytes = maxHeaderBytes;
  }

  /** Appends the next chunk to what is held; copies only what a chunk boundary cut in two. False at the end. */
  async #more(): Promise<boolean> {
    if (this.#ended) return false;
    const next = await this.#source.next();
    if (next.done) {
      this.#ended = true;
      return false;
    }
    const chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    return true;
  }

  async *#body(generation: number): AsyncGenerator<Uint8Array, void, undefined> {
    while (this.#inBody && generation === this.#generation) {
      const chunk = await this.#bodyChunk();
      if (chunk.length > 0) yield chunk;
    }
  }

  openBody(): AsyncIterable<Uint8Array> {
    this.#inBody = true;
    return this.#body(++this.#generation);
  }

  async skipBody(): Promise<void> {
    while (this.#inBody) await this.#bodyChunk();
  }

  /** The next piece of the body, maybe empty; clears `#inBody` when the delimiter line behind it is consumed. */
  async #bodyChunk(): Promise<Buffer> {
    let from = 0;
    for (;;) {
      const at = this.#held.indexOf(this.#delimiter, from);
      if (at < 0) {
        const keep = this.#undecided();
        const end = this.#held.length - keep;
        if (end > this.#virtual) return this.#take(end, end);
        if (!(await this.#more())) throw truncated();
        continue;
      }
      const line = await this.#delimiterLine(at + this.#delimiter.length);
      if (line.kind === 'none') {
        from = at + 1; // "--boundary" was the beginning of something longer: content
        continue;
      }
      const end = at > this.#virtual && this.#held[at - 1] === CR ? at - 1 : at;
      this.#inBody = false;
      this.closed = line.kind === 'close';
      return this.#take(Math.max(end, this.#virtual), line.next);
    }
  }

  /** Body bytes up to `end`, and everything before `next` forgotten. */
  #take(end: number, next: number): Buffer {
    const body = this.#held.subarray(this.#virtual, end);
    // Whoever gets the last of a chunk may give its memory back.
    this.#held = next === this.#held.length ? NOTHING : this.#held.subarray(next);
    this.#virtual = 0;
    return body;
  }

  /** How many of the last bytes held may be the beginning of a delimiter that the next chunk completes. */
  #undecided(): number {
    const held = this.#held;
    if (held.length === 0) return 0;
    if (held[held.length - 1] === CR) return 1;
    const at = held.lastIndexOf(LF);
    const length = held.length - at;
    if (at < 0 || length >= this.#delimiter.length) return 0;
    if (held.compare(this.#delimiter, 0, length, at) !== 0) return 0;
    return at > 0 && held[at - 1] === CR ? length + 1 : length;
  }

  /** What follows `--boundary` at `at`: the end of the line, the closing dashes, or neither. `next`: first byte behind it. */
  async #delimiterLine(at: number): Promise<{ kind: 'part' | 'close' | 'none'; next: number }> {
    const byte = async (i: number): Promise<number | undefined> => {
      while (i >= this.#held.length && (await this.#more()));
      return this.#held[i];
    };
    if ((await byte(at)) === DASH && (await byte(at + 1)) === DASH) return { kind: 'close', next: at + 2 };
    for (let i = at; i <= at + MAX_PADDING; i++) {
      const value = await byte(i);
      if (value === 0x20 || value === 0x09) continue;
      // The line end stays: header fields are looked for behind it.
      if (value === LF) return { kind: 'part', next: i };
      if (value === CR && (await byte(i + 1)) === LF) return { kind: 'part', next: i + 1 };
      if (value === undefined) throw truncated();
      break;
    }
    return { kind: 'none', next: at };
  }

  /** From the line end of the delimiter to the empty line, of which the last LF stays held: it may begin a delimiter. */
  async readHeaders(): Promise<Map<string, string>> {
    let from = 0;
    for (;;) {
      for (let at = this.#held.indexOf(LF, from); at >= 0; at = this.#held.indexOf(LF, at + 1)) {
        const next = this.#held[at + 1];
        const end = next === LF ? at + 1 : next === CR && this.#held[at + 2] === LF ? at + 2 : -1;
        if (end < 0) continue;
        if (end > this.#maxHeaderBytes) throw this.#headersTooLarge();
        const headers = parseHeaders(this.#held.toString('latin1', 1, at));
        this.#held = this.#held.subarray(end);
        this.#virtual = 1;
        return headers;
      }
      if (this.#held.length > this.#maxHeaderBytes) throw this.#headersTooLarge();
      from = Math.max(0, this.#held.length - 2);
      if (!(await this.#more())) throw truncated();
    }
  }

  #headersTooLarge(): NegatoscopeError {
    return broken('multipart-header', `The header of a part is larger than ${this.#maxHeaderBytes} bytes.`);
  }

  /** The epilogue is to be ignored (RFC 2046 5.1.1), but read: a client that still sends would see a reset. */
  async drain(): Promise<void> {
    this.#held = Buffer.alloc(0);
    while (!this.#ended) this.#ended = (await this.#source.next()).done === true;
  }

  async release(): Promise<void> {
    this.#generation++;
    this.#inBody = false;
    if (!this.#ended) {
      this.#ended = true;
      await this.#source.return?.();
    }
  }
}

function parseHeaders(text: string): Map<string, string> {
  const headers = new Map<string, string>();
  if (text === '' || text === '\r') return headers;
  for (const line of text.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon <= 0) throw broken('multipart-header', 'A part has a header line without a name and a colon.');
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}

/** `type/subtype; name=value; name="quoted value"`: RFC 9110 8.3.1. Type and parameter names in lower case. */
export function parseContentType(value: string): { type: string; parameters: Map<string, string> } {
  const parameters = new Map<string, string>();
  const semicolon = value.indexOf(';');
  const type = (semicolon < 0 ? value : value.slice(0, semicolon)).trim().toLowerCase();
  if (semicolon >= 0) {
    for (const match of value
      .slice(semicolon)
      .matchAll(/;\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))/g)) {
      const [, name = '', quoted, plain = ''] = match;
      parameters.set(
        name.toLowerCase(),
        quoted === undefined ? plain.trim() : quoted.replace(/\\(.)/g, '$1'),
      );
    }
  }
  return { type, parameters };
}

/**
 * The boundary that a `multipart/*` Content-Type names.
 * @throws NegatoscopeError `multipart-boundary`
 */
export function boundaryOf(contentType: string | undefined): string {
  const { type, parameters } = parseContentType(contentType ?? '');
  const boundary = parameters.get('boundary');
  if (!type.startsWith('multipart/') || !boundary) {
    throw broken('multipart-boundary', 'The Content-Type must be multipart/related with a boundary.');
  }
  return boundary;
}

export interface MultipartWriter {
  readonly boundary: string;
  /** Delimiter and header block of the next part; its body follows as it is. */
  part(headers: Readonly<Record<string, string>>): Buffer;
  /** Closing delimiter. */
  end(): Buffer;
  /** Value of Content-Type: PS3.18 8.7.1. */
  contentType(type: string, transferSyntax?: string): string;
}

/** Frames for a `multipart/related` body. The caller writes the bodies: they never pass through here. */
export function multipartWriter(boundary: string = `negatoscope-${randomUUID()}`): MultipartWriter {
  if (!BOUNDARY.test(boundary)) throw broken('multipart-boundary', 'This boundary cannot be written.');
  let first = true;
  return {
    boundary,
    part(headers) {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      if (lines.some((line) => /[\r\n]/.test(line.slice(0, -2)))) {
        throw broken('multipart-header', 'A header value contains a line end.');
      }
      const lead = first ? '' : '\r\n';
      first = false;
      return Buffer.from(`${lead}--${boundary}\r\n${lines.join('')}\r\n`, 'latin1');
    },
    end: () => Buffer.from(first ? `--${boundary}--\r\n` : `\r\n--${boundary}--\r\n`, 'latin1'),
    contentType: (type, transferSyntax) =>
      `multipart/related; type="${type}"; boundary="${boundary}"` +
      (transferSyntax ? `; transfer-syntax=${transferSyntax}` : ''),
  };
}
