/** What a worker returned, on its way to the rows of its run. */
import { SEES_ALL } from '../../archive/types.ts';
import { SOP_CLASS } from '../../dicom/sopClasses.ts';
import { toJson } from '../../dicom/json.ts';
import { parseHeader } from '../../dicom/parse.ts';
import type { DicomFile } from '../../dicom/types.ts';
import { NegatoscopeError } from '../../errors.ts';
import type { AnalyseDeps } from '../analyse.ts';
import { keepResult } from '../keep.ts';
import { toolResultOf } from '../returned.ts';
import type { AssistTables, RunTable } from '../tables.ts';
import { wholeFile } from '../wholeFile.ts';

/** Of a report: one with thousands of places is far below. */
const MAX_REPORT_BYTES = 16 * 1024 * 1024;
/** 512 images of 512 × 512 pixels, a bit each, are 16 MB for a segment. */
const MAX_SEGMENTATION_BYTES = 256 * 1024 * 1024;

const incomplete = (why: string): NegatoscopeError =>
  new NegatoscopeError('workitem-incomplete', why, { status: 409 });

export function resultReader(
  deps: Pick<AnalyseDeps, 'store' | 'archive' | 'model' | 'now' | 'softwareVersion'>,
): AnalyseDeps['results'] {
  const { store, archive, now } = deps;
  const read = store.read.withTables<AssistTables>();
  return async (runId, { output }) => {
    const report = output.find(({ sopClassUid }) => sopClassUid === SOP_CLASS.ComprehensiveSRStorage);
    if (!report) throw incomplete('The output holds no Comprehensive SR.');
    const run = (await read.selectFrom('ai_run').selectAll().where('id', '=', runId).executeTakeFirst()) as
      RunTable | undefined;
    const model = run && (await deps.model(run.model_id));
    if (!run || !model) throw incomplete('The model of this work item is no longer installed.');
    const inputs = await read
      .selectFrom('ai_run_image')
      .select('sop_instance_uid')
      .where('run_id', '=', runId)
      .orderBy('position')
      .execute();
    const images = [];
    for (const { sop_instance_uid: sopInstanceUid } of inputs) {
      const instance = await archive.instance(sopInstanceUid, SEES_ALL);
      if (instance?.rows && instance.columns)
        images.push({ sopInstanceUid, rows: instance.rows, columns: instance.columns });
    }
    const objectOf = async (sopInstanceUid: string, most: number): Promise<DicomFile> => {
      const stored = await archive.instance(sopInstanceUid, SEES_ALL);
      if (!stored || stored.size > most) throw incomplete('An object of the output is too large.');
      const bytes = await wholeFile(archive, sopInstanceUid, SEES_ALL);
      return parseHeader(bytes, { complete: true });
    };
    const segmentations: DicomFile[] = [];
    for (const { sopClassUid, sopInstanceUid } of output)
      if (sopClassUid === SOP_CLASS.SegmentationStorage)
        segmentations.push(await objectOf(sopInstanceUid, MAX_SEGMENTATION_BYTES));
    const result = toolResultOf(
      { report: toJson((await objectOf(report.sopInstanceUid, MAX_REPORT_BYTES)).dataset), segmentations },
      { manifest: model.manifest, images },
    );
    return async (tx) => {
      await keepResult(tx, run, result, { at: now(), softwareVersion: deps.softwareVersion });
      return report.sopInstanceUid;
    };
  };
}
