/** One frame as native pixels, by the way that is the quicker one here, with word of how much has come. */
import { failureOf } from '../../../api.ts';
import { decodeHtj2k } from './decode.ts';
import { instanceUrl, metadataOf, type InstanceRef } from './dicomweb.ts';
import { imageIdOf } from './imageId.ts';
import { isSlow, measured } from './link.ts';
import { formOf } from './pixels.ts';
import { arriving } from './progress.ts';

const NATIVE = '1.2.840.10008.1.2.1';
const HTJ2K_LOSSLESS = '1.2.840.10008.1.2.4.201';
const as = (syntax: string, q = 1) => `application/octet-stream; transfer-syntax=${syntax}; q=${q}`;

let underWay = 0;

/**
 * Frame `n` (1-based) as native samples in the byte order of the machine (PS3.18 8.7.3.3). Over a slow link it comes as HTJ2K
 * where the server can make it, else as it is. Throws an `ApiFailure`, or an `AbortError` after `signal`.
 */
export async function fetchPixels(ref: InstanceRef, n: number, signal: AbortSignal): Promise<ArrayBuffer> {
  if (!isSlow()) return (await fetchAs(ref, n, as(NATIVE), signal)).bytes;
  try {
    const { bytes, syntax } = await fetchAs(ref, n, `${as(HTJ2K_LOSSLESS)}, ${as(NATIVE, 0.5)}`, signal);
    if (syntax !== HTJ2K_LOSSLESS) return bytes;
    const decoded = await decodeHtj2k(bytes);
    const { bitsAllocated } = formOf(await metadataOf(ref));
    // Eight bits or fewer stored in sixteen.
    return decoded.bits <= 8 && bitsAllocated === 16
      ? (Uint16Array.from(new Uint8Array(decoded.bytes)).buffer as ArrayBuffer)
      : decoded.bytes;
  } catch (thrown) {
    // Some frames cannot be compressed so (one bit, colour), and the codec may be missing.
    signal.throwIfAborted();
    if (thrown instanceof TypeError) throw thrown; // the network, not the frame
    return (await fetchAs(ref, n, as(NATIVE), signal)).bytes;
  }
}

async function fetchAs(
  ref: InstanceRef,
  n: number,
  accept: string,
  signal: AbortSignal,
): Promise<{ bytes: ArrayBuffer; syntax: string | undefined }> {
  const response = await fetch(`${instanceUrl(ref)}/frames/${n}`, { headers: { accept }, signal });
  if (!response.ok) throw await failureOf(response);
  const type = response.headers.get('content-type') ?? '';
  const began = performance.now();
  underWay++;
  try {
    const bytes = await received(response, imageIdOf(ref, n));
    measured(bytes.byteLength, performance.now() - began, underWay - 1);
    return { bytes, syntax: /transfer-syntax=([\d.]+)/.exec(type)?.[1] };
  } finally {
    underWay--;
  }
}

/** Shorter answers are there before anybody could read how much of them is. */
const WORTH_TELLING = 1e6;

async function received(response: Response, imageId: string): Promise<ArrayBuffer> {
  const length = Number(response.headers.get('content-length'));
  // Compressed on the way its length says nothing of what arrives here.
  if (!response.body || !(length > WORTH_TELLING) || response.headers.has('content-encoding'))
    return response.arrayBuffer();
  const whole = new Uint8Array(length);
  const reader = response.body.getReader();
  let at = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      whole.set(value, at);
      at += value.length;
      arriving(imageId, at / length);
    }
  } finally {
    arriving(imageId, null);
  }
  if (at < length) throw new TypeError('The answer broke off.');
  return whole.buffer;
}
