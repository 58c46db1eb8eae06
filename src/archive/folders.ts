/** Folders that are watched for new files, beside those of the configuration: which, and what happens to the files afterwards. */
import { NegatoscopeError } from '../errors.ts';
import type { Principal } from '../people/types.ts';
import { uuidv7 } from '../store/ids.ts';
import { putSetting, settingOf } from '../store/setting.ts';
import type { Store, Tx } from '../store/types.ts';
import { demand, nameOf } from './acting.ts';
import type { Archive, WatchedFolder } from './types.ts';

const KEY = 'archive.folders';

export function createFolders(store: Store, now: () => number): Archive['folders'] {
  const read = (text: string | undefined): WatchedFolder[] =>
    text === undefined ? [] : (JSON.parse(text) as WatchedFolder[]);

  /** Changes the list and tells of it in one transaction. */
  const turn = <R extends { id: string }>(
    what: 'added' | 'changed' | 'removed',
    by: Principal,
    act: (folders: WatchedFolder[]) => { folders: WatchedFolder[]; folder: R },
  ): Promise<R> => {
    demand(by, ['admin']);
    return store.write(async (tx: Tx) => {
      const { folders, folder } = act(read(await settingOf(tx, KEY)));
      await putSetting(tx, KEY, JSON.stringify(folders));
      // Without its path: folders are named after people now and then.
      await store.events.append(tx, {
        kind: `archive.folder.${what}`,
        subject: folder.id,
        actor: nameOf(by),
      });
      return folder;
    });
  };
  const known = (folders: readonly WatchedFolder[], id: string): WatchedFolder => {
    const folder = folders.find((each) => each.id === id);
    if (folder) return folder;
    throw new NegatoscopeError('not-found', 'There is no such folder.', { status: 404 });
  };

  return {
    list: async () => read(await store.setting(KEY)),
    add: (form, by) =>
      turn('added', by, (folders) => {
        const folder = { id: uuidv7(now()), ...form };
        return { folder, folders: [...folders, folder] };
      }),
    change: (id, form, by) =>
      turn('changed', by, (folders) => {
        const folder = { ...known(folders, id), ...form };
        return { folder, folders: folders.map((each) => (each.id === id ? folder : each)) };
      }),
    async remove(id, by) {
      await turn('removed', by, (folders) => ({
        folder: known(folders, id),
        folders: folders.filter((each) => each.id !== id),
      }));
    },
  };
}
