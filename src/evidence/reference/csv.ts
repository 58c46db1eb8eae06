/** A file of follow-up: which study, what was found, how and when. Pure. */
import { NegatoscopeError } from '../../errors.ts';
import type { Answer } from '../types.ts';
import { METHODS, type FollowUpMethod, type ImportProblem } from './types.ts';

/** Of a file, characters; a line is some fifty. */
export const CSV_LIMIT = 5_000_000;
const ROW_LIMIT = 50_000;
/** Ten years: a later examination says nothing of this one. */
export const MOST_DAYS = 3650;

export interface FollowUpRow {
  line: number;
  /** One of them. */
  accession: string;
  studyUid: string;
  answer: Answer;
  method: FollowUpMethod;
  days: number | null;
  /** YYYY-MM-DD, in place of `days`. */
  date: string;
  withAi: boolean;
}

const bad = (message: string, details: Record<string, string | number> = {}) =>
  new NegatoscopeError('bad-csv', message, { details });

/** Names of columns as people write them: English, French, DICOM's. */
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  accession: ['accession', 'accession_number', 'accessionnumber', 'numero_examen', 'numero_d_examen'],
  studyUid: ['study_uid', 'studyinstanceuid', 'study_instance_uid', 'uid', 'uid_examen'],
  answer: ['answer', 'reference', 'reponse', 'resultat'],
  method: ['method', 'methode'],
  days: ['days', 'jours', 'delai_jours'],
  date: ['date', 'follow_up_date', 'date_suivi'],
  withAi: ['with_ai', 'ai_known', 'ia_connue', 'avec_ia'],
};
const ANSWERS: Readonly<Record<string, Answer>> = {
  yes: 'yes',
  oui: 'yes',
  '1': 'yes',
  no: 'no',
  non: 'no',
  '0': 'no',
  uncertain: 'uncertain',
  incertain: 'uncertain',
};
const METHOD_WORDS: Readonly<Record<string, FollowUpMethod>> = {
  ...Object.fromEntries(METHODS.map((method) => [method, method])),
  clinique: 'clinical',
  imagerie: 'imaging',
  imaging: 'imaging',
  ct: 'cross-sectional',
  mr: 'cross-sectional',
  mri: 'cross-sectional',
  scanner: 'cross-sectional',
  irm: 'cross-sectional',
  'ct-mr': 'cross-sectional',
  operation: 'surgery',
  chirurgie: 'surgery',
  pathology: 'surgery',
  anatomopathologie: 'surgery',
};
const FLAGS: Readonly<Record<string, boolean>> = {
  '': false,
  no: false,
  non: false,
  '0': false,
  yes: true,
  oui: true,
  '1': true,
};

/** Lower case, without accents, spaces as `_`. */
const plain = (text: string): string =>
  text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .trim()
    .toLowerCase()
    .replace(/[\s']+/g, '_');

/**
 * Fields of RFC 4180, with `,`, `;` or tab between them, as the first line has it.
 * @throws NegatoscopeError `bad-csv` where a quote is never closed
 */
export function fieldsOf(text: string): { line: number; fields: string[] }[] {
  const body = text.replace(/^\uFEFF/, '');
  const first = body.slice(0, body.search(/[\r\n]|$/));
  const separator = [';', '\t', ','].find((each) => first.includes(each)) ?? ',';
  const rows: { line: number; fields: string[] }[] = [];
  let [line, began, field, quoted] = [1, 1, '', false];
  let fields: string[] = [];
  const end = (): void => {
    fields.push(field);
    field = '';
    if (fields.some((each) => each.trim() !== '')) rows.push({ line: began, fields });
    fields = [];
  };
  for (let i = 0; i < body.length; i += 1) {
    const at = body[i]!;
    if (at === '\n') line += 1;
    if (quoted) {
      if (at !== '"') field += at;
      else if (body[i + 1] === '"') {
        field += '"';
        i += 1;
      } else quoted = false;
    } else if (at === '"' && field.trim() === '') [field, quoted] = ['', true];
    else if (at === separator) {
      fields.push(field);
      field = '';
    } else if (at === '\n') {
      end();
      began = line;
    } else if (at !== '\r') field += at;
  }
  if (quoted) throw bad('A quotation mark is not closed.', { line: began });
  end();
  return rows;
}

/**
 * The rows of a file, and what is wrong with others: every line is looked at, so that a file is mended in one go.
 * @throws NegatoscopeError `bad-csv` (no header, a column missing, no line), `csv-too-large`
 */
export function followUpOf(text: string): { rows: FollowUpRow[]; problems: ImportProblem[]; count: number } {
  if (text.length > CSV_LIMIT)
    throw new NegatoscopeError('csv-too-large', 'Split this file: it is too large.');
  const [header, ...lines] = fieldsOf(text);
  if (!header) throw bad('The file is empty.');
  if (lines.length > ROW_LIMIT)
    throw new NegatoscopeError('csv-too-large', `Split this file: at most ${ROW_LIMIT} lines at a time.`);
  const names = header.fields.map(plain);
  const place = (column: string): number => names.findIndex((name) => COLUMNS[column]!.includes(name));
  const at = Object.fromEntries(Object.keys(COLUMNS).map((column) => [column, place(column)]));
  if (at.accession! < 0 && at.studyUid! < 0)
    throw bad('The first line needs a column accession or study_uid.', { column: 'accession' });
  for (const column of ['answer', 'method'] as const)
    if (at[column]! < 0) throw bad(`The first line needs a column ${column}.`, { column });
  if (lines.length === 0) throw bad('The file has no line below its first.');

  const rows: FollowUpRow[] = [];
  const problems: ImportProblem[] = [];
  const seen = new Set<string>();
  for (const { line, fields } of lines) {
    const value = (column: string): string => (at[column]! < 0 ? '' : (fields[at[column]!] ?? '').trim());
    // Of a patient's data nothing is said back; of a code that is none, its beginning.
    const told = (column: string): string => value(column).slice(0, 20);
    const [accession, studyUid] = [value('accession'), value('studyUid')];
    const answer = ANSWERS[plain(value('answer'))];
    const method = METHOD_WORDS[plain(value('method')).replaceAll('_', '-')];
    const withAi = FLAGS[plain(value('withAi'))];
    const [days, date] = [value('days'), value('date')];
    const count = days === '' ? null : /^\d{1,4}$/.test(days) ? Number(days) : NaN;
    if (accession === '' && studyUid === '') problems.push({ line, code: 'study-missing' });
    else if (!answer) problems.push({ line, code: 'bad-answer', value: told('answer') });
    else if (!method) problems.push({ line, code: 'bad-method', value: told('method') });
    else if (withAi === undefined) problems.push({ line, code: 'bad-with-ai', value: told('withAi') });
    else if (count !== null && !(count >= 0 && count <= MOST_DAYS))
      problems.push({ line, code: 'bad-days', value: told('days') });
    else if (count === null && date !== '' && !isDate(date))
      problems.push({ line, code: 'bad-date', value: told('date') });
    else {
      const key = [accession, studyUid, method].join('\n');
      if (seen.has(key)) problems.push({ line, code: 'twice' });
      else rows.push({ line, accession, studyUid, answer, method, days: count, date: count === null ? date : '', withAi }); // prettier-ignore
      seen.add(key);
    }
  }
  return { rows, problems, count: lines.length };
}

const isDate = (text: string): boolean => dayOf(text) !== null;
/** Whole days since 1970 of YYYY-MM-DD or YYYYMMDD; null for what is no day of the calendar. */
export function dayOf(text: string): number | null {
  const [, y, m, d] = /^(\d{4})-?(\d{2})-?(\d{2})$/.exec(text) ?? [];
  if (!y) return null;
  const at = new Date(Date.UTC(Number(y), Number(m) - 1, Number(d)));
  if (at.getUTCMonth() !== Number(m) - 1 || at.getUTCDate() !== Number(d)) return null;
  return at.getTime() / 86_400_000;
}
