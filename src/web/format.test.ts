import { describe, expect, it } from 'vitest';
import {
  bytes,
  colleagueName,
  dicomDate,
  dicomTime,
  duration,
  exactDuration,
  fixed,
  initials,
  percent,
  personName,
  shortName,
  typeset,
} from './format.ts';

describe('personName (PS3.5 6.2.1)', () => {
  it.each([
    ['Lefèvre^Hélène', 'LEFÈVRE Hélène'],
    ['da Silva^João', 'DA SILVA João'],
    ['Adams^John Robert Quincy^^Rev.^B.A. M.Div.', 'ADAMS John Robert Quincy B.A. M.Div.'],
    // PS3.5 H.3.1
    ['Yamada^Tarou=山田^太郎=やまだ^たろう', 'YAMADA Tarou (山田 太郎)'],
    // PS3.5 J.3
    ['Wang^XiaoDong=王^小东', 'WANG XiaoDong (王 小东)'],
    ['=山田^太郎', '山田 太郎'],
    ['قباني^لنزار', 'قباني لنزار'],
    ['Doe', 'DOE'],
    ['Doe^^^^', 'DOE'],
    ['^Karim', 'Karim'],
    ['', ''],
    ['^^^^', ''],
  ])('%s', (pn, written) => expect(personName(pn)).toBe(written));
});

it('shortens the name of who reads', () => {
  expect(colleagueName('Roux^Jules^^Dr')).toBe('Dr Roux');
  expect(colleagueName('Roux^Jules')).toBe('Jules Roux');
  expect(colleagueName('')).toBe('');
  expect(shortName('Dr Anne Marchand')).toBe('A. Marchand');
  expect(shortName('Marchand')).toBe('Marchand');
  expect(initials('Dr Anne Marchand')).toBe('AM');
  expect(initials('王小东')).toBe('王');
  expect(initials('')).toBe('?');
});

describe('dates', () => {
  it('writes a DICOM date in the language', () => {
    expect(dicomDate('19580304', 'fr')).toBe('04/03/1958');
    expect(dicomDate('19580304', 'en')).toBe('4 Mar 1958');
    expect(dicomDate('1958.03.04', 'fr')).toBe('04/03/1958');
  });
  it('invents none', () => {
    expect(dicomDate('', 'fr')).toBe('');
    expect(dicomDate('20230231', 'fr')).toBe('');
    expect(dicomDate('195803', 'fr')).toBe('');
  });
  it('writes a DICOM time', () => {
    expect(dicomTime('145203.123')).toBe('14:52');
    expect(dicomTime('')).toBe('');
  });
});

it('says how long, to the precision one waits with', () => {
  const plain = (ms: number, language: string) => duration(ms, language).replaceAll('\u00a0', ' ');
  expect(plain(-5, 'fr')).toBe('< 1 min');
  expect(plain(59_999, 'fr')).toBe('< 1 min');
  expect(plain(4 * 60_000, 'fr')).toBe('4 min');
  expect(plain(65 * 60_000, 'en')).toBe('1 h 05');
  expect(plain(3 * 86_400_000, 'fr')).toBe('3 j');
  expect(plain(3 * 86_400_000, 'en')).toBe('3 d');
});

it('writes numbers by locale', () => {
  expect(percent(0.785, 'en')).toBe('79%');
  expect(percent(0.785, 'fr', 1).replace(/\s/g, ' ')).toBe('78,5 %');
  expect(fixed(0.5, 'fr', 2)).toBe('0,50');
  expect(fixed(1234.56, 'en', 1)).toBe('1,234.6');
  expect(bytes(9, 'en')).toBe('9 byte');
  expect(bytes(1_234_567, 'en')).toBe('1.2 MB');
  expect(bytes(1_234_567, 'fr').replace(/\s/g, ' ')).toBe('1,2 Mo');
});

it('sets text that others wrote', () => {
  expect(typeset("Pas pour : l'IRM ; 90 % ?", 'fr')).toBe('Pas pour\u00a0: l’IRM\u202f; 90\u00a0%\u202f?');
  expect(typeset("Don't: 90%?", 'en')).toBe('Don’t: 90%?');
});

it('exact durations', () => {
  const of = (ms: number) => exactDuration(ms, 'en').replaceAll('\u00a0', ' ');
  expect([0, 499, 42_400, 59_500, 245_000, 599_400, 600_000].map(of)).toEqual([
    '0 s',
    '0 s',
    '42 s',
    '1 min 00',
    '4 min 05',
    '9 min 59',
    '10 min',
  ]);
});
