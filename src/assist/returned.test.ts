/** Whatever a tool can say comes back from the documents that are made of it, and nothing that the run cannot have said. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SOP_CLASS } from '../dicom/sopClasses.ts';
import { dataset } from '../dicom/builder.ts';
import { toJson } from '../dicom/json.ts';
import { parseHeader } from '../dicom/parse.ts';
import { parseManifest } from './manifest.ts';
import { manifestOf } from './onnxTesting.ts';
import { resultDocuments } from './result.ts';
import { isReturnable, toolResultOf } from './returned.ts';
import { segmentsOf } from './segments.ts';
import type { ModelManifest } from './types.ts';
import type { ToolResult } from './work.ts';

const WEIGHTS = { file: 'w.onnx', sha256: 'a'.repeat(64) };
const manifest = (parts: object): ModelManifest =>
  parseManifest(manifestOf({ weights: WEIGHTS, ...parts }), 'test');
const SIDE = 64;
const UIDS = ['1.2.3.1', '1.2.3.2', '1.2.3.3'];
const IMAGES = UIDS.map((sopInstanceUid) => ({ sopInstanceUid, rows: SIDE, columns: SIDE }));
const base = (of: ModelManifest): ToolResult => ({
  modelId: of.id,
  modelVersion: of.version,
  weightsSha256: of.weights.sha256,
  operatingPoint: of.defaultOperatingPoint,
  threshold: of.operatingPoints[of.defaultOperatingPoint]?.threshold ?? 0,
  images: [],
  findings: [],
  segmentations: [],
  undecodable: 0,
});

const study = dataset({ StudyInstanceUID: '1.2.3', Modality: 'DX', PatientName: 'Essai^Retour' });
function returned(result: ToolResult, of: ModelManifest) {
  const objects = resultDocuments({
    runId: 'run-1',
    studyUid: '1.2.3',
    result,
    manifest: of,
    softwareVersion: '1.0.0',
    at: new Date(Date.UTC(2026, 0, 2)),
    study,
    instances: new Map(
      UIDS.map((uid) => [uid, { seriesUid: '1.2.3.0', sopClassUid: '1.2.840.10008.5.1.4.1.1.4' }]),
    ),
  }).map(({ sopClassUid, bytes }) => ({
    sopClassUid,
    file: parseHeader(bytes, { complete: true }),
  }));
  return {
    report: toJson(objects.at(-1)!.file.dataset),
    segmentations: objects.flatMap(({ sopClassUid, file }) =>
      sopClassUid === SOP_CLASS.SegmentationStorage ? [file] : [],
    ),
  };
}
const back = (result: ToolResult, of: ModelManifest): ToolResult =>
  toolResultOf(returned(result, of), { manifest: of, images: IMAGES });

/** Numbers that text of 16 characters and single precision hold exactly. */
const part = fc.integer({ min: 0, max: 1024 }).map((n) => n / 1024);
const box = fc.record({
  x: fc.integer({ min: 0, max: 30 }),
  y: fc.integer({ min: 0, max: 30 }),
  width: fc.integer({ min: 1, max: 30 }),
  height: fc.integer({ min: 1, max: 30 }),
});

describe('comes back as it was', () => {
  const many = manifest({
    outputs: { scores: { name: 's', labels: ['one-thing', 'another-thing'] } },
    operatingPoints: { only: { threshold: 0.5, thresholds: { 'another-thing': 0.25 }, text: { fr: 'a', en: 'a' }, measured: [] } }, // prettier-ignore
  });
  test('several scores, each with its own threshold', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(part, part), { minLength: 1, maxLength: 3 }), (scores) => {
        const images = scores.map(([one, other], i) => ({
          sopInstanceUid: UIDS[i]!,
          score: Math.max(one, other),
          positive: one >= 0.5 || other >= 0.25,
          heat: null,
          scores: { 'one-thing': one, 'another-thing': other },
        }));
        const findings = images.flatMap(({ sopInstanceUid, scores: each }) =>
          [
            { label: 'one-thing', score: each['one-thing'], from: 0.5 },
            { label: 'another-thing', score: each['another-thing'], from: 0.25 },
          ]
            .filter(({ score, from }) => score >= from)
            .sort((a, b) => b.score - a.score)
            .map(({ label, score }) => ({ sopInstanceUid, label, score, places: [] })),
        );
        const result = {
          ...base(many),
          images,
          findings: findings.map((each, i) => ({ number: i + 1, ...each })),
          undecodable: 3 - images.length,
        };
        expect(back(result, many)).toEqual(result);
      }),
      { numRuns: 60 },
    );
  });

  const boxes = manifest({
    outputs: { boxes: { layout: 'yolov8', name: 'b', labels: ['one-thing', 'another-thing'] } },
  });
  test('boxes of several labels', () => {
    const places = fc.array(fc.record({ box, peak: part.filter((peak) => peak >= 0.5) }), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(fc.tuple(places, places), { minLength: 1, maxLength: 3 }), (all) => {
        const perImage = all.map(([one, other], i) => ({
          sopInstanceUid: UIDS[i]!,
          found: [
            { label: 'one-thing', places: one },
            { label: 'another-thing', places: other },
          ]
            .filter((each) => each.places.length > 0)
            .map((each) => ({ ...each, score: Math.max(...each.places.map(({ peak }) => peak)) }))
            .sort((a, b) => b.score - a.score),
        }));
        const findings = perImage.flatMap(({ sopInstanceUid, found }) =>
          found.map(({ label, score, places: own }) => ({ sopInstanceUid, label, score, places: own })),
        );
        const result = {
          ...base(boxes),
          images: perImage.map(({ sopInstanceUid, found }) => ({
            sopInstanceUid,
            score: found[0]?.score ?? 0,
            positive: found.length > 0,
            heat: null,
          })),
          findings: findings.map((each, i) => ({ number: i + 1, ...each })),
          undecodable: 3 - all.length,
        };
        expect(back(result, boxes)).toEqual(result);
      }),
      { numRuns: 60 },
    );
  });

  test('measurements of an image, without a threshold', () => {
    const code = { value: '1', scheme: '99TEST', meaning: 'Angle' };
    const unit = { value: 'deg', scheme: 'UCUM', meaning: 'degree' };
    const measuring = manifest({
      outputs: { measurements: { name: 'm', items: [{ key: 'angle', text: { fr: 'a', en: 'a' }, code, unit }] } },
      operatingPoints: {},
      defaultOperatingPoint: '',
    }); // prettier-ignore
    const image = { sopInstanceUid: UIDS[1]!, score: 0, positive: false, heat: null };
    const result = {
      ...base(measuring),
      images: [{ ...image, measurements: { angle: 12.5 } }],
      undecodable: 2,
    };
    expect(back(result, measuring)).toEqual(result);
  });

  const segmenting = (parts: object) =>
    manifest({
      outputs: { segmentation: { name: 'm', form: 'labels', labels: { 1: 'one-thing', 2: 'another-thing' } } },
      operatingPoints: {},
      defaultOperatingPoint: '',
      ...parts,
    }); // prettier-ignore
  const LABELS = { 1: 'one-thing', 2: 'another-thing' };
  const slices = fc.array(
    fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 15, maxLength: 15 }).map((values) => {
      // Odd sizes: frames begin within a byte.
      const slice = new Uint8Array(15);
      return (slice.set(values), slice);
    }),
    { minLength: 3, maxLength: 3 },
  );
  const small = UIDS.map((sopInstanceUid) => ({ sopInstanceUid, rows: 3, columns: 5 }));

  test('the segments of a volume: counted again from the pixels', () => {
    const volume = segmenting({
      input: { kind: 'volume', name: 'x', axes: 'LPS', intensity: { kind: 'min-max' }, normalise: { offset: 0, scale: 1 } },
      intendedUse: { ...(manifestOf({})['intendedUse'] as object), modalities: ['MR'], sopClasses: ['1.2.840.10008.5.1.4.1.1.4'], series: { slices: { min: 3 } } },
    }); // prettier-ignore
    fc.assert(
      fc.property(slices, (all) => {
        const made = segmentsOf(all, 3, 5, LABELS, (0.5 * 2 * 3) / 1000);
        const geometry = {
          frameOfReferenceUid: '1.2.9',
          orientation: [1, 0, 0, 0, 1, 0],
          spacing: [0.5, 2] as const,
          thickness: 3,
          between: 3,
          positions: [0, 1, 2].map((i) => [0, 0, 3 * i]),
        };
        const result = {
          ...base(volume),
          segmentations: [{ ...made, rows: 3, columns: 5, geometry, images: UIDS }],
        };
        const documents = returned(result, volume);
        const [seen, ...more] = toolResultOf(documents, { manifest: volume, images: small }).segmentations;
        expect(more).toEqual([]);
        for (const [i, { label, pixels, ml, sources }] of made.segments.entries()) {
          const other = seen!.segments[i]!;
          expect([other.label, other.pixels]).toEqual([label, pixels]);
          expect(other.sources.map((at) => seen!.images[at])).toEqual(sources.map((at) => UIDS[at]));
          // Without any segment there is no object, and nothing says where the images lie.
          if (documents.segmentations.length > 0) expect(other.ml).toBeCloseTo(ml!, 9);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('the segments of single images, also of one where nothing was seen', () => {
    const image = segmenting({});
    fc.assert(
      fc.property(slices, (all) => {
        const result = {
          ...base(image),
          images: UIDS.map((sopInstanceUid) => ({ sopInstanceUid, score: 0, positive: false, heat: null })),
          segmentations: all.map((slice, i) => ({
            ...segmentsOf([slice], 3, 5, LABELS, null),
            rows: 3,
            columns: 5,
            geometry: null,
            images: [UIDS[i]!],
          })),
        };
        const seen = toolResultOf(returned(result, image), { manifest: image, images: small });
        expect(seen.images).toEqual(result.images);
        const byImage = new Map(seen.segmentations.map((each) => [each.images[0], each]));
        for (const { images, segments } of result.segmentations)
          expect(byImage.get(images[0])!.segments).toEqual(segments);
      }),
      { numRuns: 30 },
    );
  });

  describe('is refused', () => {
    const image = segmenting({});
    const one = (values: number[]) => segmentsOf([Uint8Array.from(values)], 3, 5, LABELS, null);
    const result = (uid: string): ToolResult => ({
      ...base(image),
      images: [{ sopInstanceUid: uid, score: 0, positive: false, heat: null }],
      segmentations: [
        { ...one(Array.from({ length: 15 }, (_, i) => i % 3)), rows: 3, columns: 5, geometry: null, images: [uid] },
      ],
    }); // prettier-ignore
    const of = { manifest: image, images: small };
    const refusal = (work: () => unknown) => {
      try {
        work();
      } catch (error) {
        return error as Error;
      }
      throw new Error('was taken');
    };

    test.each([
      ['an image of another study', { ...of, images: small.slice(1) }, /image that the work item does not have/],
      ['another size', { ...of, images: IMAGES }, /another size/],
      ['a model that makes none', { ...of, manifest: boxes }, /does not name the model|no segmentation|threshold/],
      ['a label that it does not have', { ...of, manifest: { ...image, labels: { 'one-thing': image.labels['one-thing']! }, outputs: { segmentation: { ...image.outputs.segmentation!, labels: { 1: 'one-thing' } } } } }, /label that the model does not have/],
    ] as const)('a segmentation of %s', (_, asked, words) => {
      const error = refusal(() => toolResultOf(returned(result(UIDS[0]!), image), asked));
      expect(error).toMatchObject({ code: 'workitem-incomplete', status: 409 });
      expect(error.message).toMatch(words);
    }); // prettier-ignore

    test('two of one image, and a score of an image or a label from elsewhere', () => {
      const { report, segmentations } = returned(result(UIDS[0]!), image);
      expect(
        refusal(() => toolResultOf({ report, segmentations: [...segmentations, ...segmentations] }, of))
          .message,
      ).toMatch(/two segmentations are of one image/);
      const scored = {
        ...base(many),
        images: [{ sopInstanceUid: UIDS[0]!, score: 1, positive: true, heat: null, scores: { 'one-thing': 1, 'another-thing': 0 } }],
      }; // prettier-ignore
      const documents = returned(scored, many);
      expect(
        refusal(() => toolResultOf(documents, { manifest: many, images: IMAGES.slice(1) })).message,
      ).toMatch(/image that the work item does not have/);
      const fewer = { ...scored, images: [{ ...scored.images[0]!, scores: { 'one-thing': 1 } }] };
      expect(refusal(() => back(fewer, many)).message).toMatch(/lacks the score of a label/);
    });
  });
});

test('labels that nothing tells apart cannot come back', () => {
  const code = { value: '125605004', scheme: 'SCT', meaning: 'Fracture of bone' };
  const label = (words: string) => ({ text: { fr: words, en: words }, code });
  const parts = { outputs: { scores: { name: 's', labels: ['a', 'b'] } } };
  expect(isReturnable(manifest({ ...parts, labels: { a: label('A'), b: label('B') } }))).toBe(false);
  const other = { ...label('B'), code: { ...code, value: '1' } };
  expect(isReturnable(manifest({ ...parts, labels: { a: label('A'), b: other } }))).toBe(true);
});
