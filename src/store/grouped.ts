/**
 * Lets many callers share one slow synchronisation: each call resolves after a run of `sync` that *began* after the call, so
 * whatever the caller wrote before is covered. At most one run is under way and one waits.
 */
export function grouped(sync: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let waiting: Promise<void> | undefined;

  const run = (): Promise<void> => {
    const current = sync().finally(() => {
      if (running === current) running = undefined;
    });
    running = current;
    return current;
  };
  return () => {
    if (!running) return run();
    waiting ??= running
      .catch(() => undefined) // its callers were told; ours get a run of their own
      .then(() => {
        waiting = undefined;
        return run();
      });
    return waiting;
  };
}
