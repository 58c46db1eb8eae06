/**
 * `npm run bench -- SUITE… [--json] [--count N] [--rounds N] [--large] [--only TEXT] [--postgres]
 * [--data DIR]`: our figures beside those of the peers that are installed, on the same data in the same run.
 */
import { parseArgs } from 'node:util';
import { assist } from './assist.ts';
import { evidence } from './evidence.ts';
import { ingest } from './ingest.ts';
import { query } from './query.ts';
import { retrieve } from './retrieve.ts';
import { exitOnSignal } from './signals.ts';
import type { Line, Suite } from './types.ts';
import { viewer } from './viewer/index.ts';

const SUITES: Readonly<Record<string, Suite>> = { assist, evidence, ingest, query, retrieve, viewer };

exitOnSignal();
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    count: { type: 'string' },
    large: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    postgres: { type: 'boolean', default: false },
    data: { type: 'string' },
    rounds: { type: 'string', default: '3' },
  },
});

const whole = (name: string, text: string): number => {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value <= 1_000_000) return value;
  console.error(`--${name} takes a whole number from 1 to 1000000`);
  process.exit(64);
};
const cells = (line: Line): string[] => [
  line.work,
  line.ours.toFixed(1),
  line.peer.toFixed(1),
  line.unit,
  `${line.ratio.toFixed(2)}×`,
  line.met ? 'met' : `goal ${line.goal}×`,
  line.peerName,
];

const unknown = positionals.filter((name) => !(name in SUITES));
if (positionals.length === 0 || unknown.length > 0) {
  console.error(
    `Usage: npm run bench -- SUITE… [--json] [--count N] [--rounds N] [--large] [--only TEXT] [--postgres] [--data DIR]`,
  );
  console.error(`Suites: ${Object.keys(SUITES).join(', ')}`);
  process.exit(64);
}
const options = {
  count: values.count === undefined ? undefined : whole('count', values.count),
  rounds: whole('rounds', values.rounds),
  large: values.large,
  only: values.only,
  postgres: values.postgres,
  data: values.data,
  say: (text: string) => process.stderr.write(`${text}\n`),
};
for (const name of positionals) {
  const lines: Line[] = [];
  for await (const line of SUITES[name]!(options)) {
    lines.push(line);
    if (values.json) console.log(JSON.stringify(line));
  }
  if (values.json) continue;
  const rows = [['work', 'ours', 'peer', 'unit', 'ratio', '', 'peer'], ...lines.map(cells)];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
}
