import { expect, it } from 'vitest';
import { proposeLogin } from './proposeLogin.ts';

it('proposes a user name', () => {
  expect(proposeLogin('Dr Anne Marchand')).toBe('anne.marchand');
  expect(proposeLogin('Pr. Éloïse  D’Arc-Noël ')).toBe('eloise.d.arc.noel');
  expect(proposeLogin('')).toBe('');
  // Nothing Latin in it: nothing is proposed.
  expect(proposeLogin('王小东')).toBe('');
});
