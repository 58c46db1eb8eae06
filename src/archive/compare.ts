/**
 * Is what came again under the same SOP Instance UID the same instance? Senders repeat themselves with other file meta
 * information or in another transfer syntax; that is no conflict. Asked in the order of cost: the data set's bytes, its
 * elements, its decoded pixels.
 */
import { isDeepStrictEqual } from 'node:util';
import { type DataSet, type DicomFile, type DicomJson, TAG, toJson } from '../dicom/index.ts';
import { type DecodedFrame, decodeFrame, pixelAttributesOf } from '../dicom/pixels/index.ts';
import { digest, parsedSource, readHeader, type Source } from './source.ts';

export interface Comparable {
  readonly source: Source;
  readonly sha256: string;
  readonly datasetOffset: number;
  readonly transferSyntax: string;
  readonly frames: number;
  /** Encoded bytes of frame `n`, 1-based. */
  frame(n: number): Promise<Uint8Array>;
}

export async function isSameInstance(a: Comparable, b: Comparable): Promise<boolean> {
  if (a.sha256 === b.sha256) return true;
  if (
    a.transferSyntax === b.transferSyntax &&
    a.source.size - a.datasetOffset === b.source.size - b.datasetOffset &&
    (await digest(await a.source.stream(a.datasetOffset))) ===
      (await digest(await b.source.stream(b.datasetOffset)))
  )
    return true;
  const [left, right] = [await readHeader(a.source), await readHeader(b.source)];
  const recoded = a.transferSyntax !== b.transferSyntax;
  if (!isDeepStrictEqual(...comparable(left.dataset, right.dataset, recoded))) return false;
  if (!left.pixelData || !right.pixelData) {
    return !left.pixelData && !right.pixelData && (await restIsSame(a, left, b, right));
  }
  if (a.frames !== b.frames) return false;
  for (let n = 1; n <= a.frames; n++) {
    const [one, two] = [await a.frame(n), await b.frame(n)];
    if (!Buffer.from(one).equals(two) && !(await looksSame(a, left, one, b, right, two))) return false;
  }
  return true;
}

/** Left out: what says how the data set is written rather than what it says. */
const CODING = new Set<number>([TAG.SpecificCharacterSet, TAG.DataSetTrailingPadding]);
/** May differ when the pixels were written in another transfer syntax: the pixels themselves are compared then. */
const PIXEL_CODING = new Set<number>([
  TAG.PhotometricInterpretation,
  TAG.PlanarConfiguration,
  TAG.ExtendedOffsetTable,
  TAG.ExtendedOffsetTableLengths,
  // An encoder notes itself here, lossless or not.
  TAG.DerivationDescription,
  TAG.DerivationCodeSequence,
]);

function comparable(a: DataSet, b: DataSet, recoded: boolean): [DicomJson, DicomJson] {
  const [left, right] = [toJson(a), toJson(b)];
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const tag = parseInt(key, 16);
    // Implicit VR does not tell the VR of a private element, so its value cannot be compared with one that knows.
    const unknown = left[key]?.vr !== right[key]?.vr && [left[key]?.vr, right[key]?.vr].includes('UN');
    if (CODING.has(tag) || (recoded && PIXEL_CODING.has(tag)) || (unknown && left[key] && right[key])) {
      delete left[key];
      delete right[key];
    }
  }
  return [left, right];
}

/** Behind a value that was too long for the header: an encapsulated document, a waveform. */
async function restIsSame(a: Comparable, left: DicomFile, b: Comparable, right: DicomFile): Promise<boolean> {
  const [one, two] = [left.stoppedAt, right.stoppedAt];
  if (!one || !two) return !one && !two;
  const [first, second] = [await parsedOf(a).stream(one.offset), await parsedOf(b).stream(two.offset)];
  return (await digest(first)) === (await digest(second));
}
const parsedOf = ({ source, transferSyntax, datasetOffset }: Comparable): Source =>
  parsedSource(source, transferSyntax, datasetOffset);

async function looksSame(
  a: Comparable,
  left: DicomFile,
  one: Uint8Array,
  b: Comparable,
  right: DicomFile,
  two: Uint8Array,
): Promise<boolean> {
  try {
    const [first, second] = [await decoded(a, left, one), await decoded(b, right, two)];
    return (
      first.photometric === second.photometric &&
      first.rows === second.rows &&
      first.columns === second.columns &&
      first.samplesPerPixel === second.samplesPerPixel &&
      isDeepStrictEqual(first.data, second.data)
    );
  } catch {
    return false;
  }
}

const decoded = (
  of: Comparable,
  { dataset, pixelData }: DicomFile,
  bytes: Uint8Array,
): Promise<DecodedFrame> => decodeFrame(bytes, of.transferSyntax, pixelAttributesOf(dataset, pixelData?.tag));
