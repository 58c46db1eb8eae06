/**
 * Files that a change leaves without an entry. They are removed once it is committed; that they have to be is committed with it,
 * since the sweep at start looks at the hours since the last one only, and these may be years old.
 */
import type { Store, Tx } from '../store/types.ts';

const SURPLUS_JOB = 'archive.surplus';

/** Call inside `store.write`. `key`: of the change. */
export async function noteSurplus(
  store: Store,
  tx: Tx<any>,
  key: string,
  refs: readonly string[],
): Promise<void> {
  if (refs.length > 0) await store.jobs.enqueue(tx, { kind: SURPLUS_JOB, key, payload: { refs } });
}

export async function removeSurplus(store: Store, refs: readonly string[]): Promise<void> {
  for (const ref of refs) await store.blobs.remove(ref);
}

/** Removes what a crash kept from being removed. */
export function workSurplus(store: Store): void {
  store.jobs.work<{ refs: string[] }>(SURPLUS_JOB, ({ payload }) => removeSurplus(store, payload.refs));
}
