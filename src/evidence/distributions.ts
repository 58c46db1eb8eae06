/**
 * The few distribution functions that intervals and tests here need, in double precision. Pure. Checked against R in
 * distributions.test.ts.
 */

/** Standard normal quantile of 0.975: half the width of a two-sided 95 % interval in standard errors. */
export const Z95 = 1.959963984540054;

const MOST_TERMS = 1000;
const SMALL = 1e-300;

/**
 * Complementary error function, 1 − erf x: Maclaurin series up to 2.5, beyond it Laplace's continued fraction (NIST DLMF 7.6.1
 * and 7.9.1). Relative error below 1e-12.
 */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; n < MOST_TERMS && Math.abs(term) > 1e-18; n += 1) {
      term *= -(x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 200; n >= 1; n -= 1) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * (x + fraction));
}

/** Two-sided P of a standard normal statistic: P(|Z| ≥ |z|). */
export const twoSided = (z: number): number => erfc(Math.abs(z) / Math.SQRT2);

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];
/** ln Γ(x) for x > 0: Lanczos, SIAM J Numer Anal 1964;1:86, doi:10.1137/0701008 (g = 7, nine coefficients). */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const y = x - 1;
  let sum = LANCZOS[0]!;
  for (let i = 1; i < LANCZOS.length; i += 1) sum += LANCZOS[i]! / (y + i);
  const t = y + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(t) - t + Math.log(sum);
}

/**
 * Regularised incomplete beta function I_x(a, b): the distribution function of Beta(a, b) at x. Continued fraction
 * NIST DLMF 8.17.22, evaluated by Lentz's method.
 *
 * @param x 0 … 1
 * @param a, b > 0
 */
export function betaCdf(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - betaCdf(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  const away = (value: number): number => (Math.abs(value) < SMALL ? SMALL : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let product = d;
  for (let m = 1; m <= MOST_TERMS; m += 1) {
    for (const numerator of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 / away(1 + numerator * d);
      c = away(1 + numerator / c);
      product *= c * d;
    }
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return Math.min(1, (front * product) / a);
}

/** The x at which I_x(a, b) = p, by bisection to the last bit that matters. @param p 0 … 1 */
export function betaQuantile(p: number, a: number, b: number): number {
  let low = 0;
  let high = 1;
  for (let i = 0; i < 100 && high - low > 1e-15 * high; i += 1) {
    const middle = (low + high) / 2;
    if (betaCdf(middle, a, b) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Natural logarithm of the number of ways to choose k of n. */
export const logChoose = (n: number, k: number): number =>
  logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);

/** P(X = k) of a binomial with n trials at probability ½; exact to rounding up to thousands of trials. */
export const binomialHalf = (k: number, n: number): number => Math.exp(logChoose(n, k) - n * Math.LN2);

/** Standard normal distribution function. */
export const normalCdf = (x: number): number => erfc(-x / Math.SQRT2) / 2;

/**
 * Standard normal quantile: algorithm AS 241 (PPND16), Wichura M. J., Appl Stat 1988;37:477, doi:10.2307/2347330. Relative
 * error about 1e-16.
 *
 * @param p between 0 and 1; the bounds give −∞ and ∞
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError('normalQuantile: a probability is needed');
  const poly = (of: readonly number[], x: number): number => of.reduceRight((sum, c) => sum * x + c, 0);
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * poly(CENTRE[0], r)) / poly(CENTRE[1], r);
  }
  const tail = q < 0 ? p : 1 - p;
  if (tail === 0) return q < 0 ? -Infinity : Infinity;
  const r = Math.sqrt(-Math.log(tail));
  const x = r <= 5 ? poly(MIDDLE[0], r - 1.6) / poly(MIDDLE[1], r - 1.6) : poly(FAR[0], r - 5) / poly(FAR[1], r - 5); // prettier-ignore
  return q < 0 ? -x : x;
}
// prettier-ignore
const CENTRE = [
  [3.387132872796366608, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3],
  [1, 4.2313330701600911252e1, 6.871870074920579083e2, 5.3941960214247511077e3, 2.1213794301586595867e4, 3.930789580009271061e4, 2.8729085735721942674e4, 5.226495278852545925e3],
] as const;
// prettier-ignore
const MIDDLE = [
  [1.42343711074968357734, 4.6303378461565452959, 5.7694972214606914055, 3.64784832476320460504, 1.27045825245236838258, 2.4178072517745061177e-1, 2.27238449892691845833e-2, 7.7454501427834140764e-4],
  [1, 2.05319162663775882187, 1.6763848301838038494, 6.8976733498510000455e-1, 1.4810397642748007459e-1, 1.51986665636164571966e-2, 5.475938084995344946e-4, 1.05075007164441684324e-9],
] as const;
// prettier-ignore
const FAR = [
  [6.6579046435011037772, 5.4637849111641143699, 1.7848265399172913358, 2.9656057182850489123e-1, 2.6532189526576123093e-2, 1.2426609473880784386e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7],
  [1, 5.9983220655588793769e-1, 1.3692988092273580531e-1, 1.48753612908506148525e-2, 7.868691311456132591e-4, 1.8463183175100546818e-5, 1.4215117583164458887e-7, 2.04426310338993978564e-15],
] as const;
