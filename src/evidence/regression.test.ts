import { expect, test } from 'vitest';
import { lagOf, neweyWest, segmented } from './regression.ts';

/** R 4.2.2, lm and sandwich 3.0-2: NeweyWest(lag, prewhite = FALSE, adjust = TRUE). */
const Y = [5.1, 4.9, 5.4, 5.2, 5.0, 5.3, 5.6, 5.2, 5.1, 5.4, 4.6, 4.4, 4.7, 4.3, 4.2, 4.5, 4.1, 4.0, 4.2, 3.9, 3.8, 4.1]; // prettier-ignore
const T = Y.map((_, i) => i);
const near = (found: readonly number[], wanted: readonly number[], digits = 10): void =>
  wanted.forEach((value, i) => expect(found[i]).toBeCloseTo(value, digits));

test('segmented regression as R has it', () => {
  const fit = segmented(T, Y, 10)!;
  expect(fit.lag).toBe(2);
  expect(lagOf(22)).toBe(2);
  near(fit.coefficients, [5.3733333333333331, 0.0278787878787883, -0.7938461538461554, -0.0908158508158513]);
  near(fit.errors, [0.086140766287382, 0.012319419699101, 0.0979436698334417, 0.014246206937921]);
  // 2 * pt(-abs(t), 18), and the lower ends with qt(0.975, 18).
  near(fit.p.slice(1), [3.62359024767761e-2, 2.0338861612351e-7, 5.27964652844849e-6]);
  near(fit.coefficients.map((value, i) => value - fit.half[i]!), [5.19235829887692013, 0.00199664750996735, -0.99961816850132434, -0.12074602096156434]); // prettier-ignore
  near(segmented(T, Y, 10, 4)!.errors, [0.05974570044602194, 0.00834116994935364, 0.06800379233755177, 0.01098176458488221]); // prettier-ignore
});

test('what the design does not determine is not invented', () => {
  expect(segmented(T, Y, 100)).toBeUndefined();
  expect(segmented(T, Y, -1)).toBeUndefined();
  expect(neweyWest([[1, 2]], [3])).toBeUndefined();
  expect(neweyWest([], [])).toBeUndefined();
});

test('a series without noise is found again, whatever its unit', () => {
  const t = Array.from({ length: 40 }, (_, i) => i * 1e6);
  const y = t.map((time) => 3 + time * 2e-8 + (time >= 2e7 ? -0.5 - (time - 2e7) * 1e-8 : 0));
  const fit = segmented(t, y, 2e7)!;
  near(fit.coefficients, [3.4, 2e-8, -0.5, -1e-8], 9);
});
