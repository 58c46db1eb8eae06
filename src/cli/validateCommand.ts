/** The command line of `negatoscope validate`; what it does is loaded when it is asked for. */
import { join } from 'node:path';
import { availableParallelism } from 'node:os';
import { type Command as Program, InvalidArgumentError, Option } from 'commander';
import { loadConfig } from '../config.ts';

export interface ValidateCommand {
  readonly model: string;
  readonly images: string;
  readonly labels: string;
  readonly out: string;
  readonly labelColumn?: string;
  readonly hardwareColumn?: string;
  readonly finding?: string;
  readonly countTuning?: boolean;
  readonly prevalence?: readonly number[];
  readonly compare?: string;
  readonly processes?: number;
  readonly lang: 'fr' | 'en';
  readonly json: boolean;
  /** Folders of packages beside the built-in one. */
  readonly models: readonly string[];
}

const wholeNumber = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 256)
    throw new InvalidArgumentError('A whole number from 1 to 256.');
  return value;
};
const prevalences = (text: string): number[] =>
  text.split(',').map((part) => {
    const value = part.trim().endsWith('%') ? Number(part.trim().slice(0, -1)) / 100 : Number(part);
    if (!(value > 0 && value < 1)) throw new InvalidArgumentError('Numbers between 0 and 1, as in 0.01,0.2.');
    return value;
  });

/** Adds the command to the program. */
export function validateCommand(program: Program, run: (command: ValidateCommand) => Promise<void>): void {
  program
    .command('validate')
    .description('measure a model on labelled images: report, figures, every case; no server is needed')
    .argument('<model>', 'an installed model (id or id@version), or the folder of a package')
    .requiredOption('--images <dir>', 'DICOM, JPEG or PNG, with folders below')
    .requiredOption(
      '--labels <file>',
      'CSV: image (file name or SOP Instance UID), label (0/1), boxes, subgroups',
    )
    .requiredOption('--out <dir>', 'where the results go; an interrupted study goes on there')
    .option('--label-column <name>', 'the column that says what is so (label)')
    .option('--finding <label>', 'which label of a model that has several')
    .option('--hardware-column <name>', 'the column that says 1 where there is an implant (hardware)')
    .option(
      '--count-tuning',
      'count images on which the maker chose thresholds, too (those of the training never are)',
    )
    .option('--prevalence <list>', 'for predictive values: 0.01,0.05,0.1,0.2,0.3', prevalences)
    .option('--compare <model>', 'a second model or version on the same cases')
    .option('--processes <n>', `images at once (${Math.min(4, availableParallelism())})`, wholeNumber)
    .addOption(new Option('--lang <language>', 'language of the report').choices(['fr', 'en']).default('en'))
    .option('--json', 'for programs: result.json on standard output')
    .option('--data <dir>', 'only to find the model packages that it has or names', './data')
    .action(async (model: string, { data, ...options }) => {
      await run({
        ...options,
        model,
        json: Boolean(options.json),
        models: [join(data, 'models'), ...loadConfig(data, {}).models],
      });
    });
}
