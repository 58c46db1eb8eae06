/** The requestor's side against archives of others, and against peers that misbehave. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataset, encodeDataSet, EXPLICIT_LE, IMPLICIT_LE, parseDicom } from '../dicom/index.ts';
import { Channel, DEFAULT_LIMITS } from './channel.ts';
import { associate } from './client.ts';
import type { ProposedService } from './client.ts';
import { COMMAND, NO_DATA_SET } from './command.ts';
import { APPLICATION_CONTEXT, decodeAssociateRequest, encodeAssociateAccept } from './pdu.ts';
import { createDimseServer } from './server.ts';
import { storage } from './service.ts';
import { acceptAnyCaller } from './policy.ts';
import { freePort, orthancMissing, startDcmqrscp, startOrthanc } from './testing/peers.ts';
import type { Peer } from './testing/peers.ts';
import type { Association, SubOperations } from './requests.ts';

const CT = '1.2.840.10008.5.1.4.1.1.2';
const FIND = '1.2.840.10008.5.1.4.1.2.2.1';
const MOVE = '1.2.840.10008.5.1.4.1.2.2.2';
const GET = '1.2.840.10008.5.1.4.1.2.2.3';
const PLAIN = [EXPLICIT_LE, IMPLICIT_LE];
const host = '127.0.0.1';
const files = ['01', '02', '03'].map((n) => {
  const bytes = readFileSync(new URL(`../../../shared/dicom/ct/ct-3slice_${n}.dcm`, import.meta.url));
  const { dataset: data, datasetOffset, transferSyntax } = parseDicom(bytes);
  return {
    sopInstanceUid: data.string(0x00080018)!,
    studyUid: data.string(0x0020000d)!,
    transferSyntax,
    data: bytes.subarray(datasetOffset),
  };
});
const study = files[0]!.studyUid;
const uids = files.map(({ sopInstanceUid }) => sopInstanceUid).sort();
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const atStudy = (more: Parameters<typeof dataset>[0] = {}) =>
  dataset({ QueryRetrieveLevel: 'STUDY', StudyInstanceUID: study, ...more });

async function all<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const things: T[] = [];
  for await (const thing of iterable) things.push(thing);
  return things;
}

const PEERS: [string, boolean, (known: { aeTitle: string; port: number }[]) => Promise<Peer>][] = [
  ['dcmqrscp', false, startDcmqrscp],
  ['Orthanc', orthancMissing, startOrthanc],
];
describe.each(PEERS)('%s as archive', (_name, missing, start) => {
  if (missing) return it.skip('is not installed', () => {});
  let peer: Peer;
  let ownPort: number;
  const open = (contexts: ProposedService[], more = {}): Promise<Association> =>
    associate({ host, port: peer.port, callingAe: 'NEGATOSCOPE', calledAe: peer.aeTitle, contexts, ...more });

  beforeAll(async () => {
    ownPort = await freePort();
    peer = await start([{ aeTitle: 'NEGATOSCOPE', port: ownPort }]);
    const association = await open([{ abstractSyntax: CT, transferSyntaxes: [files[0]!.transferSyntax] }], {
      window: 4,
    });
    // Whatever the peer grants: all at once wait for their turn.
    const stored = await Promise.all(files.map((file) => association.store({ sopClassUid: CT, ...file })));
    expect(stored).toEqual(files.map(() => ({ status: 0 })));
    await association.release();
  });
  afterAll(() => peer?.remove());

  it('finds studies and images', async () => {
    const association = await open([{ abstractSyntax: FIND, transferSyntaxes: PLAIN }]);
    const [found, ...more] = await all(
      association.find({
        sopClassUid: FIND,
        identifier: atStudy({ PatientName: '', ModalitiesInStudy: '' }),
      }),
    );
    expect(more).toEqual([]);
    expect(found!['0020000D']!.Value).toEqual([study]);
    const series = await all(
      association.find({
        sopClassUid: FIND,
        identifier: dataset({ QueryRetrieveLevel: 'SERIES', StudyInstanceUID: study, SeriesInstanceUID: '' }),
      }),
    );
    const images = await all(
      association.find({
        sopClassUid: FIND,
        identifier: dataset({
          QueryRetrieveLevel: 'IMAGE',
          StudyInstanceUID: study,
          SeriesInstanceUID: String(series[0]!['0020000E']!.Value![0]),
          SOPInstanceUID: '',
        }),
      }),
    );
    expect(images.map((image) => image['00080018']!.Value![0]).sort()).toEqual(uids);
    // Leaving early is a C-CANCEL; the association stays usable.
    for await (const _ of association.find({
      sopClassUid: FIND,
      identifier: dataset({ QueryRetrieveLevel: 'STUDY', StudyInstanceUID: '' }),
    }))
      break;
    expect(await all(association.find({ sopClassUid: FIND, identifier: atStudy() }))).toHaveLength(1);
    await association.release();
  });

  it('gets instances on the same association, byte for byte, and tells how far it is', async () => {
    const got = new Map<string, string>();
    const association = await open([
      { abstractSyntax: GET, transferSyntaxes: PLAIN },
      { abstractSyntax: CT, transferSyntaxes: [files[0]!.transferSyntax], role: 'scp' },
    ]);
    const progress = await all(
      association.get({ sopClassUid: GET, identifier: atStudy() }, async (request, body) => {
        got.set(request.sopInstanceUid, sha(Buffer.concat(await all(body))));
        return { status: 0 };
      }),
    );
    expect(progress.at(-1)).toMatchObject({ done: true, status: 0, completed: 3, failed: 0 });
    expect([...got.keys()].sort()).toEqual(uids);
    for (const file of files) expect(got.get(file.sopInstanceUid)).toBe(sha(file.data));
    // A handler that fails is one failed sub-operation, not the end.
    const second = await all(
      association.get({ sopClassUid: GET, identifier: atStudy() }, async ({ sopInstanceUid }) => {
        if (sopInstanceUid === uids[1]) throw new Error('no room');
        return { status: 0 };
      }),
    );
    expect(second.at(-1)).toMatchObject({ done: true, completed: 2, failed: 1 });
    await association.release();
  });

  it('moves to our own port, and says so when the destination is unknown', async () => {
    const got: string[] = [];
    const server = createDimseServer({
      acceptCaller: acceptAnyCaller,
      services: [
        storage({
          async onStore(request, body) {
            got.push(request.sopInstanceUid);
            for await (const _ of body);
            return { status: 0 };
          },
        }),
      ],
    });
    await server.listen(ownPort, host);
    try {
      const association = await open([{ abstractSyntax: MOVE, transferSyntaxes: PLAIN }]);
      const query = { sopClassUid: MOVE, identifier: atStudy() };
      const progress = await all(association.move({ ...query, destination: 'NEGATOSCOPE' }));
      expect(progress.at(-1)).toMatchObject({ done: true, status: 0 });
      expect(got.sort()).toEqual(uids);
      const [wrong] = (await all(association.move({ ...query, destination: 'NOBODY' }))).slice(-1);
      expect((wrong as SubOperations).status).not.toBe(0);
      await association.release();
    } finally {
      await server.close();
    }
  });

  it('a wrong called title is told apart', async () => {
    if (_name !== 'Orthanc') return;
    await expect(
      associate({
        host,
        port: peer.port,
        callingAe: 'A',
        calledAe: 'WRONG',
        contexts: [{ abstractSyntax: FIND, transferSyntaxes: PLAIN }],
      }),
    ).rejects.toMatchObject({ code: 'dimse-rejected', details: { source: 1, reason: 7 } });
  });
});

/** A provider that accepts everything and then does as the script says. */
async function scripted(
  script: (channel: Channel, contextId: number) => Promise<void>,
  grant?: { invoked: number; performed: number },
): Promise<{ port: number; close: () => void }> {
  const server = createServer((socket: Socket) => {
    socket.on('error', () => {});
    void (async () => {
      const channel = new Channel(socket, DEFAULT_LIMITS);
      const { body } = await channel.readControl();
      const request = decodeAssociateRequest(body);
      await channel.write(
        encodeAssociateAccept({
          ...request,
          applicationContext: APPLICATION_CONTEXT,
          contexts: request.contexts.map(({ id, transferSyntaxes }) => ({
            id,
            result: 0,
            transferSyntax: transferSyntaxes[0]!,
          })),
          user: { ...request.user, ...(grant ? { asyncOperations: grant } : {}) },
        }),
      );
      await script(channel, request.contexts[0]!.id);
    })().catch(() => {});
  }).listen(0, host);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}
const drain = async (channel: Channel) => {
  const message = await channel.next();
  if (message === 'release') throw new Error('release');
  for await (const _ of message.data ?? []);
  return message.command;
};

describe('peers that misbehave', () => {
  const openTo = (port: number, sopClass: string, more = {}) =>
    associate({
      host,
      port,
      callingAe: 'A',
      calledAe: 'B',
      contexts: [{ abstractSyntax: sopClass, transferSyntaxes: [EXPLICIT_LE] }],
      ...more,
    });
  const query = { sopClassUid: FIND, identifier: atStudy() };

  it('one that answers nothing is given up in time, one that answers another request at once', async () => {
    const silent = await scripted(async (channel) => void (await drain(channel)));
    const association = await openTo(silent.port, FIND, { responseTimeoutMs: 150 });
    await expect(all(association.find(query))).rejects.toMatchObject({ code: 'dimse-timeout' });
    await expect(all(association.find(query))).rejects.toMatchObject({ code: 'dimse-timeout' });
    silent.close();
    const wrong = await scripted(async (channel, id) => {
      await drain(channel);
      await channel.send(id, {
        CommandField: COMMAND.findRsp,
        MessageIDBeingRespondedTo: 999,
        CommandDataSetType: NO_DATA_SET,
        Status: 0,
      });
    });
    await expect(all((await openTo(wrong.port, FIND)).find(query))).rejects.toMatchObject({
      code: 'dimse-pdu',
    });
    wrong.close();
  });

  it('one that never stops answering waits for us, and ends by a cancel', async () => {
    let sent = 0;
    const endless = await scripted(async (channel, id) => {
      const { MessageID } = await drain(channel);
      let cancelled = false;
      void channel.next().then(() => (cancelled = true));
      const answer = { CommandField: COMMAND.findRsp, MessageIDBeingRespondedTo: MessageID! };
      const identifier = encodeDataSet(atStudy({ PatientName: 'x'.repeat(50) }));
      while (!cancelled) {
        await channel.send(id, { ...answer, CommandDataSetType: 0, Status: 0xff00 }, identifier);
        sent++;
      }
      await channel.send(id, { ...answer, CommandDataSetType: NO_DATA_SET, Status: 0xfe00 });
    });
    const association = await openTo(endless.port, FIND);
    const iterator = association.find(query);
    await iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const ahead = sent;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(sent).toBe(ahead); // the peer waits
    await iterator.return();
    const controller = new AbortController();
    endless.close();
    const again = await scripted(async (channel, id) => {
      const { MessageID } = await drain(channel);
      await drain(channel);
      await channel.send(id, {
        CommandField: COMMAND.findRsp,
        MessageIDBeingRespondedTo: MessageID!,
        CommandDataSetType: NO_DATA_SET,
        Status: 0xfe00,
      });
    });
    const second = (await openTo(again.port, FIND)).find(query, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(all(second)).rejects.toMatchObject({ code: 'dimse-cancelled' });
    again.close();
  });

  it('a failure of the peer is an error with its status', async () => {
    const failing = await scripted(async (channel, id) => {
      const { MessageID } = await drain(channel);
      await channel.send(id, {
        CommandField: COMMAND.findRsp,
        MessageIDBeingRespondedTo: MessageID!,
        CommandDataSetType: NO_DATA_SET,
        Status: 0xa700,
        ErrorComment: 'Out of memory',
      });
    });
    await expect(all((await openTo(failing.port, FIND)).find(query))).rejects.toMatchObject({
      code: 'dimse-status',
      details: { status: 0xa700, comment: 'Out of memory' },
    });
    failing.close();
  });

  it('uses the operations window that the peer grants, and takes answers in any order', async () => {
    const waiting: number[] = [];
    const many = await scripted(
      async (channel, id) => {
        for (;;) {
          const { MessageID } = await drain(channel);
          waiting.push(MessageID!);
          if (waiting.length < 3) continue;
          for (const answered of waiting.splice(0).reverse())
            await channel.send(id, {
              CommandField: COMMAND.storeRsp,
              MessageIDBeingRespondedTo: answered,
              CommandDataSetType: NO_DATA_SET,
              Status: answered,
            });
        }
      },
      { invoked: 3, performed: 1 },
    );
    const association = await openTo(many.port, CT, { window: 8 });
    expect(association.window).toBe(3);
    const store = (n: number) =>
      association.store({
        sopClassUid: CT,
        sopInstanceUid: `1.2.${n}`,
        transferSyntax: EXPLICIT_LE,
        data: Buffer.alloc(n * 1000),
      });
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(store));
    expect(answers.map(({ status }) => status)).toEqual([1, 2, 3, 4, 5, 6]);
    association.abort();
    many.close();
  });

  it('commitment: the answer, and the report where it comes on the same association', async () => {
    const COMMITMENT = '1.2.840.10008.1.20.1';
    const committing = await scripted(async (channel, id) => {
      const { MessageID, ActionTypeID } = await drain(channel);
      expect(ActionTypeID).toBe(1);
      const report = encodeDataSet(
        dataset({
          TransactionUID: '1.2.3',
          ReferencedSOPSequence: [{ ReferencedSOPClassUID: CT, ReferencedSOPInstanceUID: '1.2.3.1' }],
          FailedSOPSequence: [
            { ReferencedSOPClassUID: CT, ReferencedSOPInstanceUID: '1.2.3.2', FailureReason: 0x0112 },
          ],
        }),
      );
      await channel.send(id, {
        CommandField: COMMAND.actionRsp,
        MessageIDBeingRespondedTo: MessageID!,
        CommandDataSetType: NO_DATA_SET,
        Status: 0,
      });
      await channel.send(
        id,
        {
          AffectedSOPClassUID: COMMITMENT,
          CommandField: COMMAND.eventReportRq,
          MessageID: 77,
          CommandDataSetType: 0,
          AffectedSOPInstanceUID: '1.2.840.10008.1.20.1.1',
          EventTypeID: 2,
        },
        report,
      );
      expect(await drain(channel)).toMatchObject({ MessageIDBeingRespondedTo: 77, Status: 0 });
      expect(await channel.next()).toBe('release');
      channel.replyRelease();
    });
    const association = await openTo(committing.port, COMMITMENT);
    const references = [1, 2].map((n) => ({ sopClassUid: CT, sopInstanceUid: `1.2.3.${n}` }));
    expect(await association.commit('1.2.3', references, 5000)).toEqual({
      status: 0,
      result: {
        transactionUid: '1.2.3',
        committed: ['1.2.3.1'],
        failed: [{ sopInstanceUid: '1.2.3.2', reason: 0x0112 }],
      },
    });
    await association.release();
    committing.close();
  });
});
