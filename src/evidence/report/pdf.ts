/** The monthly report as PDF, A4: all tools on the first page, then a page a tool. Bytes depend on nothing but what it is given. */
import type { Language } from '../../people/types.ts';
import { createDocument, type Doc, footers, INK, MARGIN, Pen, QUIET, rule } from '../../pdf/pen.ts';
import type { Overview, OverviewRow } from '../overview/types.ts';
import type { Turnaround } from '../turnaround/types.ts';
import type { EvidenceSummary, Proportion, ToolMonitoring } from '../types.ts';
import { date, monthName, number, percent, time, WORDS, type Words } from './words.ts';

const AMBER = '#b45309';
const BLUE = '#1f5fbf';
const LINE = '#c9cdd6';
const CELL = 7.5;

export interface ToolReport {
  row: OverviewRow;
  month: EvidenceSummary;
  turnaround: Turnaround;
  monitoring: ToolMonitoring;
}
export interface ReportInput {
  language: Language;
  siteName: string;
  /** Bounds of the month, ms UTC. */
  from: number;
  to: number;
  overview: Pick<Overview, 'at' | 'timeZone'>;
  tools: readonly ToolReport[];
}

export async function monthlyPdf(input: ReportInput): Promise<Buffer> {
  const { language, siteName, overview, tools } = input;
  const words = WORDS[language];
  const month = monthName(input.from, language, overview.timeZone);
  const made = new Date(overview.at);
  const { doc, end } = createDocument({
    language,
    title: `${words.title}, ${month}`,
    author: siteName || 'Negatoscope',
    created: made,
    modified: made,
  });
  const pen = new Pen(doc);
  pen.write(words.title, { size: 20, weight: 600, gap: 2 });
  pen.write([month, siteName].filter(Boolean).join(' · '), { size: 11, colour: QUIET, gap: 10 });
  pen.write(words.notice, { size: 10, weight: 600, colour: AMBER, gap: 8 });
  heading(doc, pen, words.overview);
  if (tools.length === 0) pen.write(words.none, { gap: 8 });
  else
    table(doc, pen, [1.5, 1, 1.3, 1.3, 1, 0.9, 1.2, 1.4], [
      words.head,
      ...tools.map(({ row, month: of, turnaround }) => [
        `${row.name[language]} ${row.version}`,
        words.stage[row.stage] ?? row.stage,
        rate(row.accuracy.sensitivity.uncertainAsPositive, words, language),
        rate(row.accuracy.specificity.uncertainAsPositive, words, language),
        of.counted.enough ? words.per100(number(of.falseAlarmsPer100 ?? 0, language, 1)) : String(of.falseAlarms),
        words.drift[row.drift.state],
        spread(turnaround.stretches['arrived-signed'], words, language),
        words.next[row.next],
      ]),
    ]); // prettier-ignore
  pen.write(words.list, { size: 8.5, colour: QUIET, gap: 3 });
  pen.write(words.made(date(overview.at, language, overview.timeZone), overview.timeZone), { size: 8.5, colour: QUIET }); // prettier-ignore
  for (const tool of tools) {
    doc.addPage();
    doc.y = MARGIN;
    page(doc, pen, tool, input, words);
  }
  footers(doc, pen, (number_, pages) => `${words.title} · ${month} · ${words.page} ${number_}/${pages}`);
  return end();
}

function page(doc: Doc, pen: Pen, tool: ToolReport, input: ReportInput, words: Words): void {
  const { row, month, turnaround, monitoring } = tool;
  const { language, overview } = input;
  pen.write(`${row.name[language]} ${row.version}`, { size: 16, weight: 600, gap: 2 });
  pen.write(`${words.stage[row.stage] ?? row.stage} · ${words.read(month.studiesRead, row.studiesRead)}`, { colour: QUIET, gap: 4 }); // prettier-ignore

  heading(doc, pen, words.accuracy);
  for (const measure of ['sensitivity', 'specificity'] as const) {
    const target = row.gate?.targets.find((each) => each.measure === measure)?.target ?? null;
    pen.write(words[measure] + (target === null ? '' : ` (${words.target(percent(target, language))})`), { size: 10, weight: 600, gap: 2 }); // prettier-ignore
    forest(doc, pen, [[words.month, month.accuracy[measure].uncertainAsPositive], [words.ever, row.accuracy[measure].uncertainAsPositive]], target, words, language); // prettier-ignore
  }
  const other = (['sensitivity', 'specificity'] as const).map((measure) => `${words[measure].toLowerCase()} ${rate(row.accuracy[measure].uncertainAsNegative, words, language)}`); // prettier-ignore
  small(doc, pen, `${words.accuracyText}${other.join(', ')}.`);

  heading(doc, pen, words.load);
  small(doc, pen, words.loadText(month.marks, month.falseAlarms, month.counted.studies), INK);
  const { load } = turnaround;
  if (load.marksPerHour !== null && load.rejectedPerHour !== null)
    small(doc, pen, words.perHour(number(load.marksPerHour, language, 1), number(load.rejectedPerHour, language, 1)), INK); // prettier-ignore
  if (load.rejectionMs.median !== null)
    small(doc, pen, words.rejecting(time(load.rejectionMs.median, language), load.timedRejections), INK);

  heading(doc, pen, words.times);
  table(doc, pen, [2, 1, 1.4, 1.4, 0.8], [
    words.timesHead,
    ...Object.entries(turnaround.stretches).map(([stretch, of]) => [
      words.stretch[stretch as keyof Words['stretch']],
      of.median === null ? '–' : time(of.median, language),
      of.interval ? `${time(of.interval.low, language)} ${words.to} ${time(of.interval.high, language)}` : '–',
      of.q1 === null || of.q3 === null ? '–' : `${time(of.q1, language)} ${words.to} ${time(of.q3, language)}`,
      number(of.n, language),
    ]),
  ]); // prettier-ignore
  const { adjusted } = turnaround.comparison;
  const share = (ratio: number): string => percent(Math.abs(ratio - 1), language);
  const effect = !adjusted
    ? words.incomparable
    : adjusted.ratioInterval.high < 1
      ? words.shorter(share(adjusted.ratioInterval.high), share(adjusted.ratioInterval.low))
      : adjusted.ratioInterval.low > 1
        ? words.longer(share(adjusted.ratioInterval.low), share(adjusted.ratioInterval.high))
        : words.same;
  small(doc, pen, effect, INK);
  const waits = turnaround.wait.adjusted;
  if (waits && waits.interval.low > 0) small(doc, pen, words.waits, AMBER);

  heading(doc, pen, words.driftTitle);
  for (const [name, chart] of [
    [words.missed, monitoring.missed],
    [words.falseMarks, monitoring.falseMarks],
  ] as const) {
    // prettier-ignore
    const alarm = chart.alarms.findLast(({ at }) => at > monitoring.decidedAt);
    const day = (at: number): string => date(at, language, overview.timeZone);
    small(doc, pen, words.driftText(name, chart.n, chart.failures) + (alarm ? ` ${words.alarm(day(alarm.from), day(alarm.at))}` : ''), alarm ? AMBER : INK); // prettier-ignore
  }

  heading(doc, pen, words.limits);
  for (const limit of [words.notice, ...words.limitList]) small(doc, pen, `• ${limit}`);
}

const bottom = (doc: Doc): number => doc.page.height - doc.page.margins.bottom;
const inner = (doc: Doc): number => doc.page.width - 2 * MARGIN;
function room(doc: Doc, height: number): void {
  if (doc.y + height <= bottom(doc)) return;
  doc.addPage();
  doc.y = MARGIN;
}
function heading(doc: Doc, pen: Pen, text: string): void {
  room(doc, 60);
  doc.y += 4;
  rule(doc, 6);
  pen.write(text, { size: 12, weight: 600, gap: 4 });
}
function small(doc: Doc, pen: Pen, text: string, colour = QUIET): void {
  room(doc, pen.height(text, { size: 8.5, width: inner(doc) }));
  pen.write(text, { size: 8.5, colour, gap: 3 });
}

const rate = ({ k, n, value, low, high, enough }: Proportion, words: Words, language: Language): string =>
  n === 0
    ? '–'
    : enough && value !== null
      ? `${percent(value, language)} (${percent(low!, language)} ${words.to} ${percent(high!, language)})`
      : words.few(k, n);
const spread = (
  { median, interval }: Turnaround['stretches']['arrived-signed'],
  words: Words,
  language: Language,
): string =>
  // prettier-ignore
  median === null
    ? '–'
    : time(median, language) +
      (interval ? ` (${time(interval.low, language)} ${words.to} ${time(interval.high, language)})` : '');

/** Rows on one axis from 50 % to 100 %: estimate, interval, what it says; a stroke where the target lies. */
function forest(doc: Doc, pen: Pen, rows: readonly (readonly [string, Proportion])[], target: number | null, words: Words, language: Language): void {
  const [left, width, height] = [MARGIN + 110, 190, 15];
  room(doc, rows.length * height + 14);
  const at = (share: number): number => left + Math.min(1, Math.max(0, (share - 0.5) * 2)) * width;
  const top = doc.y;
  for (let tick = 5; tick <= 10; tick += 1) {
    doc.moveTo(at(tick / 10), top).lineTo(at(tick / 10), top + rows.length * height).lineWidth(0.4).strokeColor(LINE).stroke();
    if (tick % 1 === 0) pen.label(percent(tick / 10, language), at(tick / 10), top + rows.length * height + 8, { size: 6.5, colour: QUIET, anchor: 'middle' });
  }
  rows.forEach(([name, proportion], i) => {
    const y = top + i * height + height / 2;
    pen.label(name, MARGIN, y + 3, { size: 8.5 });
    if (proportion.enough && proportion.value !== null) {
      doc.moveTo(at(proportion.low!), y).lineTo(at(proportion.high!), y).lineWidth(1.4).strokeColor(BLUE).stroke();
      doc.circle(at(proportion.value), y, 2.8).fillColor(BLUE).fill();
    }
    pen.label(`${rate(proportion, words, language)}${proportion.enough ? ` · ${proportion.k}/${proportion.n}` : ''}`, left + width + 12, y + 3, { size: 8.5 });
  });
  if (target !== null) doc.moveTo(at(target), top).lineTo(at(target), top + rows.length * height).lineWidth(1).strokeColor(INK).stroke();
  doc.x = MARGIN;
  doc.y = top + rows.length * height + 16;
} // prettier-ignore

function table(doc: Doc, pen: Pen, widths: readonly number[], rows: readonly (readonly string[])[]): void {
  const sum = widths.reduce((a, b) => a + b, 0);
  const columns = widths.map((width) => (width / sum) * inner(doc));
  rows.forEach((cells, index) => {
    const weight = index === 0 ? 600 : 400;
    const height = Math.max(
      ...cells.map((cell, i) => pen.height(cell, { size: CELL, weight, width: columns[i]! - 6 })),
    );
    room(doc, height + 6);
    const { y } = doc;
    let x = MARGIN;
    cells.forEach((cell, i) => {
      pen.write(cell, { x, y, size: CELL, weight, width: columns[i]! - 6, ...(index === 0 ? { colour: QUIET } : {}) }); // prettier-ignore
      x += columns[i]!;
    });
    doc.y = y + height + 2;
    rule(doc, 3, 0.4);
  });
  doc.y += 6;
}
