/** Which images other panes turn to when one is scrolled. Pure. */
import { nearest, offsetBetween, type Plane } from '../tools/space.ts';

export interface PaneImages {
  /** Series of each image: a pane turns within the series it shows. */
  series: readonly string[];
  planes: readonly (Plane | undefined)[];
  index: number;
}

/** How far the place that a pane shows lies from another's, along the other's normal, mm. 0 where both know the same space. */
export function offsetOf(from: PaneImages, to: PaneImages): number {
  const a = from.planes[from.index];
  const b = to.planes[to.index];
  if (!a || !b || (a.frameOfReference !== '' && a.frameOfReference === b.frameOfReference)) return 0;
  return offsetBetween(a, b);
}

/** Index of the image nearest to the one that `from` shows at `index`; null where the pane stays as it is. */
export function followed(from: PaneImages, index: number, to: PaneImages, offset: number): number | null {
  const plane = from.planes[index];
  if (!plane) return null;
  const series = to.series[to.index];
  const candidates = to.planes.map((each, i) => (to.series[i] === series ? each : undefined));
  const at = nearest(plane, candidates, offset);
  return at < 0 || at === to.index ? null : at;
}
