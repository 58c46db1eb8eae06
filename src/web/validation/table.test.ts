import { expect, test } from 'vitest';
import { base64Of, columnsOf } from './table.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

test.each([
  ['image,label,region\na,1,b\n'],
  ['\ufeffimage;label;region\r\na;1;b\r\n'],
  ['"image","label","region"'],
  ['\nimage\tlabel\tregion\n'],
])('the columns of %j', (text) => {
  expect(columnsOf(bytes(text))).toEqual(['image', 'label', 'region']);
});
test('quotes hold the separator, and Excel’s Unicode text is read', () => {
  expect(columnsOf(bytes('image,"left, right",x\n'))).toEqual(['image', 'left, right', 'x']);
  expect(columnsOf(Buffer.from('\ufeffimage\tlabel\n', 'utf16le'))).toEqual(['image', 'label']);
  expect(columnsOf(bytes(''))).toEqual([]);
});
test('base64 of many bytes', () => {
  const many = Uint8Array.from({ length: 100_001 }, (_, i) => i % 256);
  expect([...Buffer.from(base64Of(many), 'base64')]).toEqual([...many]);
});
