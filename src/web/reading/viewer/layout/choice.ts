/** How many images stand side by side, and what the reader chose last for this kind of exam. Pure but for the storage it is given. */

export const LAYOUTS = ['1x1', '1x2', '2x1', '2x2'] as const;
/** Rows × columns. */
export type Layout = (typeof LAYOUTS)[number];
export const panesOf = (layout: Layout): number => Number(layout[0]) * Number(layout[2]);

export interface Exam {
  modality: string;
  bodyPart: string;
  images: number;
  series: number;
  priors: number;
}

/** Projections are read in all their views at once; stacks alone, until a second is wanted. */
const PROJECTIONS = new Set(['CR', 'DX', 'MG', 'RG']);
/** Where the exam before is half of the answer. */
const WITH_PRIOR = new Set(['CHEST', 'THORAX', 'RIB', 'ABDOMEN']);

export function defaultLayout({ modality, bodyPart, images, priors }: Exam): Layout {
  if (!PROJECTIONS.has(modality)) return '1x1';
  if (modality === 'MG' && images >= 4) return '2x2';
  if (WITH_PRIOR.has(bodyPart)) return priors > 0 ? '1x2' : images === 2 ? '1x2' : '1x1';
  return images === 2 || images === 3 ? '1x2' : images >= 4 ? '2x2' : '1x1';
}

const keyOf = ({ modality, bodyPart }: Pick<Exam, 'modality' | 'bodyPart'>) =>
  `negatoscope.layout.${modality}.${bodyPart}`;
export function chosenLayout(exam: Exam, storage: Pick<Storage, 'getItem'> = localStorage): Layout {
  const kept = storage.getItem(keyOf(exam));
  return LAYOUTS.find((each) => each === kept) ?? defaultLayout(exam);
}
export const keepLayout = (
  exam: Pick<Exam, 'modality' | 'bodyPart'>,
  layout: Layout,
  storage: Pick<Storage, 'setItem'> = localStorage,
): void => storage.setItem(keyOf(exam), layout);
