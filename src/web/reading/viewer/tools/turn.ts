import type { Presentation } from '../../../../doors/api/contract.ts';

type OnStage = (x: number, y: number) => readonly [number, number];

/** How an image lies on the stage, read off from where its axes go: turned clockwise, then flipped left to right. */
export function turnOf(toStage: OnStage): Pick<Presentation, 'rotation' | 'flipped'> {
  const [ox, oy] = toStage(0, 0);
  const [xx, xy] = toStage(1000, 0);
  const [yx, yy] = toStage(0, 1000);
  const [ax, ay] = [xx - ox, xy - oy];
  const flipped = ax * (yy - oy) - ay * (yx - ox) < 0;
  const degrees = (Math.atan2(ay, flipped ? -ax : ax) * 180) / Math.PI;
  return {
    rotation: ((((Math.round(degrees / 90) * 90) % 360) + 360) % 360) as Presentation['rotation'],
    flipped,
  };
}
