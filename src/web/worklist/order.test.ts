import { expect, it } from 'vitest';
import { keepSelection, nextStudy, previousStudy, rememberOrder } from './order.ts';

it('knows what comes after and before', () => {
  rememberOrder(['1', '2', '3']);
  expect(nextStudy('1')).toBe('2');
  expect(nextStudy('3')).toBeNull();
  expect(previousStudy('1')).toBeNull();
  expect(previousStudy('3')).toBe('2');
  // A study opened by its address begins the list.
  expect(nextStudy('9')).toBe('1');
});

it('keeps the selection on its study, else on its place', () => {
  expect(keepSelection([], ['a', 'b'], null)).toBe('a');
  expect(keepSelection(['a', 'b'], ['x', 'a', 'b'], 'a')).toBe('a');
  expect(keepSelection(['a', 'b', 'c'], ['a', 'c'], 'b')).toBe('c');
  expect(keepSelection(['a', 'b'], ['a'], 'b')).toBe('a');
  expect(keepSelection(['a'], [], 'a')).toBeNull();
});
