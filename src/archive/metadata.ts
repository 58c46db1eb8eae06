/** DICOM JSON, data sets and bulk data of stored instances. */
import { type DataSet, type DicomFile, type DicomJson, parseDicom, transferSyntax } from '../dicom/index.ts';
import { type RawBuilder, sql } from 'kysely';
import { NegatoscopeError } from '../errors.ts';
import type { Db, Store } from '../store/types.ts';
import { overlays } from './correct.ts';
import { INSTANCE_ORDER, SERIES_ORDER } from './find.ts';
import { oneOf } from './match.ts';
import type { Objects } from './objects.ts';
import { collect, readHeader } from './source.ts';
import type { ArchiveTables, InstanceTable } from './tables.ts';
import type { Archive, BulkValue, InstanceUids, Sight } from './types.ts';

const AT_ONCE = 100;
/** Characters of metadata given at once. */
const TEXT_AT_ONCE = 512 * 1024;
const RECENT = 8;
const MAX_RECENT_BYTES = 8 * 1024 * 1024;
/** Nested bulk data is cut out of the whole header in memory. */
const MAX_WHOLE = 512 * 1024 * 1024;

const noBulk = (): NegatoscopeError =>
  new NegatoscopeError('bulk-not-found', 'There is no such bulk data in this instance.', { status: 404 });

export function createMetadata(
  db: Db<ArchiveTables>,
  dialect: Store['dialect'],
  objects: Objects,
): Pick<Archive, 'metadata' | 'metadataText' | 'metadataRevision' | 'dataset' | 'bulk'> {
  /** Frames of one instance are asked for one after the other, and each needs its header; originals never change. */
  const recent = new Map<string, DataSet>();
  const headerOf = (row: InstanceTable): Promise<DicomFile> => readHeader(objects.sourceOf(row));

  const textsOf = async (uids: readonly string[]): Promise<Map<string, string>> => {
    const { rows } = await sql<{ sop_instance_uid: string; json: string }>`
      select sop_instance_uid, json from instance_header where ${oneOf('sop_instance_uid', uids, dialect)}`.execute(
      db,
    );
    return new Map(rows.map((row) => [row.sop_instance_uid, row.json]));
  };
  /** UIDs below a place, in the order of `findInstances`. */
  async function uidsBelow({
    studyUid,
    seriesUid,
    sopInstanceUid,
  }: Parameters<Archive['metadataText']>[0]): Promise<(InstanceUids & { aiRunId: string | null })[]> {
    const where: RawBuilder<unknown>[] = [sql`instance.study_uid = ${studyUid}`];
    if (seriesUid !== undefined) where.push(sql`instance.series_uid = ${seriesUid}`);
    if (sopInstanceUid !== undefined) where.push(sql`instance.sop_instance_uid = ${sopInstanceUid}`);
    const bySeries = seriesUid === undefined;
    const { rows } = await sql<InstanceUids & { aiRunId: string | null }>`
      select instance.study_uid as "studyUid", instance.series_uid as "seriesUid",
        instance.sop_instance_uid as "sopInstanceUid", instance.ai_run_id as "aiRunId"
      from instance ${bySeries ? sql`join series on series.study_uid = instance.study_uid and series.series_uid = instance.series_uid` : sql``}
      where ${sql.join(where, sql` and `)}
      order by ${sql.raw([...(bySeries ? SERIES_ORDER : []), ...INSTANCE_ORDER].join(', '))}`.execute(db);
    return rows;
  }

  return {
    async *metadata(instances, sight) {
      for await (const { json, studyUid, corrections } of texts(instances, sight))
        yield { ...(JSON.parse(json) as DicomJson), ...corrections.get(studyUid) };
    },

    async *metadataText(place, sight, addressOf) {
      let group: string[] = [];
      let size = 0;
      for await (const { json, corrections, ...uids } of texts(await uidsBelow(place), sight)) {
        const corrected = corrections.get(uids.studyUid);
        // What has to be written anew is: the text of all others is as it was stored.
        const text = corrected ? JSON.stringify({ ...(JSON.parse(json) as DicomJson), ...corrected }) : json;
        // Only a member's name is followed by a colon without a backslash before its quotation mark.
        group.push(text.replaceAll('"BulkDataURI":"', `"BulkDataURI":"${addressOf(uids)}/`));
        if ((size += text.length) < TEXT_AT_ONCE) continue;
        yield group.join(',');
        group = [];
        size = 0;
      }
      if (group.length > 0) yield group.join(',');
    },

    async metadataRevision(studyUid, seriesUid) {
      // Images never change: how many there are and when they came tells one state of the series from another; and for those
      // that came at one time, which rows of the bin hold the others: nothing else takes images away.
      const { rows } = await sql<{
        count: number | string;
        came: string;
        last: string;
        own: number | string;
        bin: string;
      }>`
        select count(*) as count, cast(sum(received_at) as text) as came, cast(max(received_at) as text) as last,
          count(ai_run_id) + (select count(*) from correction where study_uid = ${studyUid}) as own,
          coalesce((select string_agg(id, ' ' order by id) from recycled where study_uid = ${studyUid}), '') as bin
        from instance where study_uid = ${studyUid} and series_uid = ${seriesUid}`.execute(db);
      const [found] = rows;
      if (!found || Number(found.count) === 0 || Number(found.own) > 0) return undefined;
      return `${found.count}-${found.came}-${found.last}-${found.bin}`;
    },

    async dataset(sopInstanceUid, sight) {
      const row = await objects.guarded(sopInstanceUid, sight);
      const known = recent.get(sopInstanceUid);
      if (known) return known;
      const { dataset, bytes } = await headerOf(row);
      if (bytes.length <= MAX_RECENT_BYTES) {
        if (recent.size >= RECENT) recent.delete(recent.keys().next().value ?? '');
        recent.set(sopInstanceUid, dataset);
      }
      return dataset;
    },

    async bulk(sopInstanceUid, path, sight) {
      const row = await objects.guarded(sopInstanceUid, sight);
      const deflated = transferSyntax(row.transfer_syntax)?.deflated === true;
      const steps = path.split('/');
      const found = async (offset: number, length: number): Promise<BulkValue> =>
        deflated ? { stream: await objects.parsed(row).stream(offset, length) } : { offset, length };
      // Where native pixel data lies is known.
      if (path === '7FE00010' && row.pixel_offset !== null && Number(row.pixel_length) >= 0 && !deflated)
        return found(Number(row.pixel_offset), Number(row.pixel_length));
      const header = await headerOf(row);
      for (const place of [header.pixelData, header.stoppedAt]) {
        if (!place || steps.length !== 1 || parseInt(path, 16) !== place.tag) continue;
        // What is behind items is no value: frames are asked for one by one.
        if (place.encapsulated) throw noBulk();
        return found(place.offset, place.length);
      }
      const bytes = bytesAt(header.dataset, steps) ?? (await behindHeader(row, header, steps));
      if (!bytes) throw noBulk();
      return { bytes: Buffer.from(bytes) };
    },
  };

  async function* texts<T extends InstanceUids & { aiRunId: string | null }>(
    instances: readonly T[],
    sight: Sight,
  ): AsyncGenerator<InstanceUids & { json: string; corrections: ReadonlyMap<string, DicomJson> }> {
    const seen = await sightOfRows(instances, sight);
    const shown = instances.filter(({ aiRunId }) => aiRunId === null || seen.has(aiRunId));
    for (let at = 0; at < shown.length; at += AT_ONCE) {
      const group = shown.slice(at, at + AT_ONCE);
      const byUid = await textsOf(group.map(({ sopInstanceUid }) => sopInstanceUid));
      const corrections = await overlays(db, [...new Set(group.map(({ studyUid }) => studyUid))]);
      for (const { studyUid, seriesUid, sopInstanceUid } of group) {
        const json = byUid.get(sopInstanceUid);
        if (json !== undefined) yield { studyUid, seriesUid, sopInstanceUid, json, corrections };
      }
    }
  }

  /** Behind the long value where the header ended. */
  async function behindHeader(
    row: InstanceTable,
    header: DicomFile,
    steps: readonly string[],
  ): Promise<Uint8Array | undefined> {
    if (!header.stoppedAt || Number(row.size) > MAX_WHOLE || transferSyntax(row.transfer_syntax)?.deflated) {
      return undefined;
    }
    return bytesAt(parseDicom(await collect(await objects.sourceOf(row).stream(0))).dataset, steps);
  }
}

async function sightOfRows(
  rows: readonly { aiRunId: string | null }[],
  sight: Sight,
): Promise<ReadonlySet<string>> {
  const runs = [...new Set(rows.flatMap(({ aiRunId }) => (aiRunId === null ? [] : [aiRunId])))];
  return runs.length === 0 ? new Set() : sight(runs);
}

/** `['00540016', '0', '00181078']`: tags and items in turn. */
function bytesAt(dataset: DataSet, steps: readonly string[]): Uint8Array | undefined {
  let inside: DataSet | undefined = dataset;
  for (let i = 0; inside && i + 1 < steps.length; i += 2) {
    inside = inside.items(parseInt(steps[i] ?? '', 16))[Number(steps[i + 1])];
  }
  return steps.length % 2 === 1 ? inside?.bytes(parseInt(steps.at(-1) ?? '', 16)) : undefined;
}
