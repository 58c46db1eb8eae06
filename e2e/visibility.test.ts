/**
 * What AI found, before the signature, by every door, asked by everyone who should not know. Two studies that differ in
 * nothing but their pixels (in one the tool finds a fracture, in the other nothing) must give the same answers.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dataset, type DicomJson } from '../src/dicom/index.ts';
import {
  acceptAnyCaller,
  associate,
  createDimseServer,
  storage,
  type DimseServer,
  type ProposedService,
} from '../src/wire/index.ts';
import { groupOf, routesOf } from './aiRoutes.ts';
import { variant } from './alike.ts';
import {
  Client,
  firstAccount,
  PASSWORD,
  PIN,
  remove,
  startServer,
  until,
  worklist,
  type Server,
  withOwnPassword,
} from './harness.ts';

const MODEL = 'fracture';
interface Study {
  studyUid: string;
  seriesUid: string;
  sopUid: string;
  runId: string;
  aiSeries: string;
  aiSop: string;
}
interface View {
  ai: { status: { runId: string; state: string }; hidden: string | null; run: unknown; stage: string }[];
  findings: { id: string; by: string; number: number; places: unknown[]; score: number | null }[];
  signingBlockedBy: { code: string }[];
  draft: { revision: number };
  acceptedText?: string;
  reports: { id: string }[];
}

let server: Server;
const people = new Map<string, Client>();
const machines = new Map<string, Client>();
const who = (name: string): Client => people.get(name)!;
const ids = new Map<string, string>();
const streams = new Map<string, { messages: string[]; end: () => void }>();
let positive: Study;
let negative: Study;
/** What only AI says of the positive study: its score, marks, evaluations. */
let secrets: string[];

async function listen(client: Client) {
  const stop = new AbortController();
  const messages: string[] = [];
  const response = await client.call('GET', '/api/live', undefined, {});
  const reader = response.body!.getReader();
  void (async () => {
    for (let text = ''; !stop.signal.aborted;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += Buffer.from(value).toString();
      const parts = text.split('\n\n');
      text = parts.pop()!;
      messages.push(...parts.filter((part) => part.startsWith('data: ')).map((part) => part.slice(6)));
    }
  })().catch(() => undefined);
  return { messages, end: () => (stop.abort(), void reader.cancel()) };
}
const open = (client: Client, { studyUid }: Pick<Study, 'studyUid'>) =>
  client.json<View>('GET', `/api/studies/${studyUid}`);
const claim = (client: Client, { studyUid }: Study) =>
  client.json<View>('POST', `/api/studies/${studyUid}/claim`, {});
const release = (client: Client, { studyUid }: Study) =>
  client.call('DELETE', `/api/studies/${studyUid}/claim`, {});
const opinion = (client: Client, { studyUid }: Study) =>
  client.json<View>('POST', `/api/studies/${studyUid}/opinion`, { modelId: MODEL, answer: 'uncertain' });
const stage = (to: string, more: { readers?: string[]; blindFirst?: boolean } = {}) =>
  who('anne').json('POST', `/api/models/${MODEL}/stage`, {
    stage: to,
    reason: 'Essai',
    secret: PIN,
    ...more,
    ...(more.readers ? { readers: more.readers.map((name) => ids.get(name)!) } : {}),
  });
const send = async (digit: number, empty: boolean) => {
  const { bytes, uids } = variant(digit, empty);
  const sent = await who('anne').call('POST', '/api/upload', bytes, { 'x-file-name': 'image.dcm' });
  expect(sent.status).toBe(200);
  return { studyUid: uids[0], seriesUid: uids[1], sopUid: uids[2] };
};
const stow = (client: Client, bytes: Buffer) =>
  client.call('POST', '/dicom-web/studies', bytes, {
    'content-type': 'application/dicom',
    accept: 'application/dicom+json',
  });

const ROOT = '1.2.840.10008.5.1.4.1.2.2';
const EXPLICIT = '1.2.840.10008.1.2.1';
const DX = '1.2.840.10008.5.1.4.1.1.1.1';
const SR = '1.2.840.10008.5.1.4.1.1.88.33';
/** Where a C-MOVE goes: what came is here. */
let moved: string[] = [];
let destination: DimseServer;

/** What a machine is told and given by the DICOM network: the answers of C-FIND, and UIDs that came by C-GET and C-MOVE. */
async function byNetwork({ studyUid, aiSeries, aiSop }: Study): Promise<Record<string, string[]>> {
  const plain = (abstractSyntax: string, role?: 'scp'): ProposedService => ({
    abstractSyntax,
    transferSyntaxes: [EXPLICIT],
    ...(role ? { role } : {}),
  });
  const association = await associate({
    host: '127.0.0.1',
    port: server.dicomPort,
    callingAe: 'ASKER',
    calledAe: 'NEGATOSCOPE',
    contexts: [
      plain(`${ROOT}.1`),
      plain(`${ROOT}.2`),
      plain(`${ROOT}.3`),
      plain(DX, 'scp'),
      plain(SR, 'scp'),
    ],
  });
  const found: Record<string, string[]> = {};
  const find = async (name: string, identifier: DicomJson) => {
    found[name] = [];
    for await (const each of association.find({ sopClassUid: `${ROOT}.1`, identifier }))
      found[name].push(JSON.stringify(each).replaceAll(/2\.25\.\d+/g, 'UID'));
  };
  const counts = {
    NumberOfStudyRelatedSeries: null,
    NumberOfStudyRelatedInstances: null,
    ModalitiesInStudy: '',
  };
  const uid = { StudyInstanceUID: studyUid };
  await find('study', dataset({ QueryRetrieveLevel: 'STUDY', ...uid, ...counts }));
  await find('study by SR', dataset({ QueryRetrieveLevel: 'STUDY', ...uid, ModalitiesInStudy: 'SR' }));
  await find(
    'series',
    dataset({ QueryRetrieveLevel: 'SERIES', ...uid, SeriesInstanceUID: '', Modality: '' }),
  );
  await find(
    'AI series',
    dataset({ QueryRetrieveLevel: 'SERIES', SeriesInstanceUID: aiSeries, Modality: '' }),
  );
  await find('images', dataset({ QueryRetrieveLevel: 'IMAGE', ...uid, SOPInstanceUID: '', Modality: '' }));
  await find('AI object', dataset({ QueryRetrieveLevel: 'IMAGE', SOPInstanceUID: aiSop }));
  const retrievals: [string, DicomJson][] = [
    ['study', dataset({ QueryRetrieveLevel: 'STUDY', ...uid })],
    ['AI object', dataset({ QueryRetrieveLevel: 'IMAGE', SOPInstanceUID: aiSop })],
  ];
  for (const [name, identifier] of retrievals) {
    const got: string[] = [];
    const query = { identifier, sopClassUid: `${ROOT}.3` };
    for await (const _ of association.get(query, async ({ sopClassUid }, body) => {
      for await (const __ of body);
      got.push(sopClassUid);
      return { status: 0 };
    }));
    found[`get ${name}`] = got;
    moved = [];
    const move = { identifier, sopClassUid: `${ROOT}.2`, destination: 'ARCHIVE' };
    const last: number[] = [];
    for await (const { status, done } of association.move(move)) if (done) last.push(status);
    found[`move ${name}`] = [...moved, ...last.map(String)];
  }
  await association.release();
  return found;
}
/** The image alone, whatever AI found and whatever the stage; both studies alike. `reports`: SRs that were signed. */
async function networkSeesNoAi(reports = 0): Promise<void> {
  const [one, other] = [await byNetwork(positive), await byNetwork(negative)];
  if (reports === 0) {
    expect(one).toEqual(other);
    expect(one['study']![0]).toContain('"00080061":{"vr":"CS","Value":["DX"]}');
    expect(one['study by SR']).toEqual([]);
    expect(one['series']).toHaveLength(1);
    expect(one['images']).toHaveLength(1);
    expect(one['get study']).toEqual([DX]);
    expect(one['move study']).toEqual([DX, '0']);
  }
  expect(one['get study']!.filter((uid) => uid === SR)).toHaveLength(reports);
  expect([one['AI series'], one['AI object'], one['get AI object'], one['move AI object']]).toEqual([
    [],
    [],
    [],
    ['0'],
  ]);
}

/** Every question that names this study, or AI's objects of it. */
function questions(of: Study): [method: string, path: string, body?: unknown][] {
  const web = '/dicom-web';
  const study = `${web}/studies/${of.studyUid}`;
  const ai = `${study}/series/${of.aiSeries}`;
  const object = `${ai}/instances/${of.aiSop}`;
  const uid = `StudyInstanceUID=${of.studyUid}`;
  const get = (path: string): [string, string] => ['GET', path];
  return [
    get(`/api/studies/${of.studyUid}`),
    get(`/api/runs/${of.runId}/heatmap/${of.sopUid}`),
    get(`/api/audit?study=${of.studyUid}&limit=200`),
    get(`${web}/studies?${uid}`),
    get(`${web}/studies?${uid}&includefield=all`),
    get(`${web}/studies?${uid}&ModalitiesInStudy=SR`),
    get(`${web}/studies?${uid}&Modality=SR`),
    get(`${web}/series?${uid}`),
    get(`${web}/series?${uid}&Modality=SR`),
    get(`${web}/series?SeriesInstanceUID=${of.aiSeries}`),
    get(`${web}/series?${uid}&SeriesNumber=9000`),
    get(`${web}/instances?${uid}&includefield=all`),
    get(`${web}/instances?SOPInstanceUID=${of.aiSop}`),
    get(`${web}/instances?SOPInstanceUID=${of.aiSop}&includefield=all`),
    get(`${web}/instances?SeriesInstanceUID=${of.aiSeries}`),
    get(`${web}/instances?${uid}&SOPClassUID=1.2.840.10008.5.1.4.1.1.88.*`),
    get(`${web}/instances?${uid}&limit=1&offset=1`),
    get(`${study}/series`),
    get(`${study}/series?Modality=SR`),
    get(`${study}/instances`),
    get(`${study}/instances?includefield=all`),
    get(`${ai}/instances`),
    get(study),
    get(`${study}/metadata`),
    get(ai),
    get(`${ai}/metadata`),
    get(`${ai}/thumbnail`),
    get(object),
    get(`${object}/metadata`),
    get(`${object}/frames/1`),
    get(`${object}/frames/1/rendered`),
    get(`${object}/rendered`),
    get(`${object}/thumbnail`),
    get(`${object}/bulkdata/0040A730`),
    get(`${object}/bulkdata/7FE00010`),
    get(`${object}/frames/1/thumbnail`),
    get(`${ai}/rendered`),
    get(`${study}/rendered`),
    get(`${study}/thumbnail`),
    get(
      `${web}/wado?requestType=WADO&studyUID=${of.studyUid}&seriesUID=${of.aiSeries}&objectUID=${of.aiSop}&contentType=application/dicom`,
    ),
    ['PUT', `/api/findings/${of.runId}.1/decision`, { decision: 'rejected' }],
    ['DELETE', `/api/findings/${of.runId}.1`, {}],
    ['POST', `/api/studies/${of.studyUid}/sign`, { revision: 0, secret: PIN }],
  ];
}

/** `GET /api/studies/{uid}` as the paths that it stands for. */
const patternOf = (route: string): RegExp =>
  new RegExp(
    `^${route
      .slice(route.indexOf(' ') + 1)
      .replace(/\{\*\}/g, '.+')
      .replace(/\{[^}]+\}/g, '[^/]+')}$`,
  );

/** Routes that should say nothing of a study that is not signed: asked with the ids of the positive one, whatever they stand for. */
async function probe(name: string, client: Client): Promise<void> {
  const { studyUid, sopUid, runId, aiSeries, aiSop } = positive;
  const only = [String(secrets[0]), `${runId}.1`, aiSop, aiSeries];
  const query = `?model=${MODEL}&figure=read&study=${studyUid}&limit=200`;
  // The doctor looks at the machine for half a minute when that is busy, and knows of no study.
  const routes = [...routesOf('signed'), ...routesOf('none')].filter((route) => route !== 'GET /api/doctor');
  const paths = routes.flatMap((route) => {
    const path = route.slice(4);
    const ids = /evidence|gates/.test(path) ? [MODEL] : [runId, studyUid];
    return ids.map((id) =>
      path
        .replace('{id}', id)
        .replace('{uid}', studyUid)
        .replace('{sop}', sopUid)
        .replace('{workitem}', runId)
        .replace('{aetitle}', 'ASKER'),
    );
  });
  await Promise.all(
    [...new Set(paths)].map(async (path) => {
      const response = await client.call('GET', path + query, undefined, { accept: '*/*' });
      const bytes = Buffer.from(await response.arrayBuffer());
      // What was sent under the UID of AI's result lies there with the UID that its sender gave.
      const inQuarantine = path.startsWith('/api/quarantine');
      for (const secret of inQuarantine ? only.slice(0, 2) : only)
        expect(bytes.includes(secret), `${name} ${path}: ${secret}`).toBe(false);
    }),
  );
}

/** Answers with everything in them that is another study's only because it is another study. */
async function look(
  client: Client,
  of: Study,
  only = (_method: string) => true,
): Promise<Record<string, string>> {
  const names: [string, string][] = [
    [of.studyUid, 'STUDY'],
    [of.seriesUid, 'SERIES'],
    [of.sopUid, 'SOP'],
    [of.runId, 'RUN'],
    [of.aiSeries, 'AI-SERIES'],
    [of.aiSop, 'AI-SOP'],
  ];
  const plain = (text: string): string => {
    for (const [uid, name] of names) text = text.replaceAll(uid, name);
    return text
      .replace(/2\.25\.(1327346027|5947370317|3149044049)\d+/g, 'OTHER')
      .replace(/"seq":\d+/g, '"seq":0')
      .replace(/\b1[6-9]\d{11}\b/g, 'TIME')
      .replace(/boundary="?[^";]+"?/g, 'boundary');
  };
  const answers: Record<string, string> = {};
  await Promise.all(
    questions(of)
      .filter(([method]) => only(method))
      .map(async ([method, path, body]) => {
        const response = await client.call(method, path, body, { accept: '*/*' });
        const bytes = Buffer.from(await response.arrayBuffer());
        for (const secret of secrets ?? [])
          if (bytes.includes(secret)) answers[`secret ${secret}`] = `${method} ${plain(path)}`;
        const headers = ['content-type', 'cache-control', 'warning', 'x-box', 'etag']
          .map((name) => response.headers.get(name) ?? '-')
          .join(' ');
        const type = response.headers.get('content-type') ?? '';
        // The picture of a study is that of its image, and the two differ in their pixels.
        const picture = /studies\/[^/]+\/(thumbnail|rendered)$/.test(path);
        const text = type.includes('json') ? bytes.toString() : picture ? 'picture' : `${bytes.length} bytes`;
        const tag = picture ? headers.replace(/"[^"]*"$/, 'picture') : headers;
        answers[`${method} ${plain(path)}`] = plain(`${response.status} ${tag}\n${text}`);
      }),
  );
  const row = (await worklist(client)).find((each) => each.study.studyUid === of.studyUid);
  answers.worklist = plain(JSON.stringify(row));
  const places = [];
  for (const list of ['to-read', 'mine', 'waiting-ai', 'signed-today', 'reopened', 'all'])
    places.push((await worklist(client, list)).some((each) => each.study.studyUid === of.studyUid));
  answers.lists = places.join();
  return answers;
}
const LEFT_OPEN = (answers: Record<string, string>, of: string) =>
  Object.entries(answers)
    .filter(([path]) => path.includes(of))
    .filter(([path, answer]) => path.startsWith('GET') && !/^4\d\d|^200 [^\n]*\n\[\]$/.test(answer))
    .map(([path, answer]) => `${path}: ${answer.slice(0, 200)}`);

/** Nothing of AI's objects answers, nothing of what it says is anywhere, and both studies look the same. */
async function seesNothing(name: string, client: Client): Promise<void> {
  const [one, other] = [await look(client, positive), await look(client, negative)];
  expect(one, name).toEqual(other);
  expect(
    Object.keys(one).filter((key) => key.startsWith('secret')),
    name,
  ).toEqual([]);
  expect(LEFT_OPEN(one, 'AI-S'), name).toEqual([]);
  expect(LEFT_OPEN(one, 'heatmap'), name).toEqual([]);
  // Both studies hold a result, so likeness does not tell of one that is counted.
  const search = one['GET /dicom-web/studies?StudyInstanceUID=STUDY']!;
  expect(search, name).toMatch(/"00201208":\{"vr":"IS","Value":\[1\]\}/);
  expect(search, name).toMatch(/"00080061":\{"vr":"CS","Value":\["DX"\]\}/);
  expect(LEFT_OPEN(one, 'Modality=SR'), name).toEqual([]);
  const { ai, findings, signingBlockedBy } = await open(client, positive);
  expect(ai[0]).toMatchObject({ run: null, hidden: expect.any(String) as string });
  expect(findings).toEqual([]);
  expect(signingBlockedBy.map(({ code }) => code)).not.toContain('undecided-findings');
}
/** All doors open: the object, its place in searches and counts, the heat map; the page, where asked. */
async function seesAll(name: string, client: Client, page = true): Promise<void> {
  const answers = await look(client, positive, (method) => method === 'GET');
  await open(client, negative); // being shown is an event: the same for both
  for (const path of [
    'GET /dicom-web/studies/STUDY/series/AI-SERIES/instances/AI-SOP',
    'GET /api/runs/RUN/heatmap/SOP',
    'GET /dicom-web/instances?SOPInstanceUID=AI-SOP',
    'GET /dicom-web/series?StudyInstanceUID=STUDY&Modality=SR',
  ])
    expect(answers[path], `${name} ${path}`).toMatch(/^200 (?![^\n]*\n\[\]$)/);
  if (!page) return;
  const { ai, findings } = await open(client, positive);
  expect(ai[0]!.hidden, name).toBeNull();
  expect(findings.length, name).toBeGreaterThan(0);
}
const everyoneBut = (...names: string[]): [string, Client][] =>
  [...people, ...machines].filter(([name]) => !['evidence', 'machine evidence', ...names].includes(name));

beforeAll(async () => {
  // Time enough to sign before the tool begins, on a busy machine too.
  server = await startServer(undefined, ['--silence-seconds', '3']);
  const anne = await firstAccount(server);
  people.set('anne', anne);
  ids.set('anne', (await anne.json<{ person: { id: string } }>('GET', '/api/me')).person.id);
  const roles = {
    nora: 'reader',
    nils: 'reader',
    rene: 'reader',
    admin: 'admin',
    technologist: 'technologist',
    viewer: 'viewer',
    evidence: 'evidence',
  };
  for (const [login, role] of Object.entries(roles)) {
    const form = { name: login, login, password: PASSWORD, pin: PIN, roles: [role], language: 'fr' };
    ids.set(login, (await anne.json<{ id: string }>('POST', '/api/users', form)).id);
    people.set(login, await withOwnPassword(await new Client(server.url).login(login)));
  }
  for (const role of ['admin', 'reader', 'technologist', 'viewer', 'evidence']) {
    const { token } = await anne.json<{ token: string }>('POST', '/api/tokens', {
      name: role,
      roles: [role],
    });
    machines.set(`machine ${role}`, new Client(server.url, token));
  }
  await anne.json('POST', '/api/knocks/ASKER/admit', {});
  destination = createDimseServer({
    acceptCaller: acceptAnyCaller,
    services: [
      storage({
        onStore: async ({ sopClassUid }, body) => {
          for await (const _ of body);
          moved.push(sopClassUid);
          return { status: 0 };
        },
      }),
    ],
  });
  const { port } = await destination.listen(0);
  const system = { name: 'Archive', aeTitle: 'ARCHIVE', host: '127.0.0.1', port, moveTo: true };
  await anne.json('POST', '/api/remotes', system);
  for (const name of ['admin', 'rene', 'viewer']) streams.set(name, await listen(who(name)));

  const sent = [await send(1, false), await send(2, true)];
  await until(
    () => worklist(anne),
    (rows) => rows.length === 2 && rows.every(({ ai }) => ai[0]?.state === 'analysed'),
  );
  const complete = await Promise.all(
    sent.map(async (uids): Promise<Study> => {
      const runId = (await open(anne, uids)).ai[0]!.status.runId;
      const [object] = await who('evidence').json<Record<string, { Value: string[] }>[]>(
        'GET',
        `/dicom-web/studies/${uids.studyUid}/instances?Modality=SR`,
      );
      return {
        ...uids,
        runId,
        aiSeries: object!['0020000E']!.Value[0]!,
        aiSop: object!['00080018']!.Value[0]!,
      };
    }),
  );
  [positive, negative] = complete as [Study, Study];
  const { ai, findings } = await open(who('evidence'), positive);
  const [{ score }] = (ai[0]!.run as { images: [{ score: number }] }).images;
  secrets = [String(score), '1 of 1', '"peak"', '"positive"', `${positive.runId}.1`];
  expect(findings).toHaveLength(1);
  expect((await open(who('evidence'), negative)).findings).toEqual([]);
});
afterAll(async () => {
  for (const stream of streams.values()) stream.end();
  await destination.close();
  await server.stop();
  remove(server);
});

test('the role evidence sees everything, by session and by token', async () => {
  await seesAll('evidence', who('evidence'));
  await seesAll('machine evidence', machines.get('machine evidence')!);
});

test('every route has its row in the table, and what follows the rule is asked', async () => {
  const { paths } = await who('anne').json<{ paths: Record<string, Record<string, unknown>> }>(
    'GET',
    '/api/openapi.json',
  );
  const present = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => method !== 'head')
      .map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(present.filter((route) => groupOf(route) === undefined)).toEqual([]);
  const groups = ['rule', 'signed', 'evidence', 'none'] as const;
  const rows = groups.flatMap((group) => routesOf(group));
  expect(rows.filter((route) => !present.includes(route))).toEqual([]);
  expect(new Set(rows).size).toBe(rows.length);
  // The list of work is asked beside the questions.
  const asked = [
    '/api/worklist',
    ...questions(positive).flatMap(([method, path]) => (method === 'GET' ? path.split('?')[0]! : [])),
  ];
  expect(routesOf('rule').filter((route) => !asked.some((path) => patternOf(route).test(path)))).toEqual([]);
});

describe('nothing before the signature', () => {
  test('in evaluation, nobody: both studies look the same in every byte', async () => {
    for (const [name, client] of everyoneBut()) await seesNothing(name, client);
    await networkSeesNoAi();
  });

  test('routes beside the rule say nothing of a study that is not signed', async () => {
    for (const name of ['anne', 'rene', 'technologist', 'viewer']) await probe(name, who(name));
    await probe('machine admin', machines.get('machine admin')!);
  });

  test('notifications and the audit tell the same of both', async () => {
    for (const [name, { messages }] of streams) {
      const told = (of: Study) => messages.filter((message) => message.includes(of.studyUid));
      for (const of of [positive, negative]) {
        expect(told(of).length, name).toBeGreaterThan(0);
        const shape = JSON.stringify({ type: 'study', studyUid: of.studyUid });
        expect(new Set(told(of)), name).toEqual(new Set([shape]));
      }
      // A machine that may not ask knocks: that is told, too, and says nothing of a study.
      const types = new Set(messages.map((message) => JSON.parse(message).type as string));
      expect([...types].filter((type) => !['hello', 'study', 'knock'].includes(type))).toEqual([]);
    }
    const events = async (of: Study) =>
      (
        await who('admin').json<{ kind: string; payload: unknown }[]>(
          'GET',
          `/api/audit?study=${of.studyUid}`,
        )
      ).map(({ kind, payload }) => ({ kind, payload }));
    expect(await events(positive)).toEqual(await events(negative));
  });

  test('another object under the UID of AI’s result is answered the same, and changes nothing', async () => {
    const under = async ({ studyUid, aiSeries, aiSop }: Study): Promise<Buffer> => {
      const path = `/dicom-web/studies/${studyUid}/series/${aiSeries}/instances/${aiSop}`;
      const file = await who('evidence').call('GET', path, undefined, { accept: 'application/dicom' });
      const text = Buffer.from(await file.arrayBuffer()).toString('latin1');
      expect(text).toContain('Negatoscope');
      return Buffer.from(text.replaceAll('Negatoscope', 'Somebody111'), 'latin1');
    };
    for (const role of ['technologist', 'reader', 'admin']) {
      const answers = [];
      for (const of of [positive, negative]) {
        const response = await stow(machines.get(`machine ${role}`)!, await under(of));
        const text = await response.text();
        expect(response.status).toBe(409);
        for (const secret of secrets) expect(text).not.toContain(secret);
        answers.push(text.replaceAll(of.aiSop, 'AI-SOP'));
      }
      expect(answers[0]).toBe(answers[1]);
    }
    await seesAll('evidence', who('evidence'));
    await seesNothing('viewer', who('viewer'));
  });

  test('in shadow and when retired, nobody', async () => {
    await stage('shadow');
    for (const name of ['anne', 'viewer']) await seesNothing(name, who(name));
    await stage('retired');
    for (const name of ['anne', 'viewer']) await seesNothing(name, who(name));
    await stage('evaluation');
  });

  test('evidence and discrepancies say nothing of studies that are not signed', async () => {
    for (const name of ['anne', 'rene', 'admin']) {
      const summary = await who(name).json('GET', `/api/evidence/${MODEL}`);
      expect(summary).toMatchObject({ studiesRead: 0, marks: 0, falseAlarms: 0 });
      for (const figure of ['read', 'missed', 'marks', 'false-alarms', 'training'])
        expect(await who(name).json('GET', `/api/evidence/${MODEL}/cases?figure=${figure}`)).toEqual([]);
    }
    expect(await who('rene').json('GET', '/api/discrepancies')).toEqual([]);
  });
});

describe('pilot', () => {
  test('blind first: the named readers see it after their own conclusion, and nobody else ever', async () => {
    await stage('pilot', { readers: ['nora', 'nils'] });
    // An own conclusion opens nothing to who is not named.
    for (const of of [positive, negative]) {
      await claim(who('rene'), of);
      await opinion(who('rene'), of);
    }
    await seesNothing('rene', who('rene'));
    for (const of of [positive, negative]) await release(who('rene'), of);
    for (const [name, client] of everyoneBut()) await seesNothing(name, client);
    for (const of of [positive, negative]) {
      await claim(who('nora'), of);
      expect((await open(who('nora'), of)).ai[0]!.hidden).toBe('opinion-first');
    }
    await seesNothing('nora', who('nora'));
    for (const of of [positive, negative]) await opinion(who('nora'), of);
    await seesAll('nora', who('nora'));
    for (const [name, client] of everyoneBut('nora')) await seesNothing(name, client);
    await networkSeesNoAi();
  });

  test('what she decides is told to nobody: not on the page, not in the audit, not by a notification', async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const before = new Map([...streams].map(([name, { messages }]) => [name, messages.length]));
    const [mark] = (await open(who('nora'), positive)).findings;
    expect((await open(who('nora'), positive)).signingBlockedBy.map(({ code }) => code)).toContain(
      'undecided-findings',
    );
    await who('nora').json('PUT', `/api/findings/${mark!.id}/decision`, { decision: 'accepted' });
    for (const name of ['anne', 'rene', 'admin', 'viewer']) await seesNothing(name, who(name));
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (const [name, { messages }] of streams) expect(messages.slice(before.get(name)), name).toEqual([]);
    // A second named reader starts with nothing decided.
    for (const of of [positive, negative]) {
      await release(who('nora'), of);
      await claim(who('nils'), of);
      await opinion(who('nils'), of);
    }
    expect((await open(who('nils'), positive)).findings).toMatchObject([{ by: 'ai', decision: null }]);
    for (const of of [positive, negative]) await release(who('nils'), of);
  });

  test('a reader who is taken out sees nothing any more, and can ask nothing out of the server by its ids', async () => {
    await stage('pilot', { readers: ['nils'] });
    for (const of of [positive, negative]) await claim(who('nora'), of);
    const answer = await who('nora').call('PUT', `/api/findings/${positive.runId}.1/decision`, {
      decision: 'rejected',
    });
    expect(answer.status).toBe(404);
    // Her own conclusion and her claim are hers; the two studies look the same again.
    await seesNothing('nora', who('nora'));
    await seesAll('nils', who('nils'));
  });

  test('set back to evaluation, nobody sees anything, as before', async () => {
    await stage('evaluation');
    for (const name of ['nora', 'nils', 'anne', 'admin']) await seesNothing(name, who(name));
    for (const of of [positive, negative]) await release(who('nora'), of);
  });
});

test('in routine every reader sees it, and nobody else; after the own conclusion where that is asked', async () => {
  await stage('pilot', { readers: ['nils'] });
  await stage('routine', { blindFirst: true });
  await seesNothing('anne', who('anne'));
  await stage('routine', { blindFirst: false });
  await seesAll('rene', who('rene'));
  await seesAll('anne', who('anne'));
  for (const name of ['admin', 'technologist', 'viewer']) await seesNothing(name, who(name));
  for (const [name, client] of machines) if (name !== 'machine evidence') await seesNothing(name, client);
  // What stands outside of the rule says nothing in any stage, not even to who sees it on the reading page.
  await probe('anne', who('anne'));
  await networkSeesNoAi();
  await stage('evaluation');
});

test('suspended: hidden again from everyone, by every door, until a signed act brings it back as it was', async () => {
  await stage('pilot', { readers: ['nils'] });
  await stage('routine', { blindFirst: false });
  await seesAll('rene', who('rene'));
  await stage('suspended');
  for (const [name, client] of everyoneBut()) await seesNothing(name, client);
  await seesAll('evidence', who('evidence'));
  await networkSeesNoAi();
  await stage('routine', { blindFirst: false });
  await seesAll('rene', who('rene'));
  await stage('evaluation');
});

test('signed before the tool has ended: the discrepancy says that a result came, the same of both', async () => {
  const late = [];
  for (const [digit, empty] of [
    [3, false],
    [4, true],
  ] as const) {
    const sent = await send(digit, empty);
    late.push(sent);
    const { studyUid } = sent;
    await who('rene').json('POST', `/api/studies/${studyUid}/claim`, {});
    const fields = { conclusion: 'Rien à signaler.', answers: { [MODEL]: 'no' } };
    await who('rene').json('PUT', `/api/studies/${studyUid}/draft`, { revision: 0, fields });
    await who('rene').json('POST', `/api/studies/${studyUid}/sign`, { revision: 1, secret: PIN });
  }
  const told = await until(
    () => who('rene').json<Record<string, unknown>[]>('GET', '/api/discrepancies'),
    (rows) => rows.length === 2,
  );
  const [one, other] = told.map(({ id: _, studyUid: __, reportId: ___, at: ____, study, ...rest }) => {
    // Of the study its identity and times may differ, nothing else.
    const { studyUid, patientId, patientName, firstReceivedAt, lastReceivedAt, ...same } = study as Record<
      string,
      unknown
    >;
    expect([studyUid, patientId, patientName, firstReceivedAt, lastReceivedAt]).not.toContain(undefined);
    return { ...rest, study: same };
  });
  expect(one).toMatchObject({ kind: 'late-result', seenAt: null, study: { images: 1 } });
  expect(one).toEqual(other);
  expect(await who('nora').json('GET', '/api/discrepancies')).toEqual([]);
  // Until the signatory has seen that it came, it is as hidden as before.
  for (const { studyUid } of late) {
    const { ai, findings } = await who('viewer').json<View>('GET', `/api/studies/${studyUid}`);
    expect([ai[0]!.run, findings]).toEqual([null, []]);
  }
});

test('after the signature everyone sees what AI had found, and who decided what', async () => {
  for (const of of [positive, negative]) {
    await claim(who('anne'), of);
    const { draft } = await open(who('anne'), of);
    const fields = { conclusion: 'Fracture de P2.', answers: { [MODEL]: 'yes' } };
    const { revision } = await who('anne').json<{ revision: number }>(
      'PUT',
      `/api/studies/${of.studyUid}/draft`,
      { revision: draft.revision, fields },
    );
    await who('anne').json('POST', `/api/studies/${of.studyUid}/sign`, { revision, secret: PIN });
  }
  for (const [name, client] of everyoneBut()) await seesAll(name, client);
  await networkSeesNoAi(1);
  const audit = await who('admin').json<{ kind: string }[]>(
    'GET',
    `/api/audit?study=${positive.studyUid}&limit=200`,
  );
  expect(audit.map(({ kind }) => kind)).toContain('reading.decided');
});

test('the log says nothing of it at all', () => {
  for (const secret of secrets) expect(server.output()).not.toContain(secret);
});
