/**
 * What an algorithm elsewhere found, by the doors that it comes by: hidden from everyone who may not see it from the moment it
 * comes, and once its tool has a stage, decided on like the findings of our own.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DCM, measurementReport, SCT, studyAttributes, UCUM } from '../src/dicom/build/sr.ts';
import { type DicomJson, jsonString, parseHeader, TAG, toJson, writePart10 } from '../src/dicom/index.ts';
import { multipart } from '../src/doors/dicomweb/testing.ts';
import {
  Client,
  firstAccount,
  PIN,
  radiograph,
  remove,
  startServer,
  until,
  upload,
  worklist,
  type Server,
} from './harness.ts';

let server: Server;
let reader: Client; // Anne: administrator and reader
let evidence: Client;
let viewer: Client;

/** The report of another maker on this radiograph. */
function reportOn(file: string): { bytes: Buffer; studyUid: string; sopInstanceUid: string } {
  const image = toJson(parseHeader(readFileSync(radiograph(file)), { complete: true }).dataset, {
    bulkDataUri: (path) => path,
  });
  const uid = (tag: number) => jsonString(image, tag)!;
  const reference = {
    studyUid: uid(TAG.StudyInstanceUID),
    seriesUid: uid(TAG.SeriesInstanceUID),
    sopClassUid: uid(TAG.SOPClassUID),
    sopInstanceUid: uid(TAG.SOPInstanceUID),
  };
  const algorithm = { name: 'BoneFinder', version: '3.1', manufacturer: 'Other Maker' };
  const sopInstanceUid = `${reference.studyUid.slice(0, 50)}.77.1`;
  const json = measurementReport({
    study: studyAttributes(image),
    equipment: { manufacturer: 'Other Maker', model: 'Gateway', version: '1' },
    at: new Date(),
    language: 'en',
    observers: [{ device: { uid: '1.2.3.4', name: 'BoneFinder' } }],
    images: [reference],
    groups: [
      {
        trackingId: 'A',
        finding: SCT('125605004', 'Fracture of bone'),
        region: { image: reference, box: { x: 40, y: 50, width: 60, height: 40 } },
        algorithm,
        measurements: [{ concept: DCM('111047', 'Probability'), value: 83, unit: UCUM('%', 'percent') }],
      },
    ],
    algorithms: [algorithm],
    seriesDescription: 'BoneFinder',
    seriesNumber: 9,
    sopInstanceUid,
    seriesInstanceUid: `${reference.studyUid.slice(0, 50)}.77`,
  });
  return { bytes: writePart10({ json }), studyUid: reference.studyUid, sopInstanceUid };
}
interface View {
  series: { instances: { sopInstanceUid: string }[] }[];
  ai: { status: { modelId: string }; hidden: string | null; unmapped: string[] }[];
  findings: { id: string; by: string; label: string; modelId: string }[];
  acceptedText?: string;
}
const open = (client: Client, studyUid: string) => client.json<View>('GET', `/api/studies/${studyUid}`);
const shows = ({ series }: View, uid: string) =>
  series.some(({ instances }) => instances.some(({ sopInstanceUid }) => sopInstanceUid === uid));
const foreignOf = ({ ai }: View) => ai.filter(({ status }) => status.modelId.startsWith('ext-'));
const classes = async (client: Client, studyUid: string) =>
  (await client.json<DicomJson[]>('GET', `/dicom-web/studies/${studyUid}/instances`)).map((each) =>
    jsonString(each, TAG.SOPClassUID),
  );
const SR = '1.2.840.10008.5.1.4.1.1.88.33';

beforeAll(async () => {
  server = await startServer();
  reader = await firstAccount(server);
  const make = async (role: string) =>
    new Client(server.url, (await reader.json('POST', '/api/tokens', { name: role, roles: [role] })).token);
  evidence = await make('evidence');
  viewer = await make('viewer');
});
afterAll(async () => {
  await server.stop();
  remove(server);
});

test('it comes by the web and by upload: nobody learns of it before its time, and then it is decided on', async () => {
  const files = ['DX04_FOREARM_PA_1342.dcm', 'DX20_HAND_PA_0252.dcm'] as const;
  await upload(reader, ...files.map((file) => radiograph(file)));
  const [byWeb, byUpload] = files.map(reportOn) as [ReturnType<typeof reportOn>, ReturnType<typeof reportOn>];
  const { body, headers } = multipart([
    { headers: { 'content-type': 'application/dicom' }, bytes: byWeb.bytes },
  ]);
  expect((await reader.call('POST', '/dicom-web/studies', body, headers)).status).toBe(200);
  await reader.json('POST', '/api/upload', byUpload.bytes, { 'x-file-name': 'result.dcm' });

  for (const { studyUid, sopInstanceUid } of [byWeb, byUpload]) {
    // From the first moment on, before anything has looked into it.
    for (const client of [reader, viewer]) {
      expect(await classes(client, studyUid)).not.toContain(SR);
      expect(foreignOf(await open(client, studyUid))).toEqual([]);
      expect(shows(await open(client, studyUid), sopInstanceUid)).toBe(false);
      const rows = (await worklist(client)).filter(({ study }) => study.studyUid === studyUid);
      expect(JSON.stringify(rows)).not.toContain('ext-');
      const path = `/dicom-web/instances?SOPInstanceUID=${sopInstanceUid}`;
      expect(await client.json('GET', path)).toEqual([]);
    }
    await until(
      () => open(evidence, studyUid),
      (view) => foreignOf(view).length === 1,
    );
    expect(await classes(evidence, studyUid)).toContain(SR);
    expect(shows(await open(evidence, studyUid), sopInstanceUid)).toBe(true);
    for (const client of [reader, viewer]) {
      expect(foreignOf(await open(client, studyUid))).toEqual([]);
      expect(shows(await open(client, studyUid), sopInstanceUid)).toBe(false);
      expect(await classes(client, studyUid)).not.toContain(SR);
      expect(
        (await worklist(client)).some(({ ai }) => ai.some(({ runId }) => runId.startsWith('foreign'))),
      ).toBe(false);
    }
  }

  // The tool stands among the others, in the stage evaluation; a signed act lets readers see it.
  const models = await reader.json<{ manifest: { id: string; maker: string }; stage: string }[]>(
    'GET',
    '/api/models',
  );
  const tool = models.find(({ manifest }) => manifest.id.startsWith('ext-'))!;
  expect(tool).toMatchObject({ stage: 'evaluation', manifest: { maker: 'Other Maker' } });
  const { person } = await reader.json<{ person: { id: string } }>('GET', '/api/me');
  await reader.json('POST', `/api/models/${tool.manifest.id}/stage`, {
    stage: 'pilot',
    readers: [person.id],
    blindFirst: false,
    reason: 'tried with its maker',
    secret: PIN,
  });
  const { studyUid } = byWeb;
  await reader.json('POST', `/api/studies/${studyUid}/claim`, {});
  const view = await open(reader, studyUid);
  expect(foreignOf(view)).toMatchObject([{ hidden: null, unmapped: [] }]);
  expect(await classes(reader, studyUid)).toContain(SR);
  expect(await classes(viewer, studyUid)).not.toContain(SR);
  // The document itself is among the objects of the study, for whom its tool's findings are shown.
  expect(shows(view, byWeb.sopInstanceUid)).toBe(true);
  expect(shows(await open(viewer, studyUid), byWeb.sopInstanceUid)).toBe(false);
  const [finding] = view.findings.filter(({ modelId }) => modelId === tool.manifest.id);
  expect(finding).toMatchObject({ by: 'ai', label: 'ext-sct-125605004' });
  await reader.json('PUT', `/api/findings/${finding!.id}/decision`, { decision: 'accepted' });
  expect((await open(reader, studyUid)).acceptedText).toContain('Fracture of bone');
});
