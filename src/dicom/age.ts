/** Days in one unit of AS, and units in a year: PS3.5 6.2. */
const PER_YEAR: Readonly<Record<string, number>> = { D: 365.25, W: 365.25 / 7, M: 12, Y: 1 };

/** `034Y` → 34, `018M` → 1; null when it is no age. */
export function yearsOfAge(age: string): number | null {
  const match = /^(\d{1,3})([DWMY])$/.exec(age.trim());
  return match ? Math.floor(Number(match[1]) / PER_YEAR[match[2]!]!) : null;
}

/** Whole years from one date (YYYYMMDD) to a later one; null when one of them is none, or they are in the wrong order. */
export function yearsBetween(birth: string, day: string): number | null {
  const [from, to] = [birth, day].map(dateNumber);
  if (from == null || to == null || from > to) return null;
  return Math.floor((to - from) / 10000);
}

/** A real day as the number YYYYMMDD, or null. `YYYY.MM.DD` is the form of ACR-NEMA. */
function dateNumber(text: string): number | null {
  const match = /^(\d{4})\.?(\d{2})\.?(\d{2})$/.exec(text.trim());
  if (!match) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const date = new Date(Date.UTC(2000, month - 1, day));
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day
    ? year * 10000 + month * 100 + day
    : null;
}
