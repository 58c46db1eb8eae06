/** A DICOM port of its own, over an archive in a scratch folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Archive, archiveMigrations, createArchive } from '../../archive/index.ts';
import { silentLog } from '../../archive/testing.ts';
import { ownCertificate } from '../../authority.ts';
import { createStore } from '../../store/index.ts';
import type { Store } from '../../store/types.ts';
import { createDimseDoor, type Destination, type DimseDoor, type DimseDoorOptions } from './index.ts';

export interface OpenDoor {
  /** A folder that goes with it. */
  readonly dir: string;
  readonly store: Store;
  readonly archive: Archive;
  readonly door: DimseDoor;
  close(): Promise<void>;
}

/**
 * @param lines takes what the door logs
 * @param destinations where a C-MOVE leads
 * @param tls also with the practice's own certificate, at a port of its own
 */
export async function openDoor({
  lines = [],
  destinations = new Map(),
  tls = false,
  limits,
}: {
  lines?: string[];
  destinations?: ReadonlyMap<string, Destination>;
  tls?: boolean;
  limits?: DimseDoorOptions['limits'];
} = {}): Promise<OpenDoor> {
  const dir = await mkdtemp(join(tmpdir(), 'negatoscope-dimse-'));
  const store = await createStore({ dir: join(dir, 'data'), migrations: archiveMigrations });
  const archive = createArchive({ store, log: silentLog });
  await archive.start();
  const note = (facts: object, message: string) => lines.push(`${JSON.stringify(facts)} ${message}`);
  const door = createDimseDoor({
    archive,
    aeTitle: 'NEGATOSCOPE',
    host: '127.0.0.1',
    port: 0,
    ...(tls ? { tls: { port: 0, ...(await ownCertificate(dir)) } } : {}),
    ...(limits ? { limits } : {}),
    log: { debug: note, info: note, warn: note, error: note },
    destinationOf: async (title) => destinations.get(title),
    heardCommitment: async () => false,
  });
  await door.start();
  return {
    dir,
    store,
    archive,
    door,
    async close() {
      await door.close();
      await store.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
