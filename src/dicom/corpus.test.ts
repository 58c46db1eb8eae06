import { describe, expect, it } from 'vitest';
import { cpuMs } from './testing-time.ts';
import { corpus, corpusFile } from './corpus.ts';
import {
  DicomError,
  EXPLICIT_LE,
  IMPLICIT_LE,
  NeedMoreBytes,
  TAG,
  encodeDataSet,
  frameOffsets,
  isVideo,
  parseDataSet,
  parseDicom,
  parseHeader,
  toJson,
  type DicomFile,
} from './index.ts';

const entries = corpus();
const sound = entries.filter(({ expected }) => expected === 'decodable' || expected === 'readable');
const malformed = entries.filter(({ expected }) => expected.startsWith('malformed'));

/** Feeds a header the way a stream does. */
function parseInPieces(bytes: Uint8Array): { file: DicomFile; fed: number } {
  for (let size = 1024; ; size = Math.ceil(size * 1.7)) {
    const complete = size >= bytes.length;
    try {
      const file = parseHeader(bytes.subarray(0, size), { complete });
      return { file, fed: Math.min(size, bytes.length) };
    } catch (thrown) {
      if (!(thrown instanceof NeedMoreBytes)) throw thrown;
      expect(complete).toBe(false);
      expect(thrown.atLeast).toBeGreaterThan(size);
      size = Math.max(size, thrown.atLeast / 1.7);
    }
  }
}

it('has the corpus at hand', () => {
  expect(sound.length).toBeGreaterThan(240);
  expect(malformed.length).toBeGreaterThan(50);
});

describe.each(sound.map((entry) => [entry.path, entry] as const))('%s', (path, entry) => {
  const bytes = corpusFile(path);

  it('reads what the reference reader reads', () => {
    const { dataset, meta, transferSyntax, pixelData } = parseDicom(bytes);
    const sopClass = dataset.string(TAG.SOPClassUID) ?? meta.string(TAG.MediaStorageSOPClassUID) ?? '';
    expect(sopClass).toBe(entry.sop_class_uid);
    if (entry.transfer_syntax) expect(transferSyntax).toBe(entry.transfer_syntax);
    if (entry.rows) expect(dataset.number(TAG.Rows)).toBe(Number(entry.rows));
    if (entry.cols) expect(dataset.number(TAG.Columns)).toBe(Number(entry.cols));
    if (entry.patient_name)
      expect(name(dataset.string(TAG.PatientName) ?? '')).toBe(name(entry.patient_name));
    if (entry.expected === 'decodable') expect(pixelData).toBeDefined();
  });

  it('reads its header from a stream', () => {
    const whole = parseDicom(bytes);
    const { file, fed } = parseInPieces(bytes);
    expect(file.pixelData?.offset).toBe(whole.pixelData?.offset);
    const upTo = file.dataset.tags.length;
    expect(file.dataset.tags).toEqual(whole.dataset.tags.slice(0, upTo));
    if (!whole.pixelData) expect(upTo).toBe(whole.dataset.tags.length);
    else if (whole.bytes === bytes) expect(fed).toBeLessThan(whole.pixelData.offset * 2 + 2048);
  });

  it('comes back equal after writing', () => {
    const { dataset } = parseDicom(bytes);
    const json = toJson(dataset);
    for (const transferSyntax of [EXPLICIT_LE, IMPLICIT_LE]) {
      const again = toJson(parseDataSet(encodeDataSet(json, { transferSyntax }), transferSyntax));
      // Implicit VR keeps no VR: compare where the dictionary gives the same one.
      if (transferSyntax === EXPLICIT_LE) expect(unpadded(again)).toEqual(unpadded(json));
      else expect(Object.keys(again)).toEqual(Object.keys(json));
    }
  });

  it.runIf(entry.expected === 'decodable')('has its frames', () => {
    const file = parseDicom(bytes);
    const frames = frameOffsets(file)!;
    expect(frames.count).toBe(isVideo(file.transferSyntax) ? 1 : Number(entry.frames || 1));
    for (let n = 1; n <= frames.count; n++) {
      const runs = frames.runs(n)!;
      for (const { offset, length } of runs) expect(offset + length).toBeLessThanOrEqual(file.bytes.length);
      expect(runs.reduce((sum, run) => sum + run.length, 0)).toBeGreaterThan(0);
    }
    expect(frames.runs(frames.count + 1)).toBeUndefined();
  });
});

/** Empty component groups at the end say nothing: PS3.5 6.2.1. */
const name = (text: string): string => text.replace(/=+$/, '');

/** Binary values of odd length get a padding byte. */
function unpadded(json: unknown): unknown {
  return JSON.parse(JSON.stringify(json), (key, value: unknown) => {
    if (key !== 'InlineBinary' || typeof value !== 'string') return value;
    const bytes = Buffer.from(value, 'base64');
    return (bytes.length % 2 ? Buffer.concat([bytes, Buffer.of(0)]) : bytes).toString('base64');
  });
}

/** What must be told apart, because quarantine says it to people. */
const REASONS: Readonly<Record<string, DicomError['code']>> = {
  'malformed/MR_truncated.dcm': 'truncated',
  'malformed/deep_nesting_3000.dcm': 'too-deep',
  'malformed/deflate_bomb_64MiB.dcm': 'malformed',
  'malformed/empty_file.dcm': 'not-dicom',
  'malformed/length_overflow_element.dcm': 'truncated',
  'malformed/not_dicom_png.dcm': 'not-dicom',
  'malformed/pixel_length_larger_than_file.dcm': 'truncated',
  'malformed/preamble_only.dcm': 'truncated',
  'malformed/rtplan_truncated.dcm': 'truncated',
  'malformed/truncated_encapsulated_fragment.dcm': 'truncated',
  'malformed/truncated_in_dataset.dcm': 'truncated',
  'malformed/truncated_in_meta.dcm': 'truncated',
  'malformed/truncated_pixel_data_half.dcm': 'truncated',
  'malformed/frames_9999999_truncated.dcm': 'truncated',
};
/** The reference reader says that these read. */
const readable = malformed.filter(
  ({ path, expected }) =>
    /readable|decodable|implicit VR in a big-endian|without TransferSyntaxUID|no preamble|missing|VR "/.test(
      expected,
    ) && !(path in REASONS),
);

describe('malformed files', () => {
  it.each(malformed.map(({ path }) => path))('%s reads, or says why not, at once', (path) => {
    const bytes = corpusFile(path);
    const start = cpuMs();
    for (const read of [() => parseDicom(bytes), () => parseInPieces(bytes).file]) {
      try {
        const file = read();
        JSON.stringify(toJson(file.dataset));
        try {
          frameOffsets(file);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(DicomError);
        }
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(DicomError);
        expect((thrown as Error).message).not.toMatch(/\^/); // no names
      }
    }
    expect(cpuMs() - start).toBeLessThan(2000);
  });

  it.each(Object.entries(REASONS))('%s is %s', (path, code) => {
    expect(() => parseDicom(corpusFile(path))).toThrowError(expect.objectContaining({ code }));
  });

  it.each(readable.map(({ path }) => path))('%s reads', (path) => {
    expect(parseDicom(corpusFile(path)).dataset.tags.length).toBeGreaterThan(0);
  });

  it('finds pixel data that is too short', () => {
    const file = parseDicom(corpusFile('malformed/rows_too_large.dcm'));
    expect(() => frameOffsets(file)).toThrowError(expect.objectContaining({ code: 'pixel-length' }));
  });
});
