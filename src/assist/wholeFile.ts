import type { Archive, Sight } from '../archive/types.ts';

/** The bytes of a stored file, in one piece. Whoever asks has looked at its size. Throws what `Archive.file` throws. */
export async function wholeFile(
  archive: Pick<Archive, 'file'>,
  sopInstanceUid: string,
  sight: Sight,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await archive.file(sopInstanceUid, sight)) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
