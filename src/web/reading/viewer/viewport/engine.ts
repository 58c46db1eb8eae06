/** Cornerstone, started once: the image loader of our own DICOMweb, its metadata, and the tools. */
import { cache, imageLoader, init as initCore, metaData, RenderingEngine } from '@cornerstonejs/core';
import { init as initTools } from '@cornerstonejs/tools';
import { budgetBytes } from '../loading/budget.ts';
import { SCHEME } from '../loading/imageId.ts';
import { load } from '../loading/load.ts';
import { known } from '../loading/loaded.ts';
import { provide } from '../loading/provide.ts';
import { registerTools } from '../tools/bindings.ts';

/** Cornerstone makes seven unless told, each with its own memory for textures, and takes turns with those there are. */
const WEBGL_CONTEXTS = 2;

let started: Promise<RenderingEngine> | undefined;
export const ENGINE = 'negatoscope';

/**
 * Cornerstone lets go of the promise under which it caches an image (5.14, `loadAndCacheImage`), and whoever asked for the image holds
 * another: each download that is given up, or fails, would also be an unhandled rejection of the page.
 */
function handleRejections(): void {
  const put = cache.putImageLoadObject.bind(cache);
  cache.putImageLoadObject = (...given) => {
    const cached = put(...given);
    cached.catch(() => undefined);
    return cached;
  };
}

/** The rendering engine; the first call starts Cornerstone. */
export function engine(): Promise<RenderingEngine> {
  started ??= (async () => {
    initCore({ rendering: { webGlContextCount: WEBGL_CONTEXTS }, debug: {} });
    initTools();
    cache.setMaxCacheSize(budgetBytes());
    handleRejections();
    imageLoader.registerImageLoader(SCHEME, ((imageId: string) => {
      const controller = new AbortController();
      return {
        promise: load(imageId, controller.signal),
        cancelFn: () => controller.abort(),
        decache: () => known.delete(imageId),
      };
    }) as never);
    metaData.addProvider(provide, 10_000);
    registerTools();
    return new RenderingEngine(ENGINE);
  })();
  return started;
}
