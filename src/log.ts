import { chmodSync, existsSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type DestinationStream, pino, type Logger } from 'pino';

export type Log = Logger;

const ROTATE_BYTES = 20 * 1024 * 1024;

/**
 * JSON lines in `DIR/logs/negatoscope.log` (0600; the last one is kept as `.1`). Log keys, codes and counts: never a
 * patient's name, number or date, never a request's query, body or header.
 */
export function createLog(dir: string, level: string): Log {
  const folder = join(dir, 'logs');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'negatoscope.log');
  if (existsSync(file) && statSync(file).size > ROTATE_BYTES) renameSync(file, `${file}.1`);
  const fd = openSync(file, 'a', 0o600);
  chmodSync(file, 0o600);
  return pino(
    {
      level,
      base: undefined,
      serializers: {
        err: (err: unknown) =>
          err instanceof Error
            ? {
                type: err.name,
                code: (err as { code?: unknown }).code,
                message: err.message,
                stack: err.stack,
              }
            : { message: String(err) },
      },
    },
    lines(fd),
  );
}

/**
 * Each line at once to an open file. One for which there is no room is dropped: a log must not take the server down. (pino's own
 * destination, sonic-boom 4.2, ends the process at ENOSPC, and its flush at the end then tries for ever.)
 */
export function lines(fd: number): DestinationStream {
  /** The last one was written in part: the next begins anew. */
  let cut = false;
  return {
    write(line) {
      const bytes = Buffer.from(cut ? `\n${line}` : line);
      try {
        const written = writeSync(fd, bytes);
        if (written > 0) cut = written < bytes.length;
      } catch {
        // Whoever has to know of a full disk is told by the doors and the status page.
      }
    },
  };
}
