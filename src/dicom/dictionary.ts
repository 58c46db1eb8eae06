import { TAG, VRS } from './dictionary.generated.ts';
import type { Tag, VR } from './types.ts';

export { EDITION, TAG } from './dictionary.generated.ts';

/** A keyword of PS3.6, such as `PatientName`. */
export type Keyword = keyof typeof TAG;

/** As listed: two capitals, or in lower case where PS3.6 leaves a choice that depends on other attributes. */
type ListedVr = string;

const keywords = Object.keys(TAG) as Keyword[];
const byTag = new Map<Tag, { keyword: Keyword; vr: ListedVr }>(
  keywords.map((keyword, index) => [TAG[keyword], { keyword, vr: VRS.slice(2 * index, 2 * index + 2) }]),
);

/** Repeating groups (PS3.5 7.6) are listed by their first tag. */
function baseTag(tag: Tag): Tag {
  const group = tag >>> 16;
  if (group >>> 8 === 0x60 || group >>> 8 === 0x50) return ((tag & 0xff00ffff) >>> 0) as Tag;
  if (group === 0x0020 && (tag & 0xff00) === 0x3100) return 0x00203100;
  return tag;
}

/** PS3.5 7.8.1: the group number is odd. */
export const isPrivate = (tag: Tag): boolean => ((tag >>> 16) & 1) === 1;

/** The VR as listed in PS3.6; undefined when the tag is not listed. */
export function listedVr(tag: Tag): ListedVr | undefined {
  const listed = byTag.get(baseTag(tag))?.vr;
  if (listed) return listed;
  if ((tag & 0xffff) === 0) return 'UL'; // group length, PS3.5 7.2
  // Private Creator, PS3.5 7.8.1
  if (isPrivate(tag) && (tag & 0xffff) >= 0x10 && (tag & 0xffff) <= 0xff) return 'LO';
  return undefined;
}

/**
 * The VR to use where the encoding does not give one. Choices of PS3.6 resolve as PS3.5 Annex A.1 does for implicit VR:
 * pixel data and LUT data to OW, `US or SS` to US unless the pixels are signed.
 */
export function vrOf(tag: Tag, signedPixels = false): VR | undefined {
  const vr = listedVr(tag);
  switch (vr) {
    case 'xs':
      return signedPixels ? 'SS' : 'US';
    case 'ox':
    case 'px':
    case 'lt':
      return 'OW';
    case 'up':
      return 'UL';
    default:
      return vr;
  }
}

/** The keyword of a tag; undefined when it is private or not listed. */
export const keywordOf = (tag: Tag): Keyword | undefined => byTag.get(baseTag(tag))?.keyword;

/** The tag of a keyword, or of eight hex digits (`00100010`); undefined when it is neither. */
export function tagOf(keyword: string): Tag | undefined {
  if (Object.hasOwn(TAG, keyword)) return TAG[keyword as Keyword];
  return /^[\dA-Fa-f]{8}$/.test(keyword) ? parseInt(keyword, 16) : undefined;
}
