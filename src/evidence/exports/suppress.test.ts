import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LEAST, suppress, type Released } from './suppress.ts';

type Bounds = [low: number, high: number][][];

/**
 * The attack: from what is shown, the least and the most that each hidden count can be. Every line (a row or a column with its sum)
 * is gone through until nothing narrows any more (the shuttle algorithm, Dobra A., Fienberg S. E., 2000).
 */
function attack({ cells }: Released): Bounds {
  const bounds: Bounds = cells.map((row) =>
    row.map((value): [number, number] => (value === null ? [0, 1e6] : [value, value])),
  );
  const [rows, columns] = [cells.length, cells[0]!.length];
  const lines = [
    ...Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => bounds[i]![j]!)),
    ...Array.from({ length: columns }, (_, j) => Array.from({ length: rows }, (_, i) => bounds[i]![j]!)),
  ];
  for (let narrowed = true; narrowed;) {
    narrowed = false;
    for (const line of lines) {
      const [parts, sum] = [line.slice(0, -1), line.at(-1)!];
      const total = (side: 0 | 1) => parts.reduce((all, part) => all + part[side], 0);
      const set = (cell: [number, number], low: number, high: number) => {
        if (low > cell[0]) [cell[0], narrowed] = [low, true];
        if (high < cell[1]) [cell[1], narrowed] = [high, true];
      };
      set(sum, total(0), total(1));
      for (const part of parts) set(part, sum[0] - (total(1) - part[1]), sum[1] - (total(0) - part[0]));
    }
  }
  return bounds;
}
/** Every hidden count that the equations determine alone: by elimination over the hidden cells, as an attacker with a computer. */
function determined({ cells }: Released): string[] {
  const unknown = cells.flatMap((row, i) => row.flatMap((value, j) => (value === null ? [`${i},${j}`] : [])));
  const [rows, columns] = [cells.length, cells[0]!.length];
  const sign = (i: number, j: number, along: 'row' | 'column') =>
    (along === 'row' ? j === columns - 1 : i === rows - 1) ? -1 : 1;
  const system = [
    ...Array.from({ length: rows }, (_, i) =>
      unknown.map((key) => (key.startsWith(`${i},`) ? sign(i, Number(key.split(',')[1]), 'row') : 0)),
    ),
    ...Array.from({ length: columns }, (_, j) =>
      unknown.map((key) => (key.endsWith(`,${j}`) ? sign(Number(key.split(',')[0]), j, 'column') : 0)),
    ),
  ] as number[][];
  let top = 0;
  for (let column = 0; column < unknown.length; column += 1) {
    const pivot = system.findIndex((row, k) => k >= top && Math.abs(row[column]!) > 1e-9);
    if (pivot < 0) continue;
    [system[top], system[pivot]] = [system[pivot]!, system[top]!];
    const by = system[top]![column]!;
    system[top] = system[top]!.map((value) => value / by);
    system.forEach((row, k) => {
      if (k === top) return;
      const factor = row[column]!;
      if (factor !== 0) system[k] = row.map((value, c) => value - factor * system[top]![c]!);
    });
    top += 1;
  }
  return system.slice(0, top).flatMap((row) => {
    const used = row.flatMap((value, k) => (Math.abs(value) > 1e-9 ? [k] : []));
    return used.length === 1 ? [unknown[used[0]!]!] : [];
  });
}

const counts = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }))
  .chain(([rows, columns]) =>
    fc.array(
      fc.array(fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 300 })), { minLength: columns, maxLength: columns }), // prettier-ignore
      { minLength: rows, maxLength: rows },
    ),
  );
const isSmall = (value: number): boolean => value > 0 && value < LEAST;

describe('what leaves', () => {
  test('holds no count from 1 to 4', () => {
    fc.assert(
      fc.property(counts, (table) => {
        for (const value of suppress(table).cells.flat())
          expect(value !== null && isSmall(value)).toBe(false);
      }),
    );
  });

  test('is true where it is shown', () => {
    fc.assert(
      fc.property(counts, (table) => {
        const { cells } = suppress(table);
        table.forEach((row, i) => row.forEach((value, j) => expect([null, value]).toContain(cells[i]![j])));
      }),
    );
  });

  test('cannot be subtracted back: no hidden small count is determined, and each may be 0 or more than 5', () => {
    let seen = 0;
    fc.assert(
      fc.property(counts, (table) => {
        const released = suppress(table);
        const bounds = attack(released);
        const known = new Set(determined(released));
        table.forEach((row, i) =>
          row.forEach((value, j) => {
            if (!isSmall(value)) return;
            seen += 1;
            const [low, high] = bounds[i]![j]!;
            expect(low).toBe(0);
            expect(high).toBeGreaterThanOrEqual(LEAST);
            if (released.hidden < released.cells.flat().length) expect(known.has(`${i},${j}`)).toBe(false);
          }),
        );
      }),
      { numRuns: 500 },
    );
    expect(seen).toBeGreaterThan(500);
  });

  test('the attack works: where only the small count is hidden, it is had back', () => {
    const naive: Released = { cells: [[null, 40, 43], [60, 70, 130], [63, 110, 173]], hidden: 1 }; // prettier-ignore
    expect(attack(naive)[0]![0]).toEqual([3, 3]);
    expect(determined(naive)).toEqual(['0,0']);
    const row: Released = { cells: [[null, null, 43], [60, 70, 130], [63, 110, 173]], hidden: 2 }; // prettier-ignore
    expect(attack(row)[0]![0]).toEqual([3, 3]);
  });

  test('an example by hand', () => {
    const { cells } = suppress([[3, 40], [60, 70]]); // prettier-ignore
    expect(cells).toEqual([[null, null, 43], [null, null, 130], [63, 110, 173]]); // prettier-ignore
    expect(suppress([[40, 50]]).cells).toEqual([[40, 50, 90], [40, 50, 90]]); // prettier-ignore
    expect(
      suppress([[2]])
        .cells.flat()
        .every((value) => value === null),
    ).toBe(true);
  });
});
