// Runs its arguments under the project's Node.js: `node scripts/run24.mjs script.ts args…`. Signals and the exit code pass through.
import { spawn } from 'node:child_process';
import { node24 } from './node24.mjs';

const node = node24();
if (!node) {
  console.error('Node.js 24 is not here yet. Run `npm run setup` first, or install Node.js 24 or newer.');
  process.exit(69);
}
const child = spawn(node, ['--disable-warning=ExperimentalWarning', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
