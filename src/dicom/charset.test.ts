import iconv from 'iconv-lite';
import { describe, expect, it } from 'vitest';
import { cpuMs } from './testing-time.ts';
import { charsetOf } from './index.ts';

const bytes = (...parts: (string | number[])[]): Uint8Array =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
  );

/** Values as PS3.5 annexes H, I, J and K print them. */
describe('the examples of PS3.5', () => {
  const ESC = '\x1b';
  it.each([
    [
      'H.3.1 Japanese, ASCII and kanji',
      ['', 'ISO 2022 IR 87'],
      bytes(
        'Yamada^Tarou=',
        `${ESC}$B`,
        [0x3b, 0x33, 0x45, 0x44],
        `${ESC}(B^${ESC}$B`,
        [0x42, 0x40, 0x4f, 0x3a],
        `${ESC}(B=`,
        `${ESC}$B`,
        [0x24, 0x64, 0x24, 0x5e, 0x24, 0x40],
        `${ESC}(B^${ESC}$B`,
        [0x24, 0x3f, 0x24, 0x6d, 0x24, 0x26],
        `${ESC}(B`,
      ),
      'Yamada^Tarou=山田^太郎=やまだ^たろう',
    ],
    [
      'H.3.2 Japanese, half-width katakana first',
      ['ISO 2022 IR 13', 'ISO 2022 IR 87'],
      bytes(
        [0xd4, 0xcf, 0xc0, 0xde],
        '^',
        [0xc0, 0xdb, 0xb3],
        '=',
        `${ESC}$B`,
        [0x3b, 0x33, 0x45, 0x44],
        `${ESC}(J^${ESC}$B`,
        [0x42, 0x40, 0x4f, 0x3a],
        `${ESC}(J`,
      ),
      'ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎',
    ],
    [
      'I.2 Korean',
      ['', 'ISO 2022 IR 149'],
      bytes(
        'Hong^Gildong=',
        `${ESC}$)C`,
        [0xfb, 0xf3],
        `^${ESC}$)C`,
        [0xd1, 0xce, 0xd4, 0xd7],
        '=',
        `${ESC}$)C`,
        [0xc8, 0xab],
        `^${ESC}$)C`,
        [0xb1, 0xe6, 0xb5, 0xbf],
      ),
      'Hong^Gildong=洪^吉洞=홍^길동',
    ],
    ['J.1 Chinese in UTF-8', ['ISO_IR 192'], Buffer.from('Wang^XiaoDong=王^小東'), 'Wang^XiaoDong=王^小東'],
    [
      'J.3 Chinese in GB18030',
      ['GB18030'],
      bytes('Wang^XiaoDong=', [0xcd, 0xf5], '^', [0xd0, 0xa1, 0xb6, 0xab]),
      'Wang^XiaoDong=王^小东',
    ],
    [
      'K.1 Chinese in GB 2312 with code extensions',
      ['', 'ISO 2022 IR 58'],
      bytes('Zhang^XiaoDong=', `${ESC}$)A`, [0xd5, 0xc5], `^${ESC}$)A`, [0xd0, 0xa1, 0xb6, 0xab]),
      'Zhang^XiaoDong=张^小东',
    ],
    [
      'JIS X 0212 in G0',
      ['ISO 2022 IR 6', 'ISO 2022 IR 159'],
      bytes(`${ESC}$(D`, [0x22, 0x6f, 0x30, 0x21], `${ESC}(B`),
      iconv.decode(Buffer.from([0x8f, 0xa2, 0xef, 0x8f, 0xb0, 0xa1]), 'eucjp'),
    ],
    [
      'two single-byte sets with escapes',
      ['ISO 2022 IR 100', 'ISO 2022 IR 144', 'ISO 2022 IR 126'],
      bytes('Buc^J', [0xe9], 'r', [0xf4], `me=${ESC}-L`, [0xbb, 0xee], `=${ESC}-F`, [0xc4]),
      'Buc^Jérôme=Лю=Δ',
    ],
    [
      'value 1 is back after a delimiter',
      ['ISO 2022 IR 100', 'ISO 2022 IR 144'],
      bytes(`${ESC}-L`, [0xbb], '\\', [0xe9]),
      'Л\\é',
    ],
  ])('%s', (_, terms, value, expected) => {
    expect(charsetOf(terms)(value)).toBe(expected);
  });
});

describe('single-byte sets', () => {
  it.each([
    ['ISO_IR 100', 'iso-8859-1'],
    ['ISO_IR 101', 'iso-8859-2'],
    ['ISO_IR 109', 'iso-8859-3'],
    ['ISO_IR 110', 'iso-8859-4'],
    ['ISO_IR 144', 'iso-8859-5'],
    ['ISO_IR 127', 'iso-8859-6'],
    ['ISO_IR 126', 'iso-8859-7'],
    ['ISO_IR 138', 'iso-8859-8'],
    ['ISO_IR 148', 'iso-8859-9'],
    ['ISO_IR 203', 'iso-8859-15'],
    ['ISO_IR 166', 'tis620'],
  ])('%s is %s', (term, independent) => {
    for (let byte = 0xa0; byte <= 0xff; byte++) {
      const expected = iconv.decode(Buffer.of(byte), independent);
      if (expected !== '\ufffd') expect(charsetOf([term])(Uint8Array.of(byte))).toBe(expected);
    }
  });
});

it('takes multi-byte characters whose second byte is a backslash for one value', () => {
  const text = iconv.encode('誠\\x', 'gb18030'); // in GBK 誠 is D55C
  expect([...text]).toContain(0x5c);
  expect(charsetOf(['GB18030'])(text)).toBe('誠\\x');
});

it('never fails', () => {
  const high = Uint8Array.of(0x41, 0xe9, 0x1b, 0x24, 0x1b);
  for (const terms of [[], [''], ['ISO_IR 999'], ['ISO_IR 192'], ['nonsense', 'ISO 2022 IR 87'], ['GBK']])
    expect(charsetOf(terms)(high)).toContain('A');
});

it('guesses where nothing is declared: UTF-8 if it is, else Latin-1', () => {
  expect(charsetOf([])(Buffer.from('é', 'utf8'))).toBe('é');
  expect(charsetOf([])(Buffer.from('é', 'latin1'))).toBe('é');
});

it('reads a megabyte of escapes in no time', () => {
  const escapes = Buffer.alloc(1 << 20, 0x1b);
  const start = cpuMs();
  expect(charsetOf(['ISO 2022 IR 100', 'ISO 2022 IR 87'])(escapes)).toHaveLength(1 << 20);
  expect(cpuMs() - start).toBeLessThan(1500);
});
