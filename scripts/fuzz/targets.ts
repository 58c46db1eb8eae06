/** What is fed with mutated input. Expected refusals are errors with a code. */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import {
  type DicomJson,
  encodeDataSet,
  EXPLICIT_LE,
  frameOffsets,
  fromXml,
  parseDataSet,
  parseDicom,
  parseHeader,
  toJson,
} from '../../src/dicom/index.ts';
import { NegatoscopeError } from '../../src/errors.ts';
import { Channel, DEFAULT_LIMITS } from '../../src/wire/channel.ts';
import { decodeCommand } from '../../src/wire/command.ts';
import { readMultipart } from '../../src/wire/multipart.ts';
import {
  decodeAbort,
  decodeAssociateAccept,
  decodeAssociateReject,
  decodeAssociateRequest,
} from '../../src/wire/pdu.ts';
import { ZipBudget, zipContent, zipEntries, type ZipSource } from '../../src/wire/zip/index.ts';
import { jsonSeeds, multipartSeeds, part10Seeds, pduSeeds, xmlSeeds, zipSeeds } from './seeds.ts';

export interface Target {
  seeds(): Buffer[];
  /** Seeds are JSON, see `Mutator.input`. */
  readonly tree?: boolean;
  /** Throws whatever it throws; `isRefusal` says which of it is right. */
  feed(bytes: Buffer): Promise<void> | void;
}
export const isRefusal = (thrown: unknown): boolean => thrown instanceof NegatoscopeError;

async function* chunksOf(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 997) yield bytes.subarray(at, at + 997);
}
const sourceOf = (bytes: Buffer): ZipSource => ({
  size: bytes.length,
  read: async (offset, length) => bytes.subarray(offset, offset + length),
});

/** A connection on which everything has arrived, in pieces, and the peer has closed. */
function arrived(bytes: Buffer): Socket {
  const nothing = (): void => undefined;
  const socket = Object.assign(new EventEmitter(), {
    setNoDelay: nothing,
    pause: nothing,
    resume: nothing,
    isPaused: () => false,
  });
  socket.on('newListener', (event) => {
    if (event !== 'end') return;
    for (let at = 0; at < bytes.length; at += 97) socket.emit('data', bytes.subarray(at, at + 97));
    process.nextTick(() => socket.emit('end'));
  });
  return socket as unknown as Socket;
}

/** What a server reads of an association, whatever it would answer: PS3.8 9.2. */
async function listen(bytes: Buffer): Promise<void> {
  const channel = new Channel(arrived(bytes), DEFAULT_LIMITS);
  decodeAssociateRequest((await channel.readControl()).body);
  for (;;) {
    const message = await channel.next();
    if (message === 'release') return;
    if (message.data) for await (const _ of message.data);
  }
}

/** Throws what is no refusal; gives the last refusal. */
async function refusalOf(...works: (() => unknown)[]): Promise<unknown> {
  let refused: unknown;
  for (const work of works)
    try {
      await work();
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      refused = thrown;
    }
  return refused;
}

/** What is written can be read again. */
function writeAndRead(json: DicomJson): void {
  const bytes = encodeDataSet(json);
  toJson(parseDataSet(bytes, EXPLICIT_LE));
}

export const TARGETS: Readonly<Record<string, Target>> = {
  part10: {
    seeds: part10Seeds,
    feed(bytes) {
      parseHeader(bytes, { complete: true, stopAtLength: 1024 * 1024 });
      const file = parseDicom(bytes);
      toJson(file.dataset, { bulkDataUri: (path) => path });
      frameOffsets(file);
    },
  },
  pdu: {
    seeds: pduSeeds,
    async feed(bytes) {
      // What follows the header of six bytes: PS3.8 9.3.1.
      const body = bytes.subarray(6);
      const decoders = [
        () => decodeAssociateRequest(body),
        () => decodeAssociateAccept(body),
        () => decodeAssociateReject(body),
        () => decodeAbort(body),
        () => decodeCommand(bytes),
      ];
      const refused = await refusalOf(...decoders);
      await listen(bytes);
      if (refused) throw refused;
    },
  },
  multipart: {
    seeds: multipartSeeds,
    async feed(bytes) {
      for await (const part of readMultipart(chunksOf(bytes), 'b')) for await (const _ of part.body);
    },
  },
  json: {
    seeds: jsonSeeds,
    tree: true,
    feed(bytes) {
      let json: unknown;
      try {
        json = JSON.parse(bytes.toString('utf8'));
      } catch {
        return;
      }
      if (typeof json === 'object' && json !== null) writeAndRead(json as DicomJson);
    },
  },
  xml: {
    seeds: xmlSeeds,
    feed: (bytes) => writeAndRead(fromXml(bytes.toString('utf8'))),
  },
  zip: {
    seeds: zipSeeds,
    async feed(bytes) {
      const source = sourceOf(bytes);
      const budget = new ZipBudget();
      let entries = 0;
      for await (const entry of zipEntries(source)) {
        if (++entries > 200) return;
        for await (const _ of zipContent(source, entry, budget));
      }
    },
  },
};
