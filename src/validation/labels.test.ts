import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { textOf } from '../assist/csv.ts';
import { shared } from '../assist/testing.ts';
import { csvLine, parseTable } from './csv.ts';
import { readLabels } from './labels.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const codeOf = (work: () => unknown): unknown => {
  try {
    return void work();
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('tables as people’s programs write them', () => {
  const plain = parseTable('image,label\na.jpg,1\nb.jpg,0\n');
  test.each([
    ['with CRLF', 'image,label\r\na.jpg,1\r\nb.jpg,0\r\n'],
    ['with semicolons', 'image;label\na.jpg;1\nb.jpg;0'],
    ['with tabs and no end of line', 'image\tlabel\na.jpg\t1\nb.jpg\t0'],
    ['with quotes and spaces', '"image","label"\n"a.jpg", 1 \n b.jpg ,"0"\n'],
    ['with empty lines', '\nimage,label\n\na.jpg,1\n,\nb.jpg,0\n\n'],
  ])('%s', (_, text) => {
    const { head, rows } = parseTable(text);
    expect({ head, rows: rows.map(({ fields }) => fields) }).toEqual({
      head: plain.head,
      rows: plain.rows.map(({ fields }) => fields),
    });
  });
  test('encodings: byte order mark, UTF-16, Windows-1252', () => {
    const text = 'image;région\na.jpg;épaule';
    expect(textOf(bytes(`\ufeff${text}`))).toBe(text);
    expect(textOf(Buffer.from(`\ufeff${text}`, 'utf16le'))).toBe(text);
    expect(textOf(Buffer.from(text, 'latin1'))).toBe(text);
  });
  test('errors name the line', () => {
    expect(() => parseTable('image,label\n"a.jpg,1\n')).toThrow(/line 2: a quote does not end/);
    expect(() => parseTable('image,label\na.jpg,1\nb.jpg,1,9\n')).toThrow(/line 3: 3 fields/);
    expect(() => parseTable('a,b,a\n')).toThrow(/"a" stands twice/);
    expect(() => parseTable('')).toThrow(/empty/);
    expect(() => parseTable('image,label\n"a"x,1\n')).toThrow(/line 2: something follows/);
  });
  it('what is written reads back', () => {
    const field = fc.string().map((text) => text.replace(/\r/g, ''));
    fc.assert(
      fc.property(fc.array(field, { minLength: 2, maxLength: 5 }), (fields) => {
        // Unquoted fields lose their outer spaces: those are quoted only where they need it for another reason.
        fc.pre(fields.every((text) => text === text.trim()) && fields.some((text) => text !== ''));
        const head = fields.map((_, i) => `c${i}`);
        const { rows } = parseTable(csvLine(head) + csvLine(fields));
        expect(rows[0]!.fields).toEqual(fields);
      }),
    );
  });
});

describe('labels.csv', () => {
  test('the shared one, by its column', () => {
    const sheet = readLabels(readFileSync(shared('radiographs/labels.csv')), 'fractured');
    expect(sheet.rows).toHaveLength(263);
    expect(sheet.rows.filter(({ positive }) => positive)).toHaveLength(92);
    expect(sheet.hasBoxes).toBe(true);
    expect(sheet.groupColumns).toContain('region');
    expect(sheet.groupColumns).not.toContain('boxes');
    expect(sheet.rows.find(({ image }) => image === 'IMG0000092.jpg')).toMatchObject({
      positive: true,
      boxes: [[1078.4, 1219.1, 1434.8, 1352.2]],
      groups: { hardware: '1', region: 'leg' },
    });
  });
  test('labels and boxes that cannot be used are told apart from missing ones', () => {
    const { rows } = readLabels(
      bytes('image,label,boxes\na,1,"[[1,2,3,4]]"\nb,,\nc,maybe,[]\nd,0,"[[3,2,1,4]]"\ne,1,oops\nf,1'),
    );
    expect(rows.map(({ positive, given }) => [positive, given])).toEqual([
      [true, '1'], [undefined, ''], [undefined, 'maybe'], [false, '0'], [true, '1'], [true, '1'],
    ]); // prettier-ignore
    expect(rows.map(({ boxes, boxesUnusable }) => [boxes, boxesUnusable])).toEqual([
      [[[1, 2, 3, 4]], false], [undefined, false], [[], false], [undefined, true], [undefined, true], [undefined, false],
    ]); // prettier-ignore
  });
  test('errors say what to do', () => {
    expect(() => readLabels(bytes('image,fractured\na,1\n'))).toThrow(/no column "label".*--label-column/);
    expect(() => readLabels(bytes('file,label\na,1\n'))).toThrow(/no column "image"/);
    expect(() => readLabels(bytes('image,label\na,1\nb,0\na,1\n'))).toThrow(/"a" \(lines 2, 4\)/);
    expect(codeOf(() => readLabels(bytes('image,label\n')))).toBe('labels-empty');
    expect(codeOf(() => readLabels(bytes('image,label\na,yes\n')))).toBe('labels-unusable');
  });
});
