/**
 * How many points of this screen make a millimetre. A browser does not know; the person holds a bank card to the screen once and says
 * so. Kept on this computer, as it belongs to its screen.
 */

const KEY = 'negatoscope.screen';
/** A bank card: ISO/IEC 7810 ID-1. */
export const CARD_MM = 85.6;
export const CARD_HEIGHT_MM = 53.98;
/** CSS px a millimetre at 96 a inch: where the slider begins. */
export const GUESS = 96 / 25.4;

/** CSS px a millimetre now; null before it was set. Points of the device are kept: zooming the page changes CSS px, not the screen. */
export function pxPerMm(
  storage: Pick<Storage, 'getItem'> = localStorage,
  ratio = window.devicePixelRatio,
): number | null {
  const kept = Number(storage.getItem(KEY));
  return Number.isFinite(kept) && kept > 0 ? kept / ratio : null;
}
export function keepPxPerMm(
  value: number,
  storage: Pick<Storage, 'setItem'> = localStorage,
  ratio = window.devicePixelRatio,
): void {
  storage.setItem(KEY, String(value * ratio));
}
