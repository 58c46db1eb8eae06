/**
 * The real brain tissue network on the real series, against the numbers of shared/models/golden.json (an independent torch
 * implementation gave the same label for every voxel). doi 10.21105/joss.05098, arXiv:1612.00940.
 */
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dciodvfyErrors, hasDciodvfy } from '../dicom/build/dciodvfy.ts';
import { TAG } from '../dicom/dictionary.ts';
import { jsonString, toJson } from '../dicom/json.ts';
import { parseHeader } from '../dicom/parse.ts';
import { SOP_CLASS } from '../dicom/sopClasses.ts';
import type { DicomJson } from '../dicom/types.ts';
import { brainPackage, brainSlices } from './brainTesting.ts';
import { loadPackage } from './package.ts';
import type { ModelPackage } from './package.ts';
import { resultDocuments } from './result.ts';
import type { ResultDocument } from './result.ts';
import type { VolumeResult } from './runner/messages.ts';
import { createRunner } from './runner/runner.ts';
import type { Runner } from './runner/runner.ts';
import { inflatedBits } from './segments.ts';
import { shared } from './testing.ts';
import { work } from './work.ts';
import type { WorkInput } from './work.ts';

const golden = JSON.parse(readFileSync(shared('models/golden.json'), 'utf8')).model5_gw_ae as {
  voxels: { white: number; grey: number };
  label_volume_sha256: string;
  labels_at_ijk: Record<string, number>;
  wrong_orientation_signatures: Record<string, { white: number; grey: number }>;
};
const labels = gunzipSync(readFileSync(shared('models/golden_model5_labels.u8.gz')));

let dir: string;
let model: ModelPackage;
let runner: Runner;
let result: VolumeResult;
let study: DicomJson;
let documents: ResultDocument[];
let peakMB = 0;
let server = 0;
let seconds = 0;
beforeAll(async () => {
  dir = brainPackage();
  model = await loadPackage(dir);
  runner = createRunner({ model });
  study = toJson(parseHeader(readFileSync(brainSlices()[0]!), { complete: true }).dataset);
  // Not in their order: the positions decide.
  const inputs = brainSlices()
    .map((path): WorkInput => {
      const file = readFileSync(path);
      const { dataset } = parseHeader(file, { complete: true });
      return { sopInstanceUid: dataset.string(TAG.SOPInstanceUID)!, read: async () => file };
    })
    .reverse();
  const before = process.memoryUsage().rss;
  const from = performance.now();
  const outcome = await work(
    model.manifest,
    {
      analyse: runner.analyse,
      analyseVolume: async (...asked) => (result = await runner.analyseVolume(...asked)),
    },
    inputs,
  );
  seconds = (performance.now() - from) / 1000;
  server = (process.memoryUsage().rss - before) / 2 ** 20;
  if ('notRun' in outcome) throw new Error(outcome.notRun);
  const instance = {
    seriesUid: jsonString(study, TAG.SeriesInstanceUID)!,
    sopClassUid: jsonString(study, TAG.SOPClassUID)!,
  };
  documents = resultDocuments({
    runId: 'run-1',
    studyUid: jsonString(study, TAG.StudyInstanceUID)!,
    result: outcome,
    manifest: model.manifest,
    softwareVersion: '1.0.0',
    at: new Date(Date.UTC(2026, 0, 2, 3, 4, 5)),
    study,
    instances: new Map(inputs.map(({ sopInstanceUid }) => [sopInstanceUid, instance])),
  });
  peakMB = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${runner.pid}/status`, 'utf8'))![1]) / 1024;
}, 300_000);
afterAll(async () => {
  await runner.close();
  rmSync(dir, { recursive: true });
});

describe('the brain tissue network', () => {
  test('gives every voxel the label of the reference', () => {
    expect(createHash('sha256').update(labels).digest('hex')).toBe(golden.label_volume_sha256);
    expect(result.labelsSha256).toBe(golden.label_volume_sha256);
    const volumes = { white: result.voxels['white-matter'], grey: result.voxels['grey-matter'] };
    expect(volumes).toEqual({ white: golden.voxels.white, grey: golden.voxels.grey });
    for (const wrong of Object.values(golden.wrong_orientation_signatures))
      expect(volumes).not.toEqual(wrong);
  });

  test('puts them on the images from which they came', () => {
    const { segmentation, order } = result;
    expect([segmentation.rows, segmentation.columns, order.length]).toEqual([256, 256, 256]);
    const [white, grey] = segmentation.segments;
    expect(white).toMatchObject({ label: 'white-matter', pixels: golden.voxels.white });
    expect(white!.ml).toBeCloseTo(518.54, 6);
    expect(grey!.ml).toBeCloseTo(735.212, 6);

    // tensor[i][j][k] is the pixel of the slice with the (i+1)-th smallest x, row j, column 255 − k (shared/models/model.json).
    const bits = inflatedBits(segmentation);
    const { positions } = segmentation.geometry!;
    let frame = 0;
    const of = new Map<string, number>();
    segmentation.segments.forEach(({ sources }, segment) => {
      for (const source of sources) of.set(`${segment} ${source}`, frame++);
    });
    const byX = positions.map((p, i) => ({ x: p[0]!, i })).sort((a, b) => a.x - b.x);
    const labelAt = (slice: number, row: number, column: number): number => {
      const found = [0, 1].filter((segment) => {
        const at = of.get(`${segment} ${slice}`);
        if (at === undefined) return false;
        const bit = at * 256 * 256 + row * 256 + column;
        return ((bits[bit >> 3]! >> (bit & 7)) & 1) === 1;
      });
      expect(found.length).toBeLessThan(2);
      return found.length ? found[0]! + 1 : 0;
    };
    for (const [place, label] of Object.entries(golden.labels_at_ijk)) {
      const [i, j, k] = place.split(',').map(Number) as [number, number, number];
      expect(labelAt(byX[i]!.i, j, 255 - k), place).toBe(label);
    }
    // And everywhere, on some slices.
    for (const i of [0, 62, 100, 128, 180, 255])
      for (let j = 0; j < 256; j += 3)
        for (let k = 0; k < 256; k += 5)
          if (labelAt(byX[i]!.i, j, 255 - k) !== labels[(i * 256 + j) * 256 + k])
            throw new Error(`another label at ${i},${j},${k}`);
  });

  test('as a segmentation and a report that are valid and agree', () => {
    const keep = process.env['KEEP_BRAIN'];
    if (keep) documents.forEach(({ bytes }, i) => writeFileSync(`${keep}/${i}.dcm`, bytes));
    expect(documents.map((d) => d.sopClassUid)).toEqual([
      SOP_CLASS.SegmentationStorage,
      SOP_CLASS.ComprehensiveSRStorage,
    ]);
    const [seg, sr] = documents;
    if (hasDciodvfy) for (const { bytes } of documents) expect(dciodvfyErrors(bytes)).toEqual([]);
    expect(sr!.bytes.includes(seg!.sopInstanceUid)).toBe(true);
    expect(sr!.bytes.toString('latin1')).toMatch(/518\.54.*735\.212/s);
  });

  test('within its limits, in its own process', () => {
    console.log(`brain tissue: ${seconds.toFixed(1)} s, ${peakMB.toFixed(0)} MiB at most in its process, ${server.toFixed(0)} MiB more in ours`); // prettier-ignore
    expect(peakMB).toBeLessThan(model.manifest.resources.memoryMB);
    expect(peakMB).toBeLessThan(1100);
    expect(server).toBeLessThan(120);
  });
});
