import type { Store } from '../store/types.ts';
import { createSystems } from './systems.ts';
import type { Remote } from './types.ts';

export type * from './types.ts';
export { remoteMigrations } from './migrations.ts';

/** Other systems. */
export function createRemote({ store, now = Date.now }: { store: Store; now?: () => number }): Remote {
  return createSystems({ store, now });
}
