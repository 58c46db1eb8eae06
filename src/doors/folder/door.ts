/** The folders that are watched: those of the configuration, and those that people have chosen; each has its watcher. */
import type { Archive, FolderForm, WatchedFolder } from '../../archive/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import type { Principal } from '../../people/types.ts';
import type { FolderTrial, FolderView } from '../api/contract.ts';
import { checkFolder } from './check.ts';
import { Watcher, type WatcherDependencies, type WatchFolder } from './watch.ts';

/** How folders that people have chosen are watched. */
const PACE = { settleSeconds: 5, everySeconds: 5 };

export interface FolderDoor {
  start(): Promise<void>;
  state(): Promise<FolderView[]>;
  /** What would come of it. `id`: of the folder that is being changed. */
  tryOut(form: FolderForm, id?: string): Promise<FolderTrial>;
  /** @throws `folder-path` (details `code`: why it cannot be watched), `not-found`, `forbidden` */
  add(form: FolderForm, by: Principal): Promise<WatchedFolder>;
  change(id: string, form: FolderForm, by: Principal): Promise<WatchedFolder>;
  /** Files in it stay; what was remembered of them, too. */
  remove(id: string, by: Principal): Promise<void>;
  /** Gives up what is under way; it is taken up again at the next start. */
  close(): Promise<void>;
}

export interface FolderDependencies extends WatcherDependencies {
  archive: Archive;
  /** Of the configuration. */
  folders: readonly WatchFolder[];
  /** The data folder: nothing of it is watched. */
  dataDir: string;
  pace?: Pick<WatchFolder, 'settleSeconds' | 'everySeconds'>;
}

export function createFolderDoor({
  folders: fixed,
  dataDir,
  pace = PACE,
  ...deps
}: FolderDependencies): FolderDoor {
  const { archive } = deps;
  let watchers: { id: string | null; folder: WatchFolder; watcher: Watcher }[] = [];

  const watch = (id: string | null, folder: WatchFolder): void => {
    const watcher = new Watcher(folder, deps);
    watchers.push({ id, folder, watcher });
    watcher.start();
  };
  const paced = ({ path, after }: FolderForm): WatchFolder => ({ path, after, ...pace });
  async function unwatch(id: string): Promise<void> {
    const gone = watchers.filter((each) => each.id === id);
    watchers = watchers.filter((each) => each.id !== id);
    await Promise.all(gone.map(({ watcher }) => watcher.close()));
  }
  const tryOut = (form: FolderForm, id?: string): Promise<FolderTrial> =>
    checkFolder(form, {
      dataDir,
      others: watchers.filter((each) => each.id !== id).map(({ folder }) => folder.path),
    });
  async function demandUsable(form: FolderForm, id?: string): Promise<void> {
    const { ok, code } = await tryOut(form, id);
    if (!ok)
      throw new NegatoscopeError('folder-path', `This folder cannot be watched (${code}).`, {
        details: { code },
      });
  }

  return {
    async start() {
      for (const folder of fixed) watch(null, folder);
      for (const { id, ...form } of await archive.folders.list()) watch(id, paced(form));
    },
    state: () => Promise.all(watchers.map(async ({ id, watcher }) => ({ id, ...(await watcher.view()) }))),
    tryOut,
    async add(form, by) {
      await demandUsable(form);
      const folder = await archive.folders.add(form, by);
      watch(folder.id, paced(folder));
      return folder;
    },
    async change(id, form, by) {
      await demandUsable(form, id);
      const folder = await archive.folders.change(id, form, by);
      await unwatch(id);
      watch(id, paced(folder));
      return folder;
    },
    async remove(id, by) {
      await archive.folders.remove(id, by);
      await unwatch(id);
    },
    async close() {
      await Promise.all(watchers.map(({ watcher }) => watcher.close()));
    },
  };
}
