import { describe, expect, it } from 'vitest';
import { chosenLayout, defaultLayout, keepLayout, panesOf, type Exam } from './choice.ts';

const exam = (more: Partial<Exam>): Exam => ({
  modality: 'DX',
  bodyPart: 'HAND',
  images: 2,
  series: 1,
  priors: 0,
  ...more,
});

describe('what stands side by side at first', () => {
  it('two views of a hand, a chest with the exam before, a stack alone', () => {
    expect(defaultLayout(exam({}))).toBe('1x2');
    expect(defaultLayout(exam({ images: 1 }))).toBe('1x1');
    expect(defaultLayout(exam({ bodyPart: 'CHEST', images: 1, priors: 3 }))).toBe('1x2');
    expect(defaultLayout(exam({ bodyPart: 'CHEST', images: 1 }))).toBe('1x1');
    for (const modality of ['CT', 'MR', 'US'])
      expect(defaultLayout(exam({ modality, images: 300, priors: 2 }))).toBe('1x1');
    expect(defaultLayout(exam({ modality: 'MG', bodyPart: 'BREAST', images: 4 }))).toBe('2x2');
    expect(panesOf('2x2')).toBe(4);
  });
  it('the last choice for this kind of exam comes first; nonsense counts as none', () => {
    const held = new Map<string, string>();
    const storage = {
      getItem: (key: string) => held.get(key) ?? null,
      setItem: (key: string, value: string) => void held.set(key, value),
    };
    keepLayout(exam({}), '2x1', storage);
    expect(chosenLayout(exam({}), storage)).toBe('2x1');
    expect(chosenLayout(exam({ bodyPart: 'FOOT' }), storage)).toBe('1x2');
    held.forEach((_value, key) => held.set(key, '9x9'));
    expect(chosenLayout(exam({}), storage)).toBe('1x2');
  });
});
