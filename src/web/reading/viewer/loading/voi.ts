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

/** Cornerstone draws nothing at all where a range is empty. */
const NARROWEST = 1e-6;

/**
 * SIGMOID has no ends: Cornerstone makes its curve from the centre and width of the linear one. A LINEAR width of 1, the
 * smallest there is, is a threshold: black up to it, white above (C.11.2.1.2.1).
 */
export function rangeOfWindow({ centre, width, function: name }: Window): ValueRange {
  const middle = centre - shift(name);
  const half = (width - 2 * shift(name)) / 2;
  if (half <= 0) return { lower: middle, upper: middle + NARROWEST };
  return { lower: middle - half, upper: middle + half };
}

export function windowOfRange(range: ValueRange, name?: VoiFunction): Window {
  const width = range.upper - range.lower + 2 * shift(name);
  return {
    centre: (range.lower + range.upper) / 2 + shift(name),
    width,
    ...(name && { function: name }),
  };
}

/** The window that shows every value from the smallest, in black, to the largest. */
export const wholeRange = (min: number, max: number): Window => {
  const width = max > min ? max - min : 1;
  return { centre: min + width / 2, width, function: 'LINEAR_EXACT' };
};

/** The same window, as one that Cornerstone makes a range of that is not empty. */
export const drawable = (window: Window): Window => windowOfRange(rangeOfWindow(window), window.function);
