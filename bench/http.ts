/**
 * A client that is no limit: sockets kept alive, one buffer a socket that is used again and again, bodies counted and not
 * kept. Knows of HTTP/1.1 (RFC 9112) what servers answer here: Content-Length and chunked.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  /** Of the body, in bytes; framing of chunks not counted. */
  readonly bytes: number;
}

const BUFFER = 1024 * 1024;
const END = Buffer.from('\r\n\r\n');

/** One connection, one request at a time. */
export class Lane {
  readonly #socket: Socket;
  readonly #host: string;
  #head = Buffer.alloc(0);
  #inBody = false;
  #left = 0;
  #chunked = false;
  /** Of a chunked body: the size line or the line end behind a chunk, as far as it has come. */
  #line = '';
  #last = false;
  #status = 0;
  #bytes = 0;
  #resolve: ((answer: Answer) => void) | undefined;
  #reject: ((error: Error) => void) | undefined;

  constructor(url: URL) {
    this.#host = url.host;
    const buffer = Buffer.allocUnsafeSlow(BUFFER);
    this.#socket = connect({
      host: url.hostname,
      port: Number(url.port),
      noDelay: true,
      onread: {
        buffer,
        callback: (length: number) => {
          this.#take(buffer.subarray(0, length));
          return true;
        },
      },
    });
    const fail = (error?: Error) => this.#reject?.(error ?? new Error('the connection was closed'));
    this.#socket.on('error', fail);
    this.#socket.on('close', () => fail());
  }

  get(path: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const lines = Object.entries({ Host: this.#host, ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    this.#head = Buffer.alloc(0);
    this.#inBody = false;
    this.#bytes = 0;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    });
  }

  close(): void {
    this.#reject = undefined;
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    let rest = bytes;
    if (!this.#inBody) {
      this.#head = Buffer.concat([this.#head, rest]);
      const end = this.#head.indexOf(END);
      if (end < 0) return;
      rest = this.#head.subarray(end + 4);
      this.#begin(this.#head.toString('latin1', 0, end));
    }
    while (rest.length > 0 || this.#left === 0) {
      if (this.#left > 0) {
        const part = Math.min(this.#left, rest.length);
        this.#bytes += part;
        this.#left -= part;
        rest = rest.subarray(part);
        if (this.#left === 0 && !this.#chunked) return this.#done();
        if (rest.length === 0) return;
      } else if (!this.#chunked) return this.#done();
      else {
        const end = rest.indexOf(0x0a);
        this.#line += rest.toString('latin1', 0, end < 0 ? rest.length : end).trim();
        if (end < 0) return;
        rest = rest.subarray(end + 1);
        const line = this.#line;
        this.#line = '';
        if (this.#last) return this.#done(); // no trailers here
        if (line === '') continue; // behind a chunk
        this.#left = parseInt(line, 16);
        this.#last = this.#left === 0;
      }
    }
  }

  #begin(head: string): void {
    this.#inBody = true;
    this.#status = Number(head.slice(9, 12));
    this.#chunked = /^transfer-encoding: *chunked/im.test(head);
    this.#left = this.#chunked ? 0 : Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    this.#line = '';
    this.#last = false;
  }

  #done(): void {
    this.#resolve?.({ status: this.#status, bytes: this.#bytes });
  }
}

export interface Rate {
  readonly perSecond: number;
  readonly megabytesPerSecond: number;
}

/**
 * Asks for `paths` in turn from `lanes` connections for `seconds`.
 * @throws Error on an answer that is not 200 or has less than `atLeast` bytes
 */
export async function rate(
  base: string,
  paths: readonly string[],
  headers: Readonly<Record<string, string>>,
  { lanes, seconds, atLeast }: { lanes: number; seconds: number; atLeast: number },
): Promise<Rate> {
  const url = new URL(base);
  const connections = Array.from({ length: lanes }, () => new Lane(url));
  let next = 0;
  let bytes = 0;
  let answers = 0;
  const start = performance.now();
  const until = start + seconds * 1000;
  try {
    await Promise.all(
      connections.map(async (lane) => {
        while (performance.now() < until) {
          const path = paths[next++ % paths.length]!;
          const answer = await lane.get(url.pathname.replace(/\/$/, '') + path, headers);
          if (answer.status !== 200 || answer.bytes < atLeast)
            throw new Error(`${base}${path} answered ${answer.status} with ${answer.bytes} bytes`);
          bytes += answer.bytes;
          answers++;
        }
      }),
    );
  } finally {
    for (const lane of connections) lane.close();
  }
  const took = (performance.now() - start) / 1000;
  return { perSecond: answers / took, megabytesPerSecond: bytes / took / 1e6 };
}
