/** How names, dates and lengths of time are written. Pure; the language is given. */
import type { Language } from '../doors/api/contract.ts';

const locale = (language: string): string => (language === 'fr' ? 'fr-FR' : 'en-GB');

/**
 * A Person Name (PS3.5 6.2.1: `family^given^middle^prefix^suffix`, groups divided by `=`) as a clinician writes it:
 * "LEFÈVRE Hélène". The family name stands in capitals; an ideographic group follows in brackets. '' when there is none.
 */
export function personName(pn: string): string {
  const [alphabetic = '', ideographic = ''] = pn.split('=').map(groupName);
  if (alphabetic && ideographic) return `${alphabetic} (${ideographic})`;
  return alphabetic || ideographic;
}
function groupName(group: string): string {
  const [family = '', given = '', middle = '', , suffix = ''] = group.split('^').map((part) => part.trim());
  return [family.toLocaleUpperCase(), given, middle, suffix].filter(Boolean).join(' ');
}

/** A colleague's Person Name as one calls them: `Roux^Jules^^Dr` → "Dr Roux". */
export function colleagueName(pn: string): string {
  const [family = '', given = '', , prefix = ''] = (pn.split('=')[0] ?? '')
    .split('^')
    .map((part) => part.trim());
  return prefix ? `${prefix} ${family}`.trim() : [given, family].filter(Boolean).join(' ');
}

/** "Dr Anne Marchand" → "A. Marchand", for a narrow column. */
export function shortName(name: string): string {
  const words = name.replace(/^(dr|pr|prof|mr|mrs|ms|mme|m)\.? /i, '').split(/\s+/);
  const last = words.at(-1) ?? '';
  return words.length > 1 ? `${[...(words[0] ?? '')][0] ?? ''}. ${last}` : last;
}
/** "Dr Anne Marchand" → "AM". */
export function initials(name: string): string {
  const words = name
    .replace(/^(dr|pr|prof|mr|mrs|ms|mme|m)\.? /i, '')
    .split(/[\s-]+/)
    .filter(Boolean);
  const first = [...(words[0] ?? '?')][0] ?? '?';
  const last = words.length > 1 ? ([...(words.at(-1) ?? '')][0] ?? '') : '';
  return (first + last).toLocaleUpperCase();
}

/** A DICOM date (`YYYYMMDD`, PS3.5 6.2 DA) in the language's own way; '' when it is not one. */
export function dicomDate(da: string, language: string): string {
  const match = /^(\d{4})\.?(\d{2})\.?(\d{2})$/.exec(da);
  if (!match) return '';
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return '';
  // English readers disagree on which number is the month: it is written out.
  return new Intl.DateTimeFormat(locale(language), {
    timeZone: 'UTC',
    day: language === 'fr' ? '2-digit' : 'numeric',
    month: language === 'fr' ? '2-digit' : 'short',
    year: 'numeric',
  }).format(date);
}
/** A DICOM time (`HHMMSS.ffffff`) as "14:52"; '' when it is not one. */
export function dicomTime(tm: string): string {
  const match = /^(\d{2}):?(\d{2})/.exec(tm);
  return match ? `${match[1]}:${match[2]}` : '';
}

export const dateTime = (ms: number, language: string, timeZone?: string): string =>
  new Intl.DateTimeFormat(locale(language), { dateStyle: 'medium', timeStyle: 'short', timeZone }).format(ms);
export const dateOnly = (ms: number, language: string, timeZone?: string): string =>
  new Intl.DateTimeFormat(locale(language), { dateStyle: 'medium', timeZone }).format(ms);
export const clock = (ms: number, language: string, timeZone?: string): string =>
  new Intl.DateTimeFormat(locale(language), { timeStyle: 'short', timeZone }).format(ms);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** "4 min", "1 h 05", "3 j": to the precision that one waits with. */
export function duration(ms: number, language: Language | string): string {
  const value = Math.max(0, ms);
  const days = language === 'fr' ? 'j' : 'd';
  if (value < MINUTE) return '< 1\u00a0min';
  if (value < HOUR) return `${Math.floor(value / MINUTE)}\u00a0min`;
  if (value < DAY) {
    const minutes = Math.floor((value % HOUR) / MINUTE);
    return `${Math.floor(value / HOUR)}\u00a0h\u00a0${String(minutes).padStart(2, '0')}`;
  }
  return `${Math.floor(value / DAY)}\u00a0${days}`;
}

/** To the second below ten minutes, as machines are timed: "42 s", "4 min 05". */
export function exactDuration(ms: number, language: Language | string): string {
  const seconds = Math.round(Math.max(0, ms) / 1000);
  if (seconds < 60) return `${seconds}\u00a0s`;
  if (seconds < 600)
    return `${Math.floor(seconds / 60)}\u00a0min\u00a0${String(seconds % 60).padStart(2, '0')}`;
  return duration(ms, language);
}

export const percent = (fraction: number, language: string, digits = 0): string =>
  new Intl.NumberFormat(locale(language), { style: 'percent', maximumFractionDigits: digits }).format(
    fraction,
  );
export const number = (value: number, language: string, digits = 0): string =>
  new Intl.NumberFormat(locale(language), { maximumFractionDigits: digits }).format(value);
/** Always with so many decimals, as a measurement or an index is written: "0,50". */
export const fixed = (value: number, language: string, digits: number): string =>
  new Intl.NumberFormat(locale(language), {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);
/** "1,2 Mo" / "1.2 MB". */
export function bytes(value: number, language: string): string {
  const steps = [
    ['byte', 1],
    ['kilobyte', 1e3],
    ['megabyte', 1e6],
    ['gigabyte', 1e9],
  ] as const;
  const [unit, divisor] = steps.findLast(([, size]) => value >= size) ?? steps[0];
  return new Intl.NumberFormat(locale(language), {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: 1,
  }).format(value / divisor);
}
/** Today in the browser's zone as a DICOM date. */
export function todayDicom(now = new Date()): string {
  return `${now.getFullYear()}${String(now.getMonth() + 1).padStart(2, '0')}${String(now.getDate()).padStart(2, '0')}`;
}

/** A DICOM date as a date field takes it (`2026-03-01`). */
export const dateField = (da: string): string => `${da.slice(0, 4)}-${da.slice(4, 6)}-${da.slice(6)}`;

/** Text that others wrote (a manifest, a check-up) with the language's typography: no line begins with a colon. */
export function typeset(text: string, language: string): string {
  const curly = text.replaceAll("'", '’');
  if (language !== 'fr') return curly;
  return curly
    .replace(/ (?=[;?!])/g, '\u202f')
    .replace(/ (?=[:%»])/g, '\u00a0')
    .replaceAll('« ', '«\u00a0');
}
