import { expect, test } from 'vitest';
import { atSite } from './siteTime.ts';

const PARIS = 'Europe/Paris';
const at = (da: string, tm: string, zone = PARIS) => {
  const ms = atSite(da, tm, zone);
  return ms === null ? null : new Date(ms).toISOString();
};

test('the site’s clock, in winter and summer', () => {
  expect(at('20261115', '083015')).toBe('2026-11-15T07:30:15.000Z');
  expect(at('20260715', '083015.250000')).toBe('2026-07-15T06:30:15.000Z');
  expect(at('2026.07.15', '08:30')).toBe('2026-07-15T06:30:00.000Z');
  expect(at('20260715', '2359', 'Pacific/Auckland')).toBe('2026-07-15T11:59:00.000Z');
  expect(at('20260715', '0000', 'America/New_York')).toBe('2026-07-15T04:00:00.000Z');
});

test('an hour that comes twice is the first, one that does not come the one after', () => {
  expect(at('20261025', '0230')).toBe('2026-10-25T00:30:00.000Z');
  expect(at('20261025', '0300')).toBe('2026-10-25T02:00:00.000Z');
  expect(at('20260329', '0230')).toBe('2026-03-29T01:30:00.000Z');
  expect(at('20260329', '0159')).toBe('2026-03-29T00:59:00.000Z');
});

test('what is no date or no time', () => {
  for (const [da, tm] of [
    ['', '0830'],
    ['20261115', ''],
    ['20261115', '8'],
    ['20261301', '0830'],
    ['20260230', '0830'],
    ['20261115', '2560'],
    ['hier', 'midi'],
  ] as const)
    expect(at(da, tm)).toBeNull();
});
