import fc from 'fast-check';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { DimseError } from './errors.ts';
import {
  decodeAbort,
  decodeAssociateAccept,
  decodeAssociateReject,
  decodeAssociateRequest,
  decodeHeader,
  encodeAbort,
  encodeAssociateAccept,
  encodeAssociateReject,
  encodeAssociateRequest,
  encodeReleaseReply,
  encodeReleaseRequest,
  writeDataHeader,
} from './pdu.ts';
import type { AssociateAccept, AssociateRequest } from './pdu.ts';

const uid = fc
  .array(fc.nat({ max: 99_999 }), { minLength: 2, maxLength: 8 })
  .map((components) => components.join('.'));
const ae = fc.stringMatching(/^[A-Z0-9_]{1,16}$/);
const user = fc.record(
  {
    maxPduLength: fc.nat(),
    implementationClassUid: uid,
    implementationVersion: fc.stringMatching(/^[A-Z0-9_]{1,16}$/),
    asyncOperations: fc.record({ invoked: fc.nat({ max: 65535 }), performed: fc.nat({ max: 65535 }) }),
    roles: fc.array(fc.record({ sopClassUid: uid, scu: fc.boolean(), scp: fc.boolean() }), { maxLength: 4 }),
  },
  { requiredKeys: ['maxPduLength', 'implementationClassUid', 'implementationVersion', 'roles'] },
);
const ids = fc.uniqueArray(
  fc.nat({ max: 127 }).map((n) => 2 * n + 1),
  { maxLength: 8 },
);
const head = { protocolVersion: fc.constant(1), calledAe: ae, callingAe: ae, applicationContext: uid, user };
const request: fc.Arbitrary<AssociateRequest> = fc.record({
  ...head,
  contexts: ids.chain((list) =>
    fc.tuple(
      ...list.map((id) =>
        fc.record({
          id: fc.constant(id),
          abstractSyntax: uid,
          transferSyntaxes: fc.array(uid, { maxLength: 5 }),
        }),
      ),
    ),
  ),
});
const accept: fc.Arbitrary<AssociateAccept> = fc.record({
  ...head,
  contexts: fc.array(
    fc.record({ id: fc.nat({ max: 255 }), result: fc.nat({ max: 4 }), transferSyntax: uid }),
    {
      maxLength: 8,
    },
  ),
});

describe('association PDUs', () => {
  it('property: what is written reads back equal', () => {
    fc.assert(
      fc.property(request, (value) => {
        const bytes = encodeAssociateRequest(value);
        expect(decodeHeader(bytes)).toEqual({ type: 1, length: bytes.length - 6 });
        expect(decodeAssociateRequest(bytes.subarray(6))).toEqual(value);
      }),
    );
    fc.assert(
      fc.property(accept, (value) => {
        const bytes = encodeAssociateAccept(value);
        expect(decodeHeader(bytes)).toEqual({ type: 2, length: bytes.length - 6 });
        expect(decodeAssociateAccept(bytes.subarray(6))).toEqual(value);
      }),
    );
  });

  it('property: broken bytes give a value or dimse-pdu, nothing else', () => {
    const decoders = [decodeAssociateRequest, decodeAssociateAccept, decodeAssociateReject, decodeAbort];
    const attempt = (bytes: Buffer) => {
      for (const decode of decoders) {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(DimseError);
          expect((error as DimseError).code).toBe('dimse-pdu');
        }
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => attempt(Buffer.from(bytes))));
    // A whole one, cut and with some bytes changed, reaches deeper than noise does.
    const damage = fc.array(fc.tuple(fc.nat({ max: 600 }), fc.nat({ max: 255 })), { maxLength: 6 });
    fc.assert(
      fc.property(request, damage, fc.nat({ max: 600 }), (value, changes, cut) => {
        const bytes = encodeAssociateRequest(value).subarray(6);
        for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
        attempt(bytes.subarray(0, bytes.length - Math.min(cut, bytes.length)));
      }),
      { numRuns: 500 },
    );
  });

  it('refuses context identifiers that are even or used twice', () => {
    const context = { abstractSyntax: '1.2', transferSyntaxes: ['1.2.840.10008.1.2'] };
    const value = (list: number[]): AssociateRequest => ({
      protocolVersion: 1,
      calledAe: 'A',
      callingAe: 'B',
      applicationContext: '1.2.840.10008.3.1.1.1',
      contexts: list.map((id) => ({ id, ...context })),
      user: { maxPduLength: 0, implementationClassUid: '1.2', implementationVersion: '', roles: [] },
    });
    for (const list of [[2], [1, 1]]) {
      expect(() => decodeAssociateRequest(encodeAssociateRequest(value(list)).subarray(6))).toThrow(
        DimseError,
      );
    }
    expect(decodeAssociateRequest(encodeAssociateRequest(value([1, 255])).subarray(6)).contexts).toHaveLength(
      2,
    );
  });

  it('reads what echoscu sends', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const scu = execFile('echoscu', [
      '-aet',
      'CALLER',
      '-aec',
      'CALLED',
      '-pdu',
      '32768',
      '127.0.0.1',
      String(port),
    ]);
    const [socket] = await once(server, 'connection');
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    const { type, length } = decodeHeader(bytes);
    expect([type, length]).toEqual([1, bytes.length - 6]);
    expect(decodeAssociateRequest(bytes.subarray(6))).toMatchObject({
      protocolVersion: 1,
      callingAe: 'CALLER',
      calledAe: 'CALLED',
      applicationContext: '1.2.840.10008.3.1.1.1',
      contexts: [{ id: 1, abstractSyntax: '1.2.840.10008.1.1', transferSyntaxes: ['1.2.840.10008.1.2'] }],
      user: { maxPduLength: 32768, implementationClassUid: '1.2.276.0.7230010.3.0.3.6.7', roles: [] },
    });
    const closed = once(scu, 'exit');
    socket.destroy();
    server.close();
    await closed;
  });
});

describe('PDUs of fixed layout', () => {
  // Byte by byte from the tables of PS3.8 9.3.4, 9.3.6 to 9.3.8 and 9.3.5.
  it('are laid out as the tables say', () => {
    expect(encodeAssociateReject({ result: 1, source: 1, reason: 3 }).toString('hex')).toBe(
      '03000000000400010103',
    );
    expect(encodeReleaseRequest().toString('hex')).toBe('05000000000400000000');
    expect(encodeReleaseReply().toString('hex')).toBe('06000000000400000000');
    expect(encodeAbort({ source: 2, reason: 6 }).toString('hex')).toBe('07000000000400000206');
    const header = Buffer.alloc(12);
    writeDataHeader(header, 0, 5, 3, 100);
    expect(header.toString('hex')).toBe('04000000006a000000660503');
    expect(decodeAssociateReject(Buffer.from('00010103', 'hex'))).toEqual({
      result: 1,
      source: 1,
      reason: 3,
    });
    expect(decodeAbort(Buffer.from('00000206', 'hex'))).toEqual({ source: 2, reason: 6 });
  });
});
