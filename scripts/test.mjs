// `npm test`: sets up, finds or installs the foreign peers, then types, format and every test. Arguments go to Vitest:
// `npm test -- src/dicom` runs one room and skips types and format.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { node24, root } from './node24.mjs';
import { ensurePeers } from './peers.mjs';
import { setUp } from './setup.mjs';

const chosen = process.argv.slice(2);
// Only what starts the whole program can meet the server as it is built.
setUp({ server: chosen.length === 0 || chosen.some((path) => path.startsWith('e2e')) });
ensurePeers();

function step(what, ...args) {
  const result = spawnSync(node24(), ['--disable-warning=ExperimentalWarning', ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (result.status !== 0) {
    console.error(`\n${what} failed.`);
    process.exit(result.status ?? 1);
  }
}
if (chosen.length === 0) {
  step('The type check', join(root, 'node_modules/typescript/bin/tsc'), '--noEmit');
  step(
    'The format check (npm run format mends it)',
    join(root, 'node_modules/prettier/bin/prettier.cjs'),
    '--check',
    '--log-level',
    'warn',
    '.',
  );
}
step('The tests', join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...chosen);
