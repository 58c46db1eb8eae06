/** The first table of docs/visibility.md, cell by cell. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { STAGES, type Stage } from '../evidence/types.ts';
import type { Principal, Role } from '../people/types.ts';
import { hiddenFrom, seesEverything, type Question } from './visibility.ts';

const person = (id: string | null, ...roles: Role[]): Principal => ({
  personId: id,
  name: 'x',
  roles: new Set(roles),
  via: id === null ? 'token' : 'session',
  language: 'fr',
});
interface Case {
  readonly who: readonly Principal[];
  readonly blindFirst: readonly boolean[];
  readonly opinion: boolean;
}
/** In the order of the columns. A cell must hold for everyone and every setting that its column means. */
const COLUMNS: readonly Case[] = [
  { who: [person('named', 'reader'), person('named', 'reader', 'admin')], blindFirst: [true, false], opinion: true }, // prettier-ignore
  { who: [person('named', 'reader'), person('named', 'reader', 'admin')], blindFirst: [true], opinion: false }, // prettier-ignore
  { who: [person('other', 'reader'), person('other', 'reader', 'technologist')], blindFirst: [true, false], opinion: true }, // prettier-ignore
  { who: [person('e', 'evidence'), person(null, 'evidence'), person('e', 'evidence', 'admin')], blindFirst: [true, false], opinion: false }, // prettier-ignore
  { who: [person('named', 'evidence', 'reader'), person('other', 'evidence', 'reader')], blindFirst: [true], opinion: false }, // prettier-ignore
  {
    who: (['admin', 'technologist', 'viewer', 'worker'] as Role[]).flatMap((role) => [
      person('named', role),
      person(null, role),
    ]),
    blindFirst: [true, false],
    opinion: true,
  },
  { who: [person(null, 'reader'), person(null, 'reader', 'admin')], blindFirst: [false], opinion: true },
];

const rows = [
  ...readFileSync(new URL('../../docs/visibility.md', import.meta.url), 'utf8')
    .split('## Before the signature')[1]!
    .split('\n## ')[0]!
    .matchAll(/^\| ([a-z]+) +\|(.*)\|$/gm),
]
  .map(([, stage, cells]) => ({ stage: stage!, cells: cells!.split('|').map((cell) => cell.trim()) }))
  .filter(({ stage }) => stage !== 'stage');

test('every stage has its row, every column its meaning', () => {
  expect(rows.map(({ stage }) => stage).sort()).toEqual([...STAGES].sort());
  for (const { cells } of rows) expect(cells).toHaveLength(COLUMNS.length);
  expect(rows.flatMap(({ cells }) => cells).every((cell) => cell === 'sees' || cell === '–')).toBe(true);
});

describe.each(rows)('$stage', ({ stage, cells }) => {
  test.each(cells.map((cell, i) => [i + 1, cell] as const))('column %i: %s', (column, cell) => {
    const { who, blindFirst, opinion } = COLUMNS[column - 1]!;
    for (const each of who)
      for (const first of blindFirst) {
        const question: Question = {
          stage: {
            stage: stage as Stage,
            readers: stage === 'pilot' ? ['named'] : [],
            blindFirst: first,
          },
          signed: false,
          opinion,
        };
        const sees = seesEverything(each) || hiddenFrom(each, question) === null;
        expect(sees, `${[...each.roles].join()} ${each.personId} ${first}`).toBe(cell === 'sees');
        // After the signature it is in the report.
        expect(hiddenFrom(each, { ...question, signed: true })).toBeNull();
      }
  });
});
