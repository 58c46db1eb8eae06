/** Windows as Cornerstone wants them, a range of values that is drawn from black to white. Pure; PS3.3 C.11.2.1.2 and C.11.2.1.3. */

export type VoiFunction = 'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID';

export interface Window {
  centre: number;
  width: number;
  /** VOI LUT Function; LINEAR when absent. */
  function?: VoiFunction;
  /** Window Center & Width Explanation, when the header gives one. */
  name?: string;
}
export interface ValueRange {
  lower: number;
  upper: number;
}

/** LINEAR reaches black half a value below and white one and a half below what one would think (C.11.2.1.2.1). */
const shift = (name: VoiFunction | undefined): number =>
  name === undefined || name === 'LINEAR' || name === 'SIGMOID' ? 0.5 : 0;

/** SIGMOID has no ends: Cornerstone makes its curve from the centre and width of the linear one. */
export function rangeOfWindow({ centre, width, function: name }: Window): ValueRange {
  const half = Math.max(width - 2 * shift(name), 1e-6) / 2;
  return { lower: centre - shift(name) - half, upper: centre - shift(name) + half };
}

export function windowOfRange(range: ValueRange, name?: VoiFunction): Window {
  const width = range.upper - range.lower + 2 * shift(name);
  return {
    centre: (range.lower + range.upper) / 2 + shift(name),
    width,
    ...(name && { function: name }),
  };
}

/** The window that shows every value from the smallest to the largest. */
export const wholeRange = (min: number, max: number): Window => ({
  centre: (min + max) / 2,
  width: max > min ? max - min : 1,
  function: 'LINEAR_EXACT',
});
