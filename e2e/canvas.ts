/**
 * What a viewer shows, told by its canvas and by nothing the viewer says: at every animation frame a patch from the middle of
 * the largest canvas is read back; a change of its pixels is a picture. The same for every viewer whose pictures end in a canvas;
 * a preview shown as an HTML image does not count.
 */
import type { Page } from 'playwright-core';

export interface Picture {
  /** ms on the page's clock (`performance.now`). */
  t: number;
  /** Of the patch's grey levels. */
  hash: number;
  /** Standard deviation of the patch's grey levels, 0 to 127: a blank canvas has 0. */
  spread: number;
  /** Mean difference of neighbours in a row: what a blurred or lossy picture has less (or other) of. */
  edges: number;
}
export interface CanvasWatch {
  /** ms on the page's clock of the last click or Enter, before the page heard of it. */
  asked: number;
  pictures: Picture[];
  /** Forgets what was seen. */
  clear(): void;
}
declare global {
  interface Window {
    canvasWatch: CanvasWatch;
  }
}

/** Px of the patch, and of the smallest canvas (CSS px, each edge) that is taken for the stage. */
const PATCH = 64;
const SMALLEST = 200;

/** Before the page's own scripts run. */
export const watchCanvas = (page: Page): Promise<unknown> =>
  page.addInitScript(
    ([patch, smallest]) => {
      const context = new OffscreenCanvas(patch, patch).getContext('2d', { willReadFrequently: true })!;
      const watch: CanvasWatch = {
        asked: 0,
        pictures: [],
        clear() {
          watch.pictures = [];
        },
      };
      window.canvasWatch = watch;
      const asked = (): void => {
        watch.asked = performance.now();
      };
      addEventListener('click', asked, { capture: true });
      addEventListener('dblclick', asked, { capture: true });
      addEventListener('keydown', ({ key }) => key === 'Enter' && asked(), { capture: true });
      let last = 0;
      const look = (): void => {
        requestAnimationFrame(look);
        let stage: HTMLCanvasElement | undefined;
        let area = 0;
        for (const canvas of document.querySelectorAll('canvas')) {
          const { width, height } = canvas.getBoundingClientRect();
          if (width < smallest || height < smallest || width * height <= area) continue;
          area = width * height;
          stage = canvas;
        }
        if (!stage || stage.width < patch || stage.height < patch) return;
        const x = (stage.width - patch) >> 1;
        const y = (stage.height - patch) >> 1;
        context.clearRect(0, 0, patch, patch);
        context.drawImage(stage, x, y, patch, patch, 0, 0, patch, patch);
        const { data } = context.getImageData(0, 0, patch, patch);
        let hash = 2166136261;
        let sum = 0;
        let squares = 0;
        let edges = 0;
        for (let i = 0; i < data.length; i += 4) {
          const grey = data[i + 1]!;
          hash = Math.imul(hash ^ grey, 16777619);
          sum += grey;
          squares += grey * grey;
          if (i >= 4) edges += Math.abs(grey - data[i - 3]!);
        }
        if (hash === last) return;
        last = hash;
        const count = patch * patch;
        const spread = Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
        watch.pictures.push({ t: performance.now(), hash, spread, edges: edges / count });
      };
      requestAnimationFrame(look);
    },
    [PATCH, SMALLEST] as const,
  );

/** Below this spread a patch is taken for blank. */
export const BLANK = 2;

/** Waits until the canvas has shown something and then kept still for `stillMs`; gives all that it showed. Throws after `timeoutMs`. */
export async function stillPictures(
  page: Page,
  { stillMs = 1500, timeoutMs = 60_000 } = {},
): Promise<Pick<CanvasWatch, 'asked' | 'pictures'>> {
  const shown = await page.waitForFunction(
    ([still, blank]) => {
      const { pictures } = window.canvasWatch;
      const last = pictures.at(-1);
      return last && last.spread > blank && performance.now() - last.t > still
        ? { pictures, asked: window.canvasWatch.asked }
        : null;
    },
    [stillMs, BLANK] as const,
    { timeout: timeoutMs, polling: 100 },
  );
  return (await shown.jsonValue())!;
}

/**
 * Waits until the canvas keeps still, and gives ms from the asking click to the first picture that is as sharp as the last: at least
 * nine tenths and at most eleven of its edges.
 */
export async function firstFullPicture(
  page: Page,
  waiting?: { stillMs?: number; timeoutMs?: number },
): Promise<number> {
  const { pictures, asked } = await stillPictures(page, waiting);
  const { edges } = pictures.at(-1)!;
  const first = pictures.find(
    (each) => each.spread > BLANK && each.edges >= edges * 0.9 && each.edges <= edges * 1.1,
  )!;
  return first.t - asked;
}
