/** A queue as labels.csv: what `negatoscope validate` reads. Pure. */
import type { Answer } from '../types.ts';
import type { LabelBox } from './types.ts';

/** One image that the tool has analysed, of a case with an answer. */
export interface LabelledImage {
  sopInstanceUid: string;
  answer: Answer;
  /** On this image, and on any image of the study. */
  boxes: readonly LabelBox[];
  studyBoxes: number;
  /** Images of the study that the tool has analysed. */
  images: number;
  weight: number;
  bodyPart: string;
  view: string;
  age: string;
  sex: string;
  machine: string;
}
export const COLUMNS = [
  'image',
  'label',
  'boxes',
  'weight',
  'body_part',
  'view',
  'age_band',
  'sex',
  'machine',
] as const;

/**
 * The label of one image: no of the study is no of each of its images; yes is yes of the image with a box, or of the only image.
 * Of other images a yes of the study says nothing: null, and they are left out.
 */
export function labelOf(
  of: Pick<LabelledImage, 'answer' | 'boxes' | 'studyBoxes' | 'images'>,
  uncertain: 'positive' | 'negative' | 'leave-out',
): 0 | 1 | null {
  if (of.answer === 'no') return 0;
  if (of.answer === 'uncertain') {
    if (uncertain === 'leave-out') return null;
    if (uncertain === 'negative') return 0;
  }
  if (of.boxes.length > 0) return 1;
  return of.images === 1 && of.studyBoxes === 0 ? 1 : null;
}

/** RFC 4180; a field that a spreadsheet would run as a formula gets a quote before it. */
const field = (value: string): string => {
  const safe = /^[=+@\t\r-]/.test(value) && !/^-?[\d.]+$/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

export function labelsCsv(
  images: readonly LabelledImage[],
  uncertain: 'positive' | 'negative' | 'leave-out',
): string {
  const lines = images.flatMap((of) => {
    const label = labelOf(of, uncertain);
    if (label === null) return [];
    const boxes =
      label === 1 && of.boxes.length > 0
        ? JSON.stringify(of.boxes.map(({ box: { x, y, width, height } }) => [x, y, x + width, y + height]))
        : '';
    return [
      [
        of.sopInstanceUid,
        String(label),
        boxes,
        String(of.weight),
        of.bodyPart,
        of.view,
        of.age,
        of.sex,
        of.machine,
      ]
        .map(field)
        .join(','),
    ];
  });
  return [COLUMNS.join(','), ...lines, ''].join('\r\n');
}
