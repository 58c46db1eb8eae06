/** Questions and retrievals on the DICOM network, asked of everyone by the same client: `src/wire`. */
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import { type Attributes, dataset, encodeDataSet, EXPLICIT_LE, IMPLICIT_LE } from '../src/dicom/index.ts';
import { COMMAND, decodeCommand, encodeCommand } from '../src/wire/command.ts';
import { associate, type Association, type ProposedService } from '../src/wire/index.ts';
import {
  APPLICATION_CONTEXT,
  decodeHeader,
  encodeAssociateRequest,
  PDU,
  PDU_HEADER_BYTES,
  PDV_COMMAND,
  PDV_HEADER_BYTES,
  PDV_LAST,
  writeDataHeader,
} from '../src/wire/pdu.ts';
import type { Receiver } from './receivers.ts';

const STUDY_ROOT = '1.2.840.10008.5.1.4.1.2.2';
const [FIND, MOVE, GET] = [1, 2, 3].map((n) => `${STUDY_ROOT}.${n}`) as [string, string, string];
const PLAIN = [EXPLICIT_LE, IMPLICIT_LE];
/** The AE title of the client, which the receivers have to let in, and that of the place where a C-MOVE leads. */
export const CLIENT_AE = 'BENCH';
export const SINK_AE = 'SINK';

const asking = (receiver: Receiver, contexts: readonly ProposedService[]): Promise<Association> =>
  associate({
    host: '127.0.0.1',
    port: receiver.dicomPort,
    callingAe: CLIENT_AE,
    calledAe: 'PEER',
    contexts,
    responseTimeoutMs: 120_000,
  });

/** What a workstation asks of each study for its list. */
const LIST: Attributes = {
  QueryRetrieveLevel: 'STUDY',
  PatientID: '',
  PatientName: '',
  PatientBirthDate: '',
  PatientSex: '',
  StudyInstanceUID: '',
  StudyID: '',
  StudyDate: '',
  StudyTime: '',
  AccessionNumber: '',
  StudyDescription: '',
};

/** Times from question to last answer, ms, on one association. Ends after `maxMs`, but not before three. */
export async function findTimes(
  receiver: Receiver,
  questions: readonly Attributes[],
  { hits, maxMs, maxQuestions }: { hits: number; maxMs: number; maxQuestions: number },
): Promise<number[]> {
  const lane = await openFindLane(receiver);
  const identifiers = questions.map((keys) => encodeDataSet(dataset({ ...LIST, ...keys })));
  const times: number[] = [];
  const until = performance.now() + maxMs;
  try {
    for (let i = 0; i < maxQuestions && (i < 3 || performance.now() < until); i++) {
      const start = performance.now();
      const found = await lane.ask(identifiers[i % identifiers.length]!);
      times.push(performance.now() - start);
      if (found !== hits) throw new Error(`${receiver.name} found ${found} instead of ${hits} studies`);
    }
  } finally {
    lane.close();
  }
  return times;
}

/**
 * An association for C-FIND that counts answers and looks at nothing but their status: a user that reads what it is told takes
 * longer over two thousand answers than who gives them.
 */
async function openFindLane(
  receiver: Receiver,
): Promise<{ ask(identifier: Buffer): Promise<number>; close(): void }> {
  const socket = connect({ host: '127.0.0.1', port: receiver.dicomPort, noDelay: true });
  let held: Buffer = Buffer.alloc(0);
  let take: (type: number, body: Buffer) => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const gone = () => fail(new Error(`${receiver.name} ended the association`));
  socket.on('error', gone).on('close', gone);
  socket.on('data', (chunk: Buffer) => {
    held = held.length > 0 ? Buffer.concat([held, chunk]) : chunk;
    let at = 0;
    while (held.length - at >= PDU_HEADER_BYTES) {
      const { type, length } = decodeHeader(held.subarray(at));
      const end = at + PDU_HEADER_BYTES + length;
      if (end > held.length) break;
      take(type, held.subarray(at + PDU_HEADER_BYTES, end));
      at = end;
    }
    held = held.subarray(at);
  });
  const heard = <T>(listen: (resolve: (value: T) => void) => typeof take): Promise<T> =>
    new Promise((resolve, reject) => {
      fail = reject;
      take = listen(resolve);
    });

  const accepted = heard<void>((resolve) => (type) => (type === PDU.associateAc ? resolve() : gone()));
  socket.write(
    encodeAssociateRequest({
      protocolVersion: 1,
      calledAe: 'PEER',
      callingAe: CLIENT_AE,
      applicationContext: APPLICATION_CONTEXT,
      contexts: [{ id: 1, abstractSyntax: FIND, transferSyntaxes: [EXPLICIT_LE] }],
      user: {
        maxPduLength: 131_072,
        implementationClassUid: '2.25.1',
        implementationVersion: 'BENCH',
        roles: [],
      },
    }),
  );
  try {
    await accepted;
  } catch (thrown) {
    socket.destroy();
    throw thrown;
  }
  const message = (control: number, bytes: Buffer): void => {
    const header = Buffer.alloc(PDU_HEADER_BYTES + PDV_HEADER_BYTES);
    writeDataHeader(header, 0, 1, control | PDV_LAST, bytes.length);
    socket.write(Buffer.concat([header, bytes]));
  };
  let messageId = 0;
  return {
    ask(identifier) {
      const command = {
        AffectedSOPClassUID: FIND,
        CommandField: COMMAND.findRq,
        MessageID: ++messageId,
        Priority: 0,
        CommandDataSetType: 0,
      };
      let found = 0;
      const counted = heard<number>((resolve) => (type, body) => {
        if (type !== PDU.data) return gone();
        // One value or several in a PDU.
        for (let at = 0; at < body.length;) {
          const length = body.readUInt32BE(at);
          const control = body[at + 5]!;
          if (control & PDV_COMMAND) {
            const { Status = 0 } = decodeCommand(body.subarray(at + PDV_HEADER_BYTES, at + 4 + length));
            if (Status >= 0xff00) found++;
            else if (Status === 0) resolve(found);
            else fail(new Error(`${receiver.name} answered ${Status.toString(16)}`));
          }
          at += 4 + length;
        }
      });
      message(PDV_COMMAND, encodeCommand(command));
      message(0, identifier);
      return counted;
    },
    close() {
      socket.removeAllListeners('close');
      socket.destroy();
    },
  };
}

export interface Stored {
  readonly study: string;
  readonly sopClassUid: string;
  readonly transferSyntax: string;
  readonly instances: number;
  /** Of all its data sets. */
  readonly bytes: number;
}

/** MB/s of one study that is fetched again and again on one association. */
export async function getRate(receiver: Receiver, stored: Stored, seconds: number): Promise<number> {
  const association = await asking(receiver, [
    { abstractSyntax: GET, transferSyntaxes: PLAIN },
    { abstractSyntax: stored.sopClassUid, transferSyntaxes: [stored.transferSyntax], role: 'scp' },
  ]);
  let bytes = 0;
  const take = async (_: unknown, body: AsyncIterable<Uint8Array>) => {
    for await (const piece of body) bytes += piece.length;
    return { status: 0 };
  };
  const rate = await rateOf(receiver, stored, seconds, (identifier) =>
    association.get({ sopClassUid: GET, identifier }, take),
  );
  if (bytes % stored.bytes !== 0) throw new Error(`${receiver.name} gave other bytes than it was sent`);
  await association.release();
  return rate;
}

/** MB/s of one study that is sent to the sink again and again. */
export async function moveRate(receiver: Receiver, stored: Stored, seconds: number): Promise<number> {
  const association = await asking(receiver, [{ abstractSyntax: MOVE, transferSyntaxes: PLAIN }]);
  const rate = await rateOf(receiver, stored, seconds, (identifier) =>
    association.move({ sopClassUid: MOVE, identifier, destination: SINK_AE }),
  );
  await association.release();
  return rate;
}

async function rateOf(
  receiver: Receiver,
  stored: Stored,
  seconds: number,
  retrieve: (identifier: ReturnType<typeof dataset>) => ReturnType<Association['get']>,
): Promise<number> {
  const identifier = dataset({ QueryRetrieveLevel: 'STUDY', StudyInstanceUID: stored.study });
  const start = performance.now();
  let times = 0;
  for (; times === 0 || performance.now() - start < 1000 * seconds; times++) {
    let last;
    for await (const each of retrieve(identifier)) last = each;
    if (last?.status !== 0 || last.completed !== stored.instances)
      throw new Error(`${receiver.name} answered ${JSON.stringify(last)}`);
  }
  return (times * stored.bytes) / 1e6 / ((performance.now() - start) / 1000);
}

/** Takes every instance and keeps none: where the C-MOVE of everyone leads. In a thread of its own. */
export async function sink(port: number): Promise<{ stop(): Promise<unknown> }> {
  const worker = new Worker(new URL('sink.ts', import.meta.url), { workerData: port });
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  return { stop: () => worker.terminate() };
}
