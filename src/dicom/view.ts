import { charsetOf, type Charset } from './charset.ts';
import { TAG } from './dictionary.ts';
import type { DataSet, PersonName, Tag, VR } from './types.ts';

/** Where a value lies. `items` for sequences. */
export interface Element {
  readonly tag: Tag;
  readonly vr: VR;
  readonly offset: number;
  readonly length: number;
  readonly items?: readonly ElementView[];
  /** The value is a sequence of fragments (PS3.5 A.4). */
  readonly encapsulated?: boolean;
}

/** VRs whose text Specific Character Set applies to: PS3.5 6.1.2.3. */
export const ENCODED = new Set(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT']);
/** VRs of one value, in which a backslash is text: PS3.5 6.2. */
const UNDIVIDED = new Set(['LT', 'ST', 'UT', 'UR']);
/** VRs whose leading spaces mean something. */
const LEADING = new Set(['LT', 'ST', 'UT', 'UC', 'PN', 'UR']);
/** VRs of character strings: PS3.5 6.2. */
export const TEXT_VRS = new Set([...ENCODED, 'AE', 'AS', 'CS', 'DA', 'DS', 'DT', 'IS', 'TM', 'UI', 'UR']);

const BINARY: Readonly<
  Record<string, readonly [number, (view: DataView, at: number, little: boolean) => number]>
> = {
  US: [2, (view, at, little) => view.getUint16(at, little)],
  SS: [2, (view, at, little) => view.getInt16(at, little)],
  UL: [4, (view, at, little) => view.getUint32(at, little)],
  SL: [4, (view, at, little) => view.getInt32(at, little)],
  FL: [4, (view, at, little) => view.getFloat32(at, little)],
  FD: [8, (view, at, little) => view.getFloat64(at, little)],
  SV: [8, (view, at, little) => Number(view.getBigInt64(at, little))],
  UV: [8, (view, at, little) => Number(view.getBigUint64(at, little))],
  AT: [4, (view, at, little) => view.getUint16(at, little) * 0x10000 + view.getUint16(at + 2, little)],
  OW: [2, (view, at, little) => view.getUint16(at, little)],
  OL: [4, (view, at, little) => view.getUint32(at, little)],
  OF: [4, (view, at, little) => view.getFloat32(at, little)],
  OD: [8, (view, at, little) => view.getFloat64(at, little)],
  OV: [8, (view, at, little) => Number(view.getBigUint64(at, little))],
  OB: [1, (view, at) => view.getUint8(at)],
};

const latin1 = charsetOf(['ISO_IR 100']);

/** A data set as views onto the bytes it was read from. Built by the parser, read by everyone else as `DataSet`. */
export class ElementView implements DataSet {
  readonly #source: Uint8Array;
  readonly #parent: ElementView | undefined;
  readonly #elements = new Map<Tag, Element>();
  #charset: Charset | undefined;
  readonly bigEndian: boolean;

  constructor(source: Uint8Array, bigEndian: boolean, parent?: ElementView) {
    this.#source = source;
    this.bigEndian = bigEndian;
    this.#parent = parent;
  }

  /** Of two elements with one tag the first holds, as in DCMTK. */
  add(element: Element): void {
    if (!this.#elements.has(element.tag)) this.#elements.set(element.tag, element);
  }

  element(tag: Tag): Element | undefined {
    return this.#elements.get(tag);
  }

  get tags(): readonly Tag[] {
    return [...this.#elements.keys()];
  }

  has(tag: Tag): boolean {
    return this.#elements.has(tag);
  }

  vr(tag: Tag): VR | undefined {
    return this.#elements.get(tag)?.vr;
  }

  string(tag: Tag): string | undefined {
    return this.strings(tag)[0] || undefined;
  }

  strings(tag: Tag): string[] {
    const element = this.#elements.get(tag);
    const bytes = element && this.#bytesOf(element);
    if (!element || !bytes || bytes.length === 0) return [];
    if (!TEXT_VRS.has(element.vr)) return this.numbers(tag).map(String);
    const text = (ENCODED.has(element.vr) ? this.charset() : latin1)(bytes);
    const leading = LEADING.has(element.vr);
    if (UNDIVIDED.has(element.vr) || !text.includes('\\')) {
      const value = trim(text, leading);
      return value === '' ? [] : [value];
    }
    return text.split('\\').map((value) => trim(value, leading));
  }

  number(tag: Tag): number | undefined {
    const value = this.numbers(tag)[0];
    return value === undefined || Number.isNaN(value) ? undefined : value;
  }

  /** For text VRs one number a value, NaN where the text is none: positions stay what they are. */
  numbers(tag: Tag): number[] {
    const element = this.#elements.get(tag);
    const bytes = element && this.#bytesOf(element);
    if (!element || !bytes) return [];
    if (TEXT_VRS.has(element.vr)) return this.strings(tag).map(numberOf);
    const binary = BINARY[element.vr];
    if (!binary) return [];
    const [width, read] = binary;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values: number[] = [];
    for (let at = 0; at + width <= bytes.length; at += width) values.push(read(view, at, !this.bigEndian));
    return values;
  }

  items(tag: Tag): ElementView[] {
    return [...(this.#elements.get(tag)?.items ?? [])];
  }

  bytes(tag: Tag): Uint8Array | undefined {
    const element = this.#elements.get(tag);
    return element && this.#bytesOf(element);
  }

  /** The items of encapsulated pixel data as they stand in the file, without the delimitation item: PS3.5 A.4. */
  fragments(tag: Tag): Buffer | undefined {
    const element = this.#elements.get(tag);
    if (!element?.encapsulated) return undefined;
    const { buffer, byteOffset } = this.#source;
    return Buffer.from(buffer, byteOffset + element.offset, element.length);
  }

  person(tag: Tag): PersonName | undefined {
    const text = this.string(tag);
    if (text === undefined) return undefined;
    const [alphabetic = '', ideographic, phonetic] = text.split('=').map((group) => trim(group, true));
    return { alphabetic, ...(ideographic ? { ideographic } : {}), ...(phonetic ? { phonetic } : {}) };
  }

  /** Items without a character set of their own take that of the data set around them: PS3.3 C.12.1.1.2. */
  charset(): Charset {
    return (this.#charset ??= this.has(TAG.SpecificCharacterSet)
      ? charsetOf(this.strings(TAG.SpecificCharacterSet))
      : (this.#parent?.charset() ?? charsetOf([])));
  }

  /** Pixel Representation here or around: `US or SS` of PS3.6 depends on it. */
  signedPixels(): boolean {
    if (this.has(TAG.PixelRepresentation)) return this.number(TAG.PixelRepresentation) === 1;
    return this.#parent?.signedPixels() ?? false;
  }

  #bytesOf(element: Element): Uint8Array | undefined {
    if (element.items || element.encapsulated) return undefined;
    return this.#source.subarray(element.offset, element.offset + element.length);
  }
}

/** Padding is a space or, in UIDs and from careless writers, NUL: PS3.5 6.2. */
function trim(value: string, keepLeading: boolean): string {
  let end = value.length;
  for (; end > 0; end--) {
    const last = value.charCodeAt(end - 1);
    if (last !== 0x20 && last !== 0) break;
  }
  let start = 0;
  if (!keepLeading) while (start < end && value.charCodeAt(start) === 0x20) start += 1;
  return start === 0 && end === value.length ? value : value.slice(start, end);
}

/** DS and IS as PS3.5 6.2 write them; NaN for anything else ('' and '0x10' included). */
export function numberOf(text: string): number {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : NaN;
}
