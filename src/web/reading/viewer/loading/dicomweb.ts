/** What the viewer fetches beside frames: DICOM JSON of a series (PS3.18 10.4.1.1.2), bulk data and pictures, with the page's session cookie. */
import { failureOf } from '../../../api.ts';

export interface InstanceRef {
  studyUid: string;
  seriesUid: string;
  sopInstanceUid: string;
}
interface Attribute {
  vr: string;
  Value?: unknown[];
  InlineBinary?: string;
  BulkDataURI?: string;
}
export type Metadata = Record<string, Attribute>;

const base = ({ studyUid, seriesUid }: Omit<InstanceRef, 'sopInstanceUid'>) =>
  `/dicom-web/studies/${studyUid}/series/${seriesUid}`;
export const instanceUrl = (ref: InstanceRef) => `${base(ref)}/instances/${ref.sopInstanceUid}`;
export const thumbnailUrl = (ref: InstanceRef, pixels = 128) =>
  `${instanceUrl(ref)}/thumbnail?viewport=${pixels},${pixels}`;

/** The study that is read, those beside it, and the next one. */
const KEPT_STUDIES = 8;
/** By the study, that asked for last at the end, and the series' address. */
const metadataOfStudies = new Map<string, Map<string, Promise<Map<string, Metadata>>>>();

function metadataOfSeries(studyUid: string): Map<string, Promise<Map<string, Metadata>>> {
  const kept = metadataOfStudies.get(studyUid) ?? new Map();
  metadataOfStudies.delete(studyUid);
  metadataOfStudies.set(studyUid, kept);
  if (metadataOfStudies.size > KEPT_STUDIES) metadataOfStudies.delete(metadataOfStudies.keys().next().value!);
  return kept;
}

/** Data sets as DICOM JSON; none of them is no failure (204). */
export async function fetchJson(url: string): Promise<Metadata[]> {
  const response = await fetch(url, { headers: { accept: 'application/dicom+json' } });
  if (response.status === 204) return [];
  if (!response.ok) throw await failureOf(response);
  return (await response.json()) as Metadata[];
}

async function fetchMetadata(url: string): Promise<Map<string, Metadata>> {
  const list = await fetchJson(`${url}/metadata`);
  return new Map(list.map((each) => [text(each, '00080018') ?? '', each]));
}

/**
 * Metadata of one instance. Who asks first for one of a series gets it alone, for that of a thousand slices takes some megabytes;
 * then the whole series is asked, once, and kept with the last studies.
 */
export async function metadataOf(ref: InstanceRef): Promise<Metadata> {
  const url = base(ref);
  const kept = metadataOfSeries(ref.studyUid);
  let series = kept.get(url);
  const keep = (next: Promise<Map<string, Metadata>>) => {
    series = next;
    kept.set(url, next);
    next.catch(() => kept.get(url) === next && kept.delete(url));
  };
  if (!series) {
    const alone = fetchMetadata(instanceUrl(ref));
    keep(alone.then(() => fetchMetadata(url)));
    const found = (await alone).get(ref.sopInstanceUid);
    if (found) return found;
  } else if (!(await series.catch(() => undefined))?.has(ref.sopInstanceUid)) keep(fetchMetadata(url));
  const found = (await series!).get(ref.sopInstanceUid);
  if (!found) throw new Error('The image is not in its series.');
  return found;
}

export const text = (data: Metadata, tag: string): string | undefined => {
  const value = data[tag]?.Value?.[0];
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;
};
export const numbers = (data: Metadata, tag: string): number[] =>
  (data[tag]?.Value ?? []).map(Number).filter((value) => Number.isFinite(value));
export const number = (data: Metadata, tag: string): number | undefined => numbers(data, tag)[0];
export const items = (data: Metadata, tag: string): Metadata[] => (data[tag]?.Value ?? []) as Metadata[];

/** Body of the only part of a multipart/related answer (RFC 2046 5.1.1); the bytes themselves when it is not multipart. */
export function singlePart(body: ArrayBuffer, contentType: string): ArrayBuffer {
  if (!contentType.startsWith('multipart/')) return body;
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (!boundary) throw new Error('A multipart answer without a boundary.');
  const bytes = new Uint8Array(body);
  const head = indexOf(bytes, [13, 10, 13, 10], 0);
  const tail = new TextEncoder().encode(`\r\n--${boundary}`);
  // From the end: pixel bytes may hold anything.
  const end = lastIndexOf(bytes, tail);
  if (head < 0 || end < head + 4) throw new Error('A multipart answer without a part.');
  return body.slice(head + 4, end);
}
function indexOf(bytes: Uint8Array, what: ArrayLike<number>, from: number): number {
  outer: for (let at = from; at <= bytes.length - what.length; at++) {
    for (let i = 0; i < what.length; i++) if (bytes[at + i] !== what[i]) continue outer;
    return at;
  }
  return -1;
}
function lastIndexOf(bytes: Uint8Array, what: Uint8Array): number {
  outer: for (let at = bytes.length - what.length; at >= 0; at--) {
    for (let i = 0; i < what.length; i++) if (bytes[at + i] !== what[i]) continue outer;
    return at;
  }
  return -1;
}

/** Bytes of a value that the metadata gives as an address (PS3.18 F.2.6). */
export async function fetchBulk(uri: string, signal?: AbortSignal): Promise<ArrayBuffer> {
  // The address names the host by which the server was reached; the page asks its own.
  const { pathname, search } = new URL(uri, location.href);
  const response = await fetch(pathname + search, {
    headers: { accept: 'multipart/related; type="application/octet-stream"' },
    ...(signal ? { signal } : {}),
  });
  if (!response.ok) throw await failureOf(response);
  return singlePart(await response.arrayBuffer(), response.headers.get('content-type') ?? '');
}

/** Bytes of an attribute, which the metadata holds or gives as an address (PS3.18 F.2.6, F.2.7); undefined where there are none. */
export async function bytesOf(
  attribute: Attribute | undefined,
  bulk: (uri: string) => Promise<ArrayBuffer> = fetchBulk,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (attribute?.InlineBinary)
    return Uint8Array.from(atob(attribute.InlineBinary), (letter) => letter.charCodeAt(0));
  return attribute?.BulkDataURI ? new Uint8Array(await bulk(attribute.BulkDataURI)) : undefined;
}

/** Red, green, blue of a frame as the server renders it without a window: for colour images. */
export async function fetchColour(ref: InstanceRef, n: number, signal?: AbortSignal): Promise<ImageData> {
  const response = await fetch(`${instanceUrl(ref)}/frames/${n}/rendered`, {
    headers: { accept: 'image/png' },
    ...(signal ? { signal } : {}),
  });
  if (!response.ok) throw await failureOf(response);
  const bitmap = await createImageBitmap(await response.blob(), {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
