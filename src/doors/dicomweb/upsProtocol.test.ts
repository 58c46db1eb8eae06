/** UPS-RS word by word: the state machine, searches, what cannot be used, event reports over a WebSocket, and `curl` as a client. */
import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { FILTERED_WORKLIST, WORKLIST } from '../../assist/index.ts';
import { type DicomJson, newUid, TAG } from '../../dicom/index.ts';
import { createStore } from '../../store/index.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  answer,
  ask,
  askModel,
  attribute,
  change,
  claimed,
  closeAll,
  INCONSISTENT,
  items,
  migrations,
  performed,
  place,
  type Place,
  progress,
  stateChange,
  stateOf,
  stow,
  text,
  uidOf,
  update,
  waiting,
} from './testing-ups.ts';
import { createFrameReader, type Frame, frame, WebSocketError } from './websocket.ts';

beforeAll(askModel);
const cleaning: (() => Promise<void>)[] = [];
afterEach(async () => {
  await closeAll();
  for (const clean of cleaning.splice(0)) await clean();
});
async function here(options: { leaseMs?: number } = {}): Promise<Place> {
  const dir = await mkdtemp(join(tmpdir(), 'negatoscope-ups-'));
  const store = await createStore({ dir, migrations });
  cleaning.push(async () => {
    await store.close();
    await rm(dir, { recursive: true });
  });
  return place(store, options);
}

test('the state machine of PS3.4 table CC.1.1-2', async () => {
  const at = await here();
  const uid = uidOf(await waiting(at));
  const t = newUid();
  const moves = async (state: string, transactionUid?: string) =>
    answer(change(at, 'north', uid, state, transactionUid));
  // SCHEDULED
  expect(await moves('SCHEDULED', t)).toEqual([409, INCONSISTENT]);
  expect(await moves('COMPLETED', t)).toEqual([409, INCONSISTENT]);
  expect(await moves('CANCELED', t)).toEqual([409, INCONSISTENT]);
  expect((await moves('DONE', t))[0]).toBe(400);
  expect((await moves('IN PROGRESS', 'no uid'))[0]).toBe(400);
  expect(await answer(update(at, 'north', uid, t, progress('1')))).toEqual([
    409,
    'The target URI did not reference a claimed Workitem.',
  ]);
  expect(await moves('IN PROGRESS', t)).toEqual([200, undefined]);
  // IN PROGRESS
  expect(await moves('IN PROGRESS', t)).toEqual([409, INCONSISTENT]);
  expect(await moves('SCHEDULED', t)).toEqual([409, INCONSISTENT]);
  expect((await moves('COMPLETED'))[0]).toBe(400);
  expect((await moves('CANCELED', newUid()))[0]).toBe(400);
  const { reference } = await stow(at, 'north');
  await update(at, 'north', uid, t, performed(reference));
  expect(await moves('COMPLETED', t)).toEqual([200, undefined]);
  // COMPLETED
  for (const state of ['SCHEDULED', 'IN PROGRESS', 'CANCELED'])
    expect(await moves(state, t)).toEqual([409, INCONSISTENT]);
  expect((await ask(at, 'anne', 'POST', `/workitems/${uid}/cancelrequest`)).status).toBe(409);
  // No such item, and none is made from outside.
  for (const response of [
    ask(at, 'north', 'GET', '/workitems/1.2.3'),
    change(at, 'north', '1.2.3', 'IN PROGRESS', t),
    change(at, 'north', '1.2.3', 'COMPLETED', t),
    change(at, 'north', '1.2.3', 'SCHEDULED', t),
    update(at, 'north', '1.2.3', t, progress('1')),
    ask(at, 'anne', 'POST', '/workitems/1.2.3/cancelrequest'),
    ask(at, 'north', 'POST', '/workitems/1.2.3/subscribers/NORTH'),
  ])
    expect((await response).status).toBe(404);
  expect((await ask(at, 'anne', 'POST', '/workitems', {})).status).toBe(403);
});

test('a search matches, pages, answers as XML, and says when there is nothing', async () => {
  const at = await here();
  const item = await waiting(at);
  const search = async (query: string) => (await items(at, 'anne', query)).length;
  expect(await search('?ProcedureStepState=SCHEDULED&InputReadinessState=READY')).toBe(1);
  expect(await search('?ProcedureStepState=COMPLETED')).toBe(0);
  expect(await search(`?StudyInstanceUID=${at.studyUid}`)).toBe(1);
  expect(await search('?ScheduledWorkitemCodeSequence.CodeValue=fracture')).toBe(1);
  expect(await search('?ScheduledWorkitemCodeSequence.CodeValue=other')).toBe(0);
  expect(await search('?WorklistLabel=nega*')).toBe(1);
  expect(await search('?00741204=*fracture*')).toBe(1); // Procedure Step Label
  expect(await search('?ScheduledProcedureStepPriority=LOW')).toBe(1);
  expect((await ask(at, 'anne', 'GET', '/workitems?ProcedureStepState=CANCELED')).status).toBe(204);
  expect((await ask(at, 'anne', 'GET', '/workitems?nonsense=1')).status).toBe(400);
  expect((await ask(at, 'anne', 'GET', '/workitems?limit=-1')).status).toBe(400);
  const part = await ask(at, 'anne', 'GET', '/workitems?limit=0');
  expect(part.status).toBe(204);
  const xml = await fetch(`${at.url}/workitems/${uidOf(item)}`, {
    headers: { accept: 'multipart/related; type="application/dicom+xml"', 'x-who': 'anne' },
  });
  expect(await xml.text()).toContain('keyword="ProcedureStepState"');
});

test('what cannot be used is a mistake of the client, and changes nothing', async () => {
  const at = await here();
  const { uid, transactionUid } = await claimed(at, 'north');
  const bad: [DicomJson | string, number][] = [
    ['', 400],
    ['{', 400],
    ['[]', 400],
    ['[{},{}]', 400],
    ['"text"', 400],
    [progress('101'), 400],
    [progress('NaN'), 400],
    [progress('-1'), 400],
    [attribute(TAG.ProcedureStepState, 'CS', 'COMPLETED'), 400],
    ['{"00741002":{"vr":"SQ","Value":[{"00741004":{"vr":"DS","Value":[{"toString":1}]}}]}}', 400],
    ['{"00741216":{"vr":"SQ","Value":[{"00404050":{"vr":"DT","Value":["yesterday"]}}]}}', 400],
  ];
  for (const [body, status] of bad)
    expect([body, (await update(at, 'north', uid, transactionUid, body)).status]).toEqual([body, status]);
  // Of no shape that means anything: nothing is taken of it.
  for (const body of [
    '{"00741002":{"vr":"SQ","Value":"text"}}',
    '{"00741002":null}',
    '{"00741216":{"vr":"SQ","Value":[7]}}',
  ])
    expect((await update(at, 'north', uid, transactionUid, body)).status).toBe(200);
  const other = attribute(TAG.PatientName, 'PN', { Alphabetic: 'Someone^Else' });
  expect(await answer(update(at, 'north', uid, transactionUid, other))).toEqual([
    200,
    'Requested optional Attributes are not supported.',
  ]);
  const large = { '00741002': { vr: 'SQ', Value: ['x'.repeat(1_100_000)] } } as DicomJson;
  expect((await update(at, 'north', uid, transactionUid, large)).status).toBe(413);
  const wrongType = await fetch(`${at.url}/workitems/${uid}/state`, {
    method: 'PUT',
    headers: { 'content-type': 'text/plain', 'x-who': 'north' },
    body: 'IN PROGRESS',
  });
  expect(wrongType.status).toBe(415);
  expect(stateOf((await items(at, 'north'))[0]!)).toBe('IN PROGRESS');
});

test('a result that says what the work item does not ask for is refused, and the run is not done', async () => {
  const at = await here();
  const { uid, transactionUid } = await claimed(at, 'north');
  const image = { sopInstanceUid: '1.2.3', score: 0.5, positive: true, heat: null };
  const { reference } = await stow(at, 'north', { images: [image], findings: [] });
  await update(at, 'north', uid, transactionUid, performed(reference));
  const refused = await change(at, 'north', uid, 'COMPLETED', transactionUid);
  expect(refused.status).toBe(409);
  expect(await refused.text()).toContain('an image that the work item does not have');
  expect((await at.assist.runs([at.studyUid]))[0]!.state).toBe('running');
});

/** Node's own client, which knows nothing of this server. */
async function listen(at: Place, who: string, aeTitle: string) {
  const reports: DicomJson[] = [];
  const socket = new WebSocket(`${at.url.replace(/^http/, 'ws')}/subscribers/${aeTitle}`, {
    headers: { 'x-who': who },
  } as never);
  socket.addEventListener('message', (event) => reports.push(JSON.parse(String(event.data)) as DicomJson));
  const closed = new Promise<void>((resolve) => socket.addEventListener('close', () => resolve()));
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error('not opened')));
  });
  const said = () =>
    reports.map((report) => [
      report['00001000']!.Value![0],
      report['00001002']!.Value![0],
      text(report, TAG.ProcedureStepState),
    ]);
  return { reports, said, socket, closed };
}
const until = async (condition: () => boolean): Promise<void> => {
  for (let i = 0; i < 200 && !condition(); i += 1) await pause(20);
  expect(condition()).toBe(true);
};

test('a subscriber is told of each change by event reports, until it has had enough', async () => {
  const at = await here();
  const uid = uidOf(await waiting(at));
  const north = await listen(at, 'north', 'NORTH');
  const filtered = await listen(at, 'south', 'FILTERED');
  expect(
    (await ask(at, 'north', 'POST', `/workitems/${uid}/subscribers/NORTH`)).headers.get('content-location'),
  ).toBe(`${at.url.replace(/^http/, 'ws')}/subscribers/NORTH`);
  await until(() => north.reports.length === 1); // the state at present, at once
  const onlyDone = `/workitems/${FILTERED_WORKLIST}/subscribers/FILTERED`;
  expect((await ask(at, 'south', 'POST', onlyDone)).status).toBe(400);
  expect((await ask(at, 'south', 'POST', `${onlyDone}?filter=nonsense=1`)).status).toBe(400);
  expect(
    (await ask(at, 'south', 'POST', `${onlyDone}?filter=ProcedureStepState%3DCOMPLETED&deletionlock=true`))
      .status,
  ).toBe(201);
  // Under the title of somebody else nobody listens, subscribes or ends it.
  await expect(listen(at, 'south', 'NORTH')).rejects.toThrow();
  expect((await ask(at, 'south', 'DELETE', `/workitems/${uid}/subscribers/NORTH`)).status).toBe(403);
  expect((await ask(at, 'north', 'POST', `/workitems/${uid}/subscribers/${'X'.repeat(17)}`)).status).toBe(
    400,
  );

  const { transactionUid } = await claimed(at, 'north');
  await update(at, 'north', uid, transactionUid, progress('40', 'words of its own'));
  await ask(at, 'anne', 'POST', `/workitems/${uid}/cancelrequest`);
  const { reference } = await stow(at, 'north');
  await update(at, 'north', uid, transactionUid, performed(reference));
  await change(at, 'north', uid, 'COMPLETED', transactionUid);
  await until(() => north.said().at(-1)?.[2] === 'COMPLETED');
  expect(north.said()).toEqual([
    [uid, 1, 'SCHEDULED'],
    [uid, 1, 'IN PROGRESS'],
    [uid, 3, undefined],
    [uid, 2, undefined],
    [uid, 3, undefined],
    [uid, 1, 'COMPLETED'],
  ]);
  expect(JSON.stringify(north.reports)).not.toContain('words of its own');
  expect(north.reports[0]!['00000002']!.Value).toEqual(['1.2.840.10008.5.1.4.34.6.4']);
  await until(() => filtered.reports.length > 0);
  expect(filtered.said()).toEqual([[uid, 1, 'COMPLETED']]);

  expect((await ask(at, 'north', 'DELETE', `/workitems/${uid}/subscribers/NORTH`)).status).toBe(200);
  expect((await ask(at, 'north', 'DELETE', `/workitems/${uid}/subscribers/NORTH`)).status).toBe(404);
  // The whole worklist, and what suspending it means: of what is new nothing more.
  expect((await ask(at, 'north', 'POST', `/workitems/${WORKLIST}/subscribers/NORTH`)).status).toBe(201);
  expect((await ask(at, 'north', 'POST', `/workitems/${WORKLIST}/subscribers/NORTH/suspend`)).status).toBe(
    200,
  );
  expect((await ask(at, 'north', 'POST', `/workitems/${uid}/subscribers/NORTH/suspend`)).status).toBe(400);
  expect((await ask(at, 'north', 'DELETE', `/workitems/${WORKLIST}/subscribers/NORTH`)).status).toBe(200);
  // Told when the server goes.
  await closeAll();
  await north.closed;
});

test('curl claims, tells of its progress and gives up', async () => {
  const at = await here();
  const uid = uidOf(await waiting(at));
  const curl = async (...more: string[]): Promise<string> =>
    (
      await promisify(execFile)('curl', ['-s', '-S', '-w', '\n%{http_code}', '-H', 'x-who: north', ...more], {
        encoding: 'utf8',
      })
    ).stdout;
  const json = ['-H', 'Content-Type: application/dicom+json', '-d'];
  const listed = await curl(`${at.url}/workitems?ProcedureStepState=SCHEDULED`);
  expect(listed).toContain(uid);
  expect(listed).toMatch(/\n200$/);
  const state = `${at.url}/workitems/${uid}/state`;
  expect(
    await curl('-X', 'PUT', ...json, JSON.stringify([stateChange('IN PROGRESS', '2.25.77')]), state),
  ).toBe('\n200');
  // The Transaction UID as PS3.18 writes it: a bare query.
  expect(await curl(...json, JSON.stringify(progress('10')), `${at.url}/workitems/${uid}?2.25.77`)).toBe(
    '\n200',
  );
  expect(await curl('-X', 'PUT', ...json, JSON.stringify(stateChange('CANCELED', '2.25.77')), state)).toBe(
    '\n200',
  );
  expect(await curl(`${at.url}/workitems/${uid}`)).toContain('CANCELED');
});

describe('the WebSocket', () => {
  /** A frame as a client sends it. */
  function masked(opcode: number, payload: Uint8Array, { final = true, mask = [1, 2, 3, 4] } = {}): Buffer {
    const plain = frame(opcode, payload);
    const offset = plain.length - payload.length;
    plain[0] = (final ? 0x80 : 0) | opcode;
    plain[1]! |= 0x80;
    const hidden = Buffer.from(payload.map((byte, i) => byte ^ mask[i % 4]!));
    return Buffer.concat([plain.subarray(0, offset), Buffer.from(mask), hidden]);
  }
  const read = (pieces: readonly Uint8Array[]): Frame[] => {
    const frames: Frame[] = [];
    const reader = createFrameReader((each) => frames.push(each));
    for (const piece of pieces) reader.push(piece);
    return frames;
  };

  test('RFC 6455 5.7: the examples', () => {
    expect(frame(1, Buffer.from('Hello'))).toEqual(Buffer.from([0x81, 5, 0x48, 0x65, 0x6c, 0x6c, 0x6f]));
    const hello = Buffer.from([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    expect(read([hello])).toEqual([{ final: true, opcode: 1, payload: Buffer.from('Hello') }]);
    expect(frame(2, Buffer.alloc(256)).subarray(0, 4)).toEqual(Buffer.from([0x82, 0x7e, 0x01, 0x00]));
    expect(frame(2, Buffer.alloc(65536)).subarray(0, 10)).toEqual(
      Buffer.from([0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]),
    );
  });

  test('frames come out as they went in, however they are cut', () => {
    const sent = fc.array(fc.record({ opcode: fc.constantFrom(1, 2, 9, 10), payload: fc.uint8Array({ maxLength: 125 }) }), { minLength: 1, maxLength: 5 }); // prettier-ignore
    fc.assert(
      fc.property(sent, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (frames, cuts) => {
        const whole = Buffer.concat(frames.map(({ opcode, payload }) => masked(opcode, payload)));
        const pieces: Buffer[] = [];
        for (let at = 0, i = 0; at < whole.length; i += 1) {
          const end = at + cuts[i % cuts.length]!;
          pieces.push(whole.subarray(at, end));
          at = end;
        }
        expect(
          read(pieces).map(({ opcode, payload }) => ({ opcode, payload: Uint8Array.from(payload) })),
        ).toEqual(frames.map(({ opcode, payload }) => ({ opcode, payload: Uint8Array.from(payload) })));
      }),
    );
  });

  test('whatever comes, it ends with a code or waits for more, and holds no more than its limit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        try {
          read([bytes]);
        } catch (error) {
          expect(error).toBeInstanceOf(WebSocketError);
        }
      }),
      { numRuns: 3000 },
    );
    const wrong: [string, Uint8Array, number][] = [
      ['not masked', frame(1, Buffer.from('x')), 1002],
      ['a reserved bit', Buffer.from([0xc1, 0x80, 0, 0, 0, 0]), 1002],
      ['an unknown opcode', masked(3, Buffer.from('x')), 1002],
      ['a long ping', masked(9, Buffer.alloc(126)), 1002],
      ['a ping in pieces', masked(9, Buffer.alloc(1), { final: false }), 1002],
      ['a piece of nothing', masked(0, Buffer.alloc(1)), 1002],
      ['a text within another', Buffer.concat([masked(1, Buffer.alloc(1), { final: false }), masked(1, Buffer.alloc(1))]), 1002], // prettier-ignore
      ['2^63 bytes', Buffer.from([0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255]), 1009],
      ['more than the limit', Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 1]), 1009],
    ];
    for (const [what, bytes, code] of wrong)
      expect(() => read([bytes]), what).toThrowError(expect.objectContaining({ code }));
  });

  test('a client that breaks the protocol is sent its code, and an upgrade to anything else is answered as before', async () => {
    const at = await here();
    const { hostname, port, pathname } = new URL(at.url);
    const talk = (request: string, then?: Buffer) =>
      new Promise<Buffer>((resolve) => {
        const chunks: Buffer[] = [];
        const socket = connect(Number(port), hostname, () => socket.write(request));
        socket.on('data', (chunk) => {
          chunks.push(chunk);
          // An answer that leaves the connection open ends with silence; how long the first byte takes says nothing.
          socket.setTimeout(800);
          if (then) socket.write(then);
          then = undefined;
        });
        socket.on('close', () => resolve(Buffer.concat(chunks)));
        socket.setTimeout(30_000, () => socket.destroy());
      });
    const head = (extra: string, path = '/subscribers/NORTH') =>
      `GET ${pathname}${path} HTTP/1.1\r\nHost: x\r\nX-Who: north\r\nConnection: Upgrade\r\n${extra}\r\n\r\n`;
    const websocket =
      'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
    const broken = await talk(head(websocket), frame(1, Buffer.from('not masked')));
    expect(broken.toString('latin1')).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo='); // RFC 6455 1.3
    expect(broken.subarray(-4)).toEqual(Buffer.from([0x88, 2, 0x03, 0xea]));
    expect((await talk(head(websocket.replace('13', '8')))).toString()).toMatch(/^HTTP\/1.1 426/);
    expect((await talk(head('Upgrade: h2c', '/workitems'))).toString()).toMatch(/^HTTP\/1.1 20[04]/);
    expect((await talk(head(websocket, '/nothing'))).toString()).toMatch(/^HTTP\/1.1 404/);
  });
});
