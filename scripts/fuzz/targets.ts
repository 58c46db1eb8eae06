/** What is fed with mutated input, and the real inputs that it is made of. Expected refusals are errors with a code. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import {
  type DicomJson,
  encodeDataSet,
  frameOffsets,
  parseDicom,
  parseHeader,
  toJson,
} from '../../src/dicom/index.ts';
import { NegatoscopeError } from '../../src/errors.ts';
import { decodeCommand, encodeCommand } from '../../src/wire/command.ts';
import { readMultipart } from '../../src/wire/multipart.ts';
import {
  APPLICATION_CONTEXT,
  decodeAbort,
  decodeAssociateAccept,
  decodeAssociateReject,
  decodeAssociateRequest,
  encodeAssociateRequest,
} from '../../src/wire/pdu.ts';
import { ZipBudget, zipContent, zipEntries, type ZipSource } from '../../src/wire/zip/index.ts';

const SHARED = new URL('../../../shared/dicom/', import.meta.url).pathname;
const LARGEST = 64 * 1024;

export interface Target {
  seeds(): Buffer[];
  /** Throws whatever it throws; `isRefusal` says which of it is right. */
  feed(bytes: Buffer): Promise<void> | void;
}
export const isRefusal = (thrown: unknown): boolean => thrown instanceof NegatoscopeError;

/** Small files of every folder: mutations of megabytes of pixels find nothing. */
function files(): Buffer[] {
  return readdirSync(SHARED, { recursive: true, encoding: 'utf8' })
    .map((name) => join(SHARED, name))
    .filter((path) => statSync(path).isFile() && /\.(dcm|ima|img)$|\/[^.]+$/i.test(path))
    .sort()
    .map((path) => readFileSync(path).subarray(0, LARGEST));
}

async function* chunksOf(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 997) yield bytes.subarray(at, at + 997);
}
const sourceOf = (bytes: Buffer): ZipSource => ({
  size: bytes.length,
  read: async (offset, length) => bytes.subarray(offset, offset + length),
});

export const TARGETS: Readonly<Record<string, Target>> = {
  part10: {
    seeds: files,
    feed(bytes) {
      parseHeader(bytes, { complete: true, stopAtLength: 1024 * 1024 });
      const file = parseDicom(bytes);
      toJson(file.dataset, { bulkDataUri: (path) => path });
      frameOffsets(file);
    },
  },
  pdu: {
    seeds: () => [
      encodeAssociateRequest({
        protocolVersion: 1,
        calledAe: 'NEGATOSCOPE',
        callingAe: 'CT1',
        applicationContext: APPLICATION_CONTEXT,
        contexts: Array.from({ length: 20 }, (_, i) => ({
          id: 2 * i + 1,
          abstractSyntax: '1.2.840.10008.5.1.4.1.1.2',
          transferSyntaxes: ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.4.70'],
        })),
        user: {
          maxPduLength: 16384,
          implementationClassUid: '1.2.3',
          implementationVersion: 'X',
          asyncOperations: { invoked: 4, performed: 4 },
          roles: [{ sopClassUid: '1.2.840.10008.5.1.4.1.1.2', scu: true, scp: true }],
        },
      }),
      encodeCommand({
        AffectedSOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
        CommandField: 1,
        MessageID: 7,
        Priority: 0,
        CommandDataSetType: 1,
        AffectedSOPInstanceUID: '1.2.3.4',
      }),
      Buffer.from([0, 2, 1, 7, 0, 0]),
    ],
    feed(bytes) {
      // What follows the header of six bytes: PS3.8 9.3.1.
      const body = bytes.subarray(6);
      let refused: unknown;
      for (const decode of [
        () => decodeAssociateRequest(body),
        () => decodeAssociateAccept(body),
        () => decodeAssociateReject(body),
        () => decodeAbort(body),
        () => decodeCommand(bytes),
      ])
        try {
          decode();
        } catch (thrown) {
          if (!isRefusal(thrown)) throw thrown;
          refused = thrown;
        }
      if (refused) throw refused;
    },
  },
  multipart: {
    seeds: () =>
      files()
        .filter((_, i) => i % 16 === 0)
        .map((file) =>
          Buffer.concat([
            Buffer.from('--b\r\nContent-Type: application/dicom\r\nContent-Length: 12\r\n\r\n'),
            file.subarray(0, 4096),
            Buffer.from('\r\n--b\r\nContent-Type: application/dicom+json\r\n\r\n[{}]\r\n--b--\r\n'),
          ]),
        ),
    async feed(bytes) {
      for await (const part of readMultipart(chunksOf(bytes), 'b')) for await (const _ of part.body);
    },
  },
  json: {
    seeds: () =>
      files()
        .filter((_, i) => i % 4 === 0)
        .flatMap((file) => {
          try {
            return [Buffer.from(JSON.stringify(toJson(parseHeader(file, { complete: true }).dataset)))];
          } catch {
            return [];
          }
        }),
    feed(bytes) {
      let json: unknown;
      try {
        json = JSON.parse(bytes.toString('utf8'));
      } catch {
        return;
      }
      if (typeof json === 'object' && json !== null) encodeDataSet(json as DicomJson);
    },
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

/** Made by hand, so that each part of the format is in one of them: stored, deflated, with a comment. */
function zipSeeds(): Buffer[] {
  return [0, 8].map((method) => makeZip(['a.dcm', 'folder/é.dcm'], method));
}
function makeZip(names: readonly string[], method: number): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const name of names) {
    const raw = Buffer.from(name.repeat(40));
    const data = method === 8 ? deflateRawSync(raw) : raw;
    const label = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(crc32(raw), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(raw.length, 18);
    common.writeUInt16LE(label.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, label, data]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), common, rest, label]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(names.length, 4);
  end.writeUInt16LE(names.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, directory, Buffer.from('PK\x05\x06'), end]);
}
