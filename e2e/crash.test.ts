/** The crash loop of `npm run crash`, short. */
import { expect, test } from 'vitest';
import { crashLoop } from './crash/main.ts';

test('kill -9 in the middle of everything: what was answered stays, whole, and nothing is half', async () => {
  const done = await crashLoop({ kills: 10, seed: 20261127 });
  for (const kind of ['C-STORE', 'STOW-RS', 'upload', 'deleted', 'signed', 'questions'])
    expect(done[kind], kind).toBeGreaterThan(0);
}, 300_000);
