/** The table of labels read, and tables written. Pure. */
import { parseCsv, type Table } from '../assist/csv.ts';
import { NegatoscopeError } from '../errors.ts';

/** As `parseCsv`. @throws NegatoscopeError `labels-csv` with the line */
export const parseTable = (text: string): Table =>
  parseCsv(
    text,
    (line, what) =>
      new NegatoscopeError('labels-csv', `The table of labels cannot be read, line ${line}: ${what}`, {
        details: { line },
      }),
  );

/** One line of a table, quoted where needed; ends with LF. Numbers as JavaScript writes them, which reads back to the same. */
export const csvLine = (fields: readonly (string | number)[]): string =>
  `${fields.map((field) => (/[",\r\n;]/.test(String(field)) ? `"${String(field).replaceAll('"', '""')}"` : field)).join(',')}\n`;
