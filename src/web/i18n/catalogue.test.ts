import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const web = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFileSync(join(web, file), 'utf8');
const folders = globSync('**/fr.json', { cwd: web }).map(dirname);
const catalogue = (folder: string, language: string): Record<string, string> =>
  JSON.parse(read(join(folder, `${language}.json`)));
const all = (language: string): Record<string, string> =>
  Object.assign({}, ...folders.map((folder) => catalogue(folder, language)));
const fr = all('fr');
const en = all('en');
/** Plural forms belong to one key: `exam.images_one`, `exam.images_other`. */
const base = (key: string) => key.replace(/_(zero|one|two|few|many|other)$/, '');
const known = new Set(Object.keys(fr).map(base));

describe.each(folders)('the catalogue in %s', (folder) => {
  it('has the same keys in French and English', () => {
    expect(Object.keys(catalogue(folder, 'fr')).toSorted()).toEqual(
      Object.keys(catalogue(folder, 'en')).toSorted(),
    );
  });
  it('has the same placeholders in both', () => {
    const holes = (text: string) => [...text.matchAll(/{{\s*(\w+)/g)].map(([, name]) => name).toSorted();
    const english = catalogue(folder, 'en');
    for (const [key, text] of Object.entries(catalogue(folder, 'fr'))) {
      // "one" may leave the number out.
      if (!key.endsWith('_one')) expect([key, ...holes(text)]).toEqual([key, ...holes(english[key]!)]);
    }
  });
});

it('a page’s own catalogue takes no key of another: it would change its words once it was loaded', () => {
  const keys = folders.flatMap((folder) => Object.keys(catalogue(folder, 'fr')));
  expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
});

it('knows every key that the code uses', () => {
  const missing: string[] = [];
  for (const file of globSync('**/*.{ts,tsx}', { cwd: web })) {
    if (file.includes('.test.')) continue;
    const code = read(file);
    for (const [, , key] of code.matchAll(/\bt\(\s*(['"])([^'"]+)\1/g))
      if (!known.has(key!)) missing.push(`${file}: ${key}`);
    // `t(`role.${role}`)`: at least one key begins so.
    for (const [, prefix] of code.matchAll(/\bt\(\s*`([^`$]+)\$\{/g)) {
      if (![...known].some((key) => key.startsWith(prefix!))) missing.push(`${file}: ${prefix}…`);
    }
    for (const [, prefix] of code.matchAll(/\borCode\(\s*t,\s*'([^']+)'/g)) {
      if (![...known].some((key) => key.startsWith(`${prefix}.`))) missing.push(`${file}: ${prefix}.…`);
    }
  }
  expect(missing).toEqual([]);
});

it('carries no key that nothing uses', () => {
  const code = globSync('**/*.{ts,tsx}', { cwd: web })
    .filter((file) => !file.includes('.test.'))
    .map(read)
    .join('\n');
  const prefixes = [
    ...[...code.matchAll(/`([\w-]+(?:\.[\w-]+)*\.)\$\{/g)].map(([, prefix]) => prefix!),
    ...[...code.matchAll(/\borCode\(\s*t,\s*'([^']+)'/g)].map(([, prefix]) => `${prefix}.`),
  ];
  const idle = [...known].filter(
    (key) => !code.includes(`'${key}'`) && !prefixes.some((prefix) => key.startsWith(prefix)),
  );
  expect(idle).toEqual([]);
});

it('keeps French typography: no breakable space before : ; ? ! » and none after «', () => {
  const bad = Object.entries(fr).filter(([, text]) => / [:;?!»%]|« |'/.test(text));
  expect(bad).toEqual([]);
  const english = Object.entries(en).filter(([, text]) => /'|\.\.\./.test(text));
  expect(english).toEqual([]);
});

it('leaves no text empty', () => {
  for (const texts of [fr, en])
    for (const [key, text] of Object.entries(texts)) expect([key, text.trim()]).not.toEqual([key, '']);
});
