/**
 * For the crash test: `node testing-server.ts DIR [FILE]` opens store, archive and assist, takes the file in, and prints a line
 * of JSON whenever the state of the runs changes. It ends by being killed, or when its input closes.
 */
import { createReadStream } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { archiveMigrations, createArchive, SEES_ALL } from '../archive/index.ts';
import { createStore } from '../store/index.ts';
import { createAssist } from './assist.ts';
import { assistMigrations } from './tables.ts';
import { modelDir } from './testing.ts';

const [dir, file] = process.argv.slice(2) as [string, string | undefined];
const log = { info() {}, warn() {}, error() {} } as never;
const store = await createStore({ dir, migrations: [...archiveMigrations, ...assistMigrations] });
const archive = createArchive({ store, log, settings: { silenceMs: 10, minFree: 0 } });
const assist = createAssist({ store, archive, modelDirs: [modelDir('fracture')], backoffMs: () => 10 });
await archive.start();
await assist.start();
if (file) {
  const outcome = await archive.ingest(createReadStream(file), { door: 'import', from: 'test' });
  if (outcome.status !== 'stored') throw new Error(JSON.stringify(outcome));
}
let closing = false;
process.stdin.resume().on('end', () => (closing = true));
let last = '';
while (!closing) {
  const [study] = await archive.findStudies({ match: {} }, SEES_ALL);
  const runs = study ? await assist.runs([study.studyUid]) : [];
  const all = study ? await archive.findInstances({ match: {}, studyUid: study.studyUid }, SEES_ALL) : [];
  const now = JSON.stringify({
    states: runs.map((run) => run.state),
    scores: runs.flatMap((run) => run.images.map((image) => image.score)),
    findings: (await Promise.all(runs.map((run) => assist.findings(run.id)))).flat().length,
    rows: Number(
      (
        await store.read
          .selectFrom('ai_run' as never)
          .select((eb) => eb.fn.countAll().as('n'))
          .executeTakeFirstOrThrow()
      ).n,
    ),
    results: all.filter((instance) => instance.kind === 'ai').length,
    asideCount: (await archive.quarantine.list()).length,
  });
  if (now !== last) console.log(now);
  last = now;
  await pause(5);
}
await assist.close();
await store.close();
process.exit(0);
