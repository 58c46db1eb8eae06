/** Results of algorithms elsewhere, as runs of tools that we only know by their results. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { SEES_ALL, SEES_NO_AI } from '../../archive/types.ts';
import type { Archive } from '../../archive/types.ts';
import { parseHeader } from '../../dicom/parse.ts';
import { readMeasurementReport } from '../../dicom/srRead.ts';
import { TAG } from '../../dicom/dictionary.ts';
import { jsonItems, toJson } from '../../dicom/json.ts';
import type { Store, Tx } from '../../store/types.ts';
import { VERSION } from '../../version.ts';
import { wholeStudy } from '../decide.ts';
import type { AssistTables } from '../tables.ts';
import type { InstalledModel, ModelManifest } from '../types.ts';
import { wholeFile } from '../wholeFile.ts';
import { mapReport, type ForeignLabel, type KnownImage, type Mapped } from './map.ts';
import { FOREIGN_JOB, foreignRunOf, foreignToolOf, type ForeignTool } from './tool.ts';

/** A larger object is kept and shown; its content is not looked at. */
const MAX_BYTES = 64 * 1024 * 1024;
const NOTHING: Mapped = { findings: [], labels: {}, unmapped: [] };

export function createForeign(deps: { store: Store; archive: Archive; now: () => number }) {
  const { store, archive, now } = deps;
  const read = store.read.withTables<AssistTables>();

  /** One object: its tool, its run and its findings get their rows. Again changes nothing, unless images came meanwhile. */
  async function take(sopInstanceUid: string): Promise<void> {
    const instance = await archive.instance(sopInstanceUid, SEES_ALL);
    if (!instance || instance.size > MAX_BYTES) return;
    const bytes = await wholeFile(archive, sopInstanceUid, SEES_ALL);
    const { dataset } = parseHeader(bytes, { complete: true });
    const json = toJson(dataset, { bulkDataUri: (path) => path });
    const tool = foreignToolOf(json);
    if (!tool) return;
    const { studyUid } = instance;
    const isReport = jsonItems(json, TAG.ContentSequence).length > 0;
    const images = new Map<string, KnownImage & { seriesUid: string; bodyPart: string }>();
    for (const row of isReport ? await archive.findInstances(wholeStudy(studyUid), SEES_NO_AI) : [])
      if (row.kind === 'image' && row.rows !== null && row.columns !== null)
        images.set(row.sopInstanceUid, {
          sopInstanceUid: row.sopInstanceUid,
          seriesUid: row.seriesUid,
          rows: row.rows,
          columns: row.columns,
          frames: row.frames,
          bodyPart: row.bodyPart ?? '',
        });
    const mapped = isReport ? mapReport(readMeasurementReport(json), images) : NOTHING;
    await store.write<AssistTables, void>((tx) =>
      keep(tx, tool, { studyUid, sopInstanceUid }, mapped, images),
    );
  }

  async function keep(
    tx: Tx<AssistTables>,
    tool: ForeignTool,
    { studyUid, sopInstanceUid }: { studyUid: string; sopInstanceUid: string },
    { findings, labels, unmapped }: Mapped,
    images: ReadonlyMap<string, { seriesUid: string; bodyPart: string }>,
  ): Promise<void> {
    const at = now();
    const runId = foreignRunOf(tool, studyUid);
    await keepTool(tx, tool, labels, at);
    const there = await tx.selectFrom('ai_run').select('id').where('id', '=', runId).executeTakeFirst();
    if (!there)
      await tx
        .insertInto('ai_run')
        .values({
          id: runId,
          study_uid: studyUid,
          model_id: tool.id,
          model_version: tool.version,
          weights_sha256: '',
          software_version: VERSION,
          state: 'analysed',
          reason: null,
          detail: null,
          operating_point: '',
          threshold: 0,
          input_digest: '',
          queued_at: at,
          started_at: null,
          computed_at: at,
          finished_at: at,
          attempt: 1,
          sr_sop_instance_uid: null,
        })
        .execute();
    const source = createHash('sha256').update(sopInstanceUid).digest('hex').slice(0, 12);
    const known = await tx
      .selectFrom('ai_finding')
      .select(['id', 'number'])
      .where('run_id', '=', runId)
      .execute();
    const ids = new Set(known.map(({ id }) => id));
    let number = known.reduce((most, row) => Math.max(most, Number(row.number)), 0);
    for (const [index, finding] of findings.entries()) {
      // By where it stands in its document: a decision on it stays when the document is read again.
      const id = `${runId}.${source}.${index + 1}`;
      if (ids.has(id)) continue;
      number += 1;
      await tx
        .insertInto('ai_finding')
        .values({
          id,
          run_id: runId,
          study_uid: studyUid,
          sop_instance_uid: finding.sopInstanceUid,
          number,
          label: finding.label,
          score: finding.score,
          places: JSON.stringify(finding.places),
        })
        .execute();
      const image = images.get(finding.sopInstanceUid)!;
      await tx
        .insertInto('ai_run_image')
        .values({
          run_id: runId,
          sop_instance_uid: finding.sopInstanceUid,
          series_uid: image.seriesUid,
          position: number,
          body_part: image.bodyPart,
          score: finding.score,
          positive: 1,
          heat_rows: null,
          heat_columns: null,
          heat: null,
          heat_box: null,
        })
        .onConflict((c) => c.columns(['run_id', 'sop_instance_uid']).doNothing())
        .execute();
    }
    const row = {
      run_id: runId,
      study_uid: studyUid,
      unmapped: unmapped.join(' '),
      findings: findings.length,
    };
    await tx
      .insertInto('ai_foreign_object')
      .values({ sop_instance_uid: sopInstanceUid, ...row })
      .onConflict((c) => c.column('sop_instance_uid').doUpdateSet(row))
      .execute();
    await store.events.append(tx, {
      kind: 'assist.run.finished',
      studyUid,
      subject: runId,
      actor: 'system',
      payload: { model: tool.id, state: 'analysed' },
    });
  }

  async function keepTool(
    tx: Tx<AssistTables>,
    tool: ForeignTool,
    labels: Readonly<Record<string, ForeignLabel>>,
    at: number,
  ): Promise<void> {
    const before = await tx
      .selectFrom('ai_foreign_tool')
      .select('labels')
      .where('id', '=', tool.id)
      .executeTakeFirst();
    const all = { ...(before ? (JSON.parse(before.labels) as Record<string, ForeignLabel>) : {}), ...labels };
    const values = {
      name: tool.name,
      manufacturer: tool.manufacturer,
      version: tool.version,
      labels: JSON.stringify(all),
    };
    await tx
      .insertInto('ai_foreign_tool')
      .values({ id: tool.id, ...values, first_seen_at: at })
      .onConflict((c) => c.column('id').doUpdateSet(values))
      .execute();
  }

  return {
    /** Tools that we know by their results, in the shape of ours: they have a stage, and never run here. */
    async tools(): Promise<InstalledModel[]> {
      const rows = await read.selectFrom('ai_foreign_tool').selectAll().orderBy('id').execute();
      return rows.map((row) => ({
        manifest: manifestOf(row, JSON.parse(row.labels) as Record<string, ForeignLabel>),
        dir: join(store.dir, 'models', row.id), // there is none
        enabled: true,
        foreign: true,
      }));
    },

    async unmapped(runId: string): Promise<string[]> {
      const rows = await read
        .selectFrom('ai_foreign_object')
        .select(['unmapped', 'findings'])
        .where('run_id', '=', runId)
        .execute();
      const codes = rows.flatMap((row) => row.unmapped.split(' ').filter(Boolean));
      // A segmentation, or a report without a place on any image: nothing is wrong, but nothing to decide on either.
      if (codes.length === 0 && rows.length > 0 && rows.every((row) => Number(row.findings) === 0))
        codes.push('no-findings');
      return [...new Set(codes)].sort();
    },

    /** When a study is complete, what referred to images that had not come is looked at again. */
    async again(tx: Tx<AssistTables>, studyUid: string): Promise<void> {
      const rows = await tx
        .selectFrom('ai_foreign_object')
        .select('sop_instance_uid')
        .where('study_uid', '=', studyUid)
        .where('unmapped', 'like', '%image-absent%')
        .execute();
      for (const row of rows) await store.jobs.enqueue(tx, { kind: FOREIGN_JOB, key: row.sop_instance_uid });
    },

    start(): void {
      store.jobs.work(FOREIGN_JOB, (job) => take(job.key));
    },
  };
}

/** What can be said of a tool that is known by its results alone: its name, its maker and its words. */
function manifestOf(
  row: { id: string; name: string; manufacturer: string; version: string },
  labels: Record<string, ForeignLabel>,
): ModelManifest {
  const name = { fr: row.name, en: row.name };
  return {
    format: 1,
    id: row.id,
    version: row.version,
    name,
    summary: {
      fr: 'Résultats reçus d’un autre système. L’outil ne s’exécute pas ici.',
      en: 'Results that came from another system. The tool does not run here.',
    },
    maker: row.manufacturer || '?',
    licence: '',
    regulatory: {
      status: 'research',
      detail: {
        fr: 'Inconnu ici : demandez au fabricant.',
        en: 'Not known here: ask its maker.',
      },
    },
    weights: { file: '', sha256: '' },
    intendedUse: {
      modalities: [],
      bodyParts: [],
      ageYears: { unknown: 'accept' },
      photos: 'refuse',
      text: { fr: 'Inconnu ici.', en: 'Not known here.' },
    },
    input: {
      name: '',
      width: 8,
      height: 8,
      fit: 'letterbox',
      resize: 'triangle-antialias',
      intensity: { kind: 'percentile', low: 0, high: 1 },
      normalise: { offset: 0, scale: 1 },
      padding: 0,
    },
    outputs: { score: { name: '' } },
    labels,
    finding: { label: Object.keys(labels)[0] ?? 'ext-finding' },
    operatingPoints: {
      given: { threshold: 0, text: { fr: 'Tel que reçu', en: 'As received' }, measured: [] },
    },
    defaultOperatingPoint: 'given',
    golden: '',
    resources: { memoryMB: 1, seconds: 1 },
  };
}
