// Deletes, brings back or erases what the test prepared, and is killed at the STEP-th of its steps: before a transaction, before its
// commit, after it, before a file is removed, after that. `node recycle-child.ts DIR remove|restore|erase ID STEP`; says how many
// steps there were when it came to its end.
import { archiveMigrations, createArchive } from '../index.ts';
import { principal, silentLog } from '../testing.ts';
import { createStore, type Store } from '../../store/index.ts';

const [dir = '', what = '', id = '', at = ''] = process.argv.slice(2);
const store = await createStore({ dir, migrations: archiveMigrations });
let steps = 0;
const step = (): void => {
  steps += 1;
  if (steps === Number(at)) process.kill(process.pid, 'SIGKILL');
};
const watched: Store = {
  ...store,
  write: async (work) => {
    step();
    const result = await store.write(async (tx) => {
      const done = await work(tx as never);
      step();
      return done;
    });
    step();
    return result as never;
  },
  blobs: {
    ...store.blobs,
    remove: async (ref) => {
      step();
      await store.blobs.remove(ref);
      step();
    },
  },
};
const { recycle } = createArchive({ store: watched, log: silentLog });
const admin = principal('admin');
if (what === 'remove') await recycle.remove({ studyUid: id }, { reason: 'test' }, admin);
else if (what === 'restore') await recycle.restore(id, admin);
else await recycle.erase(id, admin);
process.stdout.write(String(steps));
await store.close();
