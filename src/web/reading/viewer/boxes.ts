/** Arithmetic of boxes in image pixels. Pure. */
import type { Box } from '../../../doors/api/contract.ts';

export type Handle = 'move' | 'n' | 's' | 'e' | 'w' | 'ne' | 'nw' | 'se' | 'sw';
export const HANDLES: readonly Exclude<Handle, 'move'>[] = ['nw', 'n', 'ne', 'e', 'se', 's', 'sw', 'w'];
/** A box smaller than this cannot be taken hold of any more. */
export const SMALLEST = 4;

/** The box between two corners, inside the image; null when it is too small to be meant. */
export function boxBetween(
  [ax, ay]: readonly [number, number],
  [bx, by]: readonly [number, number],
  image: { columns: number; rows: number },
): Box | null {
  const clampX = (x: number) => Math.min(image.columns, Math.max(0, x));
  const clampY = (y: number) => Math.min(image.rows, Math.max(0, y));
  const x = clampX(Math.min(ax, bx));
  const y = clampY(Math.min(ay, by));
  const width = clampX(Math.max(ax, bx)) - x;
  const height = clampY(Math.max(ay, by)) - y;
  return width >= SMALLEST && height >= SMALLEST ? { x, y, width, height } : null;
}

/** The box after one of its handles (or the whole) went by `dx`, `dy`; it stays inside the image and does not turn over. */
export function dragged(
  box: Box,
  handle: Handle,
  dx: number,
  dy: number,
  image: { columns: number; rows: number },
): Box {
  if (handle === 'move')
    return {
      ...box,
      x: Math.min(image.columns - box.width, Math.max(0, box.x + dx)),
      y: Math.min(image.rows - box.height, Math.max(0, box.y + dy)),
    };
  let { x, y } = box;
  let right = x + box.width;
  let bottom = y + box.height;
  if (handle.includes('w')) x = Math.min(right - SMALLEST, Math.max(0, x + dx));
  if (handle.includes('e')) right = Math.max(x + SMALLEST, Math.min(image.columns, right + dx));
  if (handle.includes('n')) y = Math.min(bottom - SMALLEST, Math.max(0, y + dy));
  if (handle.includes('s')) bottom = Math.max(y + SMALLEST, Math.min(image.rows, bottom + dy));
  return { x, y, width: right - x, height: bottom - y };
}

/** A place to begin with where a finding has none: the middle third of the image. */
export const middle = ({ columns, rows }: { columns: number; rows: number }): Box => ({
  x: columns / 3,
  y: rows / 3,
  width: columns / 3,
  height: rows / 3,
});
