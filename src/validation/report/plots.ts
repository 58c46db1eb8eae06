/** The plots of a report. Pure. */
import { wilson } from '../../evidence/statistics.ts';
import type { Result } from '../types.ts';
import type { Drawing, Mark } from './drawing.ts';
import type { Words } from './words.ts';

const WIDTH = 330;
const HEIGHT = 300;
const FIELD = { left: 48, top: 12, size: 244 };

interface Axes {
  readonly marks: Mark[];
  x(value: number): number;
  y(value: number): number;
}

/** A square field from 0 to `xMax` and 0 to 1 with a grid in fifths. */
function axes(xLabel: string, yLabel: string, words: Words, xMax = 1): Axes {
  const { left, top, size } = FIELD;
  const x = (value: number): number => left + (Math.min(value, xMax) / xMax) * size;
  const y = (value: number): number => top + (1 - value) * size;
  const marks: Mark[] = [];
  for (let i = 0; i <= 5; i += 1) {
    const part = i / 5;
    marks.push(
      { kind: 'line', points: [[x(part * xMax), y(0)], [x(part * xMax), y(1)]], ink: 'line', width: i === 0 ? 0.75 : 0.4 },
      { kind: 'line', points: [[x(0), y(part)], [x(xMax), y(part)]], ink: 'line', width: i === 0 ? 0.75 : 0.4 },
      { kind: 'text', x: x(part * xMax), y: y(0) + 12, text: words.number(part * xMax, 1), anchor: 'middle', ink: 'quiet' },
      { kind: 'text', x: left - 6, y: y(part) + 3, text: words.number(part, 1), anchor: 'end', ink: 'quiet' },
    ); // prettier-ignore
  }
  marks.push(
    { kind: 'text', x: left + size / 2, y: top + size + 28, text: xLabel, anchor: 'middle' },
    { kind: 'text', x: 14, y: top + size / 2, text: yLabel, anchor: 'middle', turned: true },
  );
  return { marks, x, y };
}

export function rocPlot(result: Result, words: Words): Drawing {
  const { marks, x, y } = axes(words.plot.falsePositiveRate, words.plot.sensitivity, words);
  marks.push({ kind: 'line', points: [[x(0), y(0)], [x(1), y(1)]], ink: 'line', dashed: true }); // prettier-ignore
  marks.push({
    kind: 'line',
    points: result.roc.map((point) => [x(point.falsePositiveRate), y(point.sensitivity)] as const),
    ink: 'machine',
    width: 1.5,
  });
  for (const point of result.operatingPoints) {
    if (point.sensitivity === null || point.specificity === null) continue;
    const [px, py] = [x(1 - point.specificity), y(point.sensitivity)];
    const right = 1 - point.specificity < 0.55;
    marks.push(
      { kind: 'dot', x: px, y: py, radius: 3.5, ink: 'machine', open: point.name !== result.defaultOperatingPoint },
      { kind: 'text', x: px + (right ? 7 : -2), y: py + (right ? 9 : 15), text: words.pointName(point.name), anchor: right ? 'start' : 'end', bold: true },
    ); // prettier-ignore
  }
  return { width: WIDTH, height: HEIGHT, marks };
}

/** Dots: what was observed in each bin, with its Wilson interval. */
export function reliabilityPlot(result: Result, words: Words): Drawing {
  const { marks, x, y } = axes(words.plot.meanScore, words.plot.observed, words);
  marks.push({ kind: 'line', points: [[x(0), y(0)], [x(1), y(1)]], ink: 'line', dashed: true }); // prettier-ignore
  for (const { n, positives, meanScore } of result.reliability) {
    if (meanScore === null) continue;
    const { low, high } = wilson(positives, n)!;
    marks.push(
      { kind: 'line', points: [[x(meanScore), y(low)], [x(meanScore), y(high)]], ink: 'machine', width: 1 },
      { kind: 'dot', x: x(meanScore), y: y(positives / n), radius: 3, ink: 'machine', open: n < 10 },
    ); // prettier-ignore
  }
  return { width: WIDTH, height: HEIGHT, marks };
}

export function frocPlot(result: Result, words: Words): Drawing {
  const most = Math.max(0.2, ...result.frocCurve.map((point) => point.falseMarksPerImage));
  const xMax = most <= 0.5 ? 0.5 : Math.ceil(most);
  const { marks, x, y } = axes(words.plot.falseMarks, words.plot.lesions, words, xMax);
  let last: readonly [number, number] = [x(0), y(0)];
  const points: (readonly [number, number])[] = [last];
  for (const point of result.frocCurve) {
    last = [x(point.falseMarksPerImage), y(point.sensitivity)];
    points.push(last);
  }
  marks.push({ kind: 'line', points, ink: 'machine', width: 1.5 });
  return { width: WIDTH, height: HEIGHT, marks };
}

/** Subgroups with an area: its interval as a line, that of all cases as a band behind. */
export function forestPlot(
  rows: readonly {
    readonly name: string;
    readonly auc: number;
    readonly low: number;
    readonly high: number;
    readonly count: string;
  }[],
  all: { readonly auc: number } | null,
  words: Words,
): Drawing {
  const [left, width, row] = [170, 220, 16];
  const floor = Math.max(0, Math.floor(Math.min(0.5, ...rows.map(({ low }) => low)) * 10) / 10);
  const x = (value: number): number => left + ((value - floor) / (1 - floor)) * width;
  const height = rows.length * row + 30;
  const marks: Mark[] = [];
  for (let tick = floor; tick <= 1.0001; tick += 0.1)
    marks.push(
      { kind: 'line', points: [[x(tick), 4], [x(tick), height - 22]], ink: 'line', width: 0.4 },
      { kind: 'text', x: x(tick), y: height - 10, text: words.number(tick, 1), anchor: 'middle', ink: 'quiet' },
    ); // prettier-ignore
  if (all) marks.push({ kind: 'line', points: [[x(all.auc), 4], [x(all.auc), height - 22]], ink: 'person', dashed: true }); // prettier-ignore
  rows.forEach(({ name, auc, low, high, count }, i) => {
    const y = 14 + i * row;
    marks.push(
      { kind: 'text', x: left - 10, y: y + 3, text: name.length > 34 ? `${name.slice(0, 33)}…` : name, anchor: 'end' },
      { kind: 'line', points: [[x(low), y], [x(high), y]], ink: 'machine', width: 1 },
      { kind: 'dot', x: x(auc), y, radius: 2.5, ink: 'machine' },
      { kind: 'text', x: left + width + 10, y: y + 3, text: count, ink: 'quiet' },
    ); // prettier-ignore
  });
  return { width: left + width + 90, height, marks };
}
