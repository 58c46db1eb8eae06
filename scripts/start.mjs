// `npm start`: sets the clone up if that is still to be done, then starts the program. Arguments go to `negatoscope start`.
import { spawn } from 'node:child_process';
import { node24, PROGRAM, PROGRAM_FLAGS } from './node24.mjs';
import { setUp } from './setup.mjs';

setUp();
const child = spawn(node24(), [...PROGRAM_FLAGS, PROGRAM, 'start', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
