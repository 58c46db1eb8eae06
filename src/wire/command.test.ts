import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCommand, encodeCommand, errorComment } from './command.ts';
import type { CommandSet } from './command.ts';
import { DimseError } from './errors.ts';

const command = fc.record(
  {
    AffectedSOPClassUID: fc.stringMatching(/^1(\.[1-9][0-9]{0,4}){1,8}$/),
    CommandField: fc.nat({ max: 0xffff }),
    MessageID: fc.nat({ max: 0xffff }),
    Priority: fc.nat({ max: 2 }),
    CommandDataSetType: fc.nat({ max: 0xffff }),
    Status: fc.nat({ max: 0xffff }),
    ErrorComment: fc.stringMatching(/^[A-Za-z][A-Za-z0-9 ]{0,30}[a-z]$/),
    MoveDestination: fc.stringMatching(/^[A-Z]{1,16}$/),
    NumberOfRemainingSuboperations: fc.nat({ max: 0xffff }),
  },
  { requiredKeys: ['CommandField'] },
) satisfies fc.Arbitrary<CommandSet>;

describe('command sets', () => {
  it('a C-ECHO-RQ is the bytes that PS3.7 9.3.5.1 and 6.3.1 say', () => {
    const bytes = encodeCommand({
      AffectedSOPClassUID: '1.2.840.10008.1.1',
      CommandField: 0x0030,
      MessageID: 1,
      CommandDataSetType: 0x0101,
    });
    expect(bytes.toString('hex')).toBe(
      '00000000' +
        '04000000' +
        '38000000' + // group length 56
        '00000200' +
        '12000000' +
        Buffer.from('1.2.840.10008.1.1\0').toString('hex') +
        '00000001' +
        '02000000' +
        '3000' +
        '00001001' +
        '02000000' +
        '0100' +
        '00000008' +
        '02000000' +
        '0101',
    );
  });

  it('property: what is written reads back equal', () => {
    fc.assert(
      fc.property(command, (value) => {
        expect(decodeCommand(encodeCommand(value))).toEqual(value);
      }),
    );
  });

  it('property: broken bytes give a value or dimse-command, nothing else', () => {
    const attempt = (bytes: Buffer) => {
      try {
        decodeCommand(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(DimseError);
        expect((error as DimseError).code).toBe('dimse-command');
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => attempt(Buffer.from(bytes))));
    fc.assert(
      fc.property(
        command,
        fc.nat({ max: 200 }),
        fc.nat({ max: 255 }),
        fc.nat({ max: 200 }),
        (value, at, byte, cut) => {
          const bytes = encodeCommand(value);
          if (at < bytes.length) bytes[at] = byte;
          attempt(bytes.subarray(0, Math.max(0, bytes.length - cut)));
        },
      ),
    );
  });

  it('reads over what stands behind the group length', () => {
    const answer = { CommandField: 0x8010, MessageIDBeingRespondedTo: 2, Status: 0xff00 };
    const detail = Buffer.from('080058000400000031002e00', 'hex'); // as DCMTK appends (0008,0058)
    expect(decodeCommand(Buffer.concat([encodeCommand(answer), detail]))).toEqual(answer);
  });

  it('keeps an error comment within LO', () => {
    expect(errorComment('Données\\illisibles')).toBe('Donn?es?illisibles');
    expect(errorComment('x'.repeat(100))).toHaveLength(64);
  });
});
