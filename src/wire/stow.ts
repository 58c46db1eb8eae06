/** STOW-RS as user agent: PS3.18 10.5. Instances go out as they are read; what became of each stands in the answer. */
import { fromXml, jsonItems, jsonString, TAG } from '../dicom/index.ts';
import type { DicomJson } from '../dicom/types.ts';
import { STATUS } from './command.ts';
import { multipartWriter } from './multipart.ts';
import type { WebClient } from './web.ts';

/** Opens the bytes of a file of PS3.10. */
export type StowPart = () => Promise<AsyncIterable<Uint8Array>>;

export interface StowAnswer {
  readonly status: number;
  /** Stored, also those with a Warning Reason (0008,1196). */
  readonly taken: ReadonlySet<string>;
  /** Not stored: Failure Reason (0008,1197) by SOP Instance UID, PS3.18 table I.2-2. */
  readonly failed: ReadonlyMap<string, number>;
}

/** Sends them in one request. @throws WebError, and what `open` and its stream throw */
export async function stow(
  client: WebClient,
  parts: readonly StowPart[],
  signal?: AbortSignal,
): Promise<StowAnswer> {
  const frames = multipartWriter();
  async function* body(): AsyncGenerator<Uint8Array> {
    for (const open of parts) {
      // Without a parameter: the DICOMweb plugin of Orthanc (1.7) leaves out parts that have one, and answers 200. The transfer
      // syntax stands in the file.
      yield frames.part({ 'Content-Type': 'application/dicom' });
      yield* await open();
    }
    yield frames.end();
  }
  const answer = await client.request({
    method: 'POST',
    path: '/studies',
    headers: {
      'content-type': frames.contentType('application/dicom'),
      accept: 'application/dicom+json, application/dicom+xml;q=0.5, application/json;q=0.4',
    },
    body: body(),
    ...(signal ? { signal } : {}),
  });
  const json = readAnswer(answer.type, answer.body);
  const taken = new Set<string>();
  const failed = new Map<string, number>();
  for (const item of jsonItems(json, TAG.ReferencedSOPSequence)) taken.add(uidOf(item));
  for (const item of jsonItems(json, TAG.FailedSOPSequence))
    failed.set(uidOf(item), Number(jsonString(item, TAG.FailureReason) ?? STATUS.processingFailure));
  for (const set of [taken, failed]) set.delete('');
  return { status: answer.status, taken, failed };
}

function readAnswer(type: string, body: Buffer): DicomJson {
  const text = body.toString('utf8');
  try {
    if (type.endsWith('xml')) return fromXml(text);
    const json = JSON.parse(text) as DicomJson | DicomJson[];
    // One object; a list of one is read as well, as answers of QIDO-RS are lists (F.2).
    const one = Array.isArray(json) ? json[0] : json;
    return one !== null && typeof one === 'object' ? one : {};
  } catch {
    return {};
  }
}

const uidOf = (item: DicomJson): string => jsonString(item, TAG.ReferencedSOPInstanceUID) ?? '';
