import type { Box } from './types.ts';

/** The part of `box` that lies in an image of that size (pixels); undefined when none does. */
export function clipToImage(box: Box, width: number, height: number): Box | undefined {
  const x = Math.max(0, box.x);
  const y = Math.max(0, box.y);
  const right = Math.min(width, box.x + box.width);
  const bottom = Math.min(height, box.y + box.height);
  return right > x && bottom > y ? { x, y, width: right - x, height: bottom - y } : undefined;
}
