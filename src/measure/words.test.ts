import { describe, expect, it } from 'vitest';
import type { Mark } from './marks.ts';
import { labelLines, quantityText, sentenceOf } from './words.ts';

const mark = (kind: Mark['kind'], quantities: Mark['quantities'], more: Partial<Mark> = {}) => ({
  kind,
  quantities,
  calibration: 'calibrated' as Mark['calibration'],
  text: null,
  ...more,
});
const plain = (text: string) => text.replaceAll('\u00a0', ' ');

describe('what a mark says', () => {
  it('in the figures of the language', () => {
    expect(plain(quantityText({ name: 'length', value: 63.44, unit: 'mm' }, 'fr'))).toBe('63,4 mm');
    expect(plain(quantityText({ name: 'area', value: 124, unit: 'mm2' }, 'en'))).toBe('1.24 cm²');
    expect(plain(quantityText({ name: 'mean', value: -12.4, unit: 'HU' }, 'fr'))).toBe('-12 UH');
    expect(plain(quantityText({ name: 'length', value: 154.6, unit: 'px' }, 'en'))).toBe('155 px');
  });
  it('a sentence for the report, with the image and how far to rely on it', () => {
    const length = mark('length', [{ name: 'length', value: 63.44, unit: 'mm' }]);
    expect(plain(sentenceOf(length, 2, 'fr'))).toBe('Longueur : 63,4 mm (image 2).');
    expect(plain(sentenceOf(length, null, 'en'))).toBe('Length: 63.4 mm.');
    expect(plain(sentenceOf({ ...length, calibration: 'detector' }, 2, 'fr'))).toBe(
      'Longueur : 63,4 mm (image 2, mesuré au plan du détecteur, l’objet est plus petit).',
    );
    const uncalibrated = mark('length', [{ name: 'length', value: 154, unit: 'px' }], {
      calibration: 'none',
    });
    expect(plain(sentenceOf(uncalibrated, null, 'en'))).toBe('Length: 154 px (not calibrated).');
    expect(labelLines(uncalibrated, 'fr').map(plain)).toEqual(['154 px', 'non calibré']);
  });
  it('a named measurement goes by its name', () => {
    const named = mark('length', [{ name: 'length', value: 8, unit: 'mm' }], {
      text: 'Nodule du lobe moyen',
    });
    expect(plain(sentenceOf(named, null, 'fr'))).toBe('Nodule du lobe moyen : 8,0 mm.');
  });
  it('of a ratio the widths, of a region the statistics', () => {
    const ratio = mark('ctr', [
      { name: 'ratio', value: 0.482, unit: '1' },
      { name: 'heart', value: 134, unit: 'mm' },
      { name: 'thorax', value: 278, unit: 'mm' },
    ]);
    expect(labelLines(ratio, 'fr').map(plain)).toEqual(['ICT 0,48']);
    expect(plain(sentenceOf(ratio, null, 'en'))).toBe(
      'Cardiothoracic ratio: 0.48 (heart 134.0 mm, thorax 278.0 mm).',
    );
    // The widths are lengths like any other: PS3.3 10.7.1.3.
    expect(plain(sentenceOf({ ...ratio, calibration: 'detector' }, 2, 'en'))).toBe(
      'Cardiothoracic ratio: 0.48 (heart 134.0 mm, thorax 278.0 mm) (image 2, measured at the plane of the detector, the object is smaller).',
    );
    expect(plain(sentenceOf({ ...ratio, calibration: 'estimated' }, null, 'fr'))).toBe(
      'Index cardiothoracique : 0,48 (cœur 134,0 mm, thorax 278,0 mm) (corrigé du grandissement indiqué).',
    );
    // On the image the ratio stands alone, and needs none.
    expect(labelLines({ ...ratio, calibration: 'detector' }, 'fr').map(plain)).toEqual(['ICT 0,48']);
    const region = mark('ellipse', [
      { name: 'area', value: 124, unit: 'mm2' },
      { name: 'mean', value: 41.5, unit: 'HU' },
      { name: 'sd', value: 12.25, unit: 'HU' },
      { name: 'min', value: -3, unit: 'HU' },
      { name: 'max', value: 88, unit: 'HU' },
    ]);
    expect(plain(sentenceOf(region, null, 'fr'))).toBe(
      'Région d’intérêt : moy. 42 UH, écart-type 12,3, de -3 à 88, aire 1,24 cm².',
    );
  });
  it('of a region without an area, from the report of another system, nothing of it', () => {
    const region = mark('ellipse', [
      { name: 'mean', value: 41.5, unit: 'HU' },
      { name: 'sd', value: 12.25, unit: 'HU' },
    ]);
    expect(labelLines(region, 'fr').map(plain)).toEqual(['moy. 41,5 ± 12,3 UH']);
    expect(plain(sentenceOf(region, null, 'fr'))).toBe('Région d’intérêt : moy. 42 UH, écart-type 12,3.');
  });
  it('a note says what was written, a key image nothing', () => {
    expect(plain(sentenceOf(mark('arrow', [], { text: 'À revoir' }), 1, 'fr'))).toBe(
      'Annotation : À revoir (image 1).',
    );
    expect(sentenceOf(mark('key', []), 1, 'fr')).toBe('');
  });
});
