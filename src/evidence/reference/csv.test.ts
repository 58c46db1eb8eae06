import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dayOf, fieldsOf, followUpOf } from './csv.ts';

const codes = (text: string) => followUpOf(text).problems.map(({ line, code }) => `${line} ${code}`);
const refused = (text: string): string => {
  try {
    followUpOf(text);
    return '';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('a file of follow-up', () => {
  test('in English with commas, in French as a spreadsheet writes it, with quotes and a byte order mark', () => {
    const english = 'accession,answer,method,days,with_ai\r\nA1,yes,CT,9,\r\n"A,2",no,clinical,,yes\r\n';
    expect(followUpOf(english)).toEqual({
      rows: [
        { line: 2, accession: 'A1', studyUid: '', answer: 'yes', method: 'cross-sectional', days: 9, date: '', withAi: false }, // prettier-ignore
        { line: 3, accession: 'A,2', studyUid: '', answer: 'no', method: 'clinical', days: null, date: '', withAi: true }, // prettier-ignore
      ],
      problems: [],
      count: 2,
    });
    const french =
      '\uFEFFNuméro examen;Résultat;Méthode;Date\nA1;Oui;IRM;2026-02-03\nA2;incertain;Chirurgie;\n';
    expect(followUpOf(french).rows).toMatchObject([
      { accession: 'A1', answer: 'yes', method: 'cross-sectional', date: '2026-02-03' },
      { accession: 'A2', answer: 'uncertain', method: 'surgery' },
    ]);
  });

  test('every wrong line is named with what is wrong, all at once', () => {
    expect(
      codes(
        [
          'study_uid,answer,method,days,date,with_ai',
          ',yes,ct,,,',
          '1.2,maybe,ct,,,',
          '1.2,yes,hearsay,,,',
          '1.2,yes,ct,-3,,',
          '1.2,yes,ct,4000,,',
          '1.2,yes,ct,,2026-02-30,',
          '1.2,yes,ct,,,perhaps',
          '1.2,yes,ct,3,,',
          '1.2,no,mr,3,,',
          '',
          '1.2',
        ].join('\n'),
      ),
    ).toEqual([
      '2 study-missing',
      '3 bad-answer',
      '4 bad-method',
      '5 bad-days',
      '6 bad-days',
      '7 bad-date',
      '8 bad-with-ai',
      '10 twice',
      '12 bad-answer',
    ]);
  });

  test('what is no such file is refused as a whole', () => {
    expect(refused('')).toBe('bad-csv');
    expect(refused('answer,method\nyes,ct\n')).toBe('bad-csv');
    expect(refused('accession,answer\nA,yes\n')).toBe('bad-csv');
    expect(refused('accession,answer,method\n')).toBe('bad-csv');
    expect(refused('accession,answer,method\n"A,yes,ct\n')).toBe('bad-csv');
    expect(refused('a'.repeat(5_000_001))).toBe('csv-too-large');
    expect(refused(`accession,answer,method\n${'A,yes,ct\n'.repeat(50_001)}`)).toBe('csv-too-large');
  });

  test('fields come back as they were written, whatever is in them; nothing that is thrown is no answer', () => {
    const text = fc.string({ unit: 'binary' }).map((each) => each.replace(/\r/g, '').trim());
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 6 }), (rows) => {
        const quoted = (field: string) => `"${field.replaceAll('"', '""')}"`;
        const file = ['x,y', ...rows.map((row) => row.map(quoted).join(','))].join('\r\n');
        expect(fieldsOf(file).map(({ fields }) => fields)).toEqual([
          ['x', 'y'],
          ...rows.filter((row) => row.some((field) => field !== '')),
        ]);
      }),
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (noise) => {
        expect(['', 'bad-csv']).toContain(refused(noise));
      }),
    );
  });

  test('days of the calendar', () => {
    expect(dayOf('1970-01-02')).toBe(1);
    expect(dayOf('20260301')! - dayOf('2026-02-27')!).toBe(2);
    for (const wrong of ['2026-13-01', '2026-02-29', '26-1-1', '', 'yesterday'])
      expect(dayOf(wrong)).toBeNull();
  });
});
