/** Precedence of Semantic Versioning 2.0.0, clause 11; build metadata counts for nothing. */
export function compareVersions(a: string, b: string): number {
  const parts = (version: string) => {
    const [, numbers = '', pre = ''] = /^([\d.]+)(?:-([^+]*))?/.exec(version) ?? [];
    return { numbers: numbers.split('.').map(Number), pre: pre === '' ? [] : pre.split('.') };
  };
  const [x, y] = [parts(a), parts(b)];
  for (let i = 0; i < 3; i += 1) if (x.numbers[i] !== y.numbers[i]) return x.numbers[i]! - y.numbers[i]!;
  if (x.pre.length === 0 || y.pre.length === 0) return y.pre.length - x.pre.length;
  for (let i = 0; i < Math.max(x.pre.length, y.pre.length); i += 1) {
    const [p, q] = [x.pre[i], y.pre[i]];
    if (p === q) continue;
    if (p === undefined || q === undefined) return p === undefined ? -1 : 1;
    const [m, n] = [/^\d+$/.test(p), /^\d+$/.test(q)];
    if (m && n) return Number(p) - Number(q);
    if (m !== n) return m ? -1 : 1;
    return p < q ? -1 : 1;
  }
  return 0;
}
