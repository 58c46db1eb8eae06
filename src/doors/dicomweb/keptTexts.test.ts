import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createKeptTexts } from './keptTexts.ts';

const MAX = { maxBytes: 1000, maxEntry: 400 };

test('what is kept belongs to its revision, fits the bounds, and the most recently used stays', async () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    revision: fc.constantFrom('1', '2'),
    size: fc.integer({ min: 0, max: 500 }),
    encode: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const kept = createKeptTexts(MAX);
      const made = new Map<string, Buffer>();
      for (const { key, revision, size, encode } of steps) {
        const known = kept.get(key, revision);
        if (known) {
          expect(known.plain.equals(made.get(`${key} ${revision}`)!)).toBe(true);
          if (!encode) continue;
          let times = 0;
          const make = async () => Buffer.from(`${++times}`);
          const all = await Promise.all([known.encoded('zstd', make), known.encoded('zstd', make)]);
          expect(all[0]).toBe(all[1]);
          expect(times).toBeLessThan(2);
          continue;
        }
        const bytes = Buffer.alloc(size, `${key}${revision}`);
        const collected = kept.collect();
        collected.add(bytes.subarray(0, size >> 1));
        collected.add(bytes.subarray(size >> 1));
        collected.keep(key, revision);
        made.set(`${key} ${revision}`, bytes);
        expect(kept.get(key, revision)?.plain.length).toBe(size <= MAX.maxEntry ? size : undefined);
        expect(kept.get(key, 'another')).toBeUndefined();
      }
    }),
  );
});

test('no more bytes are held than allowed, compressed ones counted', async () => {
  const kept = createKeptTexts(MAX);
  const keep = (key: string, size: number) => {
    const collected = kept.collect();
    collected.add(Buffer.alloc(size));
    collected.keep(key, '1');
  };
  keep('a', 400);
  keep('b', 400);
  expect(kept.get('a', '1')?.plain.length).toBe(400); // now the most recently used
  keep('c', 300);
  expect(['a', 'b', 'c'].map((key) => kept.get(key, '1') !== undefined)).toEqual([true, false, true]);
  await kept.get('c', '1')!.encoded('gzip', async () => Buffer.alloc(400));
  expect(['a', 'c'].map((key) => kept.get(key, '1') !== undefined)).toEqual([false, true]);
});
