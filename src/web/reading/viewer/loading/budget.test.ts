import { expect, test } from 'vitest';
import { budgetBytes } from './budget.ts';

test.each([
  [1, true, 128],
  [0.25, true, 96],
  [4, false, 512],
  [8, false, 512],
  [undefined, true, 256],
  [undefined, false, 512],
])('with %s GB (phone: %s) images take at most %s MB', (gigabytes, phone, megabytes) => {
  // A default stands in for `undefined` in a call: what the browser says is taken from the global then.
  Object.assign(globalThis.navigator, { deviceMemory: undefined });
  expect(budgetBytes(gigabytes, phone) / 1024 / 1024).toBe(megabytes);
});
