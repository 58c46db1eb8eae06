/** What a file is, from its first bytes and its name: folders from a disc hold more than images. */
import type { Beside, Wrappable } from '../api/contract.ts';

/** Enough for the file meta information with its SOP class. */
export const SNIFF_BYTES = 1024;

export type Sniffed = 'dicom' | 'zip' | Wrappable | Beside;

/** Media Storage Directory Storage: PS3.10 8.6. */
const DIRECTORY = /1\.2\.840\.10008\.1\.3\.10(?![\d.])/;
/** What viewers, systems and discs leave beside images. */
const BESIDES =
  /(^|\/)(\.[^/]*|autorun\.inf|desktop\.ini|thumbs\.db|readme|lockfile|version)$|\.(txt|html?|xml|json|css|js|exe|dll|ini|inf|log|gif|bmp|tiff?|webp|heic|ico|svg|jar|chm|docx?|xlsx?|pptx?|od[tsp]|epub|apk|bat|sh|db|lnk|msi|cab|iso)$/i;

const starts = (head: Buffer, text: string, at = 0): boolean =>
  head.subarray(at, at + text.length).toString('latin1') === text;

export function sniff(head: Buffer, fileName: string): Sniffed {
  if (starts(head, 'DICM', 128)) {
    return DIRECTORY.test(head.toString('latin1')) ? 'dicomdir' : 'dicom';
  }
  const other = pictureOrFilm(head) ?? archive(head, fileName);
  if (other) return other;
  if (/(^|[/\\])dicomdir$/i.test(fileName)) return 'dicomdir';
  // Anything else may be a data set without a header: the archive finds out, and keeps aside what is none.
  return BESIDES.test(fileName) ? 'not-an-image' : 'dicom';
}

function pictureOrFilm(head: Buffer): Wrappable | Beside | undefined {
  if (starts(head, '\xff\xd8\xff')) return 'image/jpeg';
  if (starts(head, '\x89PNG\r\n\x1a\n')) return 'image/png';
  if (starts(head, '%PDF-')) return 'application/pdf';
  // ISO/IEC 14496-12 4.3, and what older QuickTime files begin with.
  if (/^(ftyp|moov|mdat|wide)$/.test(head.toString('latin1', 4, 8))) return 'video/mp4';
  // ISO/IEC 13818-1 2.5.3.3 pack header; 13818-2 6.2.2.1 sequence header.
  if (starts(head, '\0\0\x01\xba') || starts(head, '\0\0\x01\xb3')) return 'video/mpeg';
  // Transport packets of 188 bytes, each with its sync byte: 13818-1 2.4.3.2.
  if (head.length >= 565 && [0, 188, 376, 564].every((at) => head[at] === 0x47)) return 'video/mp2t';
  // The same with a time before each packet, as camcorders write (AVCHD, .mts): DICOM has no place for that.
  if (head.length >= 581 && [4, 196, 388, 580].every((at) => head[at] === 0x47)) return 'video/other';
  const riff = starts(head, 'RIFF') && starts(head, 'AVI ', 8);
  // EBML (Matroska, WebM), ASF (WMV).
  if (riff || starts(head, '\x1a\x45\xdf\xa3') || starts(head, '\x30\x26\xb2\x75\x8e\x66'))
    return 'video/other';
  return undefined;
}

function archive(head: Buffer, fileName: string): 'zip' | Beside | undefined {
  if (starts(head, 'PK\x03\x04') || starts(head, 'PK\x05\x06')) {
    // Programs and office documents are zip archives, too.
    return BESIDES.test(fileName) ? 'not-an-image' : 'zip';
  }
  const others = ['Rar!\x1a\x07', '7z\xbc\xaf\x27\x1c', '\x1f\x8b\x08', 'BZh9', '\xfd7zXZ'];
  return others.some((magic) => starts(head, magic)) || starts(head, 'ustar', 257)
    ? 'other-archive'
    : undefined;
}

/** The first bytes of a stream, and the stream as it was. */
export async function peek(
  source: AsyncIterable<Uint8Array>,
  length: number,
): Promise<{ head: Buffer; body: AsyncGenerator<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const taken: Buffer[] = [];
  let size = 0;
  while (size < length) {
    const { value, done } = await iterator.next();
    if (done) break;
    taken.push(Buffer.from(value as Uint8Array));
    size += (value as Uint8Array).length;
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      yield* taken;
      for (;;) {
        const { value, done } = await iterator.next();
        if (done) return;
        yield value as Uint8Array;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { head: Buffer.concat(taken), body: whole() };
}
