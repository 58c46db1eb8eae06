import { expect, test } from 'vitest';
import { keepPxPerMm, pxPerMm } from './screen.ts';

test('a screen keeps its size when the page is zoomed; nothing is assumed of one that was never measured', () => {
  const held = new Map<string, string>();
  const storage = {
    getItem: (key: string) => held.get(key) ?? null,
    setItem: (key: string, value: string) => void held.set(key, value),
  };
  expect(pxPerMm(storage, 1)).toBeNull();
  keepPxPerMm(4, storage, 1);
  expect(pxPerMm(storage, 1)).toBe(4);
  // At 200 % a CSS px covers two points of the device.
  expect(pxPerMm(storage, 2)).toBe(2);
  held.forEach((_value, key) => held.set(key, 'nonsense'));
  expect(pxPerMm(storage, 1)).toBeNull();
});
