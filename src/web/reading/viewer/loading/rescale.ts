/** Rescale of stored values (PS3.3 C.11.1.1), in whole numbers where nothing is lost by it: half the memory, and less work. Pure. */
import type { GreyArray } from './pixels.ts';

/** `value * slope + intercept` for each. The array given is used again where it can hold the result. */
export function rescaled(stored: GreyArray, slope: number, intercept: number): GreyArray {
  if (slope === 1 && intercept === 0) return stored;
  const whole = Number.isInteger(slope) && Number.isInteger(intercept) && !(stored instanceof Float32Array);
  if (whole) {
    let min = Infinity;
    let max = -Infinity;
    for (let i = 0; i < stored.length; i++) {
      const value = stored[i]!;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    const ends = [min * slope + intercept, max * slope + intercept];
    if (Math.min(...ends) >= -32768 && Math.max(...ends) <= 32767) {
      const values =
        stored.BYTES_PER_ELEMENT === 2
          ? new Int16Array(stored.buffer, stored.byteOffset, stored.length)
          : new Int16Array(stored.length);
      for (let i = 0; i < stored.length; i++) values[i] = stored[i]! * slope + intercept;
      return values;
    }
  }
  const values = new Float32Array(stored.length);
  for (let i = 0; i < stored.length; i++) values[i] = stored[i]! * slope + intercept;
  return values;
}
