/**
 * Command sets: PS3.7 6.3.1 and E. Always Implicit VR Little Endian, always small.
 *
 *     encodeCommand({ CommandField: COMMAND.storeRsp, MessageIDBeingRespondedTo: 7, Status: 0x0000, … })
 */
import { DimseError } from './errors.ts';

/** Command Field (0000,0100), PS3.7 E.1-1. A response is its request with bit 15 set. */
export const COMMAND = {
  storeRq: 0x0001,
  storeRsp: 0x8001,
  getRq: 0x0010,
  getRsp: 0x8010,
  findRq: 0x0020,
  findRsp: 0x8020,
  moveRq: 0x0021,
  moveRsp: 0x8021,
  echoRq: 0x0030,
  echoRsp: 0x8030,
  eventReportRq: 0x0100,
  eventReportRsp: 0x8100,
  actionRq: 0x0130,
  actionRsp: 0x8130,
  cancelRq: 0x0fff,
} as const;
export const RESPONSE_BIT = 0x8000;

/** Command Data Set Type (0000,0800): this value says that no data set follows; every other says that one does. */
export const NO_DATA_SET = 0x0101;

/** Status (0000,0900): PS3.7 C, and PS3.4 table B.2-1 for C-STORE. */
export const STATUS = {
  success: 0x0000,
  /** An optional key of a C-FIND is not supported for matching: pending with a warning (PS3.4 table C.4-1). */
  pending: 0xff00,
  pendingWarning: 0xff01,
  cancelled: 0xfe00,
  /** Sub-operations complete, one or more of them failed (PS3.4 tables C.4-2, C.4-3). */
  subOperationsFailed: 0xb000,
  unableToPerformSubOperations: 0xa702,
  moveDestinationUnknown: 0xa801,
  noSuchObjectInstance: 0x0112,
  invalidArgumentValue: 0x0115,
  noSuchEventType: 0x0113,
  noSuchAction: 0x0123,
  classInstanceConflict: 0x0119,
  notAuthorized: 0x0124,
  processingFailure: 0x0110,
  duplicateSopInstance: 0x0111,
  invalidAttributeValue: 0x0106,
  missingAttribute: 0x0120,
  sopClassNotSupported: 0x0122,
  unrecognizedOperation: 0x0211,
  outOfResources: 0xa700,
  dataSetDoesNotMatchSopClass: 0xa900,
  cannotUnderstand: 0xc000,
  /** Of the range Cxxx, by its name in PS3.18 table I.2-2. */
  transferSyntaxNotSupported: 0xc122,
} as const;

export const PRIORITY = { medium: 0, high: 1, low: 2 } as const;

/** Element number, VR and, for AT, that many values may stand: PS3.7 E.1-1. */
const ELEMENTS = {
  AffectedSOPClassUID: [0x0002, 'UI'],
  RequestedSOPClassUID: [0x0003, 'UI'],
  CommandField: [0x0100, 'US'],
  MessageID: [0x0110, 'US'],
  MessageIDBeingRespondedTo: [0x0120, 'US'],
  MoveDestination: [0x0600, 'AE'],
  Priority: [0x0700, 'US'],
  CommandDataSetType: [0x0800, 'US'],
  Status: [0x0900, 'US'],
  ErrorComment: [0x0902, 'LO'],
  ErrorID: [0x0903, 'US'],
  AffectedSOPInstanceUID: [0x1000, 'UI'],
  RequestedSOPInstanceUID: [0x1001, 'UI'],
  EventTypeID: [0x1002, 'US'],
  ActionTypeID: [0x1008, 'US'],
  NumberOfRemainingSuboperations: [0x1020, 'US'],
  NumberOfCompletedSuboperations: [0x1021, 'US'],
  NumberOfFailedSuboperations: [0x1022, 'US'],
  NumberOfWarningSuboperations: [0x1023, 'US'],
  MoveOriginatorApplicationEntityTitle: [0x1030, 'AE'],
  MoveOriginatorMessageID: [0x1031, 'US'],
} as const satisfies Record<string, readonly [element: number, vr: 'UI' | 'US' | 'AE' | 'LO']>;

type Keyword = keyof typeof ELEMENTS;
type ValueOf<K extends Keyword> = (typeof ELEMENTS)[K][1] extends 'US' ? number : string;
/** A command set by keyword; elements that stand in no table of PS3.7 E are read over. */
export type CommandSet = { [K in Keyword]?: ValueOf<K> };

const BY_ELEMENT = new Map<number, readonly [Keyword, string]>(
  Object.entries(ELEMENTS).map(([keyword, [element, vr]]) => [element, [keyword as Keyword, vr]]),
);

const broken = (message: string) => new DimseError('dimse-command', message, { abortReason: 6 });

const ENTRIES = Object.entries(ELEMENTS) as readonly [Keyword, (typeof ELEMENTS)[Keyword]][];

/** Bytes of a command set with its group length first (PS3.7 6.3.1), elements in ascending order. */
export function encodeCommand(command: CommandSet): Buffer {
  let length = 0;
  for (const [keyword] of ENTRIES) {
    const value = command[keyword];
    if (value !== undefined) length += 8 + (typeof value === 'number' ? 2 : (value.length + 1) & ~1);
  }
  const out = Buffer.alloc(12 + length);
  out.writeUInt32LE(4, 4); // (0000,0000) Command Group Length, UL
  out.writeUInt32LE(length, 8);
  let at = 12;
  for (const [keyword, [element, vr]] of ENTRIES) {
    const value = command[keyword];
    if (value === undefined) continue;
    const size = typeof value === 'number' ? 2 : (value.length + 1) & ~1;
    out.writeUInt16LE(element, at + 2);
    out.writeUInt32LE(size, at + 4);
    at += 8;
    if (typeof value === 'number') out.writeUInt16LE(value, at);
    else {
      out.write(value, at, 'latin1');
      if (size > value.length && vr !== 'UI') out[at + value.length] = 0x20; // a UID is padded with NUL
    }
    at += size;
  }
  return out;
}

/**
 * A command set from its bytes. What stands behind the group length is read over: DCMTK appends details of a status there,
 * of whatever group.
 * @throws DimseError `dimse-command` for an element outside group 0000, cut off, or without a Command Field
 */
export function decodeCommand(bytes: Buffer): CommandSet & { CommandField: number } {
  const command: Record<string, number | string> = {};
  const hasLength = bytes.length >= 12 && bytes.readUInt32LE(0) === 0 && bytes.readUInt32LE(4) === 4;
  const end = hasLength ? 12 + bytes.readUInt32LE(8) : bytes.length;
  for (let at = 0; at < Math.min(end, bytes.length);) {
    if (at + 8 > bytes.length) throw broken('The command set ends inside an element');
    if (bytes.readUInt16LE(at) !== 0) throw broken('The command set holds an element outside group 0000');
    const known = BY_ELEMENT.get(bytes.readUInt16LE(at + 2));
    const start = at + 8;
    at = start + bytes.readUInt32LE(at + 4);
    if (at > bytes.length) throw broken('An element is longer than the command set');
    if (!known) continue;
    const [keyword, vr] = known;
    if (vr !== 'US') command[keyword] = bytes.toString('latin1', start, at).replace(/^ +|[ \0]+$/g, '');
    else if (at - start === 2) command[keyword] = bytes.readUInt16LE(start);
    else if (at - start !== 0) throw broken(`${keyword} is not two bytes long`);
  }
  if (typeof command['CommandField'] !== 'number') throw broken('The command set has no Command Field');
  return command as CommandSet & { CommandField: number };
}

/** Error Comment (0000,0902) is LO: 64 characters of the default repertoire, no backslash (PS3.5 6.2). */
export const errorComment = (text: string): string =>
  text.replace(/[^\x20-\x5b\x5d-\x7e]+/g, '?').slice(0, 64);
