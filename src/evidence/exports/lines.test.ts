import { describe, expect, test } from 'vitest';
import { figuresCsv, registryCsv, tableOf, type Counted } from './lines.ts';
import { monthOf } from './month.ts';

const row = (positive: boolean, conclusion: Counted['conclusion'], n: number, more: Partial<Counted> = {}): Counted => ({ modality: 'DX', bodyPart: 'WRIST', version: '1.0.0', positive, conclusion, blind: true, n, ...more }); // prettier-ignore
const of = { month: '2026-11', tool: 'fracture' };
const lines = (text: string): string[][] =>
  text
    .trimEnd()
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(','));

describe('a month', () => {
  test('is the site’s, over the change of the clock and the turn of the year', () => {
    const iso = (name: string, zone = 'Europe/Paris') => {
      const { from, to } = monthOf(name, zone);
      return [new Date(from).toISOString(), new Date(to).toISOString()];
    };
    expect(iso('2026-10')).toEqual(['2026-09-30T22:00:00.000Z', '2026-10-31T23:00:00.000Z']);
    expect(iso('2026-12')).toEqual(['2026-11-30T23:00:00.000Z', '2026-12-31T23:00:00.000Z']);
    expect(iso('2026-11', 'America/New_York')).toEqual([
      '2026-11-01T04:00:00.000Z',
      '2026-12-01T05:00:00.000Z',
    ]);
  });
  test.each(['', '2026', '2026-13', '2026-1', '2026-11-01', '../etc'])('%j is none', (name) => {
    expect(() => monthOf(name, 'Europe/Paris')).toThrow('month');
  });
});

describe('files', () => {
  const rows = [
    row(true, 'yes', 40),
    row(false, 'yes', 10),
    row(true, 'no', 20),
    row(false, 'no', 130),
    row(true, 'yes', 2, { bodyPart: 'KNEE' }),
    row(false, 'no', 60, { bodyPart: 'KNEE' }),
    row(true, 'no', 30, { bodyPart: 'KNEE' }),
    row(true, null, 12, { blind: false }),
  ];
  test('figures come from what is shown, with the interval of Wilson', () => {
    const found = lines(figuresCsv(tableOf(rows), of));
    const all = found.filter((line) => line[2] === 'all').map((line) => line.slice(5));
    expect(all).toContainEqual(['specificity', '190', '240', '0.7917', '0.7359', '0.8383']);
    // The two of the knee, and the 40 of the wrist that would give them away.
    expect(found.filter((line) => line[5] === 'sensitivity' && line[2] !== 'all').map((line) => line[6])).toEqual(['hidden', 'hidden']); // prettier-ignore
  });
  test('registry lines say what agreed, and leave out what did not happen', () => {
    const found = lines(registryCsv(tableOf(rows), of));
    expect(found).toContainEqual(['2026-11', 'DX', 'KNEE', 'fracture', '1.0.0', 'positive', 'yes', 'before AI was seen', 'yes', 'hidden']); // prettier-ignore
    expect(found.some((line) => line[6] === 'uncertain')).toBe(false);
    expect(found.flatMap((line) => line[9]).some((count) => Number(count) > 0 && Number(count) < 5)).toBe(
      false,
    );
  });
  test('an empty month has heads alone', () => {
    expect(lines(registryCsv(tableOf([]), of))).toEqual([]);
    expect(lines(figuresCsv(tableOf([]), of))).toEqual([]);
  });
  test('what a header holds is no formula', () => {
    const text = registryCsv(tableOf([row(true, 'yes', 50, { bodyPart: "=cmd|' /C calc'!A0" })]), of);
    expect(text).toContain("'=cmd");
    expect(text).not.toMatch(/,=/);
  });
});
