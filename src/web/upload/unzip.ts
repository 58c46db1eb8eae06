/** A zip archive in the browser: its files, each unpacked when its turn comes. */
import { storedRange, ZipBudget, zipContent, zipEntries, type ZipSource } from '../../wire/zip/index.ts';

export interface Unzipped {
  name: string;
  /** Bytes, unpacked. */
  size: number;
  open(): Promise<Blob>;
}

/** Programs and office documents are zip archives, too. */
const DOCUMENT = /\.(docx?|xlsx?|pptx?|od[tsp]|epub|apk|jar)$/i;
/** A local file header, or the end of an empty archive: APPNOTE 4.3.7, 4.3.16. */
export const isZip = (head: Uint8Array, name: string): boolean =>
  head[0] === 0x50 &&
  head[1] === 0x4b &&
  ((head[2] === 3 && head[3] === 4) || (head[2] === 5 && head[3] === 6)) &&
  !DOCUMENT.test(name);

/** Throws NegatoscopeError `zip-…`, here or from `open`. */
export async function* unzip(blob: Blob): AsyncGenerator<Unzipped> {
  const source: ZipSource = {
    size: blob.size,
    read: async (offset, length) =>
      new Uint8Array(await blob.slice(offset, Math.min(blob.size, offset + length)).arrayBuffer()),
  };
  const budget = new ZipBudget();
  for await (const entry of zipEntries(source)) {
    yield {
      name: entry.name,
      size: entry.size,
      async open() {
        // What is not packed is a part of the file: nothing is copied.
        const stored = await storedRange(source, entry);
        if (stored) return blob.slice(stored.offset, stored.offset + stored.length);
        const content = zipContent(source, entry, budget);
        const stream = new ReadableStream<Uint8Array>({
          async pull(control) {
            const { value, done } = await content.next();
            if (done) control.close();
            else control.enqueue(value);
          },
          async cancel() {
            await content.return(undefined);
          },
        });
        // A large Blob lies on the browser's disk, not in memory.
        return new Response(stream).blob();
      },
    };
  }
}
