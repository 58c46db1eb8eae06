/** Images that come before they are asked for: the stack in view from the image in view outwards, and single ones elsewhere. */
import { cache, Enums, eventTarget, imageLoader } from '@cornerstonejs/core';
import { engine } from '../viewport/engine.ts';
import { budgetBytes } from './budget.ts';
import { readingOrder } from './order.ts';
import { stackProgress } from './progress.ts';

/** At once: browsers keep six connections to a host (HTTP/1.1), of which the image in view needs one and the pictures one. */
const LANES = 4;
/** What is on its way and not among so many that are wanted next is given up. */
const NEXT = 4 * LANES;
/** Of the budget: the rest is for what is beside the stack. */
const SHARE = 0.85;

let order: string[] = [];
/** Of other studies: when all of the stack in view is there. What was given up for the stack is begun again then. */
let later: string[] = [];
const underWay = new Set<string>();
const failed = new Set<string>();
let last: { stack: readonly string[]; index: number; direction: 1 | -1 } | undefined;
let listening = false;

/** The stack in view and its image: called again whenever one of them changes; an empty stack ends it. */
export function follow(stack: readonly string[], index: number): void {
  // By its images: the list is made anew when another series is sorted.
  const same = last?.stack.length === stack.length && stack.every((imageId, i) => imageId === last!.stack[i]);
  const direction =
    same && index !== last!.index ? (index > last!.index ? 1 : -1) : same ? last!.direction : 1;
  last = { stack, index, direction };
  if (!same) failed.clear();
  void engine().then(() => {
    if (last?.stack !== stack || last.index !== index) return;
    listen();
    order = readingOrder(stack.length, index, direction, capacity(stack)).map((at) => stack[at]!);
    const next = new Set(order.filter((imageId) => !cache.isLoaded(imageId)).slice(0, NEXT));
    // Given up on a jump: what it would take is needed elsewhere, if anywhere.
    const wanted = next.size > 0 ? next : new Set(later);
    for (const imageId of underWay) if (!wanted.has(imageId)) cache.getImageLoadObject(imageId)?.cancelFn?.();
    pump();
  });
}

/** How many images of this stack the budget holds; all, as long as none of them is known. */
function capacity(stack: readonly string[]): number {
  const known = stack.find((imageId) => cache.isLoaded(imageId));
  const bytes = known && cache.getImage(known)?.sizeInBytes;
  return bytes ? Math.max(1, Math.floor((budgetBytes() * SHARE) / bytes)) : stack.length;
}

function pump(): void {
  let ready = 0;
  for (const imageId of order) {
    if (cache.isLoaded(imageId)) ready++;
    else if (underWay.size < LANES && !underWay.has(imageId) && !failed.has(imageId)) begin(imageId);
  }
  stackProgress({ ready, total: order.length });
  const here = order.every((imageId) => cache.isLoaded(imageId) || failed.has(imageId));
  if (!here) return;
  for (const imageId of later) {
    // They must not push out what is in view.
    if (underWay.size >= LANES || cache.getCacheSize() >= budgetBytes() * SHARE) return;
    if (!cache.isLoaded(imageId) && !underWay.has(imageId) && !failed.has(imageId)) begin(imageId);
  }
}

function begin(imageId: string): void {
  underWay.add(imageId);
  imageLoader
    .loadAndCacheImage(imageId)
    // What fails is met when the image is asked for; what was given up may be wanted again.
    .catch((error: unknown) => {
      if ((error as Error)?.name !== 'AbortError') failed.add(imageId);
    })
    .finally(() => {
      underWay.delete(imageId);
      if (order.length === last?.stack.length) recount();
      pump();
    });
}

/** The size of an image is known now: no more are fetched than the budget holds. */
function recount(): void {
  const { stack, index, direction } = last!;
  const most = capacity(stack);
  if (most < order.length) order = readingOrder(stack.length, index, direction, most).map((at) => stack[at]!);
}

function listen(): void {
  if (listening) return;
  listening = true;
  eventTarget.addEventListener(Enums.Events.IMAGE_CACHE_IMAGE_ADDED, () => stackProgress(counted()));
}
const counted = () => ({
  ready: order.filter((imageId) => cache.isLoaded(imageId)).length,
  total: order.length,
});

/** Puts images into the cache once the stack in view is there, at once where there is none. Failures are met when they are asked for. */
export function prefetch(imageIds: readonly string[]): void {
  later = [...imageIds];
  void engine().then(pump);
}
