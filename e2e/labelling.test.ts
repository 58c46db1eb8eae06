/**
 * A labelling queue from draw to figures, over HTTP, with real radiographs whose truth is known: several persons at once, the
 * power cut in the middle, what those who label may learn (nothing), and labels.csv at the end.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Desk, Queue, QueueCaseRow, QueueOverview } from '../src/doors/api/contract.ts';
import { variants, type Variant } from './alike.ts';
import {
  analysed,
  Client,
  firstAccount,
  PASSWORD,
  PIN,
  radiograph,
  remove,
  SHARED,
  startServer,
  upload,
  withOwnPassword,
  type Server,
} from './harness.ts';

const FILES = [
  'DX07_HAND_PA_0206', // of the training part, in its own bytes: recognised
  'DX12_SHOULDER_AP_1178',
  'DX16_KNEE_AP_2390',
  'DX22_HAND_PA_3116',
  'DX24_LEG_LL_3686',
];
/** SOP Instance UID → whether FracAtlas says that there is a fracture. */
function truths(): Map<string, boolean> {
  const rows = (name: string) => {
    const [head = '', ...lines] = readFileSync(join(SHARED, 'radiographs', name), 'utf8')
      .trim()
      .split(/\r?\n/);
    const names = head.split(',');
    return { lines: lines.map((line) => line.split(',')), at: (column: string) => names.indexOf(column) };
  };
  const labels = rows('labels.csv');
  const fractured = new Map(
    labels.lines.map((line) => [line[labels.at('image')]!, line[labels.at('fractured')] === '1']),
  );
  return new Map(
    FILES.map((file) => {
      const uid = sopOf(readFileSync(radiograph(`${file}.dcm`)));
      return [uid, fractured.get(`IMG000${file.slice(-4)}.jpg`)!];
    }),
  );
}
/** Media Storage SOP Instance UID (0002,0003), explicit VR little endian: PS3.10 7.1. */
function sopOf(file: Buffer): string {
  const at = file.indexOf(Buffer.from([0x02, 0x00, 0x03, 0x00, 0x55, 0x49]));
  return file
    .subarray(at + 8, at + 8 + file.readUInt16LE(at + 6))
    .toString('latin1')
    .replace(/\0$/, '');
}

let server: Server;
let alike: { positive: Variant; negative: Variant };
const people = new Map<string, Client>();
const who = (name: string): Client => people.get(name)!;
const PEOPLE = {
  preuve: ['evidence'],
  deux: ['evidence', 'reader'],
  alice: ['reader'],
  bruno: ['reader'],
  carla: ['reader'],
  viewer: ['viewer'],
};
const period = {
  modelId: 'fracture',
  modelVersion: '',
  operatingPoint: '',
  from: 0,
  to: Date.now() + 86_400_000,
};
const draw = (more: Partial<Record<keyof Queue, unknown>> = {}) =>
  who('preuve').json<Queue>('POST', '/api/labelling', {
    ...period,
    title: 'Essai',
    sample: 100,
    second: 'part',
    secondShare: 0,
    settling: 'third',
    offerUnread: true,
    ...more,
  });
const next = (client: Client, id: string) => client.json<Desk>('POST', `/api/labelling/${id}/next`, {});
const give = (client: Client, id: string, of: NonNullable<Desk['case']>, answer: string) =>
  client.json<Desk>('POST', `/api/labelling/${id}/labels`, {
    studyUid: of.study.studyUid,
    kind: of.kind,
    answer,
    boxes: [],
  });
/** Answers what is offered until nothing is; the studies, in order. */
async function labelAll(
  client: Client,
  id: string,
  answer: (of: NonNullable<Desk['case']>) => string,
): Promise<string[]> {
  const given: string[] = [];
  for (let desk = await next(client, id); desk.case; desk = await next(client, id)) {
    given.push(desk.case.study.studyUid);
    await give(client, id, desk.case, answer(desk.case));
    if (given.length > 100) throw new Error('no end');
  }
  return given;
}
const imagesOf = (of: NonNullable<Desk['case']>) =>
  of.series.flatMap(({ instances }) => instances.map(({ sopInstanceUid }) => sopInstanceUid));
const login = async () => {
  for (const [name] of people)
    people.set(
      name,
      await new Client(server.url).login(name, name === 'anne' ? PASSWORD : `${PASSWORD} own`),
    );
};

beforeAll(async () => {
  server = await startServer();
  const anne = await firstAccount(server);
  people.set('anne', anne);
  for (const [login, roles] of Object.entries(PEOPLE)) {
    const form = { name: `Dr ${login}`, login, password: PASSWORD, pin: PIN, roles, language: 'fr' };
    await anne.json('POST', '/api/users', form);
    people.set(login, await withOwnPassword(await new Client(server.url).login(login)));
  }
  await upload(anne, ...FILES.map((file) => radiograph(`${file}.dcm`)));
  alike = await variants(anne);
  await analysed(anne, FILES.length + 2);
  const { tools } = await who('preuve').json('GET', '/api/labelling?model=fracture');
  Object.assign(period, tools[0]);
  delete (period as Record<string, unknown>).studies;
}, 240_000);
afterAll(async () => {
  await server?.stop();
  if (server) remove(server);
});

test('who answers for evidence draws, and training images are left out and counted', async () => {
  const frame = await who('preuve').json('POST', '/api/labelling/frame', period);
  // One image of the training part came in its own bytes; the others of it were encoded again, and cannot be recognised.
  expect(frame.training).toBe(1);
  expect(frame.marked + frame.unmarked).toBe(FILES.length + 1);
  for (const name of ['anne', 'alice', 'viewer'])
    expect(
      (await who(name).call('POST', '/api/labelling', { ...period, title: 'x', sample: 1 })).status,
    ).toBe(403);
});

test('two at once, a second reading, a third who settles, figures near the truth, and labels.csv', async () => {
  const truth = truths();
  const { id } = await draw();
  const isBroken = (of: NonNullable<Desk['case']>) => imagesOf(of).some((uid) => truth.get(uid));
  let disputed = '';
  const alice = (of: NonNullable<Desk['case']>) => (isBroken(of) ? 'yes' : 'no');
  const bruno = (of: NonNullable<Desk['case']>) => {
    if (!isBroken(of)) return 'no';
    disputed ||= of.study.studyUid;
    return of.study.studyUid === disputed ? 'uncertain' : 'yes';
  };
  const first = await Promise.all([next(who('alice'), id), next(who('bruno'), id)]);
  const hands = first.flatMap(({ case: one, following }) => [one!.study.studyUid, following!.study.studyUid]);
  expect(new Set(hands).size).toBe(4);
  for (let round = 0; round < 3; round++) {
    const [a, b] = await Promise.all([labelAll(who('alice'), id, alice), labelAll(who('bruno'), id, bruno)]);
    expect(new Set(a).size).toBe(a.length);
    expect(new Set(b).size).toBe(b.length);
  }
  const open = await who('preuve').json<QueueOverview>('GET', `/api/labelling/${id}`);
  expect(open.progress.open).toBe(1);
  const settling = await next(who('carla'), id);
  expect(settling.case).toMatchObject({ kind: 'adjudication', study: { studyUid: disputed } });
  expect(JSON.stringify(settling)).not.toMatch(/alice|bruno|Dr /);
  await give(who('carla'), id, settling.case!, 'yes');

  const done = await who('preuve').json<QueueOverview>('GET', `/api/labelling/${id}`);
  expect(done.progress).toMatchObject({ answered: done.progress.drawn, open: 0 });
  expect(done.progress.byRank[3]).toBe(1);
  const { marked, unmarked } = done.queue.frame;
  // All are labelled: what the figures stand on is the truth, counted here by hand from the cases.
  const all = await who('preuve').json<QueueCaseRow[]>('GET', `/api/labelling/${id}/cases?figure=answered`);
  expect(all.length).toBe(marked + unmarked);
  const count = (isMarked: boolean, yes: boolean) =>
    all.filter((row) => row.case.marked === isMarked && (row.case.answer === 'yes') === yes).length;
  const way = done.figures!.uncertainAsPositive;
  expect(way.naive.sensitivity).toMatchObject({
    k: count(true, true),
    n: count(true, true) + count(false, true),
  });
  expect(way.negativePredictive).toMatchObject({ k: count(false, false), n: unmarked });
  // The model finds most fractures of these, as its card says of its own test.
  expect(way.naive.sensitivity.k / way.naive.sensitivity.n).toBeGreaterThan(0.5);
  expect(all.every((row) => row.case.weight === 1)).toBe(true);

  const csv = await (await who('preuve').call('GET', `/api/labelling/${id}/labels.csv`)).text();
  const [head, ...lines] = csv
    .trim()
    .split('\r\n')
    .map((line) => line.split(','));
  expect(head).toEqual([
    'image',
    'label',
    'boxes',
    'weight',
    'body_part',
    'view',
    'age_band',
    'sex',
    'machine',
  ]);
  const known = lines.filter(([image]) => truth.has(image!));
  expect(known.length).toBe(4);
  for (const [image, label] of known) expect([image, label]).toEqual([image, truth.get(image!) ? '1' : '0']);
  for (const name of ['anne', 'alice', 'viewer', 'deux'])
    expect((await who(name).call('GET', `/api/labelling/${id}/labels.csv`)).status, name).toBe(403);
}, 120_000);

test('a marked and an unmarked case are the same to the byte, and so is all that those who label are told', async () => {
  const { id } = await draw({ second: 'none' });
  const answers = new Map<string, string>();
  const plain = (text: string, { studyUid, seriesUid, sopUid }: Variant) =>
    text.replaceAll(studyUid, 'STUDY').replaceAll(seriesUid, 'SERIES').replaceAll(sopUid, 'SOP');
  for (let desk = await next(who('alice'), id); desk.case; desk = await next(who('alice'), id)) {
    for (const [name, of] of Object.entries(alike))
      if (desk.case.study.studyUid === of.studyUid) {
        answers.set(name, plain(JSON.stringify(desk.case), of));
        // The answer to an answer, without the case after it.
        const response = await who('alice').call('POST', `/api/labelling/${id}/labels`, {
          studyUid: of.studyUid,
          kind: 'reading',
          answer: 'no',
          boxes: [],
        });
        const { case: _, following: __, ...rest } = await response.json();
        answers.set(
          `${name} after`,
          JSON.stringify({ ...rest, queue: { ...rest.queue, given: 0, left: 0 } }) +
            response.status +
            response.headers.get('content-type'),
        );
      }
    if (
      desk.case.study.studyUid !== alike.positive.studyUid &&
      desk.case.study.studyUid !== alike.negative.studyUid
    )
      await give(who('alice'), id, desk.case, 'no');
  }
  expect(answers.get('positive')).toBe(answers.get('negative'));
  expect(answers.get('positive')).toContain('"STUDY"');
  expect(answers.get('positive after')).toBe(answers.get('negative after'));
  const cases = await who('preuve').json<QueueCaseRow[]>('GET', `/api/labelling/${id}/cases?figure=answered`);
  const marks = (of: Variant) => cases.find((row) => row.case.studyUid === of.studyUid)!.case.marked;
  expect([marks(alike.positive), marks(alike.negative)]).toEqual([true, false]);

  // Nothing else that a reader can ask for says it: neither words nor numbers of the draw.
  const queue = await who('preuve').json<QueueOverview>('GET', `/api/labelling/${id}`);
  const mine = await (await who('bruno').call('GET', '/api/labelling/mine')).text();
  for (const text of [mine, ...answers.values()])
    expect(text).not.toMatch(/marked|stratum|weight|score|seed|sample|positive|twice|frame_|"ai"/i);
  expect(mine).not.toContain(queue.queue.seed!);
  // An administrator who reads sees in the log that it happened, not what.
  const audit = await (await who('anne').call('GET', '/api/audit?limit=200')).text();
  expect(audit).toContain('evidence.labelling.drawn');
  expect(audit).not.toContain(queue.queue.seed!);
  expect(audit).not.toMatch(/"marked"|"answer"/);
  for (const name of ['alice', 'anne', 'deux']) {
    expect((await who(name).call('GET', `/api/labelling/${id}/cases?figure=found`)).status, name).toBe(403);
    const overview = await who(name).call('GET', `/api/labelling/${id}`);
    if (name === 'deux') {
      const text = await overview.text();
      expect(JSON.parse(text).figures).toBeNull();
      expect(text).not.toContain(queue.queue.seed!);
    } else expect(overview.status, name).toBe(403);
  }
}, 120_000);

test('the power goes while three label: what was acknowledged is there, once, and the chain holds', async () => {
  const { id } = await draw({ second: 'all' });
  const acknowledged: string[] = [];
  const worker = async (name: string) => {
    try {
      for (let desk = await next(who(name), id); desk.case;) {
        const { studyUid } = desk.case.study;
        desk = await give(who(name), id, desk.case, 'no');
        acknowledged.push(`${name} ${studyUid}`);
      }
    } catch {
      // The server is gone.
    }
  };
  const working = Promise.all(['alice', 'bruno', 'carla'].map(worker));
  while (acknowledged.length < 5) await new Promise((resolve) => setTimeout(resolve, 5));
  server = await server.restart();
  await working;
  await login();
  const overview = await who('preuve').json<QueueOverview>('GET', `/api/labelling/${id}`);
  const there = overview.progress.persons.reduce((sum, { labels }) => sum + labels, 0);
  expect(there).toBeGreaterThanOrEqual(acknowledged.length);
  // One call a person may have been kept and not answered.
  expect(there).toBeLessThanOrEqual(acknowledged.length + 3);
  for (const name of ['alice', 'bruno', 'carla'])
    for (const studyUid of await labelAll(who(name), id, () => 'no'))
      expect(acknowledged).not.toContain(`${name} ${studyUid}`);
  const after = await who('preuve').json<QueueOverview>('GET', `/api/labelling/${id}`);
  expect(after.progress).toMatchObject({ answered: after.progress.drawn, open: 0 });
  expect(after.progress.byRank[2]).toBe(after.progress.drawn);
  expect(after.progress.persons.reduce((sum, { labels }) => sum + labels, 0)).toBe(2 * after.progress.drawn);
  expect(await who('anne').json('POST', '/api/audit/verify', {})).toMatchObject({ ok: true });
}, 120_000);

test('who takes labels.csv was told what is marked, by its weights: what they label later is kept apart', async () => {
  const closed = await draw({ second: 'none' });
  await labelAll(who('alice'), closed.id, () => 'no');
  await who('preuve').json('POST', `/api/labelling/${closed.id}/close`, {});
  const csv = await who('deux').call('GET', `/api/labelling/${closed.id}/labels.csv`);
  expect([csv.status, csv.headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8']);
  const later = await draw({ second: 'none' });
  const given = await labelAll(who('deux'), later.id, () => 'no');
  expect(given.length).toBe(later.frame.marked + later.frame.unmarked);
  const apart = await who('preuve').json<QueueCaseRow[]>(
    'GET',
    `/api/labelling/${later.id}/cases?figure=apart`,
  );
  expect(apart.map((row) => row.case.studyUid).sort()).toEqual(given.sort());
}, 120_000);
