/** How much memory decoded images may take. What is beyond it is fetched again from the browser's own cache of frames. */

const MEGABYTE = 1024 * 1024;
/** A stack of 900 slices of 512 × 512 with 16 bits. */
const MOST = 512 * MEGABYTE;
const LEAST = 96 * MEGABYTE;
/** Of the machine's memory: a page has to share it with the system and other pages. */
const SHARE = 1 / 8;

/** Bytes; by what the browser says of the machine (0.25 to 8 GB, Device Memory API), else as for a small one on a phone. */
export function budgetBytes(
  gigabytes = (navigator as { deviceMemory?: number }).deviceMemory,
  phone = matchMedia('(pointer: coarse)').matches,
): number {
  const known = gigabytes ?? (phone ? 2 : 8);
  return Math.min(MOST, Math.max(LEAST, known * 1024 * MEGABYTE * SHARE));
}
