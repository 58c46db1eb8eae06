/** Hours and weeks of the site's clock. Pure. */

export interface SiteClock {
  /** What the clock at the site reads at an instant, as if it were UTC: for its hour and weekday. */
  wall(at: number): Date;
  /** Monday 00:00 of the week, as the clock reads; a number that is the same for all instants of the week. */
  week(at: number): number;
}
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Zones change their offset on the quarter hour: it is asked once for each that occurs. */
const QUARTER = HOUR / 4;

export function siteClock(timeZone: string): SiteClock {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  const offsets = new Map<number, number>();
  function offset(at: number): number {
    const key = Math.floor(at / QUARTER);
    const known = offsets.get(key);
    if (known !== undefined) return known;
    const start = key * QUARTER;
    const part = new Map(format.formatToParts(start).map(({ type, value }) => [type, Number(value)]));
    const of = (type: 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second'): number => part.get(type)!;
    const found = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute')) - start;
    offsets.set(key, found);
    return found;
  }
  const wall = (at: number): Date => new Date(at + offset(at));
  return {
    wall,
    week(at) {
      const day = Math.floor(wall(at).getTime() / DAY);
      // 1 January 1970 was a Thursday.
      return (day - ((day + 3) % 7)) * DAY;
    },
  };
}
