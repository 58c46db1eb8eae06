/** Every manifest that the documentation shows is one that the program takes. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseManifest } from './manifest.ts';

const folder = fileURLToPath(new URL('../../docs/models/', import.meta.url));
const pages = readdirSync(folder).filter((name) => name.endsWith('.md'));
const blocks = (text: string): string[] => [...text.matchAll(/^```json\n(.*?)^```/gms)].map((m) => m[1]!);

test.each(pages)('docs/models/%s', (page) => {
  const text = readFileSync(folder + page, 'utf8');
  const found = blocks(text);
  expect(found.length).toBeGreaterThan(0);
  for (const json of found) {
    const { id, regulatory, operatingPoints } = parseManifest(JSON.parse(json), page);
    expect(text).toContain(`models check ${id}`);
    // Nothing is claimed of what nobody here measured.
    expect(regulatory.status).toBe('research');
    for (const { measured } of Object.values(operatingPoints)) expect(measured).toEqual([]);
    expect(text).toMatch(/not run here/i);
  }
});

test('the brain tissue package of the documentation', () => {
  const json = JSON.parse(readFileSync(`${folder}brain-tissue/model.json`, 'utf8'));
  expect(parseManifest(json, 'brain-tissue')).toMatchObject({
    id: 'brain-tissue',
    input: { kind: 'volume' },
  });
});

/** Values of a field's examples in docs/models.md are themselves JSON. */
test('examples of fields are JSON', () => {
  const text = readFileSync(fileURLToPath(new URL('../../docs/models.md', import.meta.url)), 'utf8');
  const examples = [...text.matchAll(/`(\{"[^`]*\})`/g)].map((m) => m[1]!.replace(/\s+/g, ' '));
  expect(examples.length).toBeGreaterThan(10);
  for (const example of examples)
    if (!example.includes('…')) expect(() => JSON.parse(example), example).not.toThrow();
});
