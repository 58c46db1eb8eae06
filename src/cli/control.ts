import { createHash } from 'node:crypto';
import { lstatSync, rmSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NegatoscopeError, reasonOf } from '../errors.ts';
import type { Rooms } from '../rooms.ts';
import { runCommand, type Command } from './commands.ts';
import { EXIT, type Io } from './io.ts';

/**
 * Commands while the server runs: it alone may open the data, so the command line asks it over a socket in the data folder
 * that only the same account can open (folder 0700, socket 0600). One JSON object in, JSON lines out.
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
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const send = (line: Line) => response.write(`${JSON.stringify(line)}\n`);
      const io: Io = {
        out: (out) => send({ out }),
        err: (err) => send({ err }),
        progress: (progress) => send({ progress }),
      };
      Promise.resolve()
        .then(() => runCommand(rooms, JSON.parse(Buffer.concat(chunks).toString()) as Command, io))
        .catch((error: unknown) => {
          io.err(reasonOf(error));
          return exitCodeOf(error);
        })
        .then((exit) => {
          send({ exit });
          response.end();
        });
    });
  });
  const mask = process.umask(0o177);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  }).finally(() => process.umask(mask));
  return server;
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
      let rest = '';
      let exit: number | undefined;
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop()!;
        for (const line of lines) {
          const message = JSON.parse(line) as Line;
          if ('out' in message) io.out(message.out);
          else if ('err' in message) io.err(message.err);
          else if ('progress' in message) io.progress(message.progress);
          else exit = message.exit;
        }
      });
      response.on('close', () => {
        if (exit === undefined) io.err('The server ended before it had answered. Ask again.');
        resolve(exit ?? EXIT.unavailable);
      });
    });
    call.on('error', () => resolve(undefined));
    call.end(JSON.stringify(command));
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
