/**
 * `npm run simulate -- coverage [--repetitions N] [--only TEXT]`: whether intervals cover and alarms hold what they promise.
 */
import { parseArgs } from 'node:util';
import { report } from './intervals/report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    repetitions: { type: 'string', default: '10000' },
    only: { type: 'string', default: '' },
  },
});
const say = (line: string) => void process.stdout.write(`${line}\n`);
const [what] = positionals;
if (what === 'coverage') report({ repetitions: Number(values.repetitions), only: values.only }, say);
else {
  process.stderr.write('Usage: npm run simulate -- coverage [--repetitions N] [--only TEXT]\n');
  process.exit(64);
}
