import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BUNDLE, bundleIsCurrent, digestOf } from './bundle.ts';

const root = mkdtempSync(join(tmpdir(), 'negatoscope-bundle-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('a bundle is used as long as every source is what it was made from, and no longer', () => {
  const write = (file: string, text: string) => writeFileSync(join(root, file), text);
  mkdirSync(join(root, BUNDLE), { recursive: true });
  write('a.ts', 'export const a = 1;');
  write('b.ts', 'export const b = 2;');
  expect(bundleIsCurrent(root)).toBe(false); // not built
  const files = ['a.ts', 'b.ts'];
  write(`${BUNDLE}/sources.json`, JSON.stringify({ digest: digestOf(root, files), files }));
  expect(bundleIsCurrent(root)).toBe(true);

  write('b.ts', 'export const b = 3;'); // the same size
  expect(bundleIsCurrent(root)).toBe(false);
  write('b.ts', 'export const b = 2;');
  expect(bundleIsCurrent(root)).toBe(true);

  // What one file loses, the next one gains.
  write('a.ts', 'export const a = 1;export');
  write('b.ts', ' const b = 2;');
  expect(bundleIsCurrent(root)).toBe(false);

  rmSync(join(root, 'b.ts'));
  expect(bundleIsCurrent(root)).toBe(false);
  write(`${BUNDLE}/sources.json`, '{"digest":'); // half written
  expect(bundleIsCurrent(root)).toBe(false);
});
