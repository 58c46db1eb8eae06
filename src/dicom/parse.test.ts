import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuMs } from './testing-time.ts';
import { corpusFile } from './corpus.ts';
import {
  DEFLATED_LE,
  DicomError,
  EXPLICIT_BE,
  EXPLICIT_LE,
  IMPLICIT_LE,
  NeedMoreBytes,
  TAG,
  dataset,
  encodeDataSet,
  fileMeta,
  frameOffsets,
  parseDataSet,
  parseDicom,
  parseHeader,
  toJson,
  writePart10,
  type DataSet,
} from './index.ts';

const failure = (code: string) => expect.objectContaining({ code });
const part10 = (datasetBytes: Uint8Array, transferSyntax: string): Buffer =>
  writePart10({ datasetBytes, meta: { sopClassUid: '1.2', sopInstanceUid: '1.3', transferSyntax } });

/** Reads everything there is to read. */
function touch(set: DataSet): void {
  for (const tag of set.tags) {
    set.string(tag);
    set.strings(tag);
    set.number(tag);
    set.numbers(tag);
    set.bytes(tag);
    set.person(tag);
    set.items(tag).forEach(touch);
  }
}

describe('implicit and explicit, little and big endian', () => {
  // (0028,0010) Rows 512, (0028,0030) Pixel Spacing, (0008,1140) one item with a UID, all by hand.
  const explicitBig = Buffer.from(
    '00081140' +
      '5351' +
      '0000' +
      '00000014' +
      'fffee000' +
      '0000000c' +
      '00081155' +
      '5549' +
      '0004' +
      '312e3200' +
      '00280010' +
      '5553' +
      '0002' +
      '0200' +
      '00280030' +
      '4453' +
      '0008' +
      '302e315c302e3220',
    'hex',
  );
  it('reads big endian', () => {
    const set = parseDataSet(explicitBig, EXPLICIT_BE);
    expect(set.number(TAG.Rows)).toBe(512);
    expect(set.numbers(TAG.PixelSpacing)).toEqual([0.1, 0.2]);
    expect(set.items(TAG.ReferencedImageSequence)[0]!.string(TAG.ReferencedSOPInstanceUID)).toBe('1.2');
  });
  it('guesses it without a header', () => {
    expect(parseDicom(explicitBig)).toMatchObject({ transferSyntax: EXPLICIT_BE, datasetOffset: 0 });
  });
  it('reads a sequence and an item of undefined length in implicit little endian', () => {
    const bytes = Buffer.from(
      '08004011' +
        'ffffffff' +
        'feff00e0' +
        'ffffffff' +
        '08005511' +
        '04000000' +
        '312e3200' +
        'feff0de0' +
        '00000000' +
        'feffdde0' +
        '00000000' +
        '28001000' +
        '02000000' +
        '0002',
      'hex',
    );
    const set = parseDataSet(bytes, IMPLICIT_LE);
    expect(set.items(TAG.ReferencedImageSequence)[0]!.string(TAG.ReferencedSOPInstanceUID)).toBe('1.2');
    expect(set.number(TAG.Rows)).toBe(512);
  });
  it('reads UN of undefined length as implicit little endian: PS3.5 6.2.2', () => {
    const bytes = Buffer.from(
      '09001011' +
        '554e0000' +
        'ffffffff' +
        'feff00e0' +
        '0c000000' +
        '08005511' +
        '04000000' +
        '312e3200' +
        'feffdde0' +
        '00000000' +
        '28001000' +
        '55530200' +
        '0002',
      'hex',
    );
    const set = parseDataSet(bytes, EXPLICIT_LE);
    expect(set.items(0x00091110)[0]!.string(TAG.ReferencedSOPInstanceUID)).toBe('1.2');
    expect(set.number(TAG.Rows)).toBe(512);
  });
  it('takes signed pixels into account where implicit VR leaves the choice', () => {
    const json = dataset({ PixelRepresentation: 1, SmallestImagePixelValue: -5 });
    expect(
      parseDataSet(encodeDataSet(json, { transferSyntax: IMPLICIT_LE }), IMPLICIT_LE).number(0x00280106),
    ).toBe(-5);
  });
});

describe('deflated', () => {
  const inner = encodeDataSet(dataset({ PatientID: 'x', Rows: 1, PixelData: new Uint8Array(1 << 20) }));
  it('reads, with offsets in the inflated file', () => {
    const file = parseDicom(part10(deflateRawSync(inner), DEFLATED_LE));
    expect(file.transferSyntax).toBe(DEFLATED_LE);
    expect(file.pixelData!.length).toBe(1 << 20);
    expect(file.bytes.length).toBe(file.pixelData!.offset + (1 << 20));
  });
  it('refuses what becomes too much, within bounds', () => {
    const bomb = part10(deflateRawSync(Buffer.alloc(100 << 20)), DEFLATED_LE);
    expect(() => parseDicom(bomb)).toThrow(failure('malformed'));
    expect(() => parseDicom(part10(deflateRawSync(inner), DEFLATED_LE), { maxInflated: 1000 })).toThrow(
      failure('malformed'),
    );
  });
  it('reads a header without inflating what follows', () => {
    const header = encodeDataSet(dataset({ PatientID: 'x' }));
    const endless = Buffer.concat([header, encodeDataSet(dataset({ PixelData: Buffer.alloc(64 << 20) }))]);
    const file = part10(deflateRawSync(endless), DEFLATED_LE);
    expect(parseHeader(file, { complete: true }).dataset.string(TAG.PatientID)).toBe('x');
    expect(parseHeader(file.subarray(0, 4000), { complete: false }).pixelData!.length).toBe(64 << 20);
  });
});

describe('nesting', () => {
  const nested = (levels: number): Buffer => {
    let bytes: Buffer = Buffer.alloc(0);
    for (let level = 0; level < levels; level++) {
      const lengths = Buffer.alloc(16);
      lengths.writeUInt32LE(0xa730_0040, 0);
      lengths.writeUInt32LE(bytes.length + 8, 4);
      lengths.writeUInt32LE(0xe000_fffe, 8);
      lengths.writeUInt32LE(bytes.length, 12);
      bytes = Buffer.concat([lengths, bytes]);
    }
    return bytes;
  };
  it('reads 64 levels', () => {
    expect(parseDataSet(nested(64), IMPLICIT_LE).items(0x0040a730)).toHaveLength(1);
  });
  it.each([65, 3000])('refuses %i levels', (levels) => {
    expect(() => parseDataSet(nested(levels), IMPLICIT_LE)).toThrow(failure('too-deep'));
  });
});

describe('a header from a stream', () => {
  const file = corpusFile('ct/CT_small.dcm');
  const whole = parseDicom(file);
  it('asks for more at every length that ends inside it, and never for less than it has', () => {
    for (let size = 0; size < whole.pixelData!.offset; size += 7) {
      try {
        parseHeader(file.subarray(0, size), { complete: false });
        expect.unreachable();
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(NeedMoreBytes);
        expect((thrown as NeedMoreBytes).atLeast).toBeGreaterThan(size);
        expect((thrown as NeedMoreBytes).atLeast).toBeLessThanOrEqual(file.length);
      }
    }
    const header = parseHeader(file.subarray(0, whole.pixelData!.offset), { complete: false });
    expect(header.pixelData).toEqual(whole.pixelData);
  });
  it('stops before a long value when asked', () => {
    const json = dataset({
      PatientID: 'x',
      EncapsulatedDocument: new Uint8Array(5000),
      MIMETypeOfEncapsulatedDocument: 'a/b',
    });
    const pdf = part10(encodeDataSet(json), EXPLICIT_LE);
    const { stoppedAt, dataset: set } = parseHeader(pdf.subarray(0, 400), {
      complete: false,
      stopAtLength: 4096,
    });
    expect(stoppedAt).toMatchObject({ tag: TAG.EncapsulatedDocument, vr: 'OB', length: 5000 });
    expect(set.string(TAG.PatientID)).toBe('x');
  });
  it('names the element and the place where a file ends', () => {
    expect(() => parseDicom(file.subarray(0, 1000))).toThrow(
      expect.objectContaining({
        code: 'truncated',
        details: { tag: expect.any(String), offset: expect.any(Number) },
      }),
    );
  });
});

it('reads text that a sequence item inherits its character set for', () => {
  const item = Buffer.concat([
    Buffer.from('feff00e0', 'hex'),
    Buffer.from('0a000000', 'hex'),
    Buffer.from('10001000504e0200e920', 'hex'),
  ]);
  const bytes = Buffer.concat([
    Buffer.from('080005004353' + '0a00', 'hex'),
    Buffer.from('ISO_IR 100'),
    Buffer.from('08004011535100001200' + '0000', 'hex'),
    item,
  ]);
  expect(parseDataSet(bytes, EXPLICIT_LE).items(0x00081140)[0]!.string(TAG.PatientName)).toBe('é');
});

it('reads 100,000 zero bytes with one behind them in no time', () => {
  const bytes = Buffer.concat([
    Buffer.from('08001600' + '04000000' + '312e3200', 'hex'),
    Buffer.alloc(800_000),
    Buffer.of(1),
  ]);
  const start = cpuMs();
  expect(() => parseDataSet(bytes, IMPLICIT_LE)).toThrow(DicomError);
  expect(cpuMs() - start).toBeLessThan(1500);
});

describe('whatever comes', () => {
  /** No error but the documented one, in bounded time; what does parse can be read whole. */
  function survives(bytes: Uint8Array): void {
    const start = cpuMs();
    for (const read of [
      () => parseDicom(bytes),
      () => parseHeader(bytes, { complete: true }),
      () => parseHeader(bytes, { complete: false }),
    ]) {
      try {
        const file = read();
        touch(file.meta);
        touch(file.dataset);
        JSON.stringify(toJson(file.dataset));
        if (file.pixelData && file.pixelData.length >= 0) frameOffsets(file)?.runs(1);
      } catch (thrown) {
        if (!(thrown instanceof DicomError)) throw thrown;
      }
    }
    expect(cpuMs() - start).toBeLessThan(2000);
  }

  it('random bytes, with and without a header in front', () => {
    const header = fileMeta({ sopClassUid: '1.2', sopInstanceUid: '1.3', transferSyntax: EXPLICIT_LE });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, withHeader) =>
        survives(withHeader ? Buffer.concat([header, bytes]) : bytes),
      ),
      { numRuns: 1500 },
    );
  });

  const seeds = [
    'ct/CT_small.dcm',
    'sr/reportsi.dcm',
    'charsets/chrH32.dcm',
    'malformed/UN_sequence.dcm',
    'malformed/missing_sequence_delimiter.dcm',
    'malformed/Issue1097_FailToOpenDeflatedFileWithSQ.dcm',
    'malformed/ExplVR_BigEndNoMeta.dcm',
    'malformed/rtplan_truncated.dcm',
  ].map((path) => corpusFile(path).subarray(0, 20_000));

  it('real files with bytes changed, removed and doubled', () => {
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      kind: fc.constantFrom('set', 'cut', 'double', 'ones'),
      value: fc.nat(255),
      length: fc.integer({ min: 1, max: 40 }),
    });
    fc.assert(
      fc.property(fc.nat(seeds.length - 1), fc.array(edit, { minLength: 1, maxLength: 6 }), (seed, edits) => {
        let bytes = Buffer.from(seeds[seed]!);
        for (const { at, kind, value, length } of edits) {
          const start = Math.floor(at * bytes.length);
          if (kind === 'set') bytes[start] = value;
          else if (kind === 'ones') bytes.fill(0xff, start, Math.min(start + 4, bytes.length));
          else {
            const part = bytes.subarray(start, start + length);
            bytes = Buffer.concat([
              bytes.subarray(0, start),
              ...(kind === 'double' ? [part, part] : []),
              bytes.subarray(start + length),
            ]);
          }
        }
        survives(bytes);
      }),
      { numRuns: 1500 },
    );
  });

  it('never reads past its end: what surrounds a view does not matter', () => {
    for (const seed of seeds) {
      const around = Buffer.alloc(seed.length + 128, 0x41);
      around.set(seed, 64);
      for (const cut of [0, 1, 9, 100]) {
        const inner = around.subarray(64, 64 + seed.length - cut);
        const read = (bytes: Uint8Array): string => {
          try {
            return JSON.stringify(toJson(parseDicom(bytes).dataset));
          } catch (thrown) {
            return (thrown as Error).message;
          }
        };
        expect(read(inner)).toBe(read(Uint8Array.from(inner)));
      }
    }
  });
});
