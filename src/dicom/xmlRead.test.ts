import fc from 'fast-check';
import { expect, test } from 'vitest';
import { corpus, corpusFile } from './corpus.ts';
import { toJson } from './json.ts';
import { parseDicom } from './parse.ts';
import { toXml } from './xml.ts';
import { fromXml } from './xmlRead.ts';

test('what toXml writes of real files is read back', () => {
  const readable = corpus().filter(({ expected }) => !expected.startsWith('malformed'));
  for (const { path } of readable) {
    const json = toJson(parseDicom(corpusFile(path)).dataset, { bulkDataUri: (at) => `bulk/${at}` });
    const again = fromXml(toXml(json));
    // A name of nothing but carets has no components to keep.
    const text = toXml(json).replaceAll(/<(Alphabetic|Ideographic|Phonetic)><\/\1>/g, '');
    expect(toXml(again) === text ? '' : path).toBe('');
  }
});

const model = (inside: string) => `<?xml version="1.0"?><NativeDicomModel>${inside}</NativeDicomModel>`;

test('references, CDATA, comments, private blocks', () => {
  expect(
    fromXml(
      model(
        '<!-- c --><DicomAttribute tag="00081030" vr="LO"><Value number="1">a &amp; &#233;<![CDATA[<b>]]></Value></DicomAttribute>' +
          '<DicomAttribute tag="00090001" vr="LO" privateCreator="ACME"><Value number="2">x</Value></DicomAttribute>',
      ),
    ),
  ).toEqual({
    '00081030': { vr: 'LO', Value: ['a & é<b>'] },
    '00090010': { vr: 'LO', Value: ['ACME'] },
    '00091001': { vr: 'LO', Value: [null, 'x'] },
  });
});

test('hostile documents are refused at once', () => {
  const deep = '<DicomAttribute tag="00400275" vr="SQ"><Item number="1">'.repeat(3000);
  for (const text of [
    '',
    '<a/>',
    '<!DOCTYPE x [<!ENTITY a "b">]><NativeDicomModel/>',
    model('<DicomAttribute tag="00081030" vr="LO"><Value number="1">&lol;</Value></DicomAttribute>'),
    model('<DicomAttribute tag="x" vr="LO"/>'),
    model('<DicomAttribute tag="00081030" vr="LO"><Value number="99999999"/></DicomAttribute>'),
    '<NativeDicomModel>',
    model(deep),
  ])
    expect(() => fromXml(text)).toThrow(/XML|entity|tag|number|deeper/);
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        fromXml(text);
      } catch (thrown) {
        expect(thrown).toMatchObject({ name: 'DicomError' });
      }
    }),
  );
});
