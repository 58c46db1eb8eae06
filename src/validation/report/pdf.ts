/** The same report as PDF (A4). */
import { createDocument, type Doc, footers, MARGIN, Pen, QUIET, rule } from '../../pdf/pen.ts';
import { type Block, contentOf, type ReportInput, type Table } from './content.ts';
import { COLOURS, type Drawing, TEXT_SIZE } from './drawing.ts';

const AMBER = '#b45309';
const GAP = 8;
const CELL = 7.5;
const CELL_GAP = 6;

export async function reportPdf(input: ReportInput): Promise<Buffer> {
  const { language, title, subtitle, notice, sections, words } = contentOf(input);
  const made = new Date(input.run.at);
  const { doc, end } = createDocument({
    language,
    title: `${title} – ${subtitle}`,
    author: 'Negatoscope',
    created: made,
    modified: made,
  });
  const pen = new Pen(doc);
  pen.write(title, { size: 20, weight: 600, gap: 2 });
  pen.write(subtitle, { size: 11, colour: QUIET, gap: 10 });
  pen.write(notice, { size: 10, weight: 600, colour: AMBER, gap: GAP });
  for (const { title: head, blocks } of sections) {
    room(doc, Math.max(60, 30 + firstHeight(blocks[0])));
    doc.y += 8;
    rule(doc, 8);
    pen.write(head, { size: 13, weight: 600, gap: 6 });
    for (const block of blocks) write(doc, pen, block);
  }
  footers(doc, pen, (page, pages) => `${title} · ${subtitle} · ${words.page} ${page}/${pages}`);
  return end();
}

const bottom = (doc: Doc): number => doc.page.height - doc.page.margins.bottom;
const inner = (doc: Doc): number => doc.page.width - 2 * MARGIN;
/** A new page where less than `height` is left on this one. */
function room(doc: Doc, height: number): void {
  if (doc.y + height <= bottom(doc)) return;
  doc.addPage();
  doc.y = MARGIN;
}
/** A heading does not stand alone at the foot of a page. */
const firstHeight = (block: Block | undefined): number =>
  block?.kind === 'drawing' ? block.drawing.height + GAP : 0;

function write(doc: Doc, pen: Pen, block: Block): void {
  switch (block.kind) {
    case 'text':
    case 'warning':
      return paragraph(doc, pen, block.text, 10, block.kind === 'warning' ? AMBER : undefined);
    case 'small':
      return paragraph(doc, pen, block.text, 8.5, QUIET);
    case 'subtitle':
      room(doc, 60);
      return pen.write(block.text, { size: 10, weight: 600, gap: 4 });
    case 'list':
      for (const item of block.items) {
        room(doc, pen.height(item, { size: 10, width: inner(doc) - 12 }));
        const { y } = doc;
        pen.write('•', { y, width: 10 });
        pen.write(item, { x: MARGIN + 12, y, gap: 3 });
      }
      return;
    case 'facts':
      for (const [name, value] of block.rows) {
        room(doc, pen.height(value, { size: 9, width: inner(doc) - 150 }));
        const { y } = doc;
        pen.write(name, { size: 9, colour: QUIET, width: 140, y });
        const after = doc.y;
        pen.write(value, { x: MARGIN + 150, y, size: 9, gap: 1 });
        doc.y = Math.max(doc.y, after);
      }
      doc.y += GAP;
      return;
    case 'drawing':
      return draw(doc, pen, block.drawing);
    case 'table':
      return table(doc, pen, block);
  }
}

function paragraph(doc: Doc, pen: Pen, text: string, size: number, colour?: string): void {
  room(doc, pen.height(text, { size, width: inner(doc) }));
  pen.write(text, { size, gap: 5, ...(colour === undefined ? {} : { colour }) });
}

function draw(doc: Doc, pen: Pen, drawing: Drawing): void {
  const scale = Math.min(1, inner(doc) / drawing.width);
  room(doc, Math.min(drawing.height * scale, bottom(doc) - MARGIN));
  const top = doc.y;
  doc.save().translate(MARGIN, top).scale(scale);
  for (const mark of drawing.marks) {
    switch (mark.kind) {
      case 'line': {
        doc.lineWidth(mark.width ?? 0.75).strokeColor(COLOURS[mark.ink]);
        if (mark.dashed) doc.dash(3, { space: 3 });
        else doc.undash();
        mark.points.forEach(([x, y], i) => (i === 0 ? doc.moveTo(x, y) : doc.lineTo(x, y)));
        doc.stroke().undash();
        break;
      }
      case 'box':
        doc.roundedRect(mark.x, mark.y, mark.width, mark.height, 3).lineWidth(0.75);
        if (mark.fill) doc.fillAndStroke(COLOURS[mark.fill], COLOURS[mark.ink]);
        else doc.strokeColor(COLOURS[mark.ink]).stroke();
        break;
      case 'dot':
        doc
          .circle(mark.x, mark.y, mark.radius)
          .lineWidth(1)
          .fillAndStroke(COLOURS[mark.open ? 'paper' : mark.ink], COLOURS[mark.ink]);
        break;
      case 'text': {
        if (mark.turned) doc.save().rotate(-90, { origin: [mark.x, mark.y] });
        pen.label(mark.text, mark.x, mark.y, {
          size: mark.size ?? TEXT_SIZE,
          weight: mark.bold ? 600 : 400,
          colour: COLOURS[mark.ink ?? 'ink'],
          anchor: mark.anchor ?? 'start',
        });
        if (mark.turned) doc.restore();
        break;
      }
    }
  }
  doc.restore();
  doc.x = MARGIN;
  doc.y = top + drawing.height * scale + GAP;
}

function table(doc: Doc, pen: Pen, { head, rows, widths }: Table): void {
  const sum = widths.reduce((a, b) => a + b, 0);
  const columns = widths.map((width) => (width / sum) * inner(doc));
  const row = (cells: readonly string[], isHead: boolean): void => {
    const weight = isHead ? 600 : 400;
    const heights = cells.map((cell, i) =>
      pen.height(cell, { size: CELL, weight, width: columns[i]! - CELL_GAP }),
    );
    const height = Math.max(...heights);
    if (doc.y + height + 6 > bottom(doc)) {
      doc.addPage();
      doc.y = MARGIN;
      if (!isHead) row(head, true);
    }
    const { y } = doc;
    let x = MARGIN;
    cells.forEach((cell, i) => {
      pen.write(cell, {
        x,
        y,
        size: CELL,
        weight,
        width: columns[i]! - CELL_GAP,
        ...(isHead ? { colour: QUIET } : {}),
      });
      x += columns[i]!;
    });
    doc.y = y + height + 2;
    rule(doc, 3, 0.4);
  };
  row(head, true);
  for (const cells of rows) row(cells, false);
  doc.y += GAP;
}
