/**
 * Protocol data units of the DICOM upper layer: PS3.8 9.3. All numbers big-endian. P-DATA-TF is not held as a whole: its
 * two headers are read and written here, its contents pass as views (`channel.ts`).
 */
import { ABORT_REASON, pduError } from './errors.ts';

/** PDU types, PS3.8 9.3.1. */
export const PDU = {
  associateRq: 0x01,
  associateAc: 0x02,
  associateRj: 0x03,
  data: 0x04,
  releaseRq: 0x05,
  releaseRp: 0x06,
  abort: 0x07,
} as const;

/** Bytes of type, reserved, length. */
export const PDU_HEADER_BYTES = 6;
/** Bytes of item length, context id, message control header: PS3.8 9.3.5.1. */
export const PDV_HEADER_BYTES = 6;
/** Message control header, PS3.8 E.2. */
export const PDV_COMMAND = 0x01;
export const PDV_LAST = 0x02;

export const APPLICATION_CONTEXT = '1.2.840.10008.3.1.1.1';

/** Result of one presentation context, PS3.8 table 9-18. */
export const CONTEXT_RESULT = {
  accepted: 0,
  userRejection: 1,
  noReason: 2,
  abstractSyntaxNotSupported: 3,
  transferSyntaxesNotSupported: 4,
} as const;

export interface ProposedContext {
  /** Odd, 1 to 255. */
  readonly id: number;
  readonly abstractSyntax: string;
  readonly transferSyntaxes: readonly string[];
}
export interface AnsweredContext {
  readonly id: number;
  readonly result: number;
  /** Without meaning unless accepted. */
  readonly transferSyntax: string;
}
/** SCP/SCU Role Selection, PS3.7 D.3.3.4. */
export interface RoleSelection {
  readonly sopClassUid: string;
  readonly scu: boolean;
  readonly scp: boolean;
}
/** SOP Class Extended Negotiation, PS3.7 D.3.3.5: what the bytes mean is said by the service class. */
export interface ExtendedNegotiation {
  readonly sopClassUid: string;
  readonly info: Uint8Array;
}
/** User information, PS3.7 D.3.3. SOP Class Common Extended Negotiation is read over. */
export interface UserInformation {
  /** Largest P-DATA-TF length (without its 6 byte header) that the sender of this item takes; 0: no limit. */
  readonly maxPduLength: number;
  readonly implementationClassUid: string;
  readonly implementationVersion: string;
  /** Asynchronous Operations Window, PS3.7 D.3.3.3; absent means 1, 1. */
  readonly asyncOperations?: { readonly invoked: number; readonly performed: number };
  readonly roles: readonly RoleSelection[];
  readonly extended?: readonly ExtendedNegotiation[];
  /** User Identity Type (PS3.7 D.3.3.7): 1 name, 2 name and passcode, 3 Kerberos, 4 SAML, 5 JWT. What it holds is not read. */
  readonly identityType?: number;
}
export interface AssociateRequest {
  /** Bit 0 is version 1. */
  readonly protocolVersion: number;
  readonly calledAe: string;
  readonly callingAe: string;
  readonly applicationContext: string;
  readonly contexts: readonly ProposedContext[];
  readonly user: UserInformation;
}
export interface AssociateAccept {
  readonly protocolVersion: number;
  readonly calledAe: string;
  readonly callingAe: string;
  readonly applicationContext: string;
  readonly contexts: readonly AnsweredContext[];
  readonly user: UserInformation;
}
/** PS3.8 table 9-21. */
export interface AssociateReject {
  /** 1 permanent, 2 transient. */
  readonly result: number;
  /** 1 service user, 2 provider (ACSE), 3 provider (presentation). */
  readonly source: number;
  readonly reason: number;
}
export interface Abort {
  /** 0 service user, 2 service provider. */
  readonly source: number;
  readonly reason: number;
}

/** The refusals that we give, PS3.8 table 9-21. */
export const REJECT = {
  applicationContext: { result: 1, source: 1, reason: 2 },
  callingAeNotRecognized: { result: 1, source: 1, reason: 3 },
  calledAeNotRecognized: { result: 1, source: 1, reason: 7 },
  protocolVersion: { result: 1, source: 2, reason: 2 },
  localLimitExceeded: { result: 2, source: 3, reason: 2 },
} as const satisfies Record<string, AssociateReject>;

const ITEM = {
  applicationContext: 0x10,
  proposedContext: 0x20,
  answeredContext: 0x21,
  abstractSyntax: 0x30,
  transferSyntax: 0x40,
  userInformation: 0x50,
  maxLength: 0x51,
  implementationClassUid: 0x52,
  asyncOperations: 0x53,
  roleSelection: 0x54,
  implementationVersion: 0x55,
  extendedNegotiation: 0x56,
  userIdentity: 0x58,
} as const;

const FIXED_BYTES = 68; // version, reserved, called, calling, reserved: PS3.8 table 9-11

// ── encode ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function pdu(type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(PDU_HEADER_BYTES);
  header[0] = type;
  header.writeUInt32BE(body.length, 2);
  return Buffer.concat([header, body]);
}

function item(type: number, ...contents: readonly (Buffer | string)[]): Buffer {
  const body = Buffer.concat(contents.map((c) => (typeof c === 'string' ? Buffer.from(c, 'latin1') : c)));
  if (body.length > 0xffff) throw pduError(`An association item of ${body.length} bytes does not fit`);
  const header = Buffer.alloc(4);
  header[0] = type;
  header.writeUInt16BE(body.length, 2);
  return Buffer.concat([header, body]);
}

const aeField = (title: string): Buffer => Buffer.from(title.slice(0, 16).padEnd(16, ' '), 'latin1');
const u16 = (...values: number[]): Buffer => {
  const buffer = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => buffer.writeUInt16BE(value, i * 2));
  return buffer;
};
const u32 = (value: number): Buffer => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
};

function encodeUser(user: UserInformation): Buffer {
  const items = [
    item(ITEM.maxLength, u32(user.maxPduLength)),
    item(ITEM.implementationClassUid, user.implementationClassUid),
  ];
  if (user.asyncOperations) {
    items.push(item(ITEM.asyncOperations, u16(user.asyncOperations.invoked, user.asyncOperations.performed)));
  }
  for (const role of user.roles) {
    const flags = Buffer.from([role.scu ? 1 : 0, role.scp ? 1 : 0]);
    items.push(item(ITEM.roleSelection, u16(role.sopClassUid.length), role.sopClassUid, flags));
  }
  for (const { sopClassUid, info } of user.extended ?? []) {
    items.push(
      item(ITEM.extendedNegotiation, u16(sopClassUid.length), Buffer.from(sopClassUid), Buffer.from(info)),
    );
  }
  if (user.implementationVersion) items.push(item(ITEM.implementationVersion, user.implementationVersion));
  return item(ITEM.userInformation, ...items);
}

function encodeAssociate(type: number, a: AssociateRequest | AssociateAccept, contexts: Buffer[]): Buffer {
  return pdu(
    type,
    Buffer.concat([
      u16(a.protocolVersion, 0),
      aeField(a.calledAe),
      aeField(a.callingAe),
      Buffer.alloc(32),
      item(ITEM.applicationContext, a.applicationContext),
      ...contexts,
      encodeUser(a.user),
    ]),
  );
}

/** A-ASSOCIATE-RQ, PS3.8 9.3.2. */
export function encodeAssociateRequest(request: AssociateRequest): Buffer {
  const contexts = request.contexts.map((context) =>
    item(
      ITEM.proposedContext,
      Buffer.from([context.id, 0, 0, 0]),
      item(ITEM.abstractSyntax, context.abstractSyntax),
      ...context.transferSyntaxes.map((uid) => item(ITEM.transferSyntax, uid)),
    ),
  );
  return encodeAssociate(PDU.associateRq, request, contexts);
}

/** A-ASSOCIATE-AC, PS3.8 9.3.3. */
export function encodeAssociateAccept(accept: AssociateAccept): Buffer {
  const contexts = accept.contexts.map((context) =>
    item(
      ITEM.answeredContext,
      Buffer.from([context.id, 0, context.result, 0]),
      item(ITEM.transferSyntax, context.transferSyntax),
    ),
  );
  return encodeAssociate(PDU.associateAc, accept, contexts);
}

/** A-ASSOCIATE-RJ, PS3.8 9.3.4. */
export const encodeAssociateReject = ({ result, source, reason }: AssociateReject): Buffer =>
  pdu(PDU.associateRj, Buffer.from([0, result, source, reason]));
/** A-RELEASE-RQ and -RP, PS3.8 9.3.6 and 9.3.7. */
export const encodeReleaseRequest = (): Buffer => pdu(PDU.releaseRq, Buffer.alloc(4));
export const encodeReleaseReply = (): Buffer => pdu(PDU.releaseRp, Buffer.alloc(4));
/** A-ABORT, PS3.8 9.3.8. */
export const encodeAbort = ({ source, reason }: Abort): Buffer =>
  pdu(PDU.abort, Buffer.from([0, 0, source, reason]));

/** Headers of a P-DATA-TF with one presentation data value of `length` bytes; the value follows as it is. PS3.8 9.3.5. */
export function writeDataHeader(
  into: Buffer,
  at: number,
  contextId: number,
  control: number,
  length: number,
): void {
  into[at] = PDU.data;
  into[at + 1] = 0;
  into.writeUInt32BE(length + PDV_HEADER_BYTES, at + 2);
  into.writeUInt32BE(length + 2, at + 6);
  into[at + 10] = contextId;
  into[at + 11] = control;
}

// ── decode ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Type and length of a PDU from its first six bytes. */
export const decodeHeader = (bytes: Buffer): { type: number; length: number } => ({
  type: bytes[0]!,
  length: bytes.readUInt32BE(2),
});

const text = (bytes: Buffer): string => bytes.toString('latin1').replace(/^[ ]+|[ \0]+$/g, '');

function* itemsOf(bytes: Buffer): Generator<{ type: number; value: Buffer }, void, undefined> {
  for (let at = 0; at < bytes.length;) {
    if (at + 4 > bytes.length) throw pduError('An item header is cut off');
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) throw pduError('An item is longer than the PDU that holds it');
    yield { type: bytes[at]!, value: bytes.subarray(at + 4, end) };
    at = end;
  }
}

const atLeast = (value: Buffer, length: number, what: string): Buffer => {
  if (value.length < length) throw pduError(`${what} is too short`);
  return value;
};

function decodeUser(bytes: Buffer): UserInformation {
  let maxPduLength = 0;
  let implementationClassUid = '';
  let implementationVersion = '';
  let asyncOperations: UserInformation['asyncOperations'];
  let identityType: number | undefined;
  const roles: RoleSelection[] = [];
  const extended: ExtendedNegotiation[] = [];
  for (const { type, value } of itemsOf(bytes)) {
    if (type === ITEM.maxLength) maxPduLength = atLeast(value, 4, 'Maximum Length').readUInt32BE();
    else if (type === ITEM.implementationClassUid) implementationClassUid = text(value);
    else if (type === ITEM.implementationVersion) implementationVersion = text(value);
    else if (type === ITEM.asyncOperations) {
      atLeast(value, 4, 'Asynchronous Operations Window');
      asyncOperations = { invoked: value.readUInt16BE(0), performed: value.readUInt16BE(2) };
    } else if (type === ITEM.roleSelection) {
      const length = atLeast(value, 4, 'Role Selection').readUInt16BE();
      atLeast(value, length + 4, 'Role Selection');
      roles.push({
        sopClassUid: text(value.subarray(2, 2 + length)),
        scu: value[2 + length] === 1,
        scp: value[3 + length] === 1,
      });
    } else if (type === ITEM.extendedNegotiation) {
      const length = atLeast(value, 2, 'Extended Negotiation').readUInt16BE();
      atLeast(value, length + 2, 'Extended Negotiation');
      extended.push({
        sopClassUid: text(value.subarray(2, 2 + length)),
        info: Uint8Array.from(value.subarray(2 + length)),
      });
    } else if (type === ITEM.userIdentity) identityType = atLeast(value, 2, 'User Identity')[0]!;
  }
  return {
    maxPduLength,
    implementationClassUid,
    implementationVersion,
    roles,
    ...(extended.length > 0 ? { extended } : {}),
    ...(asyncOperations ? { asyncOperations } : {}),
    ...(identityType === undefined ? {} : { identityType }),
  };
}

function decodeAssociate<C>(body: Buffer, contextType: number, decodeContext: (value: Buffer) => C) {
  atLeast(body, FIXED_BYTES, 'The association PDU');
  let applicationContext = '';
  let user: UserInformation | undefined;
  const contexts: C[] = [];
  for (const { type, value } of itemsOf(body.subarray(FIXED_BYTES))) {
    if (type === ITEM.applicationContext) applicationContext = text(value);
    else if (type === ITEM.userInformation) user = decodeUser(value);
    else if (type === contextType) contexts.push(decodeContext(atLeast(value, 4, 'A presentation context')));
  }
  if (!user) throw pduError('The association PDU has no User Information');
  return {
    protocolVersion: body.readUInt16BE(0),
    calledAe: text(body.subarray(4, 20)),
    callingAe: text(body.subarray(20, 36)),
    applicationContext,
    contexts,
    user,
  };
}

/**
 * A-ASSOCIATE-RQ from the bytes behind the header. Unknown items are skipped (PS3.8 9.3.1).
 * @throws DimseError `dimse-pdu`
 */
export function decodeAssociateRequest(body: Buffer): AssociateRequest {
  const request = decodeAssociate(body, ITEM.proposedContext, (value): ProposedContext => {
    let abstractSyntax = '';
    const transferSyntaxes: string[] = [];
    for (const sub of itemsOf(value.subarray(4))) {
      if (sub.type === ITEM.abstractSyntax) abstractSyntax = text(sub.value);
      else if (sub.type === ITEM.transferSyntax) transferSyntaxes.push(text(sub.value));
    }
    return { id: value[0]!, abstractSyntax, transferSyntaxes };
  });
  const ids = new Set(request.contexts.map((context) => context.id));
  if (ids.size !== request.contexts.length || [...ids].some((id) => id % 2 === 0)) {
    throw pduError('Presentation context identifiers must be odd and different (PS3.8 9.3.2.2)');
  }
  return request;
}

/** A-ASSOCIATE-AC from the bytes behind the header. @throws DimseError `dimse-pdu` */
export function decodeAssociateAccept(body: Buffer): AssociateAccept {
  return decodeAssociate(body, ITEM.answeredContext, (value): AnsweredContext => {
    let transferSyntax = '';
    for (const sub of itemsOf(value.subarray(4))) {
      if (sub.type === ITEM.transferSyntax) transferSyntax = text(sub.value);
    }
    return { id: value[0]!, result: value[2]!, transferSyntax };
  });
}

/** A-ASSOCIATE-RJ from the bytes behind the header. @throws DimseError `dimse-pdu` */
export function decodeAssociateReject(body: Buffer): AssociateReject {
  atLeast(body, 4, 'A-ASSOCIATE-RJ');
  return { result: body[1]!, source: body[2]!, reason: body[3]! };
}

/** A-ABORT from the bytes behind the header. @throws DimseError `dimse-pdu` */
export function decodeAbort(body: Buffer): Abort {
  atLeast(body, 4, 'A-ABORT');
  return { source: body[2]!, reason: body[3]! };
}

/** Largest length that a PDU of this type may announce; P-DATA-TF is bounded by what was negotiated. */
export function maxLengthOf(type: number, maxAssociateBytes: number): number {
  switch (type) {
    case PDU.associateRq:
    case PDU.associateAc:
      return maxAssociateBytes;
    case PDU.associateRj:
    case PDU.releaseRq:
    case PDU.releaseRp:
    case PDU.abort:
      return 4;
    default:
      throw pduError(
        `PDU type 0x${type.toString(16).padStart(2, '0')} does not exist`,
        ABORT_REASON.unrecognizedPdu,
      );
  }
}
