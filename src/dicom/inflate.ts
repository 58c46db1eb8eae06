import { constants, inflateRawSync } from 'node:zlib';
import { DicomError } from './errors.ts';

const MIB = 1024 * 1024;

/** A ratio that real data sets do not reach, above a size that does no harm. */
const limitFor = (deflated: Uint8Array): number =>
  Math.min(1024 * MIB, Math.max(32 * MIB, 64 * deflated.length));

/** Inflates a whole data set: PS3.5 A.5, RFC 1951. Throws `malformed` for a broken stream or one that exceeds `limit` bytes. */
export function inflate(deflated: Uint8Array, limit = limitFor(deflated), offset = 0): Uint8Array {
  return run(deflated, limit, offset, constants.Z_FINISH);
}

/** Inflates what the first bytes of a data set give. */
export function inflatePrefix(deflated: Uint8Array, limit = limitFor(deflated), offset = 0): Uint8Array {
  return run(deflated, limit, offset, constants.Z_SYNC_FLUSH);
}

function run(deflated: Uint8Array, limit: number, offset: number, finishFlush: number): Uint8Array {
  try {
    return inflateRawSync(deflated, { maxOutputLength: limit, finishFlush });
  } catch (cause) {
    const code = (cause as { code?: unknown }).code;
    if (code === 'ERR_BUFFER_TOO_LARGE')
      throw new DicomError('malformed', `The deflated data set becomes more than ${limit} bytes`, {
        offset,
        cause,
      });
    if (code === 'Z_BUF_ERROR')
      throw new DicomError('truncated', 'The deflated data set ends too early', { offset, cause });
    throw new DicomError('malformed', 'The deflated data set cannot be inflated', { offset, cause });
  }
}
