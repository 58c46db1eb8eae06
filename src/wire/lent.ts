/** Less than this is not worth it. */
const LEAST = 8 * 1024;

/**
 * Gives the memory of what a socket read back at once, when `view` was the last of it. Left to the collector, the reads of
 * one radiograph (13 MB) make it search the whole heap, on threads of its own that take as much of a core as receiving does.
 *
 * Call when nobody will look at any view of this memory again: they are empty from now on.
 */
export function giveBack({ buffer, byteOffset, byteLength }: Uint8Array): void {
  if (byteOffset + byteLength !== buffer.byteLength || byteLength < LEAST) return;
  // Others have views of the pool of Node.js, which hands out less than half of itself at a time.
  if (buffer.byteLength === Buffer.poolSize && byteLength < Buffer.poolSize / 2) return;
  if ('transfer' in buffer) buffer.transfer(0); // shared memory has none
}

/** The same pieces, each given back when the next one is asked for: for a reader that copies what it keeps. */
export async function* lent(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    yield piece;
    giveBack(piece);
  }
}
