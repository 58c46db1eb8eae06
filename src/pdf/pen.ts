/** Pages as PDF, A4: text in any script the fonts know, and a document whose bytes depend on nothing but what is written. */
import PDFDocument from 'pdfkit';
import { fontBytes, runsOf, type Weight } from './fonts.ts';

/** Points (1/72 inch). */
export const MARGIN = 56;
export const INK = '#16181d';
export const QUIET = '#5b6170';
const LINE = '#c9cdd6';
export const BODY = 10;
/** Height of Inter's ascender in its em: where the baseline of a line lies below its top, whatever font a run has. */
const ASCENDER = 0.97;

export type Doc = InstanceType<typeof PDFDocument>;

export interface DocumentInfo {
  readonly language: 'fr' | 'en';
  readonly title: string;
  readonly author: string;
  readonly created: Date;
  readonly modified: Date;
}

/** An empty A4 document whose pages stay open until `end`, which gives its bytes. */
export function createDocument(info: DocumentInfo): { doc: Doc; end(): Promise<Buffer> } {
  const doc = new PDFDocument({
    size: 'A4',
    margins: { top: MARGIN, bottom: MARGIN + 16, left: MARGIN, right: MARGIN },
    bufferPages: true,
    lang: info.language,
    displayTitle: true,
    pdfVersion: '1.7',
    info: {
      Title: info.title,
      Author: info.author,
      Creator: 'Negatoscope',
      Producer: 'Negatoscope',
      CreationDate: info.created,
      ModDate: info.modified,
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
  return {
    doc,
    async end() {
      doc.end();
      await done;
      return Buffer.concat(chunks);
    },
  };
}

/** A line across the page between the margins, and `gap` points below it. */
export function rule(doc: Doc, gap: number, width = 0.5): void {
  doc
    .moveTo(MARGIN, doc.y)
    .lineTo(doc.page.width - MARGIN, doc.y)
    .lineWidth(width)
    .strokeColor(LINE)
    .stroke();
  doc.y += gap;
}

/** A line below every page, beneath the margin. */
export function footers(doc: Doc, pen: Pen, text: (page: number, pages: number) => string): void {
  const pages = doc.bufferedPageRange().count;
  for (let page = 0; page < pages; page++) {
    doc.switchToPage(page);
    // Below the margin, where the layout would start a new page.
    doc.page.margins.bottom = 0;
    pen.write(text(page + 1, pages), { size: 7, colour: QUIET, y: doc.page.height - MARGIN + 8 });
  }
}

/** A page writer that picks the font of each run, so that a name in any script the fonts know can stand in a line. */
export class Pen {
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
  /** How high `write` would make this text within `width` points. */
  height(
    text: string,
    { size = BODY, weight = 400, width }: { size?: number; weight?: Weight; width: number },
  ): number {
    this.#doc.fontSize(size);
    return text.split(/\r\n|\r|\n/).reduce((sum, line) => {
      const { runs } = runsOf(line);
      if (runs.length === 0) return sum + size * 0.8;
      this.#use(runs[0]!.font, runs[0]!.file, weight);
      return sum + this.#doc.heightOfString(line, { width, lineGap: 2 });
    }, 0);
  }
  /** One line at (x, y), y its baseline, as wide as it is; within a drawing. */
  label(
    text: string,
    x: number,
    y: number,
    {
      size,
      weight = 400,
      colour = INK,
      anchor = 'start',
    }: { size: number; weight?: Weight; colour?: string; anchor?: 'start' | 'middle' | 'end' },
  ): void {
    const doc = this.#doc;
    doc.fontSize(size).fillColor(colour);
    const { runs, missing } = runsOf(text);
    this.missing += missing;
    const widths = runs.map((run) => {
      this.#use(run.font, run.file, weight);
      return doc.widthOfString(run.text);
    });
    const width = widths.reduce((a, b) => a + b, 0);
    let left = anchor === 'start' ? x : anchor === 'middle' ? x - width / 2 : x - width;
    runs.forEach((run, i) => {
      this.#use(run.font, run.file, weight);
      doc.text(run.text, left, y, { lineBreak: false, baseline: 'alphabetic' });
      left += widths[i]!;
    });
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
