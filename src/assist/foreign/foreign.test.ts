/** Results of algorithms elsewhere: read leniently, mapped to findings, and hidden from the moment they come. */
import { createReadStream, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { archiveMigrations, createArchive, SEES_ALL, SEES_NO_AI } from '../../archive/index.ts';
import type { Archive } from '../../archive/index.ts';
import { chunks, silentLog } from '../../archive/testing.ts';
import { DCM, LOCAL, measurementReport, SCT, studyAttributes, UCUM } from '../../dicom/build/sr.ts';
import type { MeasurementGroup } from '../../dicom/build/sr.ts';
import { parseHeader, toJson, writePart10 } from '../../dicom/index.ts';
import { readMeasurementReport } from '../../dicom/srRead.ts';
import type { DicomJson } from '../../dicom/types.ts';
import { eachStore } from '../../store/testing.ts';
import { createAssist } from '../assist.ts';
import { assistMigrations } from '../tables.ts';
import { beyondFirstPage, modelDir, shared } from '../testing.ts';
import { mapReport } from './map.ts';
import { foreignObjects, foreignRunOf, foreignToolOf } from './tool.ts';

const FILE = shared('radiographs/dicom/DX06_FOREARM_RL_0762.dcm');
const jsonOf = (bytes: Buffer): DicomJson =>
  toJson(parseHeader(bytes, { complete: true }).dataset, { bulkDataUri: (path) => path });
const image = jsonOf(readFileSync(FILE));
const uid = (tag: string): string => String(image[tag]!.Value![0]);
const reference = (over: Partial<{ sopInstanceUid: string; frames: number[] }> = {}) => ({
  studyUid: uid('0020000D'),
  seriesUid: uid('0020000E'),
  sopClassUid: uid('00080016'),
  sopInstanceUid: uid('00080018'),
  ...over,
});
const algorithm = { name: 'BoneFinder', version: '3.1', manufacturer: 'Other Maker' };
const FRACTURE = SCT('125605004', 'Fracture of bone');

/** A report as another maker's gateway writes it. */
function report(
  groups: readonly MeasurementGroup[],
  by: 'algorithm' | 'person' = 'algorithm',
  id = '1',
): DicomJson {
  const json = measurementReport({
    study: studyAttributes(image),
    equipment: { manufacturer: 'Other Maker', model: 'Gateway', version: '1' },
    at: new Date(1_700_000_000_000),
    language: 'en',
    observers: [
      by === 'person' ? { person: 'Reader^One' } : { device: { uid: '1.2.3.4', name: 'BoneFinder' } },
    ],
    images: [reference()],
    evaluations: [{ concept: LOCAL('x', 'Summary'), value: 'one suspected fracture' }],
    groups,
    algorithms: [algorithm],
    seriesDescription: 'AI',
    seriesNumber: 1,
    sopInstanceUid: `1.2.826.0.1.${id}`,
    seriesInstanceUid: '1.2.826.0.2',
  });
  return json;
}
const onBox = (
  box = { x: 100, y: 150, width: 60, height: 40 },
  more: Partial<MeasurementGroup> = {},
): MeasurementGroup => ({
  trackingId: 'A',
  finding: FRACTURE,
  site: SCT('23416004', 'Bone structure of ulna'),
  region: { image: reference(), box },
  algorithm,
  measurements: [{ concept: DCM('111047', 'Probability'), value: 83, unit: UCUM('%', 'percent') }],
  ...more,
});
const images = new Map([
  [
    reference().sopInstanceUid,
    { sopInstanceUid: reference().sopInstanceUid, rows: 800, columns: 600, frames: 1 },
  ],
]);
const mapped = (json: DicomJson) => mapReport(readMeasurementReport(json), images);

describe('what a report says', () => {
  test('a group with a place is a finding with its words, its score and its box', () => {
    const { findings, labels, unmapped } = mapped(report([onBox()]));
    expect(unmapped).toEqual([]);
    expect(findings).toEqual([
      {
        sopInstanceUid: reference().sopInstanceUid,
        label: 'ext-sct-125605004',
        score: 0.83,
        places: [{ box: { x: 100, y: 150, width: 60, height: 40 }, peak: 0.83 }],
      },
    ]);
    expect(labels['ext-sct-125605004']).toEqual({
      text: {
        fr: 'Fracture of bone, Bone structure of ulna',
        en: 'Fracture of bone, Bone structure of ulna',
      },
      code: FRACTURE,
    });
  });

  test('circles, ellipses and points are boxes, and a whole image has none', () => {
    const ellipse = onBox(undefined, {
      region: { image: reference(), ellipse: { x: 10, y: 20, width: 80, height: 30 } },
    });
    const point = onBox(undefined, { region: { image: reference(), place: [[300, 400]] } });
    const { region: _, ...rest } = onBox();
    const whole: MeasurementGroup = { ...rest, images: [reference()] };
    const { findings } = mapped(report([ellipse, point, whole]));
    expect(findings.map(({ places }) => places.map(({ box }) => box))).toEqual([
      [{ x: 10, y: 20, width: 80, height: 30 }],
      [{ x: 288, y: 388, width: 24, height: 24 }],
      [],
    ]);
  });

  test('what has no place on an image of the study is named, and the rest is taken', () => {
    const cases: [MeasurementGroup, string][] = [
      [
        onBox(undefined, {
          region: { image: reference({ sopInstanceUid: '1.2.3' }), box: { x: 1, y: 1, width: 2, height: 2 } },
        }),
        'image-absent',
      ],
      [onBox({ x: 5000, y: 5000, width: 10, height: 10 }), 'off-image'],
      [
        onBox(undefined, {
          region: { image: reference({ frames: [3] }), box: { x: 1, y: 1, width: 2, height: 2 } },
        }),
        'frames',
      ],
      [{ trackingId: 'B', finding: FRACTURE, algorithm }, 'no-image'],
    ];
    for (const [group, why] of cases) {
      const { findings, unmapped } = mapped(report([group, onBox()]));
      expect([why, unmapped, findings.length]).toEqual([why, [why], 1]);
    }
    // Partly off the image: the part that is on it.
    expect(
      mapped(report([onBox({ x: -20, y: 780, width: 50, height: 60 })])).findings[0]!.places[0]!.box,
    ).toEqual({
      x: 0,
      y: 780,
      width: 30,
      height: 20,
    });
    expect(mapped(report(Array.from({ length: 205 }, () => onBox()))).unmapped).toEqual(['too-many']);
  });

  test('hostile content: nested deep, without codes, with numbers that are none, of the wrong shape', () => {
    const spoil = (change: (json: any) => void): DicomJson => {
      const json = structuredClone(report([onBox()])) as any;
      change(json);
      return json as DicomJson;
    };
    const group = (json: any): any =>
      json['0040A730'].Value.find(
        (each: any) => each['0040A043']?.Value[0]['00080100']?.Value[0] === '126010',
      )['0040A730'].Value[0];
    const scoord = (json: any): any =>
      group(json)['0040A730'].Value.find((each: any) => each['0040A040'].Value[0] === 'SCOORD');
    const num = (json: any): any =>
      group(json)['0040A730'].Value.find((each: any) => each['0040A040'].Value[0] === 'NUM');
    expect(mapped(spoil((json) => (scoord(json)['00700022'].Value[1] = 'NaN'))).unmapped).toContain('region');
    expect(mapped(spoil((json) => (scoord(json)['00700022'].Value[1] = 1e300))).unmapped).toContain('region');
    expect(mapped(spoil((json) => scoord(json)['00700022'].Value.pop())).unmapped).toContain('region');
    expect(
      mapped(spoil((json) => (num(json)['0040A300'].Value[0]['0040A30A'].Value = ['NaN']))).unmapped,
    ).toContain('number');
    const bare = mapped(
      spoil((json) => {
        for (const item of group(json)['0040A730'].Value) delete item['0040A168'];
      }),
    );
    expect(bare.findings[0]!.label).toBe('ext-a'); // the words of its tracking identifier
    let deep: any = { '0040A040': { vr: 'CS', Value: ['CONTAINER'] } };
    for (let i = 0; i < 5000; i += 1)
      deep = { '0040A040': { vr: 'CS', Value: ['CONTAINER'] }, '0040A730': { vr: 'SQ', Value: [deep] } };
    const nested = mapped(spoil((json) => json['0040A730'].Value.push(deep)));
    expect([nested.unmapped, nested.findings.length]).toEqual([['too-deep'], 1]);
    const wide = mapped(
      spoil((json) => (json['0040A730'].Value = [...json['0040A730'].Value, ...Array(60_000).fill({})])),
    );
    expect(wide.unmapped).toContain('too-large');
    for (const value of [null, 7, 'text', [], [null], [[]], [7], { a: 1 }])
      expect(mapped({ '0040A730': { vr: 'SQ', Value: value } } as never).findings).toEqual([]);
  });

  test('the reports and segmentations of the shared collection are read without a throw', () => {
    const tools = [];
    for (const path of [
      'sr/dcmqi_sr.dcm',
      'sr/sample-sr.dcm',
      'sr/structured_report.dcm',
      'sr/sr_document.dcm',
      'seg/seg_image_ct_binary.dcm',
      'seg/liver.dcm',
    ]) {
      const json = jsonOf(readFileSync(shared(`dicom/${path}`)));
      mapped(json);
      tools.push([path, foreignToolOf(json)?.name]);
    }
    // A person observed in dcmqi_sr; only one says that an algorithm made it.
    expect(tools.filter(([, name]) => name)).toEqual([['seg/seg_image_ct_binary.dcm', 'test']]);
    const read = readMeasurementReport(jsonOf(readFileSync(shared('dicom/sr/dcmqi_sr.dcm'))));
    expect(read.groups).toHaveLength(1);
    expect(read.groups[0]!.measurements.length).toBeGreaterThan(0);
    expect(read.problems).toEqual(['region-segment']);
  });
});

test('whose work it is: an algorithm that is named, unless a person answers for it', () => {
  const tool = foreignToolOf(report([onBox()]))!;
  expect(tool).toMatchObject({ name: 'BoneFinder', version: '3.1', manufacturer: 'Other Maker' });
  expect(tool.id).toMatch(/^ext-other-maker-bonefinder-[0-9a-f]{8}$/);
  expect(foreignToolOf(report([onBox()], 'person'))).toBeUndefined();
  expect(
    foreignToolOf({ ...report([onBox()]), '0040A493': { vr: 'CS', Value: ['VERIFIED'] } }),
  ).toBeUndefined();
  expect(foreignToolOf(image)).toBeUndefined();
  // Written alike and not the same.
  const alike = {
    ...report([onBox({ x: 1, y: 1, width: 3, height: 3 })]),
    '00080070': { vr: 'LO', Value: ['other-maker'] },
  };
  expect(foreignToolOf(alike)!.id).toBe(tool.id); // its own identification leads
});

async function until<T>(ask: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (let i = 0; i < 400; i += 1) {
    const value = await ask();
    if (holds(value)) return value;
    await pause(25);
  }
  throw new Error('waited in vain');
}
const send = (archive: Archive, json: DicomJson) =>
  archive.ingest(chunks(writePart10({ json })), { door: 'stow', from: 'gateway' });

eachStore((_label, make) => {
  test('it comes by any door: hidden at once, a run of a tool in the stage evaluation, findings; again after the index is made anew', async () => {
    const store = await make({ migrations: [...archiveMigrations, ...assistMigrations] });
    const archive = createArchive({
      store,
      log: silentLog,
      foreign: foreignObjects,
      settings: { silenceMs: 20, minFree: 0 },
    });
    await archive.start();
    // Nobody works on it yet: hidden all the same.
    const first = report([onBox(), { trackingId: 'C', finding: FRACTURE, algorithm }]);
    expect((await send(archive, first)).status).toBe('stored');
    const studyUid = reference().studyUid;
    expect(await archive.findInstances({ match: {}, studyUid }, SEES_NO_AI)).toEqual([]);
    expect((await archive.counts([studyUid], SEES_NO_AI)).get(studyUid)).toMatchObject({ instances: 0 });
    const [stored] = await archive.findInstances({ match: {}, studyUid }, SEES_ALL);
    const tool = foreignToolOf(first)!;
    const runId = foreignRunOf(tool, studyUid);
    expect(stored).toMatchObject({ kind: 'ai', aiRunId: runId });

    const assist = createAssist({ store, archive, modelDirs: [modelDir('fracture')], processes: 0 });
    await assist.start();
    await until(
      () => assist.unmapped(runId),
      (codes) => codes.includes('image-absent'),
    );
    expect(await assist.findings(runId)).toEqual([]);
    // The image comes after it: then the findings are there, each once.
    await archive.ingest(createReadStream(FILE), { door: 'import', from: 'test' });
    const [finding] = await until(
      () => assist.findings(runId),
      (findings) => findings.length > 0,
    );
    expect(finding).toMatchObject({ number: 1, label: 'ext-sct-125605004', score: 0.83 });
    await until(
      () => assist.unmapped(runId),
      (codes) => codes.join() === 'no-image',
    );
    const run = (await assist.runs([studyUid])).find(({ id }) => id === runId)!;
    expect(run).toMatchObject({ modelId: tool.id, modelVersion: '3.1', state: 'analysed' });
    expect(run.images).toMatchObject([{ positive: true, score: 0.83 }]);
    expect(await assist.model(tool.id)).toMatchObject({ foreign: true, manifest: { maker: 'Other Maker' } });

    // A second object of the same tool and study belongs to the same run; a person's report is nobody's run.
    await send(archive, report([onBox({ x: 300, y: 300, width: 20, height: 20 })], 'algorithm', '2'));
    await send(archive, report([onBox()], 'person', '3'));
    await until(
      () => assist.findings(runId),
      (findings) => findings.length === 2,
    );
    expect((await assist.findings(runId)).map(({ number }) => number)).toEqual([1, 2]);
    const seen = await archive.findInstances({ match: {}, studyUid }, SEES_NO_AI);
    expect(seen.map(({ sopInstanceUid }) => sopInstanceUid).sort()).toEqual(
      [reference().sopInstanceUid, '1.2.826.0.1.3'].sort(),
    );

    await archive.reindex({ rebuild: true });
    expect(await archive.findInstances({ match: {}, studyUid }, SEES_NO_AI)).toHaveLength(2);
    // Where even what the old rows said is lost, the files say it.
    for (const table of ['instance_header', 'instance', 'series', 'study_word', 'study'])
      await store.db.deleteFrom(table as never).execute();
    await archive.reindex({});
    expect(await archive.findInstances({ match: {}, studyUid }, SEES_NO_AI)).toHaveLength(2);
    const all = await archive.findInstances({ match: {}, studyUid }, SEES_ALL);
    expect(all.filter(({ aiRunId }) => aiRunId === runId)).toHaveLength(2);
    await pause(300);
    expect(await assist.findings(runId)).toHaveLength(2);
    await assist.close();
  });

  test('every image of a large study is known, not those of the first page of a search alone', async () => {
    const store = await make({ migrations: [...archiveMigrations, ...assistMigrations] });
    const archive = createArchive({
      store,
      log: silentLog,
      foreign: foreignObjects,
      settings: { silenceMs: 20, minFree: 0 },
    });
    await archive.start();
    await archive.ingest(createReadStream(FILE), { door: 'import', from: 'test' });
    const json = report([onBox()]);
    await send(archive, json);
    const assist = createAssist({
      store,
      archive: beyondFirstPage(archive),
      modelDirs: [modelDir('fracture')],
      processes: 0,
    });
    await assist.start();
    const runId = foreignRunOf(foreignToolOf(json)!, reference().studyUid);
    await until(
      () => assist.run(runId),
      (run) => run !== undefined,
    );
    expect(await assist.unmapped(runId)).toEqual([]);
    expect(await assist.findings(runId)).toHaveLength(1);
    await assist.close();
  });
});
