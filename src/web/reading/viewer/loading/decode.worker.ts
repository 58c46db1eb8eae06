/** Decodes HTJ2K off the page's own thread. Started with the first compressed frame. */
import createCodec from '@cornerstonejs/codec-openjph';
import wasm from '@cornerstonejs/codec-openjph/wasm?url';

export interface DecodeRequest {
  id: number;
  bytes: ArrayBuffer;
}
/** `bytes`: one component, 8 or 16 bits a sample in the byte order of the machine. */
export type DecodeAnswer = { id: number; bytes: ArrayBuffer; bits: number } | { id: number; error: string };

const codec = createCodec({ locateFile: () => wasm });

addEventListener('message', async ({ data: { id, bytes } }: MessageEvent<DecodeRequest>) => {
  const answer = (content: DecodeAnswer, transfer: Transferable[] = []) =>
    (self as unknown as Worker).postMessage(content, transfer);
  let decoder: InstanceType<Awaited<typeof codec>['HTJ2KDecoder']> | undefined;
  try {
    decoder = new (await codec).HTJ2KDecoder();
    decoder.getEncodedBuffer(bytes.byteLength).set(new Uint8Array(bytes));
    decoder.decode();
    const { width, height, bitsPerSample } = decoder.getFrameInfo();
    const size = width * height * (bitsPerSample > 8 ? 2 : 1);
    // Out of the codec's heap, which grows and moves.
    const native = decoder.getDecodedBuffer().slice(0, size).buffer as ArrayBuffer;
    if (native.byteLength < size) throw new Error('The compressed frame is shorter than its size says.');
    answer({ id, bytes: native, bits: bitsPerSample }, [native]);
  } catch (thrown) {
    answer({ id, error: thrown instanceof Error ? thrown.message : String(thrown) });
  } finally {
    decoder?.delete();
  }
});
