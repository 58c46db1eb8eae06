/** A worklist on a port of its own, with one radiograph waiting to be analysed, and clients of it. */
import { createReadStream, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import Fastify from 'fastify';
import { type Archive, archiveMigrations, createArchive, SEES_ALL, SEES_NO_AI } from '../../archive/index.ts';
import { silentLog } from '../../archive/testing.ts';
import { type Assist, assistMigrations, createAssist } from '../../assist/index.ts';
import { loadPackage } from '../../assist/package.ts';
import { resultDocuments } from '../../assist/result.ts';
import { createRunner } from '../../assist/runner/runner.ts';
import { modelDir, shared } from '../../assist/testing.ts';
import { type ToolResult, work } from '../../assist/work.ts';
import { type DicomJson, hexTag, jsonString, newUid, TAG, type Tag } from '../../dicom/index.ts';
import type { NegatoscopeError } from '../../errors.ts';
import type { Principal, Role } from '../../people/types.ts';
import type { Store } from '../../store/types.ts';
import { dicomwebDoor } from './index.ts';
import { multipart } from './testing.ts';

const FILE = shared('radiographs/dicom/DX06_FOREARM_RL_0762.dcm');
export const model = await loadPackage(modelDir('fracture'));
export const migrations = [...archiveMigrations, ...assistMigrations];

/** What the model says of the file, asked once. */
let said: ToolResult;
export async function askModel(): Promise<ToolResult> {
  const runner = createRunner({ model });
  const inputs = [{ sopInstanceUid: '', read: async () => readFileSync(FILE) }];
  const outcome = await work(model.manifest, runner, inputs);
  await runner.close();
  if ('notRun' in outcome) throw new Error(outcome.notRun);
  return (said = outcome);
}

const token = (name: string, role: Role): Principal => ({
  personId: null,
  tokenId: `id of ${name}`,
  name: `token:${name}`,
  roles: new Set([role]),
  via: 'token',
  language: 'en',
});
export const PEOPLE = {
  anne: { ...token('anne', 'admin'), personId: 'p1' },
  north: token('north', 'worker'),
  south: token('south', 'worker'),
} as const;
export type Who = keyof typeof PEOPLE;

export interface Place {
  store: Store;
  archive: Archive;
  assist: Assist;
  url: string;
  studyUid: string;
  close(): Promise<void>;
}
const open: Place[] = [];
export const closeAll = async (): Promise<void> => {
  for (const each of open.splice(0)) await each.close();
};

export async function place(
  store: Store,
  options: { leaseMs?: number; backoffMs?: number } = {},
): Promise<Place> {
  const archive = createArchive({ store, log: silentLog, settings: { silenceMs: 20, minFree: 0 } });
  const assist = createAssist({
    store,
    archive,
    modelDirs: [modelDir('fracture')],
    processes: 0,
    backoffMs: () => options.backoffMs ?? 0,
    ...(options.leaseMs ? { workerLeaseMs: options.leaseMs } : {}),
  });
  await archive.start();
  await assist.start();
  const app = Fastify();
  app.setErrorHandler((error: NegatoscopeError, _request, reply) =>
    reply.code(error.status ?? 500).send({ error: { code: error.code, message: error.message } }),
  );
  app.decorateRequest('principal', {
    getter() {
      return PEOPLE[String((this as { headers: Record<string, unknown> }).headers['x-who'] ?? 'anne') as Who];
    },
  });
  await app.register(dicomwebDoor({ archive, ups: assist.ups, sightOf: () => SEES_NO_AI, log: silentLog }), {
    prefix: '/dicom-web',
  });
  const url = `${await app.listen({ host: '127.0.0.1', port: 0 })}/dicom-web`;
  const outcome = await archive.ingest(createReadStream(FILE), { door: 'import', from: 'test' });
  if (outcome.status !== 'stored') throw new Error(JSON.stringify(outcome));
  const made: Place = {
    store,
    archive,
    assist,
    url,
    studyUid: outcome.studyUid,
    async close() {
      await app.close();
      await assist.close();
    },
  };
  open.push(made);
  return made;
}

export async function ask(
  at: Place,
  who: Who,
  method: string,
  path: string,
  body?: DicomJson | string,
): Promise<Response> {
  return fetch(at.url + path, {
    method,
    headers: { 'x-who': who, ...(body === undefined ? {} : { 'content-type': 'application/dicom+json' }) },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}
export const items = async (at: Place, who: Who = 'north', query = ''): Promise<DicomJson[]> => {
  const response = await ask(at, who, 'GET', `/workitems${query}`);
  return response.status === 204 ? [] : ((await response.json()) as DicomJson[]);
};
export const text = (json: DicomJson, tag: Tag) => jsonString(json, tag);
export const uidOf = (json: DicomJson): string => text(json, TAG.SOPInstanceUID)!;
export const stateOf = (json: DicomJson): string => text(json, TAG.ProcedureStepState)!;
export const attribute = (tag: Tag, vr: string, value: unknown): DicomJson => ({
  [hexTag(tag)]: { vr, Value: [value] },
});
export const stateChange = (state: string, transactionUid?: string): DicomJson => ({
  ...attribute(TAG.ProcedureStepState, 'CS', state),
  ...(transactionUid ? attribute(TAG.TransactionUID, 'UI', transactionUid) : {}),
});
export const change = (at: Place, who: Who, uid: string, state: string, transactionUid?: string) =>
  ask(at, who, 'PUT', `/workitems/${uid}/state`, stateChange(state, transactionUid));
export const waiting = async (at: Place): Promise<DicomJson> => {
  for (let i = 0; i < 300; i += 1) {
    const [item] = await items(at, 'north', '?ProcedureStepState=SCHEDULED');
    if (item) return item;
    await pause(20);
  }
  throw new Error('nothing was offered');
};
export const claimed = async (at: Place, who: Who): Promise<{ uid: string; transactionUid: string }> => {
  const uid = uidOf(await waiting(at));
  const transactionUid = newUid();
  const { status } = await change(at, who, uid, 'IN PROGRESS', transactionUid);
  if (status !== 200) throw new Error(`not claimed: ${status}`);
  return { uid, transactionUid };
};

export const run = async (at: Place) => (await at.assist.runs([at.studyUid]))[0]!;
/** Stores the report of the run; the images that it refers to are those of the archive. */
export async function stow(
  at: Place,
  who: Who,
  result: Partial<ToolResult> = {},
): Promise<{ status: number; reference: DicomJson }> {
  const [image] = await at.archive.findInstances({ match: {}, studyUid: at.studyUid }, SEES_NO_AI);
  let study: DicomJson | undefined;
  for await (const json of at.archive.metadata([image!], SEES_ALL)) study = json;
  const onImage = <T extends { sopInstanceUid: string }>(each: T): T => ({
    ...each,
    sopInstanceUid: each.sopInstanceUid || image!.sopInstanceUid,
  });
  const merged = { ...said, ...result };
  const [document] = resultDocuments({
    runId: (await run(at)).id,
    studyUid: at.studyUid,
    result: { ...merged, images: merged.images.map(onImage), findings: merged.findings.map(onImage) },
    manifest: model.manifest,
    softwareVersion: 'test',
    at: new Date(1_700_000_000_000),
    study: study!,
    instances: new Map([
      [image!.sopInstanceUid, image!],
      ['1.2.3', image!],
    ]),
  });
  const { body, headers } = multipart([
    { headers: { 'content-type': 'application/dicom' }, bytes: document!.bytes },
  ]);
  const response = await fetch(`${at.url}/studies/${at.studyUid}`, {
    method: 'POST',
    headers: { ...headers, 'x-who': who },
    body: new Uint8Array(body),
  });
  const reference = {
    ...attribute(TAG.ReferencedSOPClassUID, 'UI', document!.sopClassUid),
    ...attribute(TAG.ReferencedSOPInstanceUID, 'UI', document!.sopInstanceUid),
  };
  return { status: response.status, reference };
}
export const performed = (reference: DicomJson | undefined): DicomJson => ({
  [hexTag(TAG.UnifiedProcedureStepPerformedProcedureSequence)]: {
    vr: 'SQ',
    Value: [
      {
        ...attribute(TAG.PerformedProcedureStepStartDateTime, 'DT', '20261127210000+0000'),
        ...attribute(TAG.PerformedProcedureStepEndDateTime, 'DT', '20261127210002.5+0000'),
        [hexTag(TAG.OutputInformationSequence)]: {
          vr: 'SQ',
          Value: reference
            ? [
                {
                  ...attribute(TAG.SeriesInstanceUID, 'UI', '2.25.1'),
                  [hexTag(TAG.ReferencedSOPSequence)]: { vr: 'SQ', Value: [reference] },
                },
              ]
            : [],
        },
      },
    ],
  },
});
export const progress = (percent: unknown, words?: string): DicomJson => ({
  [hexTag(TAG.ProcedureStepProgressInformationSequence)]: {
    vr: 'SQ',
    Value: [
      {
        ...attribute(TAG.ProcedureStepProgress, 'DS', percent),
        ...(words ? attribute(TAG.ProcedureStepProgressDescription, 'ST', words) : {}),
      },
    ],
  },
});
export const update = (at: Place, who: Who, uid: string, transactionUid: string, body: DicomJson | string) =>
  ask(at, who, 'POST', `/workitems/${uid}?transaction-uid=${transactionUid}`, body);
/** Status, and what the Warning header says. */
export const answer = async (response: Promise<Response>): Promise<[number, string | undefined]> => {
  const { status, headers } = await response;
  return [status, /^299 negatoscope "(.*)"$/.exec(headers.get('warning') ?? '')?.[1]];
};
export const INCONSISTENT = 'The submitted request is inconsistent with the state of the UPS Instance.';
export const WRONG = 'The Transaction UID is incorrect.';
export const MISSING = 'The Transaction UID is missing.';
