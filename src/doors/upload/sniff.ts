/** What a dropped file is, from its first bytes and its name: folders from a disc hold more than images. */

/** Enough for the file meta information with its SOP class. */
export const SNIFF_BYTES = 1024;

export type Sniffed = 'dicom' | 'dicomdir' | 'image/jpeg' | 'image/png' | 'not-an-image';

/** Media Storage Directory Storage: PS3.10 8.6. */
const DIRECTORY = /1\.2\.840\.10008\.1\.3\.10(?![\d.])/;
/** What viewers, systems and discs leave beside images. */
const BESIDES =
  /(^|\/)(\.[^/]*|autorun\.inf|desktop\.ini|thumbs\.db|readme|lockfile|version)$|\.(txt|pdf|html?|xml|json|css|js|exe|dll|ini|inf|log|zip|rar|7z|gif|bmp|ico|svg|jar|chm|docx?|bat|sh|db|lnk)$/i;

export function sniff(head: Buffer, fileName: string): Sniffed {
  if (head.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]))) return 'image/jpeg';
  if (head.subarray(0, 8).equals(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'))) return 'image/png';
  if (head.subarray(128, 132).toString('latin1') === 'DICM') {
    return DIRECTORY.test(head.toString('latin1')) ? 'dicomdir' : 'dicom';
  }
  if (/(^|\/)dicomdir$/i.test(fileName)) return 'dicomdir';
  // Anything else may be a data set without a header: the archive finds out, and keeps aside what is none.
  return BESIDES.test(fileName) ? 'not-an-image' : 'dicom';
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
