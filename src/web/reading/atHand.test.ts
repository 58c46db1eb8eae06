import { expect, test } from 'vitest';
import { AtHand, IDLE_MS, MOST_MS } from './atHand.ts';

function watch() {
  let now = 1000;
  const at = new AtHand(() => now);
  return { at, wait: (ms: number) => void (now += ms) };
}

test('the time while it is the one at hand, in parts', () => {
  const { at, wait } = watch();
  at.show('a');
  wait(4000);
  at.show('b');
  wait(2000);
  at.show('a');
  wait(1000);
  expect([at.taken('a'), at.taken('b'), at.taken('c')]).toEqual([5000, 2000, null]);
});

test('a hidden page and an empty chair do not count', () => {
  const { at, wait } = watch();
  at.show('a');
  wait(3000);
  at.visible(false);
  wait(600_000);
  at.visible(true);
  wait(1000);
  expect(at.taken('a')).toBe(4000);
  wait(600_000);
  expect(at.taken('a')).toBe(3000 + IDLE_MS);
  at.sign();
  wait(500);
  expect(at.taken('a')).toBe(3500 + IDLE_MS);
});

test('signs of a person keep it running, up to the most', () => {
  const { at, wait } = watch();
  at.show('a');
  for (let i = 0; i < 30; i += 1) {
    wait(10_000);
    at.sign();
  }
  expect(at.taken('a')).toBe(MOST_MS);
  at.show(null);
  wait(5000);
  expect(at.taken('a')).toBe(MOST_MS);
});
