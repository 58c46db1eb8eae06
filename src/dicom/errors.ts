import { NegatoscopeError } from '../errors.ts';
import type { Tag } from './types.ts';

/** Why bytes could not be read. A subset of the reasons of quarantine (src/archive/types.ts), and `need-more-bytes`. */
export type DicomErrorCode =
  | 'not-dicom'
  | 'truncated'
  | 'malformed'
  | 'too-deep'
  | 'pixel-length'
  | 'unknown-transfer-syntax'
  | 'need-more-bytes';

/** `(0010,0010)`, as the standard writes a tag. */
export const tagText = (tag: Tag): string => {
  const digits = hexTag(tag);
  return `(${digits.slice(0, 4)},${digits.slice(4)})`;
};

const hexTags = new Map<Tag, string>();
/** Headers hold some hundred different tags; a hostile one may hold more. */
const MOST_HEX_TAGS = 8192;

/** `00100010`: eight upper-case hex digits, the key of the DICOM JSON Model (PS3.18 F.2.2). */
export function hexTag(tag: Tag): string {
  let hex = hexTags.get(tag);
  if (hex === undefined) {
    hex = tag.toString(16).toUpperCase().padStart(8, '0');
    if (hexTags.size < MOST_HEX_TAGS) hexTags.set(tag, hex);
  }
  return hex;
}

/** The only error that reading throws. Names the element that failed and its offset; never a value, which may be a name. */
export class DicomError extends NegatoscopeError {
  declare readonly code: DicomErrorCode;
  readonly tag: Tag | undefined;
  /** In bytes from the first byte of the file (of the inflated file, for a deflated transfer syntax). */
  readonly offset: number | undefined;

  constructor(
    code: DicomErrorCode,
    message: string,
    at: { tag?: Tag; offset?: number; cause?: unknown } = {},
  ) {
    const details: Record<string, string | number> = {};
    if (at.tag !== undefined) details.tag = tagText(at.tag);
    if (at.offset !== undefined) details.offset = at.offset;
    const element = at.tag === undefined ? '' : ` ${tagText(at.tag)}`;
    const where = at.offset === undefined ? '' : ` at byte ${at.offset}`;
    super(code, message + element + where, { status: 400, details, cause: at.cause });
    this.name = 'DicomError';
    this.tag = at.tag;
    this.offset = at.offset;
  }
}

/** The prefix of a file ends inside the header: feed more. `atLeast` is the number of bytes from the start that are needed. */
export class NeedMoreBytes extends DicomError {
  readonly atLeast: number;

  constructor(atLeast: number, at: { tag?: Tag; offset?: number } = {}) {
    super('need-more-bytes', 'More bytes are needed to read the element', at);
    this.name = 'NeedMoreBytes';
    this.atLeast = atLeast;
  }
}
