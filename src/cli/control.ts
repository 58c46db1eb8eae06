import { createHash } from 'node:crypto';
import { lstatSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NegatoscopeError, reasonOf } from '../errors.ts';
import type { Rooms } from '../rooms.ts';
import { runCommand, type Command } from './commands.ts';
import { EXIT, type Io } from './io.ts';

// An `import` would read every export of the module, and one of them loads a client for WebSockets that nobody here uses.
const { createServer, request } = process.getBuiltinModule('node:http');

/**
 * Commands while the server runs: it alone may open the data, so the command line asks it over a socket in the data folder
 * that only the same account can open (folder 0700, socket 0600). JSON lines in both directions: the command, then perhaps
 * that it should stop; what it prints, then its exit code.
 */
export function socketPath(dir: string): string {
  const path = join(dir, 'control.sock');
  // A socket's path is limited to 107 bytes (unix(7)).
  if (Buffer.byteLength(path) < 100) return path;
  return join(tmpdir(), `negatoscope-${createHash('sha256').update(dir).digest('hex').slice(0, 24)}.sock`);
}

type Line = { out: string } | { err: string } | { progress: string } | { exit: number };

/** Listens until `close`. */
export async function serveControl(rooms: Rooms): Promise<Server> {
  const path = socketPath(rooms.config.dir);
  rmSync(path, { force: true });
  // A command is a request whose body ends with its answer: Node would break it off after five minutes, an import in the middle.
  const server = createServer({ requestTimeout: 0 }, (incoming, response) => {
    const stopping = new AbortController();
    response.on('close', () => stopping.abort());
    const send = (line: Line) => response.write(`${JSON.stringify(line)}\n`);
    const io: Io = {
      out: (out) => send({ out }),
      err: (err) => send({ err }),
      progress: (progress) => send({ progress }),
      async drained() {
        if (response.writableNeedDrain && !response.closed)
          await Promise.race([once(response, 'drain'), once(response, 'close')]);
      },
      signal: stopping.signal,
    };
    const answer = (command: Command): void =>
      void runCommand(rooms, command, io)
        .catch((error: unknown) => {
          io.err(reasonOf(error));
          return exitCodeOf(error);
        })
        .then((exit) => {
          send({ exit });
          response.end();
        });
    let begun = false;
    onLines(incoming, (line) => {
      if (begun) stopping.abort();
      else answer(JSON.parse(line) as Command);
      begun = true;
    });
  });
  const mask = process.umask(0o177);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  }).finally(() => process.umask(mask));
  return server;
}

/** Calls with each line of a stream of text. */
function onLines(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    lines.forEach(take);
  });
}

/** A socket in a folder for everybody may be anybody's: a password goes only to the owner of the data. */
function sameOwner(socket: string, dir: string): boolean {
  try {
    return lstatSync(socket).uid === lstatSync(dir).uid;
  } catch {
    return false;
  }
}

/** Asks the server that holds `dir`. Resolves with the exit code, or undefined when nobody answers. */
export function askServer(dir: string, command: Command, io: Io): Promise<number | undefined> {
  return new Promise((resolve) => {
    const path = socketPath(dir);
    if (!sameOwner(path, dir)) return resolve(undefined);
    const call = request({ socketPath: path, path: '/', method: 'POST' }, (response) => {
      let exit: number | undefined;
      onLines(response, (line) => {
        const message = JSON.parse(line) as Line;
        if ('out' in message) io.out(message.out);
        else if ('err' in message) io.err(message.err);
        else if ('progress' in message) io.progress(message.progress);
        else exit = message.exit;
        if (!response.readableFlowing || io.signal.aborted) return;
        response.pause();
        void io.drained().then(() => response.resume());
      });
      response.on('close', () => {
        call.end();
        if (exit === undefined) io.err('The server ended before it had answered. Ask again.');
        resolve(exit ?? EXIT.unavailable);
      });
    });
    call.on('error', () => resolve(undefined));
    call.write(`${JSON.stringify(command)}\n`);
    // The body stays open: a second line asks to stop.
    io.signal.addEventListener('abort', () => call.write('{"stop":true}\n'), { once: true });
  });
}

/** The exit code that fits an error. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof NegatoscopeError)) return EXIT.internal;
  if (['config', 'tls-file', 'address'].includes(error.code)) return EXIT.config;
  if (['data-in-use', 'port-in-use', 'data-dir', 'database-unreachable'].includes(error.code))
    return EXIT.unavailable;
  if (error.status === 401 || error.status === 403) return EXIT.noPermission;
  return error.status >= 500 ? EXIT.internal : EXIT.data;
}
