import { expect, test } from 'vitest';
import { ageBand } from '../ageBand.ts';
import { labelOf, labelsCsv, type LabelledImage } from './csv.ts';

const box = { sopInstanceUid: '1.2.3', box: { x: 10, y: 20, width: 30, height: 40.5 } };
const image: LabelledImage = {
  sopInstanceUid: '1.2.3',
  answer: 'yes',
  boxes: [box],
  studyBoxes: 1,
  images: 2,
  weight: 880 / 150,
  bodyPart: 'WRIST',
  view: 'PA',
  age: '40-64',
  sex: 'F',
  machine: 'Maker, "Best"',
};

test('an image is what its study says of it, and left out where that says nothing', () => {
  expect(labelOf(image, 'leave-out')).toBe(1);
  // Of the other image of the study nobody said that it shows it, nor that it does not.
  expect(labelOf({ ...image, boxes: [] }, 'leave-out')).toBeNull();
  expect(labelOf({ answer: 'no', boxes: [], studyBoxes: 0, images: 2 }, 'leave-out')).toBe(0);
  expect(labelOf({ answer: 'yes', boxes: [], studyBoxes: 0, images: 1 }, 'leave-out')).toBe(1);
  expect(labelOf({ answer: 'yes', boxes: [], studyBoxes: 0, images: 2 }, 'leave-out')).toBeNull();
  const unsure = { answer: 'uncertain' as const, boxes: [], studyBoxes: 0, images: 1 };
  expect(labelOf(unsure, 'leave-out')).toBeNull();
  expect(labelOf(unsure, 'negative')).toBe(0);
  expect(labelOf(unsure, 'positive')).toBe(1);
});

test('as RFC 4180 and spreadsheets want it', () => {
  expect(labelsCsv([image, { ...image, boxes: [] }], 'leave-out')).toBe(
    'image,label,boxes,weight,body_part,view,age_band,sex,machine\r\n' +
      '1.2.3,1,"[[10,20,40,60.5]]",5.866666666666666,WRIST,PA,40-64,F,"Maker, ""Best"""\r\n',
  );
  expect(labelsCsv([{ ...image, machine: '=1+1' }], 'leave-out')).toContain(",'=1+1\r\n");
  expect(labelsCsv([], 'leave-out').trim().split(',')).toContain('weight');
});

test('bands of age', () => {
  expect([0, 1, 2, 5, 17, 18, 39, 40, 79, 80, 101, null].map(ageBand)).toEqual([
    '0-1',
    '0-1',
    '2-5',
    '2-5',
    '12-17',
    '18-39',
    '18-39',
    '40-64',
    '65-79',
    '80+',
    '80+',
    '',
  ]);
});
