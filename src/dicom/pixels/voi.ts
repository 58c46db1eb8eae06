/** Grey-scale transformations as pure functions: windows and look-up tables of PS3.3 C.11.1 and C.11.2. */

export type VoiFunction = 'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID';

/** Window Center, Window Width and VOI LUT Function, in units of the modality's output (HU, say). */
export interface VoiWindow {
  center: number;
  width: number;
  /** LINEAR when absent. */
  function?: VoiFunction;
}

/** A Modality or VOI LUT: values below `first` take the first entry, above the end the last one (PS3.3 C.11.1.1). */
export interface Lut {
  first: number;
  /** Bits of an entry; the output range is 0 to 2^bits - 1. */
  bits: number;
  entries: ArrayLike<number>;
}

/**
 * The window as a function of the modality's output to `yMin`..`yMax`, PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.1 (SIGMOID)
 * and C.11.2.1.3.2 (LINEAR_EXACT). A width that the standard forbids (LINEAR below 1, else not above 0) works as a
 * threshold at the centre, the limit of the equations.
 */
export function windowFunction(window: VoiWindow, yMin: number, yMax: number): (x: number) => number {
  const { center, width } = window;
  const range = yMax - yMin;
  if (window.function === 'SIGMOID' && width > 0)
    return (x) => range / (1 + Math.exp((-4 * (x - center)) / width)) + yMin;
  const exact = window.function === 'LINEAR_EXACT' || window.function === 'SIGMOID';
  const middle = exact ? center : center - 0.5;
  const span = Math.max(0, exact ? width : width - 1);
  return (x) => {
    if (x <= middle - span / 2) return yMin;
    if (x > middle + span / 2) return yMax;
    return ((x - middle) / span + 0.5) * range + yMin;
  };
}

/** The look-up table as a function. */
export function lutFunction(lut: Lut): (x: number) => number {
  const last = lut.entries.length - 1;
  return (x) => {
    const index = Math.round(x) - lut.first;
    return lut.entries[index < 0 ? 0 : index > last ? last : index]!;
  };
}
