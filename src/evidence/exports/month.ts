import { NegatoscopeError } from '../../errors.ts';
import { siteClock } from '../turnaround/clock.ts';

export interface Month {
  /** "2026-11" */
  name: string;
  /** ms UTC, by the site's clock. */
  from: number;
  to: number;
}

/** A calendar month at the site. @throws NegatoscopeError `month-unknown` (400) */
export function monthOf(name: string, timeZone: string): Month {
  const match = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(name);
  if (!match) throw new NegatoscopeError('month-unknown', 'Name a month as 2026-11.');
  const [year, month] = [Number(match[1]), Number(match[2]) - 1];
  const clock = siteClock(timeZone);
  // Zones change their clock at night, never within an hour of the first of a month that a second look would miss.
  const start = (wall: number): number => {
    const guess = wall - (clock.wall(wall).getTime() - wall);
    return wall - (clock.wall(guess).getTime() - guess);
  };
  return { name, from: start(Date.UTC(year, month, 1)), to: start(Date.UTC(year, month + 1, 1)) };
}
