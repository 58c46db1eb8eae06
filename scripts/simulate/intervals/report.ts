/** `npm run simulate -- coverage [--repetitions 10000] [--only TEXT]`: whether intervals and alarms keep what they say. */
import { clopperPearson } from '../../../src/evidence/accuracy.ts';
import { wilson } from '../../../src/evidence/statistics.ts';
import { everReached, runLengths } from './alarms.ts';
import { DESIGNS } from './designs.ts';
import { coverageAt, lowestCoverage, meanCoverage } from './exact.ts';
import { covered, GOAL } from './simulated.ts';

const percent = (share: number, digits = 2): string => `${(100 * share).toFixed(digits)} %`;

/** Sizes and rates at which a practice measures. */
export const SIZES = [30, 50, 100, 330, 1000] as const;
export const RATES = [0.5, 0.8, 0.86, 0.9, 0.95, 0.98] as const;

export function report(
  { repetitions, only }: { repetitions: number; only: string },
  say: (line: string) => void,
): void {
  const wanted = (title: string) => title.includes(only);
  if (wanted('exact')) {
    say('Coverage of 95 % intervals of a proportion, exact (every outcome counted): Wilson, Clopper–Pearson');
    say(['n'.padStart(6), ...RATES.map((p) => `p = ${p}`.padStart(16)), 'mean'.padStart(16), 'lowest, p ≤ 0.98'].join(' ')); // prettier-ignore
    for (const n of SIZES) {
      const both = (of: (interval: typeof clopperPearson) => number) =>
        `${percent(of(wilson), 1)} ${percent(of(clopperPearson), 1)}`.padStart(16);
      say(
        [
          String(n).padStart(6),
          ...RATES.map((p) => both((interval) => coverageAt(interval, n, p))),
          both((interval) => meanCoverage(interval, n, 500)),
          n > 330 ? '' : both((interval) => lowestCoverage(interval, n, 0.02, 0.98).coverage),
        ].join(' '),
      );
    }
    say('');
  }
  for (const design of DESIGNS) {
    const title = `${design.method} (${design.kind}): ${design.setting}`;
    if (!wanted(title)) continue;
    const began = performance.now();
    const { coverage, given, below, above, width } = covered(design, repetitions);
    const verdict =
      coverage < GOAL.low ? 'TOO SHORT' : coverage > GOAL.high ? 'wider than needed' : 'as stated';
    say(title);
    say(
      `  covers ${percent(coverage)} of ${given} (${verdict}); below the truth ${percent(below)}, above ${percent(above)}; mean width ${width.toFixed(4)}; ${((performance.now() - began) / 1000).toFixed(0)} s`,
    );
  }
  if (wanted('e-process')) {
    say('');
    say(
      `e-process: streams that ever reach 20, looked at after each of 2,000 cases (${repetitions} streams)`,
    );
    for (const [accepted, rate] of [
      [0.05, 0.05],
      [0.1, 0.1],
      [0.2, 0.2],
      [0.2, 0.15],
      [0.1, 0.2],
    ] as const)
      say(`  accepted ${accepted}, true ${rate}: ${percent(everReached(accepted, rate, { streams: repetitions }))}`); // prettier-ignore
  }
  if (wanted('CUSUM')) {
    say('');
    say(`CUSUM (twice the odds, budget 1000): mean cases until the alarm, simulated and by the Markov chain`);
    for (const [accepted, rate] of [
      [0.1, 0.1],
      [0.21, 0.21],
      [0.21, 0.1],
      [0.21, 0.35],
      [0.1, 0.2],
      [0.1, 0.3],
    ] as const) {
      // A rate far below the accepted one takes hundreds of thousands of cases to its false alarm.
      if (rate < accepted) {
        say(`  accepted ${accepted}, true ${rate}: chain ${runLengths(accepted, rate, { runs: 1, budget: 20 }).chain.toFixed(0)} at a budget of 20`); // prettier-ignore
        continue;
      }
      const { simulated, error, chain } = runLengths(accepted, rate, { runs: Math.min(repetitions, 10_000) });
      say(`  accepted ${accepted}, true ${rate}: ${simulated.toFixed(1)} ± ${error.toFixed(1)}, chain ${chain.toFixed(1)}`); // prettier-ignore
    }
  }
}
