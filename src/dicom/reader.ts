import { listedVr, vrOf } from './dictionary.ts';
import { DicomError, NeedMoreBytes } from './errors.ts';
import type { PixelDataLocation, Tag, VR } from './types.ts';
import { ElementView } from './view.ts';

export interface Encoding {
  readonly explicit: boolean;
  readonly bigEndian: boolean;
}

export interface ReaderOptions {
  /** The source ends where the file ends. */
  readonly complete: boolean;
  /** Stop at top-level pixel data. */
  readonly headerOnly: boolean;
  readonly maxDepth?: number;
  readonly stopAtLength?: number;
  /** Stop before the first element of another group. */
  readonly group?: number;
}

export interface ReadResult {
  /** Where reading stopped. */
  readonly offset: number;
  readonly pixelData?: PixelDataLocation;
  readonly stoppedAt?: PixelDataLocation;
}

const UNDEFINED_LENGTH = 0xffffffff;
const ITEM = 0xfffee000;
const ITEM_DELIMITATION = 0xfffee00d;
const SEQUENCE_DELIMITATION = 0xfffee0dd;
const PIXEL_TAGS = new Set<Tag>([0x7fe00008, 0x7fe00009, 0x7fe00010]);

/** VRs with two reserved bytes and a 32-bit length: PS3.5 table 7.1-1. */
export const LONG_VRS = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '));
const SHORT_VRS = new Set('AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US'.split(' '));
/** One string a VR, found by its two letters: everyone compares and looks up VRs. */
const BY_LETTERS = new Map(
  [...LONG_VRS, ...SHORT_VRS].map((vr) => [(vr.charCodeAt(0) << 8) | vr.charCodeAt(1), vr]),
);
export const isVrText = (vr: string): boolean => LONG_VRS.has(vr) || SHORT_VRS.has(vr);

export const isVr = (bytes: Uint8Array, at: number): boolean =>
  at + 2 <= bytes.length && isVrText(String.fromCharCode(bytes[at]!, bytes[at + 1]!));

/** Elements and items that one file may have: an index of some hundred megabytes, ten times what large objects need. */
const MAX_ELEMENTS = 4_000_000;

interface Header {
  readonly tag: Tag;
  readonly vr: VR;
  /** Of the value. */
  readonly offset: number;
  readonly length: number;
}

/** Walks the elements of one file. Depth is bounded, so it may recurse; never touches a byte beyond its source. */
export class DataSetReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #options: ReaderOptions;
  #elements = 0;
  #zerosFrom: number | undefined;

  constructor(bytes: Uint8Array, options: ReaderOptions) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#options = options;
  }

  /** Reads the top level from `at` to the end of the source, or to where the options say. */
  read(into: ElementView, at: number, encoding: Encoding): ReadResult {
    const { headerOnly, stopAtLength = Infinity, group, complete } = this.#options;
    const end = this.#bytes.length;
    let pixelData: PixelDataLocation | undefined;
    while (true) {
      if (at === end) {
        if (!complete) throw new NeedMoreBytes(end + 8, { offset: at });
        break;
      }
      if (this.#onlyZeros(at)) break;
      if (group !== undefined && at + 2 <= end && this.#uint16(at, encoding) !== group) break;
      const header = this.#header(into, at, end, encoding);
      if (PIXEL_TAGS.has(header.tag)) {
        const encapsulated = header.length === UNDEFINED_LENGTH;
        const location = { tag: header.tag, vr: header.vr, offset: header.offset, encapsulated };
        if (headerOnly) {
          pixelData = { ...location, length: encapsulated ? -1 : header.length };
          return { offset: at, pixelData };
        }
        at = this.#value(into, header, end, encoding, 0);
        pixelData ??= { ...location, length: into.element(header.tag)?.length ?? 0 };
        continue;
      }
      if (
        headerOnly &&
        header.length > stopAtLength &&
        header.length !== UNDEFINED_LENGTH &&
        header.tag >= 0x00400000
      )
        return { offset: at, stoppedAt: { ...header, encapsulated: false } };
      at = this.#value(into, header, end, encoding, 0);
    }
    return pixelData ? { offset: at, pixelData } : { offset: at };
  }

  /** Some writers fill the last block of the file with zeros. */
  #onlyZeros(at: number): boolean {
    if (!this.#options.complete || this.#bytes[at] !== 0) return false;
    if (this.#zerosFrom === undefined) {
      this.#zerosFrom = this.#bytes.length;
      while (this.#zerosFrom > 0 && this.#bytes[this.#zerosFrom - 1] === 0) this.#zerosFrom -= 1;
    }
    return at >= this.#zerosFrom;
  }

  #uint16(at: number, encoding: Encoding): number {
    return this.#view.getUint16(at, !encoding.bigEndian);
  }
  #uint32(at: number, encoding: Encoding): number {
    return this.#view.getUint32(at, !encoding.bigEndian);
  }
  #tag(at: number, encoding: Encoding): Tag {
    return (this.#uint16(at, encoding) * 0x10000 + this.#uint16(at + 2, encoding)) >>> 0;
  }

  /** `length` bytes from `at` lie before `end`, which is the end of the source or of what is around. */
  #need(at: number, length: number, end: number, offset: number, tag?: Tag): void {
    if (at + length <= end) return;
    const where = tag === undefined ? { offset } : { tag, offset };
    if (end < this.#bytes.length) throw new DicomError('malformed', 'Longer than what is around it:', where);
    if (!this.#options.complete) throw new NeedMoreBytes(at + length, where);
    throw new DicomError('truncated', 'The file ends inside', where);
  }

  #header(into: ElementView, at: number, end: number, encoding: Encoding): Header {
    if ((this.#elements += 1) > MAX_ELEMENTS)
      throw new DicomError('malformed', `More than ${MAX_ELEMENTS} elements`, { offset: at });
    this.#need(at, 8, end, at);
    const tag = this.#tag(at, encoding);
    if (tag >>> 16 === 0xfffe)
      return { tag, vr: 'UN', offset: at + 8, length: this.#uint32(at + 4, encoding) };
    if (!encoding.explicit) return this.#implicitHeader(into, tag, at, encoding);
    const vr = BY_LETTERS.get((this.#bytes[at + 4]! << 8) | this.#bytes[at + 5]!) ?? '';
    if (SHORT_VRS.has(vr)) return { tag, vr, offset: at + 8, length: this.#uint16(at + 6, encoding) };
    if (LONG_VRS.has(vr)) {
      this.#need(at, 12, end, at, tag);
      return { tag, vr, offset: at + 12, length: this.#uint32(at + 8, encoding) };
    }
    return this.#unknownVr(into, tag, at, end, encoding);
  }

  #implicitHeader(into: ElementView, tag: Tag, at: number, encoding: Encoding): Header {
    const length = this.#uint32(at + 4, encoding);
    const listed = listedVr(tag);
    const vr = listed === 'xs' ? vrOf(tag, into.signedPixels()) : vrOf(tag);
    return { tag, vr: vr ?? (length === UNDEFINED_LENGTH ? 'SQ' : 'UN'), offset: at + 8, length };
  }

  /**
   * Letters that no edition knows. A newer VR has reserved bytes and a 32-bit length (PS3.5 6.2); a damaged one mostly the
   * short form; and some writers slip an implicit element in. The first form after which an element could begin is taken.
   */
  #unknownVr(into: ElementView, tag: Tag, at: number, end: number, encoding: Encoding): Header {
    const vr = vrOf(tag, into.signedPixels()) ?? 'UN';
    const forms: Header[] = [];
    if (at + 12 <= end && this.#uint16(at + 6, encoding) === 0)
      forms.push({ tag, vr, offset: at + 12, length: this.#uint32(at + 8, encoding) });
    forms.push({ tag, vr, offset: at + 8, length: this.#uint16(at + 6, encoding) });
    forms.push({ tag, vr, offset: at + 8, length: this.#uint32(at + 4, encoding) });
    const fitting = forms.find(({ offset, length }) => {
      const next = offset + length;
      if (next === end) return true;
      if (next + 8 > end) return false;
      const group = this.#uint16(next, encoding);
      return group === 0xfffe || (isVr(this.#bytes, next + 4) && group >= tag >>> 16);
    });
    if (fitting) return fitting;
    if (!this.#options.complete && end === this.#bytes.length)
      throw new NeedMoreBytes(end + 64, { tag, offset: at });
    throw new DicomError('malformed', 'No known value representation in', { tag, offset: at });
  }

  /** Adds the element to `into`; returns the offset after it. */
  #value(into: ElementView, header: Header, end: number, encoding: Encoding, depth: number): number {
    const { tag, offset, length } = header;
    if (tag >>> 16 === 0xfffe) {
      // A delimiter without a beginning: DCMTK and others read over it.
      if (length === 0) return offset;
      throw new DicomError('malformed', 'An item outside of a sequence:', { tag, offset: offset - 8 });
    }
    if (length === UNDEFINED_LENGTH) return this.#undefinedLength(into, header, end, encoding, depth);
    const vr = header.vr === 'UN' ? (vrOf(tag, into.signedPixels()) ?? 'UN') : header.vr;
    this.#need(offset, length, end, offset, tag);
    const after = offset + length;
    if (vr !== 'SQ') {
      into.add({ tag, vr, offset, length });
      return after;
    }
    // A sequence within UN is implicit little endian: PS3.5 6.2.2.
    const inner = header.vr === 'UN' ? { explicit: false, bigEndian: false } : encoding;
    try {
      const { items } = this.#sequence(into, offset, after, tag, false, inner, depth + 1);
      into.add({ tag, vr, offset, length, items });
    } catch (thrown) {
      // Bytes that claim to be UN need not be what the dictionary says.
      if (header.vr !== 'UN' || !(thrown instanceof DicomError) || thrown.code === 'too-deep') throw thrown;
      into.add({ tag, vr: 'UN', offset, length });
    }
    return after;
  }

  #undefinedLength(
    into: ElementView,
    header: Header,
    end: number,
    encoding: Encoding,
    depth: number,
  ): number {
    const { tag, vr, offset } = header;
    const encapsulated = PIXEL_TAGS.has(tag) || vr === 'OB' || vr === 'OW';
    if (encapsulated) {
      const { fragmentsEnd, after } = this.#fragments(offset, end, tag, encoding);
      into.add({ tag, vr, offset, length: fragmentsEnd - offset, encapsulated: true });
      return after;
    }
    let inner = encoding;
    if (vr !== 'SQ') {
      // PS3.5 6.2.2: UN of undefined length is a sequence in implicit little endian. Some writers keep the explicit form.
      this.#need(offset, 8, end, offset, tag);
      inner = { explicit: encoding.explicit && isVr(this.#bytes, offset + 12), bigEndian: false };
    }
    const { items, after } = this.#sequence(into, offset, end, tag, true, inner, depth + 1);
    into.add({ tag, vr: 'SQ', offset, length: after - offset, items });
    return after;
  }

  #sequence(
    parent: ElementView,
    at: number,
    end: number,
    tag: Tag,
    undefinedLength: boolean,
    encoding: Encoding,
    depth: number,
  ): { items: ElementView[]; after: number } {
    const { maxDepth = 64 } = this.#options;
    if (depth > maxDepth)
      throw new DicomError('too-deep', `Sequences nested deeper than ${maxDepth}:`, { tag, offset: at });
    const items: ElementView[] = [];
    while (undefinedLength || at < end) {
      this.#need(at, 8, end, at, tag);
      const itemTag = this.#tag(at, encoding);
      const length = this.#uint32(at + 4, encoding);
      if (itemTag === SEQUENCE_DELIMITATION) {
        at += 8;
        if (undefinedLength) break;
        continue;
      }
      if (itemTag !== ITEM)
        throw new DicomError('malformed', 'No item where one should begin in', { tag, offset: at });
      if ((this.#elements += 1) > MAX_ELEMENTS)
        throw new DicomError('malformed', `More than ${MAX_ELEMENTS} elements`, { offset: at });
      at += 8;
      const item = new ElementView(this.#bytes, encoding.bigEndian, parent);
      if (length === UNDEFINED_LENGTH) {
        at = this.#item(item, at, end, tag, true, encoding, depth);
      } else {
        this.#need(at, length, end, at, tag);
        at = this.#item(item, at, at + length, tag, false, encoding, depth);
      }
      items.push(item);
    }
    return { items, after: at };
  }

  #item(
    into: ElementView,
    at: number,
    end: number,
    tag: Tag,
    undefinedLength: boolean,
    encoding: Encoding,
    depth: number,
  ): number {
    while (undefinedLength || at < end) {
      this.#need(at, 8, end, at, tag);
      if (undefinedLength && this.#tag(at, encoding) === ITEM_DELIMITATION) return at + 8;
      const header = this.#header(into, at, end, encoding);
      at = this.#value(into, header, end, encoding, depth);
    }
    return at;
  }

  /** PS3.5 A.4. The end of the file may stand for the delimiter: fragments are whole, nothing is lost. */
  #fragments(at: number, end: number, tag: Tag, encoding: Encoding): { fragmentsEnd: number; after: number } {
    while (true) {
      if (at === end && end === this.#bytes.length && this.#options.complete)
        return { fragmentsEnd: at, after: at };
      this.#need(at, 8, end, at, tag);
      const itemTag = this.#tag(at, encoding);
      const length = this.#uint32(at + 4, encoding);
      if (itemTag === SEQUENCE_DELIMITATION) return { fragmentsEnd: at, after: at + 8 };
      if (itemTag !== ITEM || length === UNDEFINED_LENGTH)
        throw new DicomError('malformed', 'No fragment where one should begin in', { tag, offset: at });
      this.#need(at + 8, length, end, at, tag);
      at += 8 + length;
    }
  }
}
