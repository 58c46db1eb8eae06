import { encodeText } from './charset.ts';
import { TAG } from './dictionary.ts';
import { hexTag } from './errors.ts';
import type { Tag, VR } from './types.ts';
import { DEFLATED_LE, EXPLICIT_BE, IMPLICIT_LE } from './uids.ts';
import { encodeDataSet, type EncodeOptions, header, UTF8 } from './write.ts';

/** An attribute of which the value alone differs from one data set to the next. */
export interface TextAttribute {
  readonly tag: Tag;
  /** Where it is not one of text, the values have to be empty. */
  readonly vr: VR;
}

// eslint-disable-next-line no-control-regex
const ASCII = /^[\x00-\x7f]*$/;
/** A value of so many letters fits into 16 bits of length in every character set. */
const MAX_LETTERS = 16_000;

/**
 * Many data sets of the same attributes, as the answers to a question are: what is the same in all of them is made once.
 * Takes the values in the order of `attributes`, several of one attribute joined by `\`, and gives the bytes that
 * `encodeDataSet` gives. Specific Character Set is none of `attributes`: it is added where it is needed. Throws as
 * `encodeDataSet`.
 */
export function textSetEncoder(
  attributes: readonly TextAttribute[],
  options: EncodeOptions = {},
): (values: readonly string[]) => Buffer {
  const { transferSyntax, charset = UTF8 } = options;
  const explicit = transferSyntax !== IMPLICIT_LE;
  const label = attributes.length;
  const parts = [...attributes, { tag: TAG.SpecificCharacterSet, vr: 'CS' }]
    .map(({ tag, vr }, at) => ({ tag, at, head: header(tag, vr, 0, explicit), pad: vr === 'UI' ? 0 : 0x20 }))
    .sort((a, b) => a.tag - b.tag);

  const write = (values: readonly (string | Buffer)[]): Buffer => {
    let length = 0;
    for (const { at, head } of parts)
      if (at < values.length) length += head.length + values[at]!.length + (values[at]!.length & 1);
    const bytes = Buffer.allocUnsafe(length);
    let to = 0;
    for (const { at, head, pad } of parts) {
      if (at >= values.length) continue;
      const value = values[at]!;
      const even = value.length + (value.length & 1);
      bytes.set(head, to);
      to += head.length;
      if (explicit && head.length === 8) bytes.writeUInt16LE(even, to - 2);
      else bytes.writeUInt32LE(even, to - 4);
      if (typeof value === 'string') bytes.write(value, to, 'latin1');
      else bytes.set(value, to);
      to += value.length;
      if (even > value.length) bytes[to++] = pad;
    }
    return bytes;
  };
  const others = (values: readonly string[]): Buffer =>
    encodeDataSet(
      Object.fromEntries(
        attributes.map(({ tag, vr }, i) => [
          hexTag(tag),
          { vr, ...(values[i] ? { Value: [values[i]] } : {}) },
        ]),
      ),
      options,
    );

  return (values) => {
    if (transferSyntax === DEFLATED_LE || transferSyntax === EXPLICIT_BE) return others(values);
    if (values.some(({ length }) => length > MAX_LETTERS)) return others(values);
    if (values.every((value) => ASCII.test(value))) return write(values);
    const set = values.every((value) => encodeText(charset, value) !== undefined) ? charset : UTF8;
    const encoded = values.map((value) => (ASCII.test(value) ? value : encodeText(set, value)!));
    encoded[label] = set.join('\\');
    return write(encoded);
  };
}
