/** What the database and the folder hold after a restart, against what was promised. Looks at both directly, beside the program. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Client, type Server, until } from '../harness.ts';
import { sha256 } from './actors.ts';
import type { Kept, Ledger, Place } from './ledger.ts';

/** Rows that cannot be there unless something is half done. */
const HALF: Readonly<Record<string, string>> = {
  'instances without header': `select sop_instance_uid from instance where sop_instance_uid not in (select sop_instance_uid from instance_header)`,
  'headers without instance': `select sop_instance_uid from instance_header where sop_instance_uid not in (select sop_instance_uid from instance)`,
  'waiting bytes without instance': `select sop_instance_uid from inbox where sop_instance_uid not in (select sop_instance_uid from instance)`,
  'instances with no or two places for their bytes': `select sop_instance_uid from instance where (blob is null) != (sop_instance_uid in (select sop_instance_uid from inbox))`,
  'studies with wrong counts': `select study_uid from study where held + ai != (select count(*) from instance where instance.study_uid = study.study_uid) or images != (select count(*) from instance where instance.study_uid = study.study_uid and kind = 'image') or series != (select count(*) from series where series.study_uid = study.study_uid and images > 0) or held_series != (select count(*) from series where series.study_uid = study.study_uid and held > 0)`,
  'series with wrong counts': `select series_uid from series where held + ai != (select count(*) from instance where instance.study_uid = series.study_uid and instance.series_uid = series.series_uid)`,
  'instances without study or series': `select sop_instance_uid from instance where not exists (select 1 from series join study using (study_uid) where series.study_uid = instance.study_uid and series.series_uid = instance.series_uid)`,
  'instances here and in the bin': `select sop_instance_uid from recycled_instance where sop_instance_uid in (select sop_instance_uid from instance)`,
  'bin entries without instances': `select id from recycled where state != 'erased' and id not in (select recycled_id from recycled_instance)`,
  'instances of no bin entry': `select sop_instance_uid from recycled_instance where recycled_id not in (select id from recycled where state != 'erased')`,
  'damaged files': `select sop_instance_uid from damaged`,
};
const MOST_SHOWN = 5;

interface Found {
  readonly place: Place;
  readonly sha256: string;
  readonly blob: string | null;
  readonly size: number;
  readonly offset: number;
  readonly recycledId?: string;
}

interface InstanceRow {
  sop_instance_uid: string;
  sha256: string;
  blob: string | null;
  size: number;
  dataset_offset: number;
}
interface BinnedRow {
  sop_instance_uid: string;
  row: string;
  recycled_id: string;
  state: string;
}

/** One consistent look. */
function look(dir: string): {
  found: Map<string, Found>;
  half: string[];
  bytesOf(sop: string): Buffer;
  close(): void;
} {
  const db = new DatabaseSync(join(dir, 'negatoscope.db'), { readOnly: true });
  db.exec('begin');
  const found = new Map<string, Found>();
  const here = db.prepare('select sop_instance_uid, sha256, blob, size, dataset_offset from instance');
  for (const row of here.iterate() as Iterable<unknown> as Iterable<InstanceRow>)
    found.set(row.sop_instance_uid, { ...row, place: 'here', offset: row.dataset_offset });
  const binned = db.prepare(
    'select r.sop_instance_uid, r.row, r.recycled_id, state from recycled_instance r join recycled on id = r.recycled_id',
  );
  for (const each of binned.iterate() as Iterable<unknown> as Iterable<BinnedRow>) {
    const row = JSON.parse(each.row) as InstanceRow;
    const place = each.state === 'kept' ? 'bin' : 'gone';
    found.set(each.sop_instance_uid, {
      ...row,
      place,
      offset: row.dataset_offset,
      recycledId: each.recycled_id,
    });
  }
  const half = Object.entries(HALF).flatMap(([what, sql]) => {
    const rows = db.prepare(sql).all();
    return rows.length > 0 ? [`${rows.length} ${what}: ${JSON.stringify(rows.slice(0, MOST_SHOWN))}`] : [];
  });
  const waiting = db.prepare(
    'select bytes from inbox where sop_instance_uid = ?1 union all select bytes from recycled_instance where sop_instance_uid = ?1 and bytes is not null',
  );
  return {
    found,
    half,
    bytesOf(sop) {
      const { blob } = found.get(sop)!;
      if (blob !== null) return readFileSync(join(dir, blob));
      return Buffer.from((waiting.get(sop) as { bytes: Uint8Array }).bytes);
    },
    close: () => db.close(),
  };
}

/** Files with something in them that no row names, and what is left of receiving. */
function orphansOf(dir: string): string[] {
  const files = (folder: string): string[] =>
    readdirSync(join(dir, folder), { recursive: true, withFileTypes: true })
      .filter(
        (entry) =>
          entry.isFile() && statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size,
      )
      .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1));
  const objects = files('objects');
  const staging = files('staging');
  const db = new DatabaseSync(join(dir, 'negatoscope.db'), { readOnly: true });
  const named = new Set(
    ['instance', 'recycled_instance', 'quarantine'].flatMap((table) =>
      db
        .prepare(`select blob from ${table} where blob is not null`)
        .all()
        .map((row) => row['blob'] as string),
    ),
  );
  db.close();
  return [...staging, ...objects.filter((path) => !named.has(path))];
}

/** Throws with everything that is not as promised. Settles in the ledger what was not answered. */
export async function check(server: Server, client: Client, ledger: Ledger): Promise<void> {
  const { dir } = server;
  const problems: string[] = [];
  const state = look(dir);
  problems.push(...state.half);
  settle(ledger, state.found, problems);
  for (const each of [...ledger.kept.values(), ...ledger.unanswered.values()]) {
    const there = state.found.get(each.sop);
    if (there && there.place !== 'gone') {
      const wrong = wrongWith(dir, each, there, () => state.bytesOf(each.sop));
      if (wrong) problems.push(`${each.sop} (${each.place}): ${wrong}`);
    }
    if (!ledger.kept.has(each.sop)) continue;
    const place = there?.place ?? 'gone';
    if (place !== each.place) problems.push(`${each.sop} should be ${each.place}, and is ${place}`);
  }
  state.close();
  // Whole, though nobody was told: now it has to stay.
  for (const each of ledger.unanswered.values())
    if (state.found.get(each.sop)?.place === 'here') ledger.kept.set(each.sop, each);
  ledger.unanswered.clear();

  for (const [study, report] of ledger.signed) {
    const { reports } = await client.json<{ reports: { id: string }[] }>('GET', `/api/studies/${study}`);
    if (!reports.some(({ id }) => id === report)) problems.push(`report ${report} of ${study} is lost`);
  }
  for (const [study, { now, perhaps }] of ledger.described) {
    const { study: shown } = await client.json('GET', `/api/studies/${study}`);
    if (shown.description !== now && shown.description !== perhaps)
      problems.push(`${study} is described as ${shown.description}, not ${now} or ${perhaps}`);
    ledger.described.set(study, { now: shown.description });
  }
  const chain = await client.json<{ ok: boolean }>('POST', '/api/audit/verify', {});
  if (!chain.ok) problems.push(`the event chain is broken: ${JSON.stringify(chain)}`);
  await until(
    async () => orphansOf(dir),
    (left) => left.length === 0,
    10_000,
  ).catch((thrown: Error) => problems.push(`files without a row: ${thrown.message}`));
  if (problems.length > 0)
    throw new Error(`${problems.length} problem(s):\n${problems.slice(0, 20).join('\n')}`);
}

/** A change that was not answered happened whole or not at all: now it is known which. */
function settle(ledger: Ledger, found: ReadonlyMap<string, Found>, problems: string[]): void {
  for (const { sops, from, to } of ledger.changes.splice(0)) {
    const places = new Set(sops.map((sop) => found.get(sop)?.place ?? 'gone'));
    const [place] = places;
    if (places.size !== 1 || (place !== from && place !== to)) {
      problems.push(`${sops.length} instances went from ${from} to ${to} in part: ${[...places]}`);
      continue;
    }
    ledger.move(sops, place!);
    const id = found.get(sops[0]!)?.recycledId;
    if (place === 'bin' && id !== undefined) ledger.bin.push({ id, sops });
  }
}

function wrongWith(
  dir: string,
  each: Kept,
  { sha256: sum, blob, size, offset }: Found,
  bytesOf: () => Buffer,
): string | undefined {
  if (each.fileSha !== undefined) {
    if (sum !== each.fileSha) return 'the index has another checksum';
    if (blob === null || statSync(join(dir, blob), { throwIfNoEntry: false })?.size === size)
      return undefined;
    return 'its file is gone or has another size';
  }
  let bytes: Buffer;
  try {
    bytes = bytesOf();
  } catch (thrown) {
    return String(thrown);
  }
  if (sha256(bytes.subarray(offset)) !== each.dataSha) return 'its data set is not what was sent';
  each.fileSha = sha256(bytes);
  return each.fileSha === sum ? undefined : 'the index has another checksum than its file';
}
