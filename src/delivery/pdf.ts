import PDFDocument from 'pdfkit';
import type { Finding, RecordedAi, Report, ReportRecord } from '../reading/types.ts';
import { fontBytes, runsOf, type Weight } from './fonts.ts';
import { dateText, personText, timeText, WORDS } from './words.ts';

const MARGIN = 56; // points
const INK = '#16181d';
const QUIET = '#5b6170';
const LINE = '#c9cdd6';
const BODY = 10;
/** Height of Inter's ascender in its em: where the baseline of a line lies below its top, whatever font a run has. */
const ASCENDER = 0.97;

type Doc = InstanceType<typeof PDFDocument>;

/** A page writer that picks the font of each run, so that a name in any script the fonts know can stand in a line. */
class Pen {
  readonly #doc: Doc;
  readonly #registered = new Set<string>();
  missing = 0;

  constructor(doc: Doc) {
    this.#doc = doc;
  }
  #use(font: string, file: (weight: Weight) => string, weight: Weight): void {
    const name = `${font}-${weight}`;
    if (!this.#registered.has(name)) {
      this.#doc.registerFont(name, fontBytes(file(weight)));
      this.#registered.add(name);
    }
    this.#doc.font(name);
  }
  /** Lines of text from the present position, or from `x`, `y`, within `width` points. */
  write(
    text: string,
    options: {
      size?: number;
      weight?: Weight;
      colour?: string;
      x?: number;
      y?: number;
      width?: number;
      gap?: number;
    } = {},
  ): void {
    const doc = this.#doc;
    const { size = BODY, weight = 400, colour = INK, gap = 0 } = options;
    const x = options.x ?? MARGIN;
    const width = options.width ?? doc.page.width - x - MARGIN;
    doc.fontSize(size).fillColor(colour);
    let y = options.y ?? doc.y;
    for (const line of text.split(/\r\n|\r|\n/)) {
      const { runs, missing } = runsOf(line);
      this.missing += missing;
      if (runs.length === 0) {
        y += size * 0.8;
        doc.y = y;
        continue;
      }
      runs.forEach((run, index) => {
        this.#use(run.font, run.file, weight);
        const more = {
          width,
          lineGap: 2,
          baseline: 'alphabetic' as const,
          continued: index < runs.length - 1,
        };
        if (index === 0) doc.text(run.text, x, y + size * ASCENDER, more);
        else doc.text(run.text, more);
      });
      y = doc.y - size * ASCENDER;
    }
    doc.y = y + gap;
  }
}

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
  const doc = new PDFDocument({
    size: 'A4',
    margins: { top: MARGIN, bottom: MARGIN + 16, left: MARGIN, right: MARGIN },
    bufferPages: true,
    lang: language,
    displayTitle: true,
    pdfVersion: '1.7',
    info: {
      Title: words.title,
      Author: reader.name,
      Creator: 'Negatoscope',
      Producer: 'Negatoscope',
      CreationDate: new Date(record.signedAt),
      ModDate: new Date(report.addenda.at(-1)?.signedAt ?? record.signedAt),
    },
    // A font of its own from the start: the standard ones have no character beyond Latin-1.
    font: null as never,
  });
  const chunks: Buffer[] = [];
  const done = new Promise<void>((resolve, reject) => {
    doc.on('data', (chunk: Buffer) => chunks.push(chunk));
    doc.on('end', () => resolve());
    doc.on('error', reject);
  });
  const pen = new Pen(doc);
  const rule = () => {
    doc
      .moveTo(MARGIN, doc.y)
      .lineTo(doc.page.width - MARGIN, doc.y)
      .lineWidth(0.5)
      .strokeColor(LINE)
      .stroke();
    doc.y += 10;
  };
  const section = (title: string, text: string) => {
    if (text.trim() === '') return;
    if (doc.y > doc.page.height - MARGIN - 80) doc.addPage();
    pen.write(title, { size: 9, weight: 600, colour: QUIET, gap: 2 });
    pen.write(text.trim(), { gap: 10 });
  };

  const at = (ms: number) => `${timeText(ms, language, record.timeZone)} (${record.timeZone})`;
  if (record.siteName) pen.write(record.siteName, { size: 11, weight: 600, gap: 2 });
  pen.write(words.title, { size: 16, weight: 600, gap: 8 });
  rule();

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
  rule();
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

  rule();
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

  const pages = doc.bufferedPageRange().count;
  for (let page = 0; page < pages; page++) {
    doc.switchToPage(page);
    // Below the margin, where the layout would start a new page.
    doc.page.margins.bottom = 0;
    pen.write(
      `${words.report} ${record.id}, ${words.versionOf} ${record.version} · SHA-256 ${report.sha256.slice(0, 16)}… · ${words.page} ${page + 1}/${pages}`,
      { size: 7, colour: QUIET, y: doc.page.height - MARGIN + 8 },
    );
  }
  doc.end();
  await done;
  return Buffer.concat(chunks);
}
