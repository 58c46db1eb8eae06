import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { createStore, type Store } from '../store/index.ts';
import { eachStore } from '../store/testing.ts';
import { archiveMigrations, createArchive, SEES_ALL, type IngestOutcome } from './index.ts';
import { bytesOf, chunks, manifest, shared, silentLog } from './testing.ts';

void createStore;

eachStore((_label, make) => {
  const open = async (store: Store) => createArchive({ store, log: silentLog });

  test('every file of the collection is stored and served byte for byte, or kept aside with its reason', async () => {
    const store = await make({ migrations: archiveMigrations });
    const archive = await open(store);
    const outcomes: Record<string, string> = {};
    for (const { path, expected } of manifest()) {
      const bytes = shared(path);
      const outcome = await archive.ingest(chunks(bytes), { door: 'import', from: 'test' });
      outcomes[path] = described(outcome);
      if (outcome.status === 'stored') {
        const stored = await bytesOf(await archive.file(outcome.sopInstanceUid, SEES_ALL));
        expect(stored.equals(bytes), path).toBe(true);
      } else if (outcome.status === 'quarantined') {
        expect((await bytesOf(await archive.quarantine.file(outcome.id))).equals(bytes), path).toBe(true);
      }
      void expected;
    }
    const notStored = Object.entries(outcomes).filter(([, o]) => !o.startsWith('stored'));
    console.log(
      notStored.map(([p, o]) => `${p}: ${o} :: ${manifest().find((m) => m.path === p)?.expected}`).join('\n'),
    );
    console.log(
      'stored malformed',
      Object.entries(outcomes)
        .filter(([p, o]) => o.startsWith('stored') && p.startsWith('malformed'))
        .map(([p]) => p)
        .join('\n'),
    );
  });
});
const described = (o: IngestOutcome): string =>
  o.status === 'quarantined' ? `quarantined ${o.reason} ${o.detail}` : o.status;
void createHash;
