import { chmodSync, closeSync, existsSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';

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
  closeSync(openSync(file, 'a', 0o600));
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
    pino.destination({ dest: file, sync: false }),
  );
}
