import type { FastifyInstance } from 'fastify';
import type { FolderDoor } from '../folder/watch.ts';
import type { FolderView } from './contract.ts';

/** The folders that are watched, and what became of their files. Names of files may be names of patients. */
export function registerFolders(app: FastifyInstance, folders: FolderDoor): void {
  app.get(
    '/api/folders',
    { config: { access: ['admin', 'technologist'] } },
    async (): Promise<FolderView[]> => folders.state(),
  );
}
