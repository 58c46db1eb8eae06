import { encodeText } from './charset.ts';
import { TAG } from './dictionary.ts';
import { hexTag } from './errors.ts';
import type { DataSet, DicomJson, Tag } from './types.ts';
import { IMPLICIT_LE } from './uids.ts';
import { ElementView, ENCODED } from './view.ts';
import {
  canBeWrittenIn,
  encodeElements,
  type Form,
  header,
  itemHeader,
  padded,
  UNDEFINED_LENGTH,
  UTF8,
} from './write.ts';

export interface RewriteOptions {
  /** How elements are written; encapsulated and deflated ones are explicit. The bytes are not deflated here. */
  transferSyntax: string;
  /** Attributes laid over those of the data set, at its top level. */
  changes?: DicomJson;
  /** Tags to leave out at the top level. */
  without?: ReadonlySet<Tag>;
  /** Only what stands before this tag. */
  before?: Tag;
}

/**
 * A data set written again with some attributes changed. What is not changed keeps its bytes, in the order and the form that
 * the transfer syntax asks for (PS3.5 7.1, 7.3); group lengths are left out, sequences get explicit lengths. Changed text is
 * written in the data set's own character set; where that lacks a letter, the whole data set is written in UTF-8.
 */
export function rewrite(dataset: DataSet, options: RewriteOptions): Buffer {
  const { transferSyntax, changes = {}, without, before = Infinity } = options;
  const own = dataset.strings(TAG.SpecificCharacterSet);
  const recode = !canBeWrittenIn(own, changes);
  const form = { explicit: transferSyntax !== IMPLICIT_LE, charset: recode ? UTF8 : own };
  const label = hexTag(TAG.SpecificCharacterSet);
  const laid = new Map(
    Object.entries(recode ? { ...changes, [label]: { vr: 'CS' } } : changes).map(([key, attribute]) => [
      parseInt(key, 16),
      { [key]: attribute },
    ]),
  );
  const tags = [...new Set([...dataset.tags, ...laid.keys()])].filter(
    (tag) => tag < before && !without?.has(tag),
  );
  return Buffer.concat(
    tags
      .sort((a, b) => a - b)
      .flatMap((tag) => {
        const change = laid.get(tag);
        return change ? encodeElements(change, form, 0) : element(dataset, tag, form, recode);
      }),
  );
}

function element(dataset: DataSet, tag: Tag, form: Form, recode: boolean): Buffer[] {
  if ((tag & 0xffff) === 0) return [];
  const vr = dataset.vr(tag) ?? 'UN';
  if (vr === 'SQ') {
    const parts = dataset.items(tag).flatMap((inside) => {
      const elements = [...inside.tags]
        .sort((a, b) => a - b)
        .flatMap((each) => element(inside, each, form, recode));
      return [itemHeader(0xfffee000, lengthOf(elements)), ...elements];
    });
    return [header(tag, vr, lengthOf(parts), form.explicit), ...parts];
  }
  const fragments = dataset instanceof ElementView ? dataset.fragments(tag) : undefined;
  if (fragments) {
    return [header(tag, vr, UNDEFINED_LENGTH, form.explicit), fragments, itemHeader(0xfffee0dd, 0)];
  }
  const value = valueOf(dataset, tag, vr, recode);
  return [header(tag, vr, value.length, form.explicit), value];
}

const lengthOf = (parts: readonly Buffer[]): number => parts.reduce((sum, part) => sum + part.length, 0);

function valueOf(dataset: DataSet, tag: Tag, vr: string, recode: boolean): Buffer {
  if (recode && tag === TAG.SpecificCharacterSet) return padded(Buffer.from(UTF8.join('\\')), 0x20);
  if (recode && ENCODED.has(vr)) {
    return padded(encodeText(UTF8, dataset.strings(tag).join('\\')) ?? Buffer.alloc(0), 0x20);
  }
  const bytes = dataset.bytes(tag) ?? new Uint8Array(0);
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return padded(dataset.bigEndian ? littleEndian(view, vr) : view, vr === 'UI' || vr === 'UN' ? 0 : 0x20);
}

const WIDTHS: Readonly<Record<string, 2 | 4 | 8>> = {
  ...{ US: 2, SS: 2, OW: 2, AT: 2 },
  ...{ UL: 4, SL: 4, FL: 4, OF: 4, OL: 4 },
  ...{ FD: 8, SV: 8, UV: 8, OD: 8, OV: 8 },
};

/** The value of an explicit VR big endian element in little endian: PS3.5 7.3. A copy. */
export function littleEndian(bytes: Uint8Array, vr: string): Buffer {
  const copy = Buffer.from(bytes);
  const width = WIDTHS[vr];
  const whole = copy.subarray(0, copy.length - (copy.length % (width ?? 1)));
  if (width === 2) whole.swap16();
  else if (width === 4) whole.swap32();
  else if (width === 8) whole.swap64();
  return copy;
}
