import { describe, expect, it } from 'vitest';
import { marksOfReport } from './fromReport.ts';
import type { Header } from './header.ts';

const text = (value: string) => ({ Value: [value] });
const code = (value: string): Header => ({ '00080100': text(value), '00080104': text(value) });
const item = (type: string, concept: string, more: Record<string, Header[string]>): Header => ({
  '0040A040': text(type),
  '0040A043': { Value: [code(concept)] },
  ...more,
});
/** Of a report with one group of one line: what is measured, in the units of another maker. */
const read = (...measured: (readonly [concept: string, value: number, unit: string])[]) =>
  marksOfReport({
    '0040A730': {
      Value: [
        item('CONTAINER', '125007', {
          '0040A730': {
            Value: [
              ...measured.map(([concept, value, unit]) =>
                item('NUM', concept, {
                  '0040A300': {
                    Value: [{ '0040A30A': { Value: [value] }, '004008EA': { Value: [code(unit)] } }],
                  },
                }),
              ),
              item('SCOORD', '111030', {
                '00700022': { Value: [10, 10, 30, 10] },
                '00700023': text('POLYLINE'),
                '0040A730': {
                  Value: [item('IMAGE', '', { '00081199': { Value: [{ '00081155': text('1.2') }] } })],
                },
              }),
            ],
          },
        }),
      ],
    },
  }).flatMap(({ quantities }) => quantities);

describe('units of a measurement report', () => {
  it('are brought to those of the page', () => {
    const [length, area, angle] = ['410668003', '42798000', '1483009'];
    for (const [concept, unit, factor, name, told] of [
      [length, 'mm', 1, 'length', 'mm'],
      [length, 'cm', 10, 'length', 'mm'],
      [length, 'm', 1000, 'length', 'mm'],
      [length, 'um', 0.001, 'length', 'mm'],
      [length, '{pixels}', 1, 'length', 'px'],
      [area, 'mm2', 1, 'area', 'mm2'],
      [area, 'cm2', 100, 'area', 'mm2'],
      [area, 'um2', 1e-6, 'area', 'mm2'],
      [area, '{pixels}', 1, 'area', 'px2'],
      [angle, 'deg', 1, 'angle', 'deg'],
      [angle, 'rad', 180 / Math.PI, 'angle', 'deg'],
      ['ctr', '1', 1, 'ratio', '1'],
      ['ctr', '%', 0.01, 'ratio', '1'],
      ['heart-width', 'cm', 10, 'heart', 'mm'],
      ['373098007', "[hnsf'U]", 1, 'mean', 'HU'],
      ['373098007', '1', 1, 'mean', ''],
      ['373098007', '%', 1, 'mean', ''],
    ] as const)
      expect([unit, read([concept, 2.5, unit])]).toEqual([
        unit,
        [{ name, value: expect.closeTo(2.5 * factor, 9) as number, unit: told }],
      ]);
  });
  it('that are unknown, or of something else, hold a length, an area or an angle back: it would be read as mm', () => {
    for (const concept of ['410668003', '42798000', '1483009', 'heart-width', 'thorax-width', 'ctr'])
      for (const unit of ['[in_i]', '', "[hnsf'U]", 's', 'constructor'])
        expect([concept, unit, read([concept, 2.5, unit])]).toEqual([concept, unit, []]);
    expect(read(['410668003', 2.5, '1'], ['410668003', 4, 'mm2'], ['42798000', 4, 'mm'])).toEqual([]);
  });
});
