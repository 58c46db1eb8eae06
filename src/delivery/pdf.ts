import type { Finding, RecordedAi, Report, ReportRecord } from '../reading/types.ts';
import { createDocument, footers, MARGIN, Pen, QUIET, rule } from '../pdf/pen.ts';
import { dateText, personText, timeText, WORDS } from './words.ts';

const labelOf = (finding: Finding, ai: readonly RecordedAi[], language: 'fr' | 'en'): string =>
  finding.text ??
  ai.map(({ labels }) => labels[finding.label]?.text[language]).find((text) => text) ??
  finding.label;

/** Number of an image in the report, counted from 1. */
const imageNumber = (record: ReportRecord, sop: string): string => {
  const place = record.images.findIndex(({ sopInstanceUid }) => sopInstanceUid === sop);
  return place < 0 ? '?' : String(place + 1);
};

/**
 * A signed report as PDF (A4): made from what was signed and from the addenda, nothing else, so that the same report gives the
 * same bytes whenever it is made.
 */
export async function reportPdf(report: Report): Promise<Buffer> {
  const record = report.record!;
  const { fields, study, reader } = record;
  const { language } = fields;
  const words = WORDS[language];
  const space = language === 'fr' ? ' : ' : ': ';
  const { doc, end } = createDocument({
    language,
    title: words.title,
    author: reader.name,
    created: new Date(record.signedAt),
    modified: new Date(report.addenda.at(-1)?.signedAt ?? record.signedAt),
  });
  const pen = new Pen(doc);
  const section = (title: string, text: string) => {
    if (text.trim() === '') return;
    if (doc.y > doc.page.height - MARGIN - 80) doc.addPage();
    pen.write(title, { size: 9, weight: 600, colour: QUIET, gap: 2 });
    pen.write(text.trim(), { gap: 10 });
  };

  const at = (ms: number) => `${timeText(ms, language, record.timeZone)} (${record.timeZone})`;
  if (record.siteName) pen.write(record.siteName, { size: 11, weight: 600, gap: 2 });
  pen.write(words.title, { size: 16, weight: 600, gap: 8 });
  rule(doc, 10);

  const rows: [string, string][] = [
    [words.patient, personText(study.patientName)],
    [words.born, dateText(study.birthDate, language)],
    [words.sex, words.sexes[study.sex] ?? ''],
    [words.patientId, study.issuer ? `${study.patientId} (${study.issuer})` : study.patientId],
    [words.exam, study.description || [...study.modalities, ...study.bodyParts].join(', ')],
    [words.examDate, dateText(study.studyDate, language)],
    [words.accession, study.accession],
    [words.referring, personText(study.referring)],
  ];
  for (const [name, value] of rows) {
    if (value === '') continue;
    const { y } = doc;
    pen.write(name, { size: 9, colour: QUIET, width: 110, y });
    pen.write(value, { x: MARGIN + 118, y, weight: name === words.patient ? 600 : 400, gap: 1 });
  }
  doc.y += 8;
  rule(doc, 10);
  if (record.version > 1) pen.write(words.follows(record.version), { weight: 600, gap: 10 });
  // Whoever reads the first page alone must know that the report goes on.
  if (report.addenda.length > 0)
    pen.write(words.amended(report.addenda.length, at(report.addenda.at(-1)!.signedAt)), {
      weight: 600,
      gap: 10,
    });

  section(words.indication, fields.indication);
  section(words.justification, fields.justification);
  section(words.technique, fields.technique);
  section(words.dose, fields.dose || words.doseNone);
  section(words.findings, fields.findings);
  const answers = record.ai.flatMap(({ modelId, question }) => {
    const answer = fields.answers[modelId];
    return question && answer ? [`${question.text[language]} ${question.answers[answer][language]}.`] : [];
  });
  section(words.conclusion, [fields.conclusion.trim(), ...answers].join('\n'));

  const line = (finding: Finding, what: string) =>
    `${words.proposal} ${finding.number} (${words.image} ${imageNumber(record, finding.sopInstanceUid)})${space}${labelOf(finding, record.ai, language)} – ${what}.`;
  const own = record.findings.filter(({ by }) => by === 'reader');
  section(words.marks, own.map((finding) => line(finding, words.own)).join('\n'));

  // A box that nobody ticked is no statement that the patient was not informed.
  const informed = `${words.informed}${space}${fields.patientInformedOfAi ? words.yes : words.notAsked}.`;
  const shown = record.ai.filter(({ shownAt }) => shownAt !== null);
  const unseen = record.ai.filter(({ shownAt, state }) => shownAt === null && state === 'analysed');
  if (shown.length > 0) {
    const text = shown.flatMap((tool) => {
      const marks = record.findings
        .filter(({ runId }) => runId === tool.runId)
        .toSorted((a, b) => a.number - b.number);
      const head = `${tool.name[language]}, ${words.version} ${tool.version}, ${words.stage} ${words.stages[tool.stage]}`;
      return marks.length === 0
        ? [`${head}${space}${words.noProposal}`]
        : [`${head}.`, ...marks.map((mark) => line(mark, words.decisions[mark.decision ?? 'undecided']))];
    });
    section(words.ai, [words.aiUsed, ...text, informed, words.notDevice].join('\n'));
  } else if (unseen.length > 0) section(words.ai, `${words.aiUnseen}\n${informed}`);

  rule(doc, 10);
  pen.write(`${words.signed} ${reader.name}, ${words.on} ${at(record.signedAt)}.`, {
    weight: 600,
    gap: 12,
  });
  report.addenda.forEach((addendum, index) => {
    section(`${words.addendum} ${index + 1}`, addendum.text);
    pen.write(`${words.signed} ${addendum.readerName}, ${words.on} ${at(addendum.signedAt)}.`, {
      weight: 600,
      gap: 12,
    });
  });
  if (pen.missing > 0) pen.write(words.missing, { size: 8, colour: QUIET });

  footers(
    doc,
    pen,
    (page, pages) =>
      `${words.report} ${record.id}, ${words.versionOf} ${record.version} · SHA-256 ${report.sha256.slice(0, 16)}… · ${words.page} ${page}/${pages}`,
  );
  return end();
}
