import { describe, expect, it } from 'vitest';
import {
  STORAGE_SOP_CLASSES,
  TAG,
  isPrivate,
  isVideo,
  keywordOf,
  tagOf,
  transferSyntax,
  vrOf,
  yearsBetween,
  yearsOfAge,
} from './index.ts';

describe('dictionary: PS3.6', () => {
  it.each([
    ['PatientName', 0x00100010, 'PN'],
    ['PixelData', 0x7fe00010, 'OW'],
    ['Rows', 0x00280010, 'US'],
    ['SmallestImagePixelValue', 0x00280106, 'US'],
    ['OverlayData', 0x60003000, 'OW'],
    ['ContentSequence', 0x0040a730, 'SQ'],
    ['ExtendedOffsetTable', 0x7fe00001, 'OV'],
    ['StudyPriorityID', 0x0032000c, 'CS'],
  ] as const)('%s', (keyword, tag, vr) => {
    expect(TAG[keyword]).toBe(tag);
    expect(tagOf(keyword)).toBe(tag);
    expect(keywordOf(tag)).toBe(keyword);
    expect(vrOf(tag)).toBe(vr);
  });
  it('knows repeating groups, group lengths and private creators', () => {
    expect(vrOf(0x60023000)).toBe('OW');
    expect(keywordOf(0x60023000)).toBe('OverlayData');
    expect(vrOf(0x00100000)).toBe('UL');
    expect(vrOf(0x00090010)).toBe('LO');
    expect(vrOf(0x00091001)).toBeUndefined();
    expect(vrOf(0x00280106, true)).toBe('SS');
    expect([isPrivate(0x00091001), isPrivate(0x00100010)]).toEqual([true, false]);
  });
  it('takes tags as text and nothing else', () => {
    expect(tagOf('0040A730')).toBe(0x0040a730);
    for (const text of ['constructor', '__proto__', '0040a73', '']) expect(tagOf(text)).toBeUndefined();
  });
});

it('knows transfer syntaxes and storage classes: PS3.6 table A-1', () => {
  expect(transferSyntax('1.2.840.10008.1.2')).toMatchObject({ explicit: false, encapsulated: false });
  expect(transferSyntax('1.2.840.10008.1.2.1.99')).toMatchObject({ deflated: true, explicit: true });
  expect(transferSyntax('1.2.840.10008.1.2.2')).toMatchObject({ bigEndian: true });
  expect(transferSyntax('1.2.840.10008.1.2.4.90')).toMatchObject({ encapsulated: true, deflated: false });
  expect(transferSyntax('1.2.3')).toBeUndefined();
  expect([isVideo('1.2.840.10008.1.2.4.102'), isVideo('1.2.840.10008.1.2.4.90')]).toEqual([true, false]);
  expect(STORAGE_SOP_CLASSES['1.2.840.10008.5.1.4.1.1.88.33']).toBe('ComprehensiveSRStorage');
});

describe('age', () => {
  it.each([
    ['034Y', 34],
    ['018M', 1],
    ['000D', 0],
    ['30Y', 30],
    ['34', null],
    ['Y', null],
    ['', null],
  ])('%s is %s years', (age, years) => {
    expect(yearsOfAge(age)).toBe(years);
  });
  it.each([
    ['20000229', '20180228', 17],
    ['20000229', '20180301', 18],
    ['1990.05.01', '20200430', 29], // the dates of ACR-NEMA
    ['2000', '20180301', null],
    ['20001301', '20180301', null],
    ['20190101', '20180301', null],
    ['20000101', '', null],
    ['', '', null],
  ])('from %s to %s are %s years', (birth, day, years) => {
    expect(yearsBetween(birth, day)).toBe(years);
  });
});
