/** Commands about what the tools are worth. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command as Program, Option } from 'commander';
import type { Language } from '../people/index.ts';
import type { Rooms } from '../rooms.ts';
import { EXIT, type Io } from './io.ts';

export type EvidenceCommand = { name: 'evidence report'; month: string; language: Language; file: string };

export async function runEvidence({ monthly }: Rooms, command: EvidenceCommand, io: Io): Promise<number> {
  const pdf = await monthly.pdf(command.month, command.language);
  await writeFile(command.file, pdf, { mode: 0o600 });
  io.out(`${command.file} (${Math.ceil(pdf.length / 1024)} KB)`);
  return EXIT.ok;
}

export function evidenceCommands(
  program: Program,
  execute: (options: { data: string; database?: string }, command: EvidenceCommand) => Promise<void>,
): void {
  program
    .command('evidence')
    .description('what the tools are worth, on the practice’s own patients')
    .command('report')
    .description('the report of a month as PDF')
    .requiredOption('--month <month>', 'as 2026-11')
    .addOption(new Option('--language <language>', 'of the report').choices(['fr', 'en']).default('fr'))
    .option('--out <file>', 'where to write it (negatoscope-evidence-MONTH.pdf)')
    .option('--data <dir>', 'folder where everything lies', './data')
    .option('--database <url>', 'PostgreSQL instead of SQLite: postgres://…')
    .action(
      async (options: { month: string; language: Language; out?: string; data: string; database?: string }) =>
        execute(options, {
          name: 'evidence report',
          month: options.month,
          language: options.language,
          file: resolve(options.out ?? `negatoscope-evidence-${options.month}.pdf`),
        }),
    );
}
