import { imageLoader } from '@cornerstonejs/core';
import { engine } from '../viewport/engine.ts';

/** Puts images into the cache before they are asked for. Failures are met when they are. */
export function prefetch(imageIds: readonly string[]): void {
  void engine().then(() => {
    for (const imageId of imageIds) imageLoader.loadAndCacheImage(imageId).catch(() => undefined);
  });
}
