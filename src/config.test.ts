import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from './config.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'negatoscope-config-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

test('flags beat the environment, which beats the file, which beats the defaults', () => {
  writeFileSync(join(dir, 'negatoscope.json'), JSON.stringify({ port: 1001, dicomPort: 1002, aet: 'FILE' }));
  const config = loadConfig(
    dir,
    { port: '3001' },
    { NEGATOSCOPE_PORT: '2001', NEGATOSCOPE_DICOM_PORT: '2002' },
  );
  expect(config).toMatchObject({ port: 3001, dicomPort: 2002, aet: 'FILE', silenceSeconds: 8 });
});

test.each([
  [{ port: '70000' }, {}, '--port'],
  [{}, { NEGATOSCOPE_AET: 'MORE THAN SIXTEEN CHARACTERS' }, 'NEGATOSCOPE_AET'],
  [{ aet: 'BACK\\SLASH' }, {}, '--aet'],
  [{ tlsCert: 'a.pem' }, {}, '--tls-key'],
])('a wrong value is refused with its place: %j', (flags, env, place) => {
  expect(() => loadConfig(dir, flags, env)).toThrow(place);
});

test('a misspelt key in the file is named, and broken JSON is said to be that', () => {
  const file = join(dir, 'negatoscope.json');
  writeFileSync(file, '{"prot": 1}');
  expect(() => loadConfig(dir, {}, {})).toThrow('prot');
  writeFileSync(file, '{');
  expect(() => loadConfig(dir, {}, {})).toThrow('not valid JSON');
});
