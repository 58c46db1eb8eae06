/** What the program needs of time to start on an archive that is not empty. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { instances } from './data.ts';
import { median } from './median.ts';
import { negatoscope } from './receivers.ts';
import { stow } from './senders.ts';

/** Instances that the program starts on, in studies of a hundred. */
export const STORED = 20_000;
const A_STUDY = 100;
const STARTS = 3;

/** From the command to open ports, median of some starts, seconds. */
export async function startSeconds(dir: string): Promise<number> {
  const first = await negatoscope(dir);
  await stow(first, instances('mr-64', A_STUDY), 1, 50);
  await first.stop();
  multiply(join(dir, 'negatoscope', 'negatoscope.db'));
  const times: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const started = await negatoscope(dir);
    times.push(started.startSeconds);
    await started.stop();
  }
  return median(times);
}

/** Writes the rows of the one study again and again under other UIDs. */
function multiply(file: string): void {
  const db = new DatabaseSync(file);
  db.exec('begin');
  for (const table of ['study', 'series', 'instance', 'instance_header']) {
    const columns = (
      db.prepare(`select name from pragma_table_info('${table}')`).all() as { name: string }[]
    ).map(({ name }) => name);
    const values = columns.map((name) =>
      /_uid$/.test(name) && name !== 'sop_class_uid' ? `"${name}" || ?1` : `"${name}"`,
    );
    db.exec(`create temp table template as select * from "${table}"`);
    const copy = db.prepare(
      `insert into "${table}" (${columns.map((name) => `"${name}"`).join()}) select ${values.join()} from template where ?1 is not null`,
    );
    for (let i = 1; i < STORED / A_STUDY; i++) copy.run(`.${i}`);
    db.exec('drop table template');
  }
  db.exec('commit');
  db.close();
}
