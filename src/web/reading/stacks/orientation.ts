/** The letters at the edges of an image: left, right, anterior, posterior, head, feet (PS3.3 C.7.6.1.1.1). Pure. */
import type { Metadata } from '../viewer/loading/dicomweb.ts';
import { axesOf, type Vector } from './frameData.ts';

export interface Axes {
  row: Vector;
  column: Vector;
}

const LETTERS: readonly [plus: string, minus: string][] = [
  ['L', 'R'],
  ['P', 'A'],
  ['H', 'F'],
];
/** A second and third letter from this share of the direction on: sin 15°. */
const OBLIQUE = 0.26;

/** `[0, 0.8, -0.6]` → `PF`: the letters of a direction in the patient, the strongest first; '' for none. */
export function letters(direction: Vector): string {
  const length = Math.hypot(...direction);
  if (length < 1e-6) return '';
  return direction
    .map((value, axis) => ({ share: Math.abs(value) / length, letter: LETTERS[axis]![value > 0 ? 0 : 1]! }))
    .filter(({ share }) => share >= OBLIQUE)
    .sort((a, b) => b.share - a.share)
    .map(({ letter }) => letter)
    .join('');
}

/** `PF` → a direction whose `letters` are these again; undefined for anything else than L R A P H F. */
export function directionOf(code: string): Vector | undefined {
  const direction: [number, number, number] = [0, 0, 0];
  const weights = [1, 0.6, 0.4];
  for (const [place, letter] of [...code.trim()].entries()) {
    const axis = LETTERS.findIndex((pair) => pair.includes(letter));
    if (axis < 0 || direction[axis] !== 0 || place > 2) return undefined;
    direction[axis] = LETTERS[axis]![0] === letter ? weights[place]! : -weights[place]!;
  }
  return code.trim() ? direction : undefined;
}

/**
 * Where rows and columns of a frame run in the patient: Image Orientation (Patient), else Patient Orientation, which radiographs
 * have. Undefined where nothing says it, and for quadrupeds (PS3.3 C.7.6.1.1.1), whose letters are others.
 */
export function patientAxes(data: Metadata, frame: number): Axes | undefined {
  if (data['00102210']?.Value?.[0] === 'QUADRUPED') return undefined;
  const axes = axesOf(data, frame);
  if (axes) return axes;
  const [row, column] = (data['00200020']?.Value ?? []).map((code) => directionOf(String(code)));
  return row && column ? { row, column } : undefined;
}

export interface Edges {
  left: string;
  right: string;
  top: string;
  bottom: string;
}

/**
 * Letters for the four edges of the view. `x`, `y`: where a step along a row and down a column goes on the screen (right and
 * down count as positive), so that every rotation, flip and oblique turn is told rightly.
 *
 *     edgeLabels(axes, [1, 0], [0, 1])   // as stored
 *     edgeLabels(axes, [0, 1], [-1, 0])  // turned clockwise by 90°
 */
export function edgeLabels(
  { row, column }: Axes,
  x: readonly [number, number],
  y: readonly [number, number],
): Edges {
  const area = x[0] * y[1] - x[1] * y[0];
  if (Math.abs(area) < 1e-12) return { left: '', right: '', top: '', bottom: '' };
  // A step to the right of the screen, in steps along the row and down the column.
  const toRight = [y[1] / area, -x[1] / area];
  const toBottom = [-y[0] / area, x[0] / area];
  const inPatient = ([a, b]: number[]): Vector =>
    [0, 1, 2].map((axis) => a! * row[axis]! + b! * column[axis]!) as unknown as Vector;
  const back = (v: Vector): Vector => [-v[0], -v[1], -v[2]];
  const right = inPatient(toRight);
  const bottom = inPatient(toBottom);
  return {
    right: letters(right),
    left: letters(back(right)),
    bottom: letters(bottom),
    top: letters(back(bottom)),
  };
}
