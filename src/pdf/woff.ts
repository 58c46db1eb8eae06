import { inflateSync } from 'node:zlib';

const WOFF_HEADER = 44;
const WOFF_ENTRY = 20;
const SFNT_HEADER = 12;
const SFNT_ENTRY = 16;

/**
 * The TrueType or OpenType font inside a WOFF 1.0 file: https://www.w3.org/TR/WOFF/, sections 3 to 5. Unpacked here, with
 * Node's own inflate: the one that fontkit brings (tiny-inflate) fails on sound data, so that a font file now and then had no
 * table of characters and its letters came out as boxes.
 *
 * @throws Error when the bytes are no WOFF 1.0 file, or a table does not inflate to the length that the directory states
 */
export function sfntOf(woff: Buffer): Buffer {
  if (woff.length < WOFF_HEADER || woff.toString('latin1', 0, 4) !== 'wOFF')
    throw new Error('The font is no WOFF 1.0 file.');
  const count = woff.readUInt16BE(12);
  const tables = Array.from({ length: count }, (_, i) => {
    const entry = WOFF_HEADER + i * WOFF_ENTRY;
    const offset = woff.readUInt32BE(entry + 4);
    const stored = woff.subarray(offset, offset + woff.readUInt32BE(entry + 8));
    const length = woff.readUInt32BE(entry + 12);
    const bytes = stored.length < length ? inflateSync(stored, { maxOutputLength: length }) : stored;
    if (bytes.length !== length) throw new Error('A table of the font is not as long as it says.');
    return { tag: woff.subarray(entry, entry + 4), checksum: woff.readUInt32BE(entry + 16), bytes };
  });

  // The search fields of the header: OpenType 1.9, "Table Directory".
  const power = 2 ** Math.floor(Math.log2(Math.max(1, count)));
  const head = Buffer.alloc(SFNT_HEADER + count * SFNT_ENTRY);
  woff.copy(head, 0, 4, 8); // flavour
  head.writeUInt16BE(count, 4);
  head.writeUInt16BE(power * SFNT_ENTRY, 6);
  head.writeUInt16BE(Math.log2(power), 8);
  head.writeUInt16BE((count - power) * SFNT_ENTRY, 10);
  const parts: Buffer[] = [head];
  let at = head.length;
  tables.forEach(({ tag, checksum, bytes }, i) => {
    const entry = SFNT_HEADER + i * SFNT_ENTRY;
    tag.copy(head, entry);
    head.writeUInt32BE(checksum, entry + 4);
    head.writeUInt32BE(at, entry + 8);
    head.writeUInt32BE(bytes.length, entry + 12);
    const padding = -bytes.length & 3; // tables begin at multiples of four
    parts.push(bytes, Buffer.alloc(padding));
    at += bytes.length + padding;
  });
  return Buffer.concat(parts);
}
