import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDicom, TAG, writePart10 } from '../dicom/index.ts';
import type { Report } from '../reading/types.ts';
import { reportPdf } from './pdf.ts';
import { reportSr } from './sr.ts';

/** Whatever people type or headers hold: a signed report must become documents, or it would never be delivered. */
const anything = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom(
    'a\\b^c=d',
    '\u0000\u001b$)C',
    'line\r\nline\n\nline',
    '\ud800',
    'x'.repeat(5000),
    '\u200f\u202eabc',
  ),
);
const report = fc
  .record({
    name: anything,
    reader: anything,
    site: anything,
    label: anything,
    text: fc.option(anything),
    findings: anything,
    conclusion: anything,
    addendum: anything,
    language: fc.constantFrom('fr' as const, 'en' as const),
  })
  .map(
    (of) =>
      ({
        id: 'a',
        sha256: 'f'.repeat(64),
        signedAt: 1_772_442_000_000,
        addenda: [{ id: 'b', text: of.addendum, readerName: of.reader, signedAt: 1_772_442_000_000 }],
        record: {
          format: 1,
          id: 'a',
          studyUid: '1.2.3',
          version: 1,
          signedAt: 1_772_442_000_000,
          timeZone: 'Europe/Paris',
          siteName: of.site,
          reader: { id: 'p', name: of.reader },
          fields: {
            indication: of.findings,
            technique: of.findings,
            findings: of.findings,
            conclusion: of.conclusion,
            justification: of.findings,
            dose: '',
            patientInformedOfAi: true,
            answers: {},
            language: of.language,
          },
          findings: [
            {
              id: 'f',
              by: 'reader',
              modelId: null,
              sopInstanceUid: '1.2.4',
              number: 1,
              label: of.label,
              places: [],
              score: null,
              decision: 'accepted',
              box: { x: 0.123456789012, y: 1e-9, width: 30.1, height: 2 },
              text: of.text,
              decidedAt: 1_772_442_000_000,
            },
          ],
          images: [
            { seriesUid: '1.2.5', sopInstanceUid: '1.2.4', sopClassUid: '1.2.840.10008.5.1.4.1.1.1.1' },
          ],
          ai: [],
          study: {
            patientName: of.name,
            patientId: 'P1',
            issuer: '',
            birthDate: '',
            sex: '',
            studyDate: '',
            studyTime: '',
            studyId: '',
            description: '',
            modalities: ['DX'],
            bodyParts: [],
            accession: '',
            referring: '',
          },
        },
      }) as unknown as Report,
  );

test('the SR of any text can be written and read', () => {
  fc.assert(
    fc.property(report, (of) => {
      const bytes = writePart10({ json: reportSr(of, 1, '0.1.0') });
      const { dataset } = parseDicom(bytes);
      expect(dataset.tags.length).toBeGreaterThan(20);
      expect(dataset.strings(TAG.InstitutionName).length).toBeLessThan(2);
      const [observer] = dataset.items(TAG.VerifyingObserverSequence);
      expect(observer!.strings(TAG.VerifyingObserverName).length).toBeLessThan(2);
    }),
    { numRuns: 200 },
  );
});

test('the PDF of any text can be made', async () => {
  await fc.assert(
    fc.asyncProperty(report, async (of) => {
      const pdf = await reportPdf(of);
      expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    }),
    { numRuns: 6 },
  );
});
