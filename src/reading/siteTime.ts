/** Dates and times of headers, which carry no zone: those of the site. */

const parts = (at: number, timeZone: string): number => {
  const read = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(at);
  const part = new Map(read.map(({ type, value }) => [type, Number(value)]));
  const of = (type: 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second'): number => part.get(type)!;
  return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
};

/**
 * A DA and a TM (PS3.5 6.2) of the site's clock as ms UTC, to the second. Null unless the date is one and the time has hours and
 * minutes. An hour that the clock has twice is taken as the first, one that it leaves out as the one after it.
 */
export function atSite(da: string, tm: string, timeZone: string): number | null {
  const date = /^(\d{4})\.?(\d{2})\.?(\d{2})$/.exec(da.trim());
  const time = /^(\d{2}):?(\d{2})(?::?(\d{2}))?/.exec(tm.trim());
  if (!date || !time) return null;
  const [year, month, day] = date.slice(1).map(Number) as [number, number, number];
  const [hour, minute, second = 0] = time.slice(1).map((text) => Number(text ?? 0));
  if (hour! > 23 || minute! > 59 || second > 60) return null;
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  const back = new Date(wall);
  if (year < 1900 || back.getUTCMonth() !== month - 1) return null;
  const offset = (at: number): number => parts(at, timeZone) - at;
  // The offset before and after a change of the clock differ: the earlier instant that reads so, else the later.
  const [early, late] = [wall - offset(wall - 86_400_000), wall - offset(wall + 86_400_000)];
  const reads = [Math.min(early, late), Math.max(early, late)].find((at) => parts(at, timeZone) === wall);
  return reads ?? Math.max(early, late);
}
