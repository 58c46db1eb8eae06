import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const src = dirname(fileURLToPath(import.meta.url));

/** The table of allowed imports in docs/architecture.md, as rows of place → places. */
function allowed(): Map<string, { places: Set<string>; typesOnly: Set<string> }> {
  const text = readFileSync(join(src, '../docs/architecture.md'), 'utf8')
    .split('## Allowed imports')[1]!
    .split('\n## ')[0]!;
  const rows = new Map<string, { places: Set<string>; typesOnly: Set<string> }>();
  for (const [, from, to] of text.matchAll(/^\| `(\w+)` +\| (.*?) +\|$/gm)) {
    const places = new Set<string>();
    const typesOnly = new Set<string>();
    for (const [, name, types] of to!.matchAll(/`([\w/.]+)`( \(types\))?/g))
      (types ? typesOnly : places).add(name!);
    if (/every room/.test(to!))
      for (const room of [
        'archive',
        'assist',
        'evidence',
        'validation',
        'reading',
        'remote',
        'delivery',
        'people',
        'store',
      ])
        places.add(room);
    rows.set(from!, { places, typesOnly });
  }
  return rows;
}

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (/\.tsx?$/.test(entry.name) && !/\.test\.tsx?$/.test(entry.name)) yield path;
  }
}

const FREE = new Set(['errors.ts', 'log.ts', 'version.ts']);

test('rooms import what the table in docs/architecture.md allows, and nothing else', () => {
  const table = allowed();
  expect(table.size).toBeGreaterThan(9);
  const wrong: string[] = [];
  for (const file of sources(src)) {
    const from = relative(src, file).split(sep)[0]!;
    const rule = table.get(from);
    if (!rule) continue; // main.ts, server.ts, cli: they put the rooms together
    const text = readFileSync(file, 'utf8');
    if (/\/testing\//.test(file) || /\/testing\.ts$/.test(file)) continue;
    for (const [, statement, path] of text.matchAll(/^((?:import|export)\b[^;]*?)from '(\.[^']+)'/gm)) {
      const target = relative(src, join(dirname(file), path!));
      const place = target.split(sep)[0]!;
      if (place === from || FREE.has(target)) continue;
      const typeImport =
        /^(import|export) type\b/.test(statement!) || /^import \{\s*type [^,]*\}\s*$/.test(statement!);
      const ok =
        rule.places.has(place) ||
        rule.places.has(target) ||
        (rule.typesOnly.has(place) && (typeImport || target.endsWith('types.ts')));
      const composed =
        from === 'doors' && ['rooms.ts', 'doctor.ts', 'metrics.ts'].includes(target) && typeImport;
      if (!ok && !composed) wrong.push(`${relative(src, file)} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});
