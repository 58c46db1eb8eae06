import { expect, it } from 'vitest';
import { axisOf } from './axis.ts';
import { cardProportion } from './wilson.ts';

it('agrees with the model card, whose intervals were computed elsewhere', () => {
  // CARD.md: sensitivity 0.971 (0.934-0.988), 167 of 172; specificity 0.838 (0.811-0.862), 694 of 828.
  const sensitivity = cardProportion(167 / 172, 172);
  expect(Math.abs(sensitivity.low! - 0.934)).toBeLessThan(0.001);
  expect(Math.abs(sensitivity.high! - 0.988)).toBeLessThan(0.001);
  const specificity = cardProportion(694 / 828, 828);
  expect(Math.abs(specificity.low! - 0.811)).toBeLessThan(0.001);
  expect(Math.abs(specificity.high! - 0.862)).toBeLessThan(0.001);
});

it('claims nothing of nothing', () => {
  expect(cardProportion(0.9, 0).value).toBeNull();
});

it('draws an axis that holds every interval', () => {
  expect(axisOf([0.72, null])).toEqual({ from: 0.5, ticks: [0.5, 0.6, 0.7, 0.8, 0.9, 1] });
  expect(axisOf([0.13])).toEqual({ from: 0.1, ticks: [0.2, 0.4, 0.6, 0.8, 1] });
  expect(axisOf([])).toEqual({ from: 0.5, ticks: [0.5, 0.6, 0.7, 0.8, 0.9, 1] });
});
