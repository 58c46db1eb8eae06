/** L, R, A, P, H, F at the edges of the image, turned with it. */
import { useMemo } from 'react';
import { refOf } from '../viewer/loading/imageId.ts';
import type { View } from '../viewer/viewport/Stage.tsx';
import { edgeLabels, patientAxes } from './orientation.ts';

export function EdgeLetters({ now }: { now: View }) {
  const { metadata } = now.loaded;
  const axes = useMemo(() => patientAxes(metadata, refOf(now.imageId).frame), [metadata, now.imageId]);
  if (!axes) return null;
  const { toStage } = now.mapping;
  const [ox, oy] = toStage(0, 0);
  const [xx, xy] = toStage(1000, 0);
  const [yx, yy] = toStage(0, 1000);
  const edges = edgeLabels(axes, [xx - ox, xy - oy], [yx - ox, yy - oy]);
  return (
    <>
      {(['left', 'right', 'top', 'bottom'] as const).map((edge) => (
        <span key={edge} className={`edge at-${edge}`} aria-hidden>
          {edges[edge]}
        </span>
      ))}
    </>
  );
}
