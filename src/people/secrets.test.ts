import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digest, hashSecret, newSecret, verifySecret } from './secrets.ts';

test('a password verifies against its own hash and no other', async () => {
  const stored = await hashSecret('négatoscope 1895');
  expect(await verifySecret('négatoscope 1895', stored)).toBe(true);
  expect(await verifySecret('negatoscope 1895', stored)).toBe(false);
  expect(stored).not.toContain('1895');
});

test('the same letters typed on another keyboard (NFD) are the same password', async () => {
  expect(await verifySecret('ne\u0301gatoscope', await hashSecret('n\u00e9gatoscope'))).toBe(true);
});

test('two hashes of one password differ: the salt is random', async () => {
  expect(await hashSecret('same password')).not.toBe(await hashSecret('same password'));
});

test('a stored text of any other form is false, never an error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), async (text) => {
      fc.pre(!text.startsWith('scrypt$'));
      expect(await verifySecret('x', text)).toBe(false);
    }),
    { numRuns: 50 },
  );
});

test('secrets carry 256 bits and their digest is SHA-256', () => {
  expect(Buffer.from(newSecret(), 'base64url')).toHaveLength(32);
  // FIPS 180-4 example "abc"
  expect(digest('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
