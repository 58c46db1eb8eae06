import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { isLitter, missingOf, wrappableType } from './collect.ts';

it('knows a photo by its bytes', () => {
  expect(wrappableType(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0))).toBe('image/png');
  const jpeg = readFileSync(new URL('../../../../shared/radiographs/images/IMG0001494.jpg', import.meta.url));
  expect(wrappableType(jpeg.subarray(0, 8))).toBe('image/jpeg');
  expect(wrappableType(new Uint8Array(0))).toBeNull();
  // A DICOM file begins with 128 bytes of anything, mostly zeros.
  expect(wrappableType(new Uint8Array(8))).toBeNull();
});

it('leaves the litter of file systems out', () => {
  expect(['.DS_Store', '._IM1', 'Thumbs.db', 'desktop.ini'].every(isLitter)).toBe(true);
  expect(['IM0001', 'DICOMDIR', '.dcm'].some(isLitter)).toBe(false);
});

it('knows documents and films, and says what of a disc is missing', () => {
  const head = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));
  expect(wrappableType(head('%PDF-1.7'))).toBe('application/pdf');
  expect(wrappableType(head('\0\0\0\x20ftypisom'))).toBe('video/mp4');
  expect(wrappableType(head('\0\0\x01\xba!'))).toBe('video/mpeg');
  const packets = Buffer.alloc(576, 0xff);
  for (const at of [0, 188, 376, 564]) packets[at] = 0x47;
  expect(wrappableType(packets)).toBe('video/mp2t');
  expect(wrappableType(packets.subarray(1))).toBeNull();
  expect(missingOf('CD/DICOMDIR', ['A/I1', 'A/I2', 'A/I3'], ['CD/a/i1', 'CD/A/I2.;1', 'x/A/I3'])).toEqual([
    'CD/A/I3',
  ]);
});
