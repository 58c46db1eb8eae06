import { describe, expect, test } from 'vitest';
import type { Principal, Role } from '../../people/types.ts';
import { eachStore } from '../../store/testing.ts';
import { proportion } from '../statistics.ts';
import { axisOf, isNear, unlikeOf } from './compare.ts';
import { claimMigrations, createClaimCards } from './index.ts';
import { SHIPPED } from './shipped.ts';

const person = (...roles: Role[]): Principal => ({ personId: 'p', name: 'Anne', roles: new Set(roles), via: 'session', language: 'fr' }); // prettier-ignore
const code = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: { code: string }) => error.code,
  );
const card = (id: string) => SHIPPED.find((each) => each.id === id)!;

describe('the cards that come along', () => {
  test('say what their source says', () => {
    // Radiology 2022, doi:10.1148/radiol.210937: 4331 and 3732 of 5760 readings, 5504 and 5217 of 5760.
    for (const { k, n, value } of card('guermazi-2022').figures)
      expect(proportion(k!, n!).value).toBeCloseTo(value, 3);
    expect(card('survey-2025')).toMatchObject({ secondHand: true, doi: '', n: null });
    expect(card('hundred-centres')).toMatchObject({ secondHand: true, doi: '', product: '' });
  });
  test('have one id each, texts in both languages, and intervals around their values', () => {
    expect(new Set(SHIPPED.map(({ id }) => id)).size).toBe(SHIPPED.length);
    for (const each of SHIPPED) {
      for (const text of [each.design, each.population, each.note, each.fundingText, each.referenceText])
        expect(text.fr === '').toBe(text.en === '');
      for (const { value, low, high } of each.figures) {
        expect(low ?? value).toBeLessThanOrEqual(value);
        expect(high ?? value).toBeGreaterThanOrEqual(value);
      }
    }
  });
});

describe('unlike types', () => {
  test('never share an axis', () => {
    const axes = new Map<string, Set<string>>();
    for (const each of SHIPPED)
      for (const figure of each.figures) {
        const types = axes.get(axisOf(each, figure)) ?? new Set();
        types.add(JSON.stringify([figure.measure, figure.arm, figure.unit, each.condition, each.reference, each.product])); // prettier-ignore
        axes.set(axisOf(each, figure), types);
      }
    for (const types of axes.values()) expect(types.size).toBe(1);
    const [alone, helped] = card('guermazi-2022').figures;
    expect(axisOf(card('guermazi-2022'), alone!)).not.toBe(axisOf(card('guermazi-2022'), helped!));
  });
  test('and it is said in what they differ', () => {
    const local = { condition: ['fracture'], product: 'fracture' };
    const of = (id: string, i = 0) => unlikeOf(card(id), card(id).figures[i]!, local);
    expect(of('guermazi-2022', 1)).toEqual(['arm', 'product', 'reference', 'unit']);
    expect(of('huhtanen-2025-boneview')).toContain('condition');
    expect(of('hundred-centres')).toContain('second-hand');
    expect(isNear(of('guermazi-2022', 1))).toBe(false);
    expect(isNear(of('luiken-2025-rayvolve'))).toBe(true);
    const own = { ...card('luiken-2025-rayvolve'), product: 'fracture', reference: 'own-readers' as const };
    expect(unlikeOf(own, { ...own.figures[0]!, unit: 'exam' }, local)).toEqual([]);
  });
});

eachStore((_label, make) => {
  test('versions are added, never changed; two at once cannot both', async () => {
    const store = await make({ migrations: claimMigrations });
    const cards = createClaimCards({ store });
    const { id, version, removed, personName, at, ...form } = card('guermazi-2022');
    const by = person('evidence');
    expect(await cards.list()).toHaveLength(SHIPPED.length);
    expect(await code(cards.record(id, 0, form, person('reader')))).toBe('claim-forbidden');
    expect(await code(cards.record('nothing', 0, form, by))).toBe('not-found');
    const first = await cards.record(id, 0, { ...form, level: '2b' }, by);
    expect(first).toMatchObject({ id, version: 1, level: '2b', personName: 'Anne' });
    expect(await code(cards.record(id, 0, form, by))).toBe('claim-changed');
    const both = await Promise.all([1, 1].map((after) => code(cards.record(id, after, form, by))));
    expect(both.sort()).toEqual(['claim-changed', 'none']);
    expect((await cards.versions(id)).map((each) => [each.version, each.level])).toEqual([[2, ''], [1, '2b'], [0, '']]); // prettier-ignore
    const own = await cards.record(null, null, { ...form, title: 'Ours' }, by);
    expect((await cards.list()).map((each) => each.title)).toContain('Ours');
    await cards.record(own.id, 1, form, by, { removed: true });
    expect((await cards.list()).some((each) => each.id === own.id)).toBe(false);
    expect(await cards.versions(own.id)).toHaveLength(2);
    expect([version, removed, personName, at]).toEqual([0, false, null, null]);
  });
});
