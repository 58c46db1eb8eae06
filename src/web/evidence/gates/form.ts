/** What people type into the forms of gates. Pure. */

/** "85", "85,5" or "85.5" of a hundred as a rate; NaN for what is none. */
export function rateOf(text: string): number {
  const plain = text.trim().replace(',', '.').replace(/\s*%$/, '');
  if (!/^\d{1,3}(\.\d+)?$/.test(plain)) return NaN;
  return Math.round(Number(plain) * 1e7) / 1e9;
}
export const isRate = (rate: number): boolean => rate > 0 && rate < 1;
export function wholeOf(text: string): number {
  return /^\d+$/.test(text.trim()) ? Number(text.trim()) : NaN;
}
/** "12,5" a day. */
export function amountOf(text: string): number {
  const plain = text.trim().replace(',', '.');
  return /^\d+(\.\d+)?$/.test(plain) ? Number(plain) : NaN;
}
/** A rate as it is typed. */
export const typed = (rate: number, language: string): string => {
  const text = String(Math.round(rate * 1e4) / 100);
  return language === 'fr' ? text.replace('.', ',') : text;
};
