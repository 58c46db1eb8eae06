import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createLog, lines } from './log.ts';

test('a line is in the file when the call returns', () => {
  const dir = mkdtempSync(join(tmpdir(), 'negatoscope-log-'));
  createLog(dir, 'info').info({ count: 1 }, 'said');
  const [line] = readFileSync(join(dir, 'logs', 'negatoscope.log'), 'utf8').split('\n');
  expect(JSON.parse(line!)).toMatchObject({ count: 1, msg: 'said' });
  rmSync(dir, { recursive: true });
});

test.skipIf(process.platform !== 'linux')('a full disk costs the line, nothing else', () => {
  const fd = openSync('/dev/full', 'w');
  const log = lines(fd);
  for (let n = 0; n < 3; n++) log.write('a line\n');
  closeSync(fd);
  log.write('a line\n'); // whatever is wrong with the file
});
