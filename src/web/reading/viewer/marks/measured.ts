/** A mark with what it says, from the image that the page has loaded. */
import { cache } from '@cornerstonejs/core';
import { calibrationAt, valueUnitOf, type Point } from '../../../../measure/calibration.ts';
import { geometryOf, pixelQuantitiesOf, type Mark, type MarkKind } from '../../../../measure/marks.ts';
import { refOf } from '../loading/imageId.ts';
import { loadedOf } from '../loading/loaded.ts';
import { formOf, isColour } from '../loading/pixels.ts';

/** Counting more pixels than these waits until the hand is still. */
const AT_ONCE = 400_000;

/** Undefined while the image is not there. `moving`: the mark is being drawn or dragged. */
export function measured(
  imageId: string,
  kind: MarkKind,
  points: Point[],
  given: Pick<Mark, 'id' | 'text' | 'presentation'>,
  moving = false,
): Mark | undefined {
  const loaded = loadedOf(imageId);
  if (!loaded) return undefined;
  const { metadata } = loaded;
  const { sopInstanceUid, frame } = refOf(imageId);
  const calibration = calibrationAt(metadata, frame, points);
  return {
    ...given,
    kind,
    sopInstanceUid,
    frame,
    points,
    quantities: [...geometryOf(kind, points, calibration), ...pixelsOf(imageId, kind, points, moving)],
    calibration: calibration.kind,
    at: Date.now(),
  };
}

function pixelsOf(imageId: string, kind: MarkKind, points: Point[], moving: boolean) {
  // Padding that was darkened for the eye (`greyOf`) counts as what it was darkened to.
  const { metadata, throughVoi } = loadedOf(imageId)!;
  const image = isColour(formOf(metadata)) || throughVoi ? undefined : cache.getImage(imageId);
  if (!image) return [];
  const [a, b] = points;
  if (moving && a && b && Math.abs((a[0] - b[0]) * (a[1] - b[1])) > AT_ONCE) return [];
  const pixels = { columns: image.columns, rows: image.rows, values: image.getPixelData() };
  return pixelQuantitiesOf(kind, points, pixels, valueUnitOf(metadata, refOf(imageId).frame));
}
