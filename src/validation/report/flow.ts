/** How many images went where, after the flow diagrams of STARD (doi:10.1136/bmj.h5527) and STARD-AI. Pure. */
import type { Exclusion, Result } from '../types.ts';
import type { Drawing, Mark } from './drawing.ts';
import type { Words } from './words.ts';

const WIDTH = 480;
const [MAIN_X, MAIN_WIDTH] = [8, 214];
const [SIDE_X, SIDE_WIDTH] = [250, 222];
const LINE = 11;
const PAD = 7;
const GAP = 18;

const STEPS: readonly (readonly Exclusion[])[] = [
  ['label-missing', 'label-invalid', 'file-missing', 'file-ambiguous'],
  ['unreadable', 'outside-intended-use', 'duplicate', 'contradiction'],
  ['training-image', 'tuning-image', 'model-failed'],
];

export function flowDiagram(result: Result, words: Words): Drawing {
  const marks: Mark[] = [];
  const box = (x: number, y: number, width: number, lines: readonly string[], fill?: 'soft'): number => {
    const height = lines.length * LINE + 2 * PAD - 2;
    marks.push({ kind: 'box', x, y, width, height, ink: 'quiet', ...(fill ? { fill } : {}) });
    lines.forEach((text, i) =>
      marks.push({ kind: 'text', x: x + width / 2, y: y + PAD + 7 + i * LINE, text, anchor: 'middle', bold: i === 0 }),
    ); // prettier-ignore
    return height;
  };
  const line = (...points: (readonly [number, number])[]): void => {
    marks.push({ kind: 'line', points, ink: 'quiet' });
  };
  const of = (reason: Exclusion): number => result.excluded.filter((each) => each.reason === reason).length;
  const middle = MAIN_X + MAIN_WIDTH / 2;

  let left = result.counts.rows;
  let y = 6;
  const titles = [words.flow.rows(left), words.flow.found, words.flow.eligible, words.flow.counted];
  STEPS.forEach((reasons, i) => {
    const text = i === 0 ? titles[0]! : `${titles[i]!} ${words.number(left)}`;
    const height = box(MAIN_X, y, MAIN_WIDTH, [text]);
    const gone = reasons.map((reason) => [reason, of(reason)] as const).filter(([, n]) => n > 0);
    const sum = gone.reduce((total, [, n]) => total + n, 0);
    const side = [
      words.flow.excluded(sum),
      ...gone.map(([reason, n]) => `${words.exclusion[reason]}${words.colon} ${words.number(n)}`),
    ];
    const sideY = y + height + 6;
    const sideHeight = box(SIDE_X, sideY, SIDE_WIDTH, side, 'soft');
    const next = sideY + sideHeight + 6;
    line([middle, y + height], [middle, next]);
    line([middle, sideY + sideHeight / 2], [SIDE_X, sideY + sideHeight / 2]);
    y = next;
    left -= sum;
  });
  const height = box(MAIN_X, y, MAIN_WIDTH, [`${titles[3]!} ${words.number(left)}`]);

  const point = result.operatingPoints.find(({ name }) => name === result.defaultOperatingPoint);
  const [a, b] = [MAIN_X, SIDE_X + SIDE_WIDTH - MAIN_WIDTH];
  const fork = y + height + GAP / 2;
  const top = y + height + GAP;
  line([middle, y + height], [middle, top]);
  line([middle, fork], [b + MAIN_WIDTH / 2, fork], [b + MAIN_WIDTH / 2, top]);
  const negatives = result.n - result.positives;
  const lines = (title: string, marked: number, not: number): string[] =>
    point ? [title, words.flow.marked(marked), words.flow.notMarked(not)] : [title];
  const last = box(
    a,
    top,
    MAIN_WIDTH,
    lines(words.flow.positive(result.positives), point?.tp ?? 0, point?.fn ?? 0),
  );
  box(b, top, MAIN_WIDTH, lines(words.flow.negative(negatives), point?.fp ?? 0, point?.tn ?? 0));
  return { width: WIDTH, height: top + last + 6, marks };
}
