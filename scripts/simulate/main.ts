/**
 * `npm run simulate -- coverage [--repetitions N] [--only TEXT]`: whether intervals cover and alarms hold what they promise.
 * `npm run simulate -- year [--studies 4000] [--seed 1]`: one year through the event log, stages, gate and safety limit.
 * `npm run simulate -- fast [--repetitions N] [--studies N]`: thousands of years of a practice, in memory.
 */
import { parseArgs } from 'node:util';
import { tell, years } from './fast.ts';
import { report } from './intervals/report.ts';
import { DEGRADED, PRACTICE } from './practice.ts';
import { tellYear, year } from './year.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    repetitions: { type: 'string', default: '10000' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    studies: { type: 'string', default: '4000' },
  },
});
const say = (line: string) => void process.stdout.write(`${line}\n`);
const [what] = positionals;
if (what === 'coverage') report({ repetitions: Number(values.repetitions), only: values.only }, say);
else if (what === 'fast' || what === 'year') {
  const studies = Number(values.studies);
  for (const [title, practice] of [
    ['Nothing changes', { ...PRACTICE, studies }],
    ['The tool becomes worse', { ...DEGRADED, studies }],
  ] as const)
    if (what === 'fast') tell(title, practice, years(practice, Number(values.repetitions)), say);
    else tellYear(title, practice, await year(practice, Number(values.seed)), say);
} else {
  process.stderr.write(
    'Usage: npm run simulate -- coverage | fast | year [--repetitions N] [--only TEXT] [--studies N] [--seed N]\n',
  );
  process.exit(64);
}
