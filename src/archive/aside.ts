/** Looking at what was kept aside: its header as far as it can be read, where reading failed, and how it differs from what is here. */
import { isDeepStrictEqual } from 'node:util';
import {
  type DataSet,
  DicomError,
  type DicomFile,
  type DicomJson,
  frameBits,
  frameCount,
  isVideo,
  keywordOf,
  parseHeader,
  personText,
  type Tag,
  tagText,
  TAG,
  toJson,
} from '../dicom/index.ts';
import { decodeFrame, type DecodedFrame, pixelAttributesOf } from '../dicom/pixels/index.ts';
import { extendedOffsets } from './check.ts';
import { cutFrame, type FrameTable, FragmentScanner, frameTable } from './frames.ts';
import { collect, parsedSource, readHeader, type Source } from './source.ts';
import type { AsideFacts, ElementDifference, PixelComparison } from './types.ts';

const MAX_DIFFERENCES = 500;
const MAX_TEXT = 160;
/** Frames compared, and samples among them: a person waits for the answer. */
const MAX_FRAMES = 200;
const MAX_SAMPLES = 512 * 1024 * 1024;
const PARTIAL = 256 * 1024;

export interface Read {
  file: DicomFile | undefined;
  error: DicomError | undefined;
}

/** The header, or why there is none. */
export async function tryHeader(source: Source): Promise<Read> {
  try {
    return { file: await readHeader(source), error: undefined };
  } catch (thrown) {
    if (!(thrown instanceof DicomError)) throw thrown;
    return { file: undefined, error: thrown };
  }
}

/** Whom and what it shows, as far as the beginning of the file can be read. */
export async function factsOf(source: Source, { file, error }: Read): Promise<AsideFacts | null> {
  const dataset = file?.dataset ?? (await beginning(source, error));
  if (!dataset) return null;
  const text = (tag: Tag): string => (dataset.string(tag) ?? '').replaceAll('\0', '').trim().slice(0, 200);
  return {
    patientName: dataset.person(TAG.PatientName)?.alphabetic.slice(0, 200) ?? '',
    patientId: text(TAG.PatientID),
    studyDate: text(TAG.StudyDate),
    modality: text(TAG.Modality),
    studyUid: text(TAG.StudyInstanceUID),
    seriesUid: text(TAG.SeriesInstanceUID),
    sopInstanceUid: text(TAG.SOPInstanceUID),
    sopClassUid: text(TAG.SOPClassUID),
    transferSyntax: file?.transferSyntax ?? '',
    rows: dataset.number(TAG.Rows) ?? null,
    columns: dataset.number(TAG.Columns) ?? null,
    frames: frameCount(dataset),
  };
}

/** Lengths of what may stand between the beginning of an element and the place that an error names: PS3.5 7.1. */
const ELEMENT_HEADERS = [0, 8, 12];

/** Of a file that breaks somewhere: what stands before that place. */
async function beginning(source: Source, error: DicomError | undefined): Promise<DataSet | undefined> {
  const end = Math.min(error?.offset ?? 0, source.size, PARTIAL);
  if (end < 140) return undefined;
  const bytes = await collect(await source.stream(0, end));
  for (const back of ELEMENT_HEADERS) {
    try {
      return parseHeader(bytes.subarray(0, end - back), { complete: true }).dataset;
    } catch {
      // Another guess.
    }
  }
  return undefined;
}

/** Where reading failed, for people. */
export const placeOf = (error: DicomError | undefined) =>
  error && (error.tag !== undefined || error.offset !== undefined)
    ? {
        tag: error.tag === undefined ? null : tagText(error.tag),
        name: error.tag === undefined ? null : (keywordOf(error.tag) ?? null),
        offset: error.offset ?? null,
      }
    : null;

/** The elements of two data sets that differ, those of sequences by their path. */
export function differences(here: DataSet, there: DataSet): { elements: ElementDifference[]; more: boolean } {
  const elements: ElementDifference[] = [];
  const walk = (a: DicomJson, b: DicomJson, path: string): void => {
    for (const key of [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()) {
      if (elements.length > MAX_DIFFERENCES) return;
      const [one, two] = [a[key], b[key]];
      const tag = parseInt(key, 16);
      if (tag === TAG.SpecificCharacterSet || isDeepStrictEqual(one, two)) continue;
      if (one?.vr === 'SQ' && two?.vr === 'SQ') {
        const [left, right] = [one.Value ?? [], two.Value ?? []] as [DicomJson[], DicomJson[]];
        for (let i = 0; i < Math.max(left.length, right.length); i++)
          walk(left[i] ?? {}, right[i] ?? {}, `${path}${tagText(tag)}[${i + 1}] `);
        continue;
      }
      elements.push({
        tag: path + tagText(tag),
        name: keywordOf(tag) ?? null,
        here: one ? valueText(one) : null,
        there: two ? valueText(two) : null,
      });
    }
  };
  walk(toJson(here), toJson(there), '');
  return { elements: elements.slice(0, MAX_DIFFERENCES), more: elements.length > MAX_DIFFERENCES };
}

function valueText({ vr, Value, InlineBinary }: DicomJson[string]): string {
  const text =
    vr === 'SQ'
      ? `${Value?.length ?? 0} ×`
      : InlineBinary !== undefined
        ? Buffer.from(InlineBinary, 'base64').subarray(0, 32).toString('hex')
        : (Value ?? []).map((each) => (vr === 'PN' ? personText(each) : String(each ?? ''))).join('\\');
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

/** Encoded frames of a file wherever it lies. */
export async function framesOf(
  source: Source,
  file: DicomFile,
): Promise<{
  count: number;
  frame(n: number): Promise<Buffer | undefined>;
}> {
  const { pixelData, dataset, transferSyntax } = file;
  if (!pixelData) return { count: 0, frame: async () => undefined };
  const count = frameCount(dataset);
  const parsed = parsedSource(source, transferSyntax, file.datasetOffset);
  let table: FrameTable | undefined;
  if (pixelData.encapsulated) {
    const scanner = new FragmentScanner(pixelData.offset);
    for await (const chunk of await parsed.stream(pixelData.offset)) scanner.push(chunk);
    table = frameTable(scanner, isVideo(transferSyntax) ? 1 : count, extendedOffsets(dataset));
  }
  const places = {
    offset: pixelData.offset,
    table,
    bits: frameBits(dataset) ?? 0,
    bytes: pixelData.encapsulated ? 0 : pixelData.length,
  };
  return { count, frame: (n) => cutFrame(parsed, n, places) };
}

/** Whether the pixels of two files are the same, and where they begin to differ. */
export async function comparePixels(
  here: { source: Source; file: DicomFile },
  there: { source: Source; file: DicomFile },
): Promise<PixelComparison> {
  const none: PixelComparison = {
    verdict: 'none',
    frames: [0, 0],
    compared: 0,
    differing: 0,
    first: null,
    pixels: 0,
    largest: 0,
  };
  if (!here.file.pixelData && !there.file.pixelData) return none;
  let left: Awaited<ReturnType<typeof framesOf>>;
  let right: typeof left;
  try {
    [left, right] = [await framesOf(here.source, here.file), await framesOf(there.source, there.file)];
  } catch {
    return { ...none, verdict: 'unknown' };
  }
  const result: PixelComparison = { ...none, verdict: 'equal', frames: [left.count, right.count] };
  if (left.count !== right.count || isVideo(here.file.transferSyntax)) result.verdict = 'different';
  let samples = 0;
  for (let n = 1; n <= Math.min(left.count, right.count, MAX_FRAMES) && samples < MAX_SAMPLES; n++) {
    const [one, two] = [await left.frame(n), await right.frame(n)];
    result.compared = n;
    if (!one || !two) return { ...result, verdict: 'unknown' };
    if (one.equals(two) && here.file.transferSyntax === there.file.transferSyntax) continue;
    const [a, b] = await Promise.all([decoded(here.file, one), decoded(there.file, two)]);
    if (!a || !b) return { ...result, verdict: 'unknown' };
    samples += a.data.length;
    const found = differing(a, b);
    if (!found) continue;
    result.verdict = 'different';
    result.differing += 1;
    result.pixels += found.pixels;
    result.largest = Math.max(result.largest, found.largest);
    result.first ??= { frame: n, x: found.x, y: found.y };
  }
  return result;
}

const decoded = (file: DicomFile, bytes: Uint8Array): Promise<DecodedFrame | undefined> =>
  decodeFrame(bytes, file.transferSyntax, pixelAttributesOf(file.dataset, file.pixelData?.tag)).catch(
    () => undefined,
  );

/** Undefined where two frames are the same. Frames of another size differ from their first pixel on. */
function differing(
  a: DecodedFrame,
  b: DecodedFrame,
): { pixels: number; largest: number; x: number; y: number } | undefined {
  const samples = a.samplesPerPixel;
  if (a.rows !== b.rows || a.columns !== b.columns || samples !== b.samplesPerPixel)
    return { pixels: a.rows * a.columns, largest: 0, x: 0, y: 0 };
  let first = -1;
  let [pixels, largest, last] = [0, 0, -1];
  for (let i = 0; i < a.data.length; i++) {
    const off = Math.abs((a.data[i] as number) - (b.data[i] as number));
    if (off === 0) continue;
    if (off > largest) largest = off;
    const pixel = Math.floor(i / samples);
    if (pixel !== last) pixels += 1;
    last = pixel;
    if (first < 0) first = pixel;
  }
  return first < 0 ? undefined : { pixels, largest, x: first % a.columns, y: Math.floor(first / a.columns) };
}
