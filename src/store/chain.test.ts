import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChainWalk, GENESIS, hashOf, sha256, type ChainBreak } from './chain.ts';
import type { EventTable } from './types.ts';

const field = fc.option(fc.string({ unit: 'grapheme', maxLength: 8 }), { nil: null });
const events = fc.array(
  fc.record({
    id: fc.uuid(),
    at: fc.integer({ min: 0 }),
    kind: fc.string({ maxLength: 12 }),
    study_uid: field,
    subject: field,
    actor: field,
    payload: fc.json(),
  }),
  { minLength: 1, maxLength: 12 },
);
const seal = (rows: Omit<EventTable, 'seq' | 'payload_digest' | 'prev_hash' | 'hash'>[]): EventTable[] => {
  let prev_hash = GENESIS;
  return rows.map((row, i) => {
    const unhashed = { ...row, seq: i + 1, payload_digest: sha256(row.payload!), prev_hash };
    return { ...unhashed, hash: (prev_hash = hashOf(unhashed)) };
  });
};
const walk = (chain: readonly EventTable[], anchored = chain.at(-1)!): ChainBreak | undefined => {
  const walker = new ChainWalk([anchored]);
  for (const event of chain) {
    const broken = walker.next(event);
    if (broken) return broken;
  }
  return walker.end();
};

test('the hash is SHA-256 of the documented JSON array', () => {
  const e = {
    seq: 1,
    id: 'i',
    at: 5,
    kind: 'k',
    study_uid: null,
    subject: '',
    actor: 'é',
    payload_digest: 'd',
    prev_hash: GENESIS,
  };
  const text = `["${'0'.repeat(64)}",1,"i",5,"k",null,"","é","d"]`;
  expect(hashOf(e)).toBe(createHash('sha256').update(text, 'utf8').digest('hex'));
});

test('every chain verifies, with any payloads erased', () => {
  fc.assert(
    fc.property(events, fc.infiniteStream(fc.boolean()), (rows, erased) => {
      const chain = seal(rows);
      expect(walk(chain)).toBeUndefined();
      expect(walk(chain.map((e) => (erased.next().value ? { ...e, payload: null } : e)))).toBeUndefined();
    }),
  );
});

test('any changed field is found at its event, and moving text from a field to the next changes the hash', () => {
  const names = [
    'id',
    'kind',
    'study_uid',
    'subject',
    'actor',
    'payload',
    'payload_digest',
    'prev_hash',
    'hash',
    'at',
  ] as const;
  fc.assert(
    fc.property(events, fc.nat(), fc.constantFrom(...names), (rows, at, name) => {
      const chain = seal(rows);
      const i = at % chain.length;
      const anchor = chain.at(-1)!;
      const value = chain[i]![name];
      const forged = chain.with(i, {
        ...chain[i]!,
        [name]: typeof value === 'number' ? value + 1 : `${value ?? ''}x`,
      });
      expect(walk(forged, anchor)?.brokenAt).toBe(i + 1);
    }),
  );
  const e = {
    seq: 1,
    id: 'i',
    at: 5,
    kind: 'k',
    study_uid: 'ab',
    subject: 'c',
    actor: null,
    payload_digest: 'd',
    prev_hash: GENESIS,
  };
  expect(hashOf(e)).not.toBe(hashOf({ ...e, study_uid: 'a', subject: 'bc' }));
  expect(hashOf(e)).not.toBe(hashOf({ ...e, actor: '' }));
});

test('removed, swapped, repeated and cut events are found at the first place that differs', () => {
  fc.assert(
    fc.property(events, fc.nat(), fc.constantFrom('remove', 'swap', 'repeat', 'cut'), (rows, at, how) => {
      const chain = seal(rows);
      const i = at % chain.length;
      const anchor = chain.at(-1)!;
      if (how === 'remove') expect(walk(chain.toSpliced(i, 1), anchor)?.brokenAt).toBe(i + 1);
      if (how === 'repeat') expect(walk(chain.toSpliced(i, 0, chain[i]!), anchor)?.brokenAt).toBe(i + 2);
      if (how === 'cut')
        expect(walk(chain.slice(0, i), anchor)).toEqual({ brokenAt: i + 1, reason: 'truncated' });
      if (how === 'swap' && i > 0) {
        const swapped = chain.with(i - 1, { ...chain[i]!, seq: i }).with(i, { ...chain[i - 1]!, seq: i + 1 });
        expect(walk(swapped, anchor)?.brokenAt).toBe(i);
      }
    }),
  );
});

test('a chain that was forged and hashed anew from some event on does not match the anchor', () => {
  fc.assert(
    fc.property(events, fc.nat(), (rows, at) => {
      const i = at % rows.length;
      const forged = seal(rows.with(i, { ...rows[i]!, kind: `${rows[i]!.kind}x` }));
      expect(walk(forged, seal(rows).at(-1)!)).toEqual({ brokenAt: rows.length, reason: 'rewritten' });
    }),
  );
});
