/** The real inputs that mutations are made of, cut down: mutations of megabytes of pixels find nothing and take their time. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TAG, toJson, parseDicom, parseHeader, toXml } from '../../src/dicom/index.ts';
import { LONG_VRS } from '../../src/dicom/reader.ts';
import type { DicomFile, DicomJson } from '../../src/dicom/index.ts';
import { type Element, ElementView } from '../../src/dicom/view.ts';
import { encodeCommand } from '../../src/wire/command.ts';
import {
  APPLICATION_CONTEXT,
  encodeAssociateAccept,
  encodeAssociateRequest,
  encodeReleaseRequest,
  PDV_COMMAND,
  PDV_LAST,
  writeDataHeader,
} from '../../src/wire/pdu.ts';
import { makeZip } from '../../src/wire/zip/testing.ts';

const SHARED = fileURLToPath(new URL('../../../shared/dicom/', import.meta.url));
/** A file that cannot be cut down, because it does not read, is cut off here. */
const LARGEST = 8 * 1024;
/** The same, because it is deflated: a bomb of this size does no harm. */
const LARGEST_DEFLATED = 1024;
/** A value that is longer is cut to `KEPT` bytes, a sequence is left out. */
const LONG_VALUE = 256;
const LONG_SEQUENCE = 2048;
const KEPT = 64;
const SIDE = 4;
const FRAGMENTS = 64;
const FRAGMENT = 16;
const CT_IMAGE = '1.2.840.10008.5.1.4.1.1.2';
const EXPLICIT_LE = '1.2.840.10008.1.2.1';

const pathsOfFiles = (): string[] =>
  readdirSync(SHARED, { recursive: true, encoding: 'utf8' })
    .map((name) => join(SHARED, name))
    .filter((path) => statSync(path).isFile() && /\.(dcm|ima|img)$|\/[^.]+$/i.test(path))
    .sort();

/** Every file of `../shared/dicom`, as it is written but short. */
export const part10Seeds = (): Buffer[] => pathsOfFiles().map((path) => shortened(readFileSync(path)));

/** The same elements in the same encoding; images have 4 × 4 pixels a frame, or fragments of 16 bytes. */
function shortened(bytes: Buffer): Buffer {
  let file: DicomFile;
  try {
    file = parseDicom(bytes);
  } catch {
    return bytes.subarray(0, LARGEST);
  }
  const { dataset } = file;
  if (!(dataset instanceof ElementView) || file.bytes !== bytes) return bytes.subarray(0, LARGEST_DEFLATED);
  const pieces = [bytes.subarray(0, file.datasetOffset)];
  let start = file.datasetOffset;
  const elements = dataset.tags.map((tag) => dataset.element(tag)!);
  for (const [i, element] of elements.entries()) {
    // What stands between two elements belongs to the first: the delimiter of a sequence.
    const next = elements[i + 1];
    const end = next ? next.offset - headerLength(bytes, next, dataset.bigEndian) : bytes.length;
    if (end >= start) pieces.push(...shortElement(bytes, start, end, element, dataset));
    start = Math.max(start, end);
  }
  const short = Buffer.concat(pieces);
  return short.length < bytes.length ? short.subarray(0, 4 * LARGEST) : bytes;
}

/** 8 or 12: PS3.5 7.1.2. */
const headerLength = (bytes: Buffer, { offset, vr }: Element, bigEndian: boolean): number =>
  LONG_VRS.has(vr) &&
  bytes.toString('latin1', offset - 8, offset - 6) === vr &&
  (bigEndian ? bytes.readUInt16BE(offset - 6) : bytes.readUInt16LE(offset - 6)) === 0
    ? 12
    : 8;

function shortElement(
  bytes: Buffer,
  start: number,
  end: number,
  element: Element,
  dataset: ElementView,
): Buffer[] {
  const { tag, offset, length } = element;
  const whole = bytes.subarray(start, end);
  if (element.encapsulated) return [bytes.subarray(start, offset), fragmentsOf(bytes, offset, length)];
  if (element.items) return length > LONG_SEQUENCE ? [] : [whole];
  if (tag === TAG.Rows || tag === TAG.Columns) {
    const short = Buffer.from(whole);
    short[offset - start] = dataset.bigEndian ? 0 : SIDE;
    short[offset - start + 1] = dataset.bigEndian ? SIDE : 0;
    return [short];
  }
  if (length <= LONG_VALUE) return [whole];
  const pixels =
    (SIDE *
      SIDE *
      (dataset.number(TAG.NumberOfFrames) ?? 1) *
      (dataset.number(TAG.SamplesPerPixel) ?? 1) *
      (dataset.number(TAG.BitsAllocated) ?? 16)) /
    8;
  const kept = tag === TAG.PixelData ? Math.min(length, Math.ceil(pixels / 2) * 2) : KEPT;
  const header = Buffer.from(bytes.subarray(start, offset));
  const shortForm = bytes.toString('latin1', offset - 4, offset - 2) === element.vr;
  const at = header.length - (shortForm ? 2 : 4);
  if (dataset.bigEndian) header.writeUIntBE(kept, at, shortForm ? 2 : 4);
  else header.writeUIntLE(kept, at, shortForm ? 2 : 4);
  return [header, bytes.subarray(offset, offset + kept)];
}

/** The first fragments, each short; an empty Basic Offset Table, since the old one would lie. PS3.5 A.4. */
function fragmentsOf(bytes: Buffer, offset: number, length: number): Buffer {
  const items: Buffer[] = [];
  for (let at = offset; at < offset + length && items.length <= FRAGMENTS;) {
    const size = bytes.readUInt32LE(at + 4);
    const kept = items.length === 0 ? 0 : Math.min(size, FRAGMENT);
    const item = Buffer.from(bytes.subarray(at, at + 8 + kept));
    item.writeUInt32LE(kept, 4);
    items.push(item);
    at += 8 + size;
  }
  return Buffer.concat([...items, Buffer.from([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0])]);
}

const ASSOCIATION = {
  protocolVersion: 1,
  calledAe: 'NEGATOSCOPE',
  callingAe: 'CT1',
  applicationContext: APPLICATION_CONTEXT,
};
const USER = {
  maxPduLength: 16384,
  implementationClassUid: '1.2.3',
  implementationVersion: 'X',
  asyncOperations: { invoked: 4, performed: 4 },
  roles: [{ sopClassUid: CT_IMAGE, scu: true, scp: true }],
};
const request = (contexts: number): Buffer =>
  encodeAssociateRequest({
    ...ASSOCIATION,
    contexts: Array.from({ length: contexts }, (_, i) => ({
      id: 2 * i + 1,
      abstractSyntax: CT_IMAGE,
      transferSyntaxes: ['1.2.840.10008.1.2', EXPLICIT_LE, '1.2.840.10008.1.2.4.70'],
    })),
    user: USER,
  });

function data(control: number, value: Buffer): Buffer {
  const header = Buffer.alloc(12);
  writeDataHeader(header, 0, 1, control, value.length);
  return Buffer.concat([header, value]);
}

/** Single PDUs, and all that a peer says in one association: request, C-ECHO, C-STORE in pieces, release. */
export function pduSeeds(): Buffer[] {
  const store = encodeCommand({
    AffectedSOPClassUID: CT_IMAGE,
    CommandField: 1,
    MessageID: 7,
    Priority: 0,
    CommandDataSetType: 1,
    AffectedSOPInstanceUID: '1.2.3.4',
  });
  const echo = encodeCommand({
    AffectedSOPClassUID: '1.2.840.10008.1.1',
    CommandField: 0x30,
    MessageID: 1,
    CommandDataSetType: 0x101,
  });
  const conversation = Buffer.concat([
    request(2),
    data(PDV_COMMAND | PDV_LAST, echo),
    data(PDV_COMMAND, store.subarray(0, 40)),
    data(PDV_COMMAND | PDV_LAST, store.subarray(40)),
    data(0, Buffer.alloc(100, 1)),
    data(PDV_LAST, Buffer.alloc(60, 2)),
    encodeReleaseRequest(),
  ]);
  return [
    request(20),
    encodeAssociateAccept({
      ...ASSOCIATION,
      contexts: [
        { id: 1, result: 0, transferSyntax: EXPLICIT_LE },
        { id: 3, result: 4, transferSyntax: '' },
      ],
      user: USER,
    }),
    store,
    Buffer.from([3, 0, 0, 0, 0, 4, 0, 1, 1, 7]),
    Buffer.from([7, 0, 0, 0, 0, 4, 0, 0, 2, 1]),
    conversation,
    conversation,
    conversation,
  ];
}

/** `--b` is the boundary. */
export const multipartSeeds = (): Buffer[] =>
  part10Seeds()
    .filter((_, i) => i % 16 === 0)
    .map((file) =>
      Buffer.concat([
        Buffer.from('--b\r\nContent-Type: application/dicom\r\nContent-Length: 12\r\n\r\n'),
        file.subarray(0, 1024),
        Buffer.from('\r\n--b\r\nContent-Type: application/dicom+json\r\n\r\n[{}]\r\n--b--\r\n'),
      ]),
    );

/** Headers in the JSON model, a dozen attributes each. */
function headers(): DicomJson[] {
  return part10Seeds().flatMap((file) => {
    try {
      const entries = Object.entries(toJson(parseHeader(file, { complete: true }).dataset));
      return Array.from({ length: Math.ceil(entries.length / 12) }, (_, i) =>
        Object.fromEntries(entries.slice(i * 12, i * 12 + 12)),
      );
    } catch {
      return [];
    }
  });
}
export const jsonSeeds = (): Buffer[] =>
  headers()
    .map((json) => Buffer.from(JSON.stringify(json)))
    .filter(({ length }) => length <= LARGEST);
export const xmlSeeds = (): Buffer[] =>
  headers()
    .filter((_, i) => i % 4 === 0)
    .map((json) => Buffer.from(toXml(json)).subarray(0, LARGEST));

/** Every form of the format: stored, deflated, with sizes behind the bytes, of 64 bits, behind a prefix, with an archive inside. */
export function zipSeeds(): Buffer[] {
  const bytes = Buffer.from('a DICOM file '.repeat(20));
  const two = (options: object) => [
    { name: 'a.dcm', bytes, ...options },
    { name: 'folder/é.dcm', bytes: bytes.subarray(50), flags: 0x800, ...options },
  ];
  const inner = makeZip(two({ method: 0 }));
  return [
    inner,
    makeZip(two({ method: 8 }), { comment: 'by hand' }),
    makeZip(two({ method: 8, descriptor: true })),
    makeZip(two({ method: 0, zip64: true }), { zip64: true }),
    makeZip(two({ method: 8 }), { prefix: Buffer.alloc(64, 0x20) }),
    makeZip([{ name: 'inside.zip', bytes: inner, method: 0 }]),
  ];
}
