import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generator } from '../bootstrap.ts';
import { siteClock } from './clock.ts';
import { adjustedOf, comparisonOf, stratumOf } from './compare.ts';
import type { CourseRow } from './course.ts';
import { loadOf, sinceAcquisition, turnaroundOf } from './figures.ts';
import { interruptedOf } from './series.ts';
import { medianInterval, MOST_DRAWN, spreadOf } from './spread.ts';

const PARIS = 'Europe/Paris';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Monday, 1 June 2026, 00:00 in Paris. */
const MONDAY = Date.UTC(2026, 4, 31, 22);

const row = (more: Partial<CourseRow> = {}): CourseRow => {
  const arrivedAt = more.arrivedAt ?? MONDAY + 10 * HOUR;
  return {
    modality: 'DX',
    bodyPart: 'WRIST',
    priority: 'ROUTINE',
    acquiredAt: arrivedAt - 2 * MINUTE,
    arrivedAt,
    openedAt: arrivedAt + 20 * MINUTE,
    signedAt: arrivedAt + 25 * MINUTE,
    deliveredAt: arrivedAt + 26 * MINUTE,
    readyAt: arrivedAt + MINUTE,
    shownAt: arrivedAt + 20 * MINUTE,
    positive: false,
    marks: 0,
    rejected: 0,
    rejectionMs: [],
    ...more,
  };
};
/** A practice of known truth: waits lengthen in the evening and at the weekend, halve when urgent, and with AI are `ratio` as long. */
function practice(seed: number, n: number, ratio: number, share: (row: { evening: boolean }) => number) {
  const next = generator(seed);
  const chance = () => next() / 2 ** 32;
  return Array.from({ length: n }, (_, i): CourseRow => {
    const evening = chance() < 0.4;
    const weekend = chance() < 0.25;
    const urgent = chance() < 0.3;
    const arrivedAt =
      MONDAY + Math.floor(i / 40) * 7 * DAY + (weekend ? 5 : Math.floor(chance() * 5)) * DAY + (evening ? 19 : 9) * HOUR + Math.floor(chance() * 2 * HOUR); // prettier-ignore
    const shown = chance() < share({ evening });
    const noise = Math.exp(
      0.5 * Math.sqrt(-2 * Math.log(chance() + 1e-12)) * Math.cos(2 * Math.PI * chance()),
    );
    const wait = 40 * MINUTE * (evening ? 2 : 1) * (weekend ? 1.5 : 1) * (urgent ? 0.5 : 1) * (shown ? ratio : 1) * noise; // prettier-ignore
    return row({
      arrivedAt,
      priority: urgent ? 'STAT' : 'ROUTINE',
      openedAt: arrivedAt + wait * 0.8,
      signedAt: arrivedAt + wait,
      shownAt: shown ? arrivedAt + wait * 0.8 : null,
    });
  });
}

describe('the site’s clock', () => {
  const clock = siteClock(PARIS);
  test('reads hours and weekdays, over the change of the clock', () => {
    expect(clock.wall(Date.UTC(2026, 9, 25, 0, 30)).toISOString()).toBe('2026-10-25T02:30:00.000Z');
    expect(clock.wall(Date.UTC(2026, 9, 25, 1, 30)).toISOString()).toBe('2026-10-25T02:30:00.000Z');
    expect(clock.wall(Date.UTC(2026, 6, 1, 8)).getUTCHours()).toBe(10);
  });
  test('a week begins on Monday at midnight, there', () => {
    const week = clock.week(MONDAY);
    expect(clock.week(MONDAY - 1)).toBe(week - 7 * DAY);
    expect(clock.week(MONDAY + 7 * DAY - 1)).toBe(week);
    expect(new Date(week).toISOString()).toBe('2026-06-01T00:00:00.000Z');
  });
  test('places an arrival', () => {
    const stratum = stratumOf(PARIS);
    expect(stratum(row({ arrivedAt: MONDAY }))).toBe('0 week DX ROUTINE');
    expect(stratum(row({ arrivedAt: MONDAY - 1, priority: 'STAT' }))).toBe('18 weekend DX STAT');
    expect(stratum(row({ arrivedAt: MONDAY + 12 * HOUR, modality: 'CT' }))).toBe('12 week CT ROUTINE');
  });
});

describe('medians', () => {
  test('too few have none; a constant has no width', () => {
    expect(medianInterval([1, 2, 3, 4, 5])).toBeNull();
    expect(medianInterval([7, 7, 7, 7, 7, 7])).toEqual({ low: 7, high: 7 });
    expect(spreadOf([])).toEqual({ n: 0, median: null, interval: null, q1: null, q3: null });
  });

  test('the interval covers the median of a skewed distribution, drawn and by order', () => {
    const next = generator(11);
    // Median of an exponential distribution: ln 2.
    const sample = (n: number) =>
      Float64Array.from({ length: n }, () => -Math.log((next() + 1) / 2 ** 32)).sort();
    for (const [n, rounds, least] of [
      [40, 200, 0.9],
      [MOST_DRAWN + 1, 2000, 0.94],
    ] as const) {
      let covered = 0;
      for (let i = 0; i < rounds; i += 1) {
        const { low, high } = medianInterval(sample(n))!;
        if (low <= Math.LN2 && Math.LN2 <= high) covered += 1;
      }
      expect(covered / rounds).toBeGreaterThan(least);
      expect(covered / rounds).toBeLessThan(1);
    }
  });

  test('encloses the median, whatever the values', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1e9 }), { minLength: 6, maxLength: 40 }), (values) => {
        const { median, interval, q1, q3 } = spreadOf(values);
        expect(interval!.low).toBeLessThanOrEqual(median!);
        expect(interval!.high).toBeGreaterThanOrEqual(median!);
        expect(q1!).toBeLessThanOrEqual(q3!);
      }),
      { numRuns: 40 },
    );
  });
});

describe('with and without AI', () => {
  test('finds what is so, where AI is shown more often in the slow hours', () => {
    const rows = practice(1, 3000, 0.8, ({ evening }) => (evening ? 0.8 : 0.2));
    const found = comparisonOf(rows, PARIS);
    // Not adjusted, AI looks slower than no AI: it was there when everything was slow.
    expect(found.shown.median!).toBeGreaterThan(found.hidden.median!);
    expect(found.adjusted!.ratioInterval.low).toBeLessThan(0.8);
    expect(found.adjusted!.ratioInterval.high).toBeGreaterThan(0.8);
    expect(found.adjusted!.ratioInterval.high).toBeLessThan(0.9);
    expect(found.adjusted!.shift).toBeLessThan(0);
    expect(found.adjusted!.p).toBeLessThan(0.001);
    expect(found.strata).toBe(8);
  });

  test('calls what is the same different in about one of twenty', () => {
    let called = 0;
    const stratum = stratumOf(PARIS);
    const waits = (rows: readonly CourseRow[], shown: boolean) =>
      rows
        .filter(({ shownAt }) => (shownAt !== null) === shown)
        .map((each) => ({ stratum: stratum(each), ms: each.signedAt - each.arrivedAt }));
    for (let seed = 0; seed < 200; seed += 1) {
      const rows = practice(seed, 300, 1, ({ evening }) => (evening ? 0.7 : 0.3));
      const { adjusted } = adjustedOf(waits(rows, true), waits(rows, false));
      if (adjusted!.ratioInterval.high < 1 || adjusted!.ratioInterval.low > 1) called += 1;
    }
    expect(called).toBeGreaterThan(2);
    expect(called).toBeLessThan(22);
  });

  test('says when it means nothing', () => {
    expect(comparisonOf([], PARIS).why).toBe('none-shown');
    expect(comparisonOf([row()], PARIS).why).toBe('none-hidden');
    expect(comparisonOf([row(), row({ shownAt: null })], PARIS).why).toBe('few');
    const apart = Array.from({ length: 80 }, (_, i) =>
      row({ arrivedAt: MONDAY + (i % 2 ? 9 : 20) * HOUR, shownAt: i % 2 ? 1 : null }),
    );
    expect(comparisonOf(apart, PARIS)).toMatchObject({ why: 'no-overlap', adjusted: null, strata: 0 });
    const few = Array.from({ length: 40 }, (_, i) => row({ shownAt: i < 20 ? 1 : null }));
    expect(comparisonOf(few, PARIS)).toMatchObject({
      why: 'few',
      strata: 1,
      used: { shown: 20, hidden: 20 },
    });
  });

  test('a stratum with four on one side is not among them', () => {
    const of = (stratum: string, n: number, ms: number) =>
      Array.from({ length: n }, (_, i) => ({ stratum, ms: ms + i }));
    const { used, strata } = adjustedOf(
      [...of('a', 40, 1000), ...of('b', 4, 9e9)],
      [...of('a', 40, 1000), ...of('b', 40, 1)],
    );
    expect([strata, ...used]).toEqual([1, 40, 40]);
  });
});

describe('interrupted time series', () => {
  const weekly = (weeks: number, shownFrom: number, level: number): CourseRow[] => {
    const next = generator(5);
    return Array.from({ length: weeks * 30 }, (_, i) => {
      const week = Math.floor(i / 30);
      const arrivedAt = MONDAY + week * 7 * DAY + (i % 5) * DAY + 10 * HOUR;
      const shown = week >= shownFrom;
      const wait =
        60 * MINUTE * 0.995 ** week * (shown ? level : 1) * Math.exp((next() / 2 ** 32 - 0.5) * 0.6);
      return row({ arrivedAt, signedAt: arrivedAt + wait, openedAt: null, shownAt: shown ? arrivedAt + wait / 2 : null }); // prettier-ignore
    });
  };
  test('finds the step, not the trend that was there before', () => {
    const { effect, points, breakAt } = interruptedOf(weekly(40, 20, 0.75), PARIS)!;
    expect(points).toHaveLength(40);
    expect(siteClock(PARIS).week(breakAt)).toBe(points[20]!.at);
    expect(effect!.levelInterval.low).toBeLessThan(0.76);
    expect(effect!.levelInterval.high).toBeGreaterThan(0.74);
    expect(effect!.levelP).toBeLessThan(0.001);
    expect(Math.abs(effect!.slope - 1)).toBeLessThan(0.01);
  });
  test('a trend alone is no step', () => {
    const { effect } = interruptedOf(weekly(40, 20, 1), PARIS)!;
    expect(effect!.levelInterval.low).toBeLessThan(1);
    expect(effect!.levelInterval.high).toBeGreaterThan(1);
  });
  test('too few weeks on a side, or nothing shown', () => {
    expect(interruptedOf(weekly(12, 6, 0.5), PARIS)!.effect).toBeNull();
    expect(interruptedOf(weekly(12, 99, 0.5), PARIS)).toBeNull();
  });
});

describe('a tool’s figures', () => {
  const of = { modelId: 'fracture', timeZone: PARIS, recordedSince: MONDAY };
  test('counted by hand', () => {
    const rows = [
      row(),
      row({ arrivedAt: MONDAY + 11 * HOUR, positive: true, marks: 2, rejected: 1, rejectionMs: [4000] }),
      row({ acquiredAt: MONDAY - 5 * DAY, openedAt: null, deliveredAt: null, shownAt: null, readyAt: null }),
    ];
    const found = turnaroundOf(rows, of);
    expect(found.studies).toBe(3);
    expect(found.implausible).toBe(1);
    const n = Object.fromEntries(
      Object.entries(found.stretches).map(([name, { n: count }]) => [name, count]),
    );
    expect(n).toEqual({
      'acquired-arrived': 2,
      'arrived-ready': 2,
      'arrived-opened': 2,
      'opened-signed': 2,
      'signed-delivered': 2,
      'arrived-signed': 3,
    });
    expect(found.stretches['arrived-opened'].median).toBe(20 * MINUTE);
    expect(found.wait).toMatchObject({ positive: { n: 1 }, negative: { n: 1 }, adjusted: null, why: 'few' });
    expect(found.load).toMatchObject({
      studies: 2,
      marks: 2,
      rejected: 1,
      readingMs: 10 * MINUTE,
      enough: false,
      marksPerHour: null,
      timedRejections: 1,
    });
  });

  test('an acquisition after the arrival, or days before it, is not believed; a little ahead is now', () => {
    expect(sinceAcquisition({ acquiredAt: MONDAY + MINUTE, arrivedAt: MONDAY })).toBe(0);
    expect(sinceAcquisition({ acquiredAt: MONDAY + 6 * MINUTE, arrivedAt: MONDAY })).toBeNull();
    expect(sinceAcquisition({ acquiredAt: MONDAY - 49 * HOUR, arrivedAt: MONDAY })).toBeNull();
    expect(sinceAcquisition({ acquiredAt: null, arrivedAt: MONDAY })).toBeNull();
  });

  test('load per reader hour: a night with the study open is half an hour', () => {
    const rows = Array.from({ length: 40 }, (_, i) =>
      row({
        marks: 1,
        rejected: i < 10 ? 1 : 0,
        rejectionMs: i < 10 ? [3000] : [],
        signedAt: MONDAY + 10 * HOUR + 20 * MINUTE + (i === 0 ? 9 * HOUR : 10 * MINUTE),
      }),
    );
    const load = loadOf(rows);
    expect(load.readingMs).toBe((39 * 10 + 30) * MINUTE);
    expect(load.readingCapped).toBe(1);
    expect(load.marksPerHour).toBeCloseTo(40 / 7, 10);
    expect(load.rejectedPerHour).toBeCloseTo(10 / 7, 10);
    expect(load.secondsPer100).toBeCloseTo(75, 10);
  });

  test('negatives that wait longer than positives are seen', () => {
    const rows = Array.from({ length: 200 }, (_, i) => {
      const arrivedAt = MONDAY + 9 * HOUR + i * MINUTE;
      const positive = i % 2 === 0;
      const wait = (positive ? 10 : 35) * MINUTE + (i % 17) * MINUTE;
      return row({ arrivedAt, positive, openedAt: arrivedAt + wait, signedAt: arrivedAt + wait + MINUTE });
    });
    const { adjusted } = turnaroundOf(rows, of).wait;
    expect(adjusted!.shift / MINUTE).toBeCloseTo(25, 0);
    expect(adjusted!.interval.low).toBeGreaterThan(20 * MINUTE);
  });
});
