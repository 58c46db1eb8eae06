import { expect, it } from 'vitest';
import type { ReportFields } from '../../doors/api/contract.ts';
import { shownFields } from './shownFields.ts';

const stored = { findings: 'A', conclusion: 'B', technique: 'C' } as ReportFields;

it('never shows an older text than the reader typed, though it is still on its way', () => {
  // An answer of before the save arrives while it is sent: typing on must start from the newer text.
  expect(shownFields(stored, { findings: 'A fracture' }, {})).toMatchObject({ findings: 'A fracture' });
  expect(
    shownFields(stored, { findings: 'A fracture', conclusion: 'B.' }, { findings: 'A fracture of' }),
  ).toMatchObject({ findings: 'A fracture of', conclusion: 'B.', technique: 'C' });
});
