import { describe, expect, test } from 'vitest';
import { years } from './fast.ts';
import { drawFrom } from './intervals/draw.ts';
import { margin } from './intervals/simulated.ts';
import { againstReaders, DEGRADED, PRACTICE, yearOf } from './practice.ts';

describe('a year', () => {
  const studies = yearOf({ ...DEGRADED, studies: 60_000 }, drawFrom(4));
  const share = (of: typeof studies, is: (study: (typeof studies)[number]) => boolean) =>
    of.filter(is).length / of.length;

  test('holds the skills that it was given, before and after the day', () => {
    for (const [degraded, skill] of [
      [false, DEGRADED.tool],
      [true, DEGRADED.degraded!],
    ] as const) {
      const part = studies.filter((study) => study.degraded === degraded);
      const yes = part.filter(({ truth }) => truth);
      const no = part.filter(({ truth }) => !truth);
      expect(Math.abs(share(yes, ({ marked }) => marked) - skill.sensitivity)).toBeLessThan(margin(skill.sensitivity, yes.length)); // prettier-ignore
      expect(Math.abs(share(no, ({ marked }) => !marked) - skill.specificity)).toBeLessThan(margin(skill.specificity, no.length)); // prettier-ignore
      const found = part.filter(({ blind }) => blind);
      const expected = againstReaders(DEGRADED, skill).sensitivity;
      expect(Math.abs(share(found, ({ marked }) => marked) - expected)).toBeLessThan(margin(expected, found.length)); // prettier-ignore
    }
  });

  test('is busier by day than by night, and on Monday than on Sunday; in the order of signatures', () => {
    const at = (is: (date: Date) => boolean) => share(studies, ({ arrivedAt }) => is(new Date(arrivedAt)));
    expect(at((date) => date.getUTCHours() === 10)).toBeGreaterThan(
      5 * at((date) => date.getUTCHours() === 3),
    );
    expect(at((date) => date.getUTCDay() === 1)).toBeGreaterThan(1.5 * at((date) => date.getUTCDay() === 0));
    expect(studies.every(({ signedAt }, i) => i === 0 || signedAt >= studies[i - 1]!.signedAt)).toBe(true);
  });
});

describe('the evidence of many years', () => {
  test('nothing changes: intervals hold the truth, alarms stay within their budget, nothing is suspended', () => {
    const of = years(PRACTICE, 150);
    expect(of.covers.sensitivity).toBeGreaterThan(0.943 - margin(0.943, 150));
    expect(of.covers.specificity).toBeGreaterThan(0.943 - margin(0.943, 150));
    // About 800 findings and 3,200 without at a budget of one false alarm in 1,000 cases at worst.
    expect(of.falseAlarms.missed).toBeLessThan(0.05);
    for (const { before } of of.suspended) expect(before).toBeLessThan(0.05);
  });

  test('the tool becomes worse: it is found, about as soon as designed, and suspended', () => {
    const of = years(DEGRADED, 60, 2);
    // In 79 % of 600 years; where the first cases happen to be poor, the chart is patient.
    expect(of.found).toBeGreaterThan(0.79 - margin(0.79, 60));
    expect(of.delay.mean!).toBeLessThan(1.6 * of.designed!);
    // The e-process has gathered half a year of good evidence against a suspension; the chart begins anew all the time.
    expect(of.suspended[1]!.after).toBeGreaterThan(0.5);
  });
});
