import type { Archive } from '../archive/types.ts';
import type { Store } from '../store/types.ts';
import { createSystems } from './systems.ts';
import { tryOut } from './trial.ts';
import type { Here, Remote } from './types.ts';

export type * from './types.ts';
export { remoteMigrations } from './migrations.ts';

export interface RemoteDependencies {
  store: Store;
  archive: Archive;
  /** How others reach us, at the time of the question. */
  here: () => Promise<Here>;
  now?: () => number;
}

/** Other systems. */
export function createRemote({ store, archive, here, now = Date.now }: RemoteDependencies): Remote {
  const systems = createSystems({ store, now });
  return {
    ...systems,
    async tryOut(id) {
      return tryOut(await systems.get(id), await here(), await archive.ae.list());
    },
  };
}
