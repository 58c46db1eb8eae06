import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { isLitter, pictureType } from './collect.ts';

it('knows a photo by its bytes', () => {
  expect(pictureType(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0))).toBe('image/png');
  const jpeg = readFileSync(new URL('../../../../shared/radiographs/images/IMG0001494.jpg', import.meta.url));
  expect(pictureType(jpeg.subarray(0, 8))).toBe('image/jpeg');
  expect(pictureType(new Uint8Array(0))).toBeNull();
  // A DICOM file begins with 128 bytes of anything, mostly zeros.
  expect(pictureType(new Uint8Array(8))).toBeNull();
});

it('leaves the litter of file systems out', () => {
  expect(['.DS_Store', '._IM1', 'Thumbs.db', 'desktop.ini'].every(isLitter)).toBe(true);
  expect(['IM0001', 'DICOMDIR', '.dcm'].some(isLitter)).toBe(false);
});
