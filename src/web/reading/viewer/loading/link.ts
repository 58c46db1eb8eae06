/**
 * How fast the way to the server is, from what has come over it. On a slow one frames are asked for compressed without loss,
 * which costs the server and this page some time; on a fast one that time is longer than what the bytes take.
 */

/** Below this compressed frames are there sooner: 120 Mbit/s. A codec in WebAssembly does some 50 to 100 MB/s. */
const SLOW_BYTES_A_SECOND = 15e6;
/** Nothing large has come yet: an answer that takes longer than this to begin is taken for one from afar, ms. */
const FAR_MS = 20;
/** Shorter answers say more of the server than of the way. */
const TELLING_BYTES = 50_000;
/** Share of the newest measurement. */
const NEWEST = 0.4;

/** What the browser tells of an answer (Resource Timing). */
export interface Timed {
  transferSize: number;
  encodedBodySize: number;
  requestStart: number;
  responseStart: number;
  responseEnd: number;
}

let rate: number | undefined;

/** A frame came: `bytes` in `ms`, `beside` others at the same time. */
export function measured(bytes: number, ms: number, beside = 0): void {
  if (bytes < TELLING_BYTES) return;
  const now = (bytes / Math.max(1, ms)) * 1000 * (1 + beside);
  rate = rate === undefined ? now : rate + (now - rate) * NEWEST;
}

/** Whether what has come so far says that the way is slow; `false` when nothing says so. */
export function tellsSlow(answers: readonly Timed[]): boolean {
  // What came out of the browser's own cache has no transfer size.
  const came = answers.filter(({ transferSize, requestStart }) => transferSize > 0 && requestStart > 0);
  const large = came.filter(({ encodedBodySize }) => encodedBodySize >= TELLING_BYTES);
  if (large.length > 0)
    return (
      Math.max(
        ...large.map(
          ({ encodedBodySize, responseStart, responseEnd }) =>
            (encodedBodySize / Math.max(1, responseEnd - responseStart)) * 1000,
        ),
      ) < SLOW_BYTES_A_SECOND
    );
  const waits = came.map(({ requestStart, responseStart }) => responseStart - requestStart);
  return waits.length > 0 && Math.min(...waits) > FAR_MS;
}

export const isSlow = (): boolean =>
  rate === undefined
    ? tellsSlow(performance.getEntriesByType('resource') as PerformanceResourceTiming[])
    : rate < SLOW_BYTES_A_SECOND;
