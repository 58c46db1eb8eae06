/** How much of the stack in view has come, and of the image in view: what the page shows while it waits. */

export interface Progress {
  /** Images that can be shown at once, and those that will be able to. */
  ready: number;
  total: number;
}
const NOTHING: Progress = { ready: 0, total: 0 };
let stack: Progress = NOTHING;
/** 0 to 1, by image id, while a large frame comes. */
const shares = new Map<string, number>();
const listeners = new Set<() => void>();
let told = false;

/** At most once for each picture on the screen. */
function tell(): void {
  if (told) return;
  told = true;
  requestAnimationFrame(() => {
    told = false;
    for (const listener of listeners) listener();
  });
}

/** `null`: it has come, or was given up. */
export function arriving(imageId: string, share: number | null): void {
  if (share === null) shares.delete(imageId);
  else shares.set(imageId, share);
  tell();
}
export function stackProgress(next: Progress): void {
  if (next.ready === stack.ready && next.total === stack.total) return;
  stack = next;
  tell();
}

/** For `useSyncExternalStore`. */
export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
export const progressOfStack = (): Progress => stack;
/** In whole per cent; undefined when nothing of it is on its way. */
export const percentOf = (imageId: string): number | undefined => {
  const share = shares.get(imageId);
  return share === undefined ? undefined : Math.floor(share * 100);
};
