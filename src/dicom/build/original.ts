/** The file that an object was made from: told, and where needed kept, in a private block. */
import { NegatoscopeError } from '../../errors.ts';
import { frameBytes } from '../frames.ts';
import { parseDicom } from '../parse.ts';
import type { DicomJson, Tag } from '../types.ts';

/**
 * Private attributes of creator `NEGATOSCOPE` in group 7FE1, behind the pixel data so that reading a header stays cheap:
 *
 * | tag | VR | |
 * |---|---|---|
 * | (7FE1,xx01) | CS | media type of the original: `JPEG`, `PNG`, `MP4`, `MPEG` or `MP2T` |
 * | (7FE1,xx02) | UL, UV | its length in bytes (values are padded to an even length) |
 * | (7FE1,xx03) | OB | the original file; absent where Pixel Data already is that file, byte for byte |
 */
export const PRIVATE_CREATOR = 'NEGATOSCOPE';
const BLOCK = 0x10;
const creatorTag = 0x7fe10000 + BLOCK;
const privateTag = (block: number, element: number): Tag => 0x7fe10000 + block * 0x100 + element;
const key = (tag: Tag): string => tag.toString(16).toUpperCase().padStart(8, '0');

const MEDIA = {
  JPEG: 'image/jpeg',
  PNG: 'image/png',
  MP4: 'video/mp4',
  MPEG: 'video/mpeg',
  MP2T: 'video/mp2t',
} as const;

/** `file`: left out where Pixel Data is the file. */
export function originalBlock(type: keyof typeof MEDIA, length: number, file?: Uint8Array): DicomJson {
  return {
    [key(creatorTag)]: { vr: 'LO', Value: [PRIVATE_CREATOR] },
    [key(privateTag(BLOCK, 1))]: { vr: 'CS', Value: [type] },
    [key(privateTag(BLOCK, 2))]: { vr: length > 0xffffffff ? 'UV' : 'UL', Value: [length] },
    ...(file && { [key(privateTag(BLOCK, 3))]: { vr: 'OB', Binary: file } }),
  };
}

export interface Original {
  mediaType: (typeof MEDIA)[keyof typeof MEDIA];
  bytes: Uint8Array;
}

/**
 * The file that an object was made from, byte for byte; undefined for any other object. `file` is the whole Part 10 file.
 * Throws DicomError for what is no DICOM, `original-damaged` (422).
 */
export function originalOf(file: Uint8Array): Original | undefined {
  const parsed = parseDicom(file);
  const read = parsed.dataset;
  const creator = read.tags.find(
    (tag) => tag > 0x7fe10000 && tag < 0x7fe10100 && read.string(tag) === PRIVATE_CREATOR,
  );
  if (creator === undefined) return undefined;
  const block = creator & 0xff;
  const length = read.number(privateTag(block, 2));
  if (length === undefined) return undefined;
  const stored = read.bytes(privateTag(block, 3)) ?? frameBytes(parsed, 1);
  if (!stored || stored.length < length || stored.length > length + 1)
    throw new NegatoscopeError('original-damaged', 'The original file inside the object is damaged.', {
      status: 422,
    });
  const type = read.string(privateTag(block, 1)) as keyof typeof MEDIA;
  return { mediaType: MEDIA[type] ?? 'image/jpeg', bytes: stored.subarray(0, length) };
}
