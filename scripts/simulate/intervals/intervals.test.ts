/** The reduced version of `npm run simulate -- coverage`: the same code, fewer repetitions, bounds of three standard errors. */
import { describe, expect, test } from 'vitest';
import { clopperPearson } from '../../../src/evidence/accuracy.ts';
import { wilson } from '../../../src/evidence/statistics.ts';
import { everReached, runLengths } from './alarms.ts';
import { DESIGNS } from './designs.ts';
import { coverageAt, lowestCoverage, meanCoverage, wald } from './exact.ts';
import { covered, margin } from './simulated.ts';

describe('coverage, counted exactly', () => {
  // Brown L. D., Cai T. T., DasGupta A., Stat Sci 2001;16:101, doi:10.1214/ss/1009213286: examples 1 and 2 on the interval of
  // textbooks. They check the counting.
  test.each([
    [17, 0.5, 0.951],
    [40, 0.5, 0.919],
    [30, 0.2, 0.946],
    [98, 0.2, 0.928],
    [591, 0.005, 0.945],
    [592, 0.005, 0.792],
    [954, 0.005, 0.852],
  ])('the interval of textbooks, n = %i, p = %f: %f', (n, p, published) => {
    expect(coverageAt(wald, n, p)).toBeCloseTo(published, 3);
  });

  // Agresti A., Coull B. A., Am Stat 1998;52:119, doi:10.1080/00031305.1998.10480550, table 1: mean over p for n = 5.
  test('means over all p: textbooks 0.641, exact 0.990, score 0.955', () => {
    const means = [wald, clopperPearson, wilson].map((interval) => meanCoverage(interval, 5, 4000));
    expect(means.map((mean) => mean.toFixed(3))).toEqual(['0.641', '0.990', '0.955']);
  });

  // The same two papers: Wilson's lowest coverage tends to 0.838, at p = 0.1765 / n.
  test('Wilson: 0.838 next to 0 and 1; within 0.1 and 0.9 never far from 0.95', () => {
    for (const n of [100, 400]) {
      const { p, coverage } = lowestCoverage(wilson, n);
      expect(Math.min(p, 1 - p) * n).toBeCloseTo(0.1765, 2);
      expect(coverage).toBeCloseTo(0.838, 3);
    }
    for (const n of [50, 100, 200]) {
      expect(lowestCoverage(wilson, n, 0.1, 0.9).coverage).toBeGreaterThan(0.92);
      expect(Math.abs(meanCoverage(wilson, n, 500) - 0.95)).toBeLessThan(0.002);
    }
  });

  test('Clopper–Pearson: never below 0.95, whatever n and p', () => {
    for (const n of [5, 30, 80])
      expect(lowestCoverage(clopperPearson, n).coverage).toBeGreaterThanOrEqual(0.95 - 1e-6);
  });
});

/** Small classes make the area's intervals too short; docs/simulation.md says by how much. */
const SHORT = ['delong', 'weightedAuc'];
const REPETITIONS = { model: 600, bootstrap: 40 };

describe('coverage, by repetition', () => {
  test.each(DESIGNS.map((design) => [`${design.method}: ${design.setting}`, design] as const))(
    '%s',
    (_, design) => {
      const repetitions = REPETITIONS[design.kind];
      const { coverage, given } = covered(design, repetitions, 5);
      expect(given).toBeGreaterThan(0.99 * repetitions);
      const least = SHORT.includes(design.method) ? 0.91 : 0.943;
      expect(coverage).toBeGreaterThan(least - margin(least, given));
      // Too wide is wrong as well.
      if (design.kind === 'model') expect(coverage).toBeLessThan(0.957 + margin(0.957, given));
    },
  );
});

describe('alarms', () => {
  test('e-process: looked at after every case, 20 is reached by no more than 1 of 20 streams', () => {
    const streams = 1500;
    for (const accepted of [0.05, 0.2]) {
      const share = everReached(accepted, accepted, { streams, cases: 500 });
      expect(share).toBeLessThan(0.05 + margin(0.05, streams));
      expect(share).toBeGreaterThan(0);
    }
    expect(everReached(0.2, 0.4, { streams: 200, cases: 300 })).toBeGreaterThan(0.95);
  });

  test('CUSUM: run lengths as the Markov chain says', () => {
    for (const [accepted, rate, budget] of [
      [0.1, 0.2, 1000],
      [0.21, 0.21, 50],
    ] as const) {
      const { simulated, error, chain } = runLengths(accepted, rate, { runs: 1500, budget });
      expect(Math.abs(simulated - chain)).toBeLessThan(4 * error + 0.01 * chain);
    }
  });
});
