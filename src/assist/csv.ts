/** Tables as people's programs write them: RFC 4180, with what spreadsheets add. Pure. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly { readonly line: number; readonly fields: readonly string[] }[];
}

/** Makes what is thrown of a table that cannot be read. @param line as an editor counts it, from 1 */
export type Wrong = (line: number, what: string) => Error;

/**
 * Bytes → text: UTF-8, with a byte order mark or without; UTF-16 where its mark says so; else Windows-1252, which spreadsheets
 * still write.
 */
export function textOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

/** The one of `,` `;` and tab that stands most often in the first line, outside quotes. */
function delimiterOf(text: string): string {
  const first = /^[^\r\n]*/.exec(text)![0].replace(/"[^"]*"/g, '');
  const count = (mark: string): number => first.split(mark).length;
  return [',', ';', '\t'].reduce((best, mark) => (count(mark) > count(best) ? mark : best));
}

/**
 * Fields may be quoted and then hold anything; lines end by LF or CRLF; empty lines do not count. Line numbers are those of an
 * editor, from 1. Spaces around unquoted fields are dropped.
 *
 * @throws what `wrong` makes: for a quote that does not end, a row longer than the head, no head, a name twice
 */
export function parseCsv(text: string, wrong: Wrong): Table {
  const delimiter = delimiterOf(text);
  const records: { line: number; fields: string[] }[] = [];
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const start = line;
    const fields: string[] = [];
    for (let more = true; more;) {
      if (text[at] === '"') {
        let value = '';
        for (at += 1; ; at += 1) {
          if (at >= text.length) throw wrong(start, 'a quote does not end');
          if (text[at] === '\n') line += 1;
          if (text[at] !== '"') value += text[at];
          else if (text[at + 1] === '"') {
            value += '"';
            at += 1;
          } else break;
        }
        at += 1;
        fields.push(value);
        if (at < text.length && ![delimiter, '\r', '\n'].includes(text[at]!))
          throw wrong(line, 'something follows a closing quote');
      } else {
        let end = at;
        while (end < text.length && ![delimiter, '\n'].includes(text[end]!)) end += 1;
        fields.push(text.slice(at, end).trim());
        at = end;
      }
      if (text[at] === '\r') at += 1;
      more = text[at] === delimiter;
      if (more) at += 1;
    }
    if (text[at] === '\n') {
      at += 1;
      line += 1;
    }
    if (fields.some((field) => field !== '')) records.push({ line: start, fields });
  }
  const [head, ...rows] = records;
  if (!head) throw wrong(1, 'it is empty');
  const twice = head.fields.find((name, i) => name !== '' && head.fields.indexOf(name) !== i);
  if (twice !== undefined) throw wrong(head.line, `the column "${twice}" stands twice`);
  const long = rows.find(({ fields }) => fields.length > head.fields.length);
  if (long)
    throw wrong(long.line, `${long.fields.length} fields, but the first line names ${head.fields.length}`);
  return { head: head.fields, rows };
}
