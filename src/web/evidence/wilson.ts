import type { Proportion } from '../../doors/api/contract.ts';

/** The maker's figure with its Wilson 95 % interval (Wilson 1927, doi 10.1080/01621459.1927.10502953). */
export function cardProportion(value: number, n: number): Proportion {
  if (n <= 0) return { k: 0, n: 0, value: null, low: null, high: null, enough: false };
  const z = 1.959964;
  const denominator = 1 + (z * z) / n;
  const centre = (value + (z * z) / (2 * n)) / denominator;
  const half = (z * Math.sqrt((value * (1 - value)) / n + (z * z) / (4 * n * n))) / denominator;
  return { k: Math.round(value * n), n, value, low: centre - half, high: centre + half, enough: true };
}
