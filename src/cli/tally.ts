import type { FileResult } from '../doors/folder/take.ts';

/** What an import has done so far. */
export interface Tally {
  /** Of instances, and of what is none: an archive is counted by what is in it. */
  counts: Record<FileResult['status'], number>;
  /** Files on the disk that are done, those of an earlier run included. */
  files: number;
  /** Of these, done by an earlier run of the same import. */
  before: number;
  bytes: number;
  /** Files there are, as far as they have been counted. */
  found: number;
  counted: boolean;
}

export const nothingYet = (): Tally => ({
  counts: { stored: 0, duplicate: 0, quarantined: 0, refused: 0, ignored: 0, unreadable: 0, missing: 0 },
  files: 0,
  before: 0,
  bytes: 0,
  found: 0,
  counted: false,
});

const number = (value: number): string => Math.round(value).toLocaleString('en');
const BAR = 20;

/** `████░░░░  1,234 of 20,000 files · 850/s · 22 s left · 1,230 stored, 4 no images`. */
export function progressLine(tally: Tally, seconds: number): string {
  const { files, before, found, counted } = tally;
  const rate = seconds > 0 ? (files - before) / seconds : 0;
  const known = counted && found >= files && found > 0;
  const filled = known ? Math.floor((files / found) * BAR) : 0;
  return [
    known
      ? `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}  ${number(files)} of ${number(found)} files`
      : `${number(files)} files`,
    `${number(rate)}/s`,
    ...(known && rate > 0 && seconds > 2 ? [`${duration((found - files) / rate)} left`] : []),
    outcomes(tally),
  ].join(' · ');
}

/** `20,000 stored, 12 no images (23 s, 870 files/s, 190 MB)`. */
export function resultLine(tally: Tally, seconds: number): string {
  const files = tally.files - tally.before;
  const pace = `${duration(seconds)}, ${number(files / Math.max(seconds, 0.001))} files/s, ${number(tally.bytes / 1e6)} MB`;
  return `${outcomes(tally)} (${pace})`;
}

function outcomes({ counts, before }: Tally): string {
  const { stored, duplicate, quarantined, refused, ignored, unreadable, missing } = counts;
  return [
    `${number(stored)} stored`,
    ...(before ? [`${number(before)} files done before`] : []),
    ...(duplicate ? [`${number(duplicate)} here already`] : []),
    ...(quarantined ? [`${number(quarantined)} set aside`] : []),
    ...(refused + unreadable ? [`${number(refused + unreadable)} refused or unreadable`] : []),
    ...(missing ? [`${number(missing)} missing`] : []),
    ...(ignored ? [`${number(ignored)} no images`] : []),
  ].join(', ');
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
