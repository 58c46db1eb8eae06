/**
 * Free-response ROC: how many lesions are found, against how many false marks an image carries. Pure. Bunch P. C. et al., J Appl
 * Photogr Eng 1978;4:166; Chakraborty D. P., Med Phys 1989;16:561, doi:10.1118/1.596358.
 */
import { bootstrap, type BootstrapOptions } from './bootstrap.ts';
import type { Interval } from './accuracy.ts';

/** A rectangle in pixels of the image; `x1 < x2`, `y1 < y2`. */
export type Rectangle = readonly [x1: number, y1: number, x2: number, y2: number];

/** A place that a test marks, with its score. */
export interface Mark {
  readonly score: number;
  readonly box: Rectangle;
}

export interface MarkedImage {
  readonly lesions: readonly Rectangle[];
  readonly marks: readonly Mark[];
}

/** An image judged: for each lesion the best score of a mark that hits it (null: none does), and the scores of the false marks. */
export interface JudgedImage {
  readonly lesions: readonly (number | null)[];
  readonly falseMarks: readonly number[];
}

/** Least overlap (intersection over union) of a mark whose centre lies outside the lesion. */
export const HIT_OVERLAP = 0.1;

/**
 * The hit rule: a mark hits a lesion when the centre of the mark lies in the lesion's box (edges included), or the boxes overlap
 * by more than `HIT_OVERLAP`. One mark may hit several lesions; several marks on one lesion count once; a mark that hits none is
 * false.
 */
export function hits(mark: Rectangle, lesion: Rectangle): boolean {
  const [x, y] = [(mark[0] + mark[2]) / 2, (mark[1] + mark[3]) / 2];
  if (x >= lesion[0] && x <= lesion[2] && y >= lesion[1] && y <= lesion[3]) return true;
  const width = Math.min(mark[2], lesion[2]) - Math.max(mark[0], lesion[0]);
  const height = Math.min(mark[3], lesion[3]) - Math.max(mark[1], lesion[1]);
  if (width <= 0 || height <= 0) return false;
  return (width * height) / (areaOf(mark) + areaOf(lesion) - width * height) > HIT_OVERLAP;
}

const areaOf = ([x1, y1, x2, y2]: Rectangle): number => (x2 - x1) * (y2 - y1);

export function judge({ lesions, marks }: MarkedImage): JudgedImage {
  return {
    lesions: lesions.map((lesion) => {
      const scores = marks.filter(({ box }) => hits(box, lesion)).map(({ score }) => score);
      return scores.length === 0 ? null : Math.max(...scores);
    }),
    falseMarks: marks
      .filter(({ box }) => !lesions.some((lesion) => hits(box, lesion)))
      .map(({ score }) => score),
  };
}

/** Marks with a score at or above `threshold` are kept. The first point keeps none and has the threshold Infinity. */
export interface FrocPoint {
  readonly threshold: number;
  readonly falseMarksPerImage: number;
  /** Part of the lesions that are hit. */
  readonly sensitivity: number;
}

/** Thresholds where something changes, falling. Undefined without a lesion. */
export function frocCurve(images: readonly JudgedImage[]): FrocPoint[] | undefined {
  const found = images.flatMap(({ lesions }) => lesions.filter((score) => score !== null));
  const wrong = images.flatMap(({ falseMarks }) => falseMarks);
  const lesions = images.reduce((sum, image) => sum + image.lesions.length, 0);
  if (lesions === 0) return undefined;
  const steps = [
    ...found.map((score) => ({ score, found: 1, wrong: 0 })),
    ...wrong.map((score) => ({ score, found: 0, wrong: 1 })),
  ].sort((a, b) => b.score - a.score);
  const points: FrocPoint[] = [{ threshold: Infinity, falseMarksPerImage: 0, sensitivity: 0 }];
  let [hit, missed] = [0, 0];
  steps.forEach((step, i) => {
    hit += step.found;
    missed += step.wrong;
    if (steps[i + 1]?.score === step.score) return;
    points.push({
      threshold: step.score,
      falseMarksPerImage: missed / images.length,
      sensitivity: hit / lesions,
    });
  });
  return points;
}

/** The point that finds most at a rate of false marks: the last one within it. */
export const atRate = (curve: readonly FrocPoint[], falseMarksPerImage: number): FrocPoint =>
  curve.findLast((point) => point.falseMarksPerImage <= falseMarksPerImage)!;

/** What is found at one permitted rate of false marks. */
export interface FrocRate {
  /** The permitted rate. */
  readonly falseMarksPerImage: number;
  /** The rate that was reached: a tool may not make more false marks than this. */
  readonly reached: number;
  readonly threshold: number;
  readonly lesions: number;
  readonly found: number;
  readonly sensitivity: number;
  /** Images drawn with their lesions, since lesions in one image are not independent; the threshold stays. */
  readonly interval: Interval | undefined;
}

export function frocAt(
  images: readonly JudgedImage[],
  rates: readonly number[],
  options: BootstrapOptions = {},
): FrocRate[] {
  const curve = frocCurve(images);
  if (!curve) return [];
  const lesions = images.reduce((sum, image) => sum + image.lesions.length, 0);
  return rates.map((rate) => {
    const { threshold, sensitivity, falseMarksPerImage: reached } = atRate(curve, rate);
    const counts = images.map((image) => ({
      lesions: image.lesions.length,
      found: image.lesions.filter((score) => score !== null && score >= threshold).length,
    }));
    const interval = bootstrap(
      images.length,
      (indices) => {
        let [of, found] = [0, 0];
        for (const i of indices) {
          of += counts[i]!.lesions;
          found += counts[i]!.found;
        }
        return of === 0 ? null : found / of;
      },
      options,
    );
    return {
      falseMarksPerImage: rate,
      reached,
      threshold,
      lesions,
      found: Math.round(sensitivity * lesions),
      sensitivity,
      interval,
    };
  });
}
