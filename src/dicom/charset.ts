/**
 * Specific Character Set (0008,0005): PS3.3 C.12.1.1.2, with the code extensions of PS3.5 6.1.2.5 (ISO/IEC 2022).
 */

/** How a code element is read: `single` through G0 or G1, `double` with two bytes a character. */
interface CodeElement {
  readonly decode: (bytes: Uint8Array) => string;
  readonly width: 1 | 2;
}

const decoders = new Map<string, TextDecoder>();
function textDecoder(label: string): TextDecoder {
  let decoder = decoders.get(label);
  if (!decoder) decoders.set(label, (decoder = new TextDecoder(label, { ignoreBOM: true })));
  return decoder;
}
const by =
  (label: string) =>
  (bytes: Uint8Array): string =>
    textDecoder(label).decode(bytes);

/** ISO 8859-1 itself: the label `latin1` of the Encoding Standard means windows-1252. */
const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

const ASCII: CodeElement = { decode: latin1, width: 1 };

/** Two-byte sets in G0 hold seven-bit bytes; EUC-JP is the same table with the high bit set. */
const highBit = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte | 0x80);
const jisX0208: CodeElement = { decode: (bytes) => by('euc-jp')(highBit(bytes)), width: 2 };
const jisX0212: CodeElement = {
  decode: (bytes) => {
    const euc = new Uint8Array(Math.ceil(bytes.length / 2) * 3);
    let length = 0;
    for (let i = 0; i < bytes.length; i++) {
      if (i % 2 === 0) euc[length++] = 0x8f; // single shift 3 of EUC-JP
      euc[length++] = bytes[i]! | 0x80;
    }
    return by('euc-jp')(euc.subarray(0, length));
  },
  width: 2,
};

const single = (decode: (bytes: Uint8Array) => string): CodeElement => ({ decode, width: 1 });
const double = (decode: (bytes: Uint8Array) => string): CodeElement => ({ decode, width: 2 });

/** Right halves (G1) by number of the ISO registry: PS3.3 tables C.12-2 and C.12-3. */
const RIGHT: Readonly<Record<string, CodeElement>> = {
  '100': single(latin1),
  '101': single(by('iso-8859-2')),
  '109': single(by('iso-8859-3')),
  '110': single(by('iso-8859-4')),
  '144': single(by('iso-8859-5')),
  '127': single(by('iso-8859-6')),
  '126': single(by('iso-8859-7')),
  '138': single(by('iso-8859-8')),
  '148': single(by('windows-1254')), // ISO 8859-9 with more in C1, which DICOM forbids
  '203': single(by('iso-8859-15')),
  '166': single(by('windows-874')), // TIS 620 with more in C1
  '13': single(by('shift_jis')), // JIS X 0201 katakana are the single bytes A1 to DF of Shift JIS
  '149': double(by('euc-kr')),
  '58': double(by('gbk')), // GB 2312 in G1 is a part of GBK
};

/** Escape sequences (after 1B) → which half they set, and to what: PS3.3 tables C.12-3 and C.12-4. */
const ESCAPES = (
  [
    ['(B', 'g0', ASCII],
    ['(J', 'g0', ASCII], // JIS X 0201 romaji
    ['$B', 'g0', jisX0208],
    ['$@', 'g0', jisX0208], // its edition of 1978
    ['$(D', 'g0', jisX0212],
    ['-A', 'g1', RIGHT['100']!],
    ['-B', 'g1', RIGHT['101']!],
    ['-C', 'g1', RIGHT['109']!],
    ['-D', 'g1', RIGHT['110']!],
    ['-L', 'g1', RIGHT['144']!],
    ['-G', 'g1', RIGHT['127']!],
    ['-F', 'g1', RIGHT['126']!],
    ['-H', 'g1', RIGHT['138']!],
    ['-M', 'g1', RIGHT['148']!],
    ['-b', 'g1', RIGHT['203']!],
    ['-T', 'g1', RIGHT['166']!],
    [')I', 'g1', RIGHT['13']!],
    ['$)C', 'g1', RIGHT['149']!],
    ['$)A', 'g1', RIGHT['58']!],
  ] as const
).map(([code, half, element]: readonly [string, 'g0' | 'g1', CodeElement]) => ({
  code: Buffer.from(code),
  half,
  element,
}));

/** Bytes of one element → text. Never throws: what has no meaning becomes U+FFFD. */
export type Charset = (bytes: Uint8Array) => string;

const isAscii = (bytes: Uint8Array): boolean => {
  for (let i = 0; i < bytes.length; i++) if (bytes[i]! >= 0x80 || bytes[i] === 0x1b) return false;
  return true;
};

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Nothing declared, or nothing known: many senders write UTF-8 all the same; Latin-1 loses nothing. */
function guess(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return latin1(bytes);
  }
}

const SUBSTITUTES: Readonly<Record<string, Charset>> = {
  '192': by('utf-8'),
  GB18030: by('gb18030'),
  GBK: by('gbk'),
};

/** `ISO 2022 IR 100`, `ISO_IR 100` and frequent misspellings → `100`; the multi-byte sets without extension → their name. */
const registryNumber = (term: string): string => {
  const upper = term.trim().toUpperCase();
  return /^ISO[ _]?(?:2022[ _-])?IR[ _]?(\d+)$/.exec(upper)?.[1] ?? upper;
};

const cache = new Map<string, Charset>();

/** The decoder for the values of Specific Character Set; an empty list is the default repertoire (ISO IR 6). */
export function charsetOf(terms: readonly string[]): Charset {
  const key = terms.join('\\');
  let charset = cache.get(key);
  if (!charset) {
    charset = makeCharset(terms);
    if (cache.size < 256) cache.set(key, charset); // the key comes from files: bounded
  }
  return charset;
}

function makeCharset(terms: readonly string[]): Charset {
  const numbers = terms.map(registryNumber);
  const first = numbers[0] ?? '';
  const substitute = numbers.map((number) => SUBSTITUTES[number]).find(Boolean);
  const g1 = RIGHT[first];
  const whole: Charset =
    substitute ?? ((bytes) => (bytes.includes(0x1b) || g1 ? extended(bytes, g1) : guess(bytes)));
  return (bytes) => (isAscii(bytes) ? latin1(bytes) : whole(bytes));
}

const G1_BYTES = Uint8Array.from({ length: 128 }, (_, i) => i + 128);
const reversed = new Map<CodeElement, ReadonlyMap<string, number>>();
/** Letter → byte of a single-byte right half. */
function bytesOf(element: CodeElement): ReadonlyMap<string, number> {
  let table = reversed.get(element);
  if (!table) {
    const letters = [...G1_BYTES].map((byte) => element.decode(Uint8Array.of(byte)));
    table = new Map(letters.flatMap((letter, i) => (letter === '\ufffd' ? [] : [[letter, i + 128]])));
    reversed.set(element, table);
  }
  return table;
}

/**
 * Text → bytes in the character set that the values of Specific Character Set begin with, where it is UTF-8 or a single-byte
 * set and has all the letters; otherwise undefined. No code extensions are written: value 1 alone is used.
 */
export function encodeText(terms: readonly string[], text: string): Buffer | undefined {
  // eslint-disable-next-line no-control-regex
  if (/^[\x00-\x7f]*$/.test(text)) return Buffer.from(text, 'latin1');
  const first = registryNumber(terms[0] ?? '');
  if (first === '192') return Buffer.from(text, 'utf8');
  const right = RIGHT[first];
  if (right?.width !== 1) return undefined;
  const table = bytesOf(right);
  const bytes: number[] = [];
  for (const letter of text.normalize('NFC')) {
    const byte = letter.codePointAt(0)! < 0x80 ? letter.charCodeAt(0) : table.get(letter);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return Buffer.from(bytes);
}

const DELIMITERS = new Set([0x09, 0x0a, 0x0c, 0x0d, 0x5c, 0x5e, 0x3d]); // TAB LF FF CR \ ^ =

/** PS3.5 6.1.2.5.3: escapes switch G0 and G1; both return to value 1 at the end of a line, a value, a name component. */
function extended(bytes: Uint8Array, initial: CodeElement | undefined): string {
  let g0 = ASCII;
  let g1 = initial;
  let text = '';
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at]!;
    if (byte === 0x1b) {
      const escape = ESCAPES.find(
        ({ code: [first, second, third] }) =>
          bytes[at + 1] === first &&
          bytes[at + 2] === second &&
          (third === undefined || bytes[at + 3] === third),
      );
      if (escape) {
        if (escape.half === 'g0') g0 = escape.element;
        else g1 = escape.element;
        at += 1 + escape.code.length;
      } else {
        text += '\ufffd';
        at += 1;
      }
      continue;
    }
    const start = at;
    if (byte >= 0x80) {
      while (at < bytes.length && bytes[at]! >= 0x80) at += 1;
      text += (g1?.decode ?? guess)(bytes.subarray(start, at));
    } else if (g0.width === 2 && byte > 0x20) {
      while (at < bytes.length && bytes[at]! > 0x20 && bytes[at]! < 0x80) at += 1;
      text += g0.decode(bytes.subarray(start, at));
    } else {
      text += String.fromCharCode(byte);
      at += 1;
      if (DELIMITERS.has(byte)) {
        g0 = ASCII;
        // Senders that leave out the escape after a delimiter mean the same set, where value 1 names none.
        if (initial) g1 = initial;
      }
    }
  }
  return text;
}
