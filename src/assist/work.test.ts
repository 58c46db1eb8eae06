import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { dciodvfyErrors, hasDciodvfy } from '../dicom/build/dciodvfy.ts';
import { TAG } from '../dicom/dictionary.ts';
import { jsonString, toJson } from '../dicom/json.ts';
import { parseHeader } from '../dicom/parse.ts';
import { NegatoscopeError } from '../errors.ts';
import { loadPackage } from './package.ts';
import { resultDocuments, resultUidOf } from './result.ts';
import { createRunner } from './runner/runner.ts';
import { modelDir, shared } from './testing.ts';
import { work } from './work.ts';
import type { WorkInput } from './work.ts';

const model = await loadPackage(modelDir('fracture'));
const runner = createRunner({ model });
afterAll(() => runner.close());

const FILE = shared('radiographs/dicom/DX16_KNEE_AP_2390.dcm');
const knee: WorkInput = { sopInstanceUid: '1.2.3.1', read: async () => readFileSync(FILE) };
const broken: WorkInput = { sopInstanceUid: '1.2.3.2', read: async () => Buffer.from('no DICOM') };

test('images in, plain data out, and the DICOM objects from it: no database, no archive', async () => {
  const left: string[] = [];
  const result = await work(model.manifest, runner, [broken, knee], {
    onUndecodable: (sop) => left.push(sop),
  });
  if ('notRun' in result) throw new Error('nothing decided');
  expect(left).toEqual(['1.2.3.2']);
  expect(result).toMatchObject({ modelId: 'fracture', threshold: 0.196141, undecodable: 1 });
  expect(result.images.map((i) => [i.sopInstanceUid, i.positive])).toEqual([['1.2.3.1', true]]);
  expect(result.images[0]!.score).toBeCloseTo(0.9363, 3);
  expect(result.findings).toMatchObject([{ number: 1, label: 'fracture', sopInstanceUid: '1.2.3.1' }]);
  // What a worker elsewhere sends is what stays on this side: it can be copied between processes.
  expect(structuredClone(result)).toEqual(result);

  const study = toJson(parseHeader(readFileSync(FILE), { complete: true }).dataset);
  const document = () =>
    resultDocuments({
      runId: 'run-1',
      studyUid: jsonString(study, TAG.StudyInstanceUID)!,
      result,
      manifest: model.manifest,
      softwareVersion: '1.0.0',
      at: new Date(Date.UTC(2026, 0, 2, 3, 4, 5)),
      study,
      instances: new Map([
        ['1.2.3.1', { seriesUid: '1.2.3', sopClassUid: '1.2.840.10008.5.1.4.1.1.1.1', frames: 1 }],
      ]),
    });
  const [sr, ...others] = document();
  expect(others).toEqual([]);
  expect(sr!.sopInstanceUid).toBe(resultUidOf('run-1'));
  expect(document()[0]!.bytes.equals(sr!.bytes)).toBe(true);
  if (hasDciodvfy) expect(dciodvfyErrors(sr!.bytes)).toEqual([]);
});

test('nothing that can be decoded decides nothing; another error ends the work', async () => {
  expect(await work(model.manifest, runner, [broken])).toEqual({ notRun: 'pixels-undecodable' });
  const gone = new NegatoscopeError('instance-unknown', 'gone', { status: 404 });
  const failing: WorkInput = { sopInstanceUid: '1', read: () => Promise.reject(gone) };
  await expect(work(model.manifest, runner, [failing])).rejects.toBe(gone);
  const stopped = AbortSignal.abort();
  await expect(work(model.manifest, runner, [knee], { signal: stopped })).rejects.toMatchObject({
    code: 'aborted',
  });
});
