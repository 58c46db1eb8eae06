/** `negatoscope validate`: works without a server, and opens no data folder. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { findPackages, loadPackage, type ModelPackage } from '../assist/package.ts';
import { compareVersions } from '../assist/packages/versions.ts';
import { NegatoscopeError, reasonOf } from '../errors.ts';
import { openFolder } from '../validation/folder.ts';
import { runStudy } from '../validation/study.ts';
import type { OperatingPoint, Progress, Result } from '../validation/types.ts';
import { EXIT, type Io } from './io.ts';
import type { ValidateCommand } from './validateCommand.ts';

const BUILT_IN_MODELS = join(new URL('../..', import.meta.url).pathname, 'models');

/** A path to a package where it looks like one or is one, else an installed model: `id` (the newest version) or `id@version`. */
async function packageOf(name: string, models: readonly string[]): Promise<ModelPackage> {
  if (existsSync(join(name, 'model.json'))) return loadPackage(resolve(name));
  if (/[/\\]/.test(name)) return loadPackage(resolve(name)); // says what is missing there
  const broken: string[] = [];
  const installed: ModelPackage[] = [];
  for (const root of [...models, BUILT_IN_MODELS])
    for (const dir of await findPackages(root))
      try {
        installed.push(await loadPackage(dir));
      } catch (error) {
        broken.push(`${dir}: ${reasonOf(error)}`);
      }
  installed.sort((a, b) => compareVersions(b.manifest.version, a.manifest.version));
  const found = installed.find(({ manifest: { id, version } }) => name === id || name === `${id}@${version}`);
  if (found) return found;
  const known = installed.map(({ manifest: { id, version } }) => `${id}@${version}`).join(', ');
  throw new NegatoscopeError(
    'model-unknown',
    `There is no model "${name}". Installed: ${known || 'none'}. A path to a package's folder does, too.${broken.map((line) => ` Broken: ${line}`).join('')}`,
    { status: 404, details: { model: name } },
  );
}

const PHASES: Readonly<Record<Progress['phase'], string>> = {
  looking: 'looking at the images',
  analysing: 'analysed',
  measuring: 'measuring',
  writing: 'writing the report',
};

/** @throws NegatoscopeError as `runStudy` and `openFolder` do, `model-unknown`, `labels-missing` */
export async function validate(command: ValidateCommand, io: Io): Promise<number> {
  const model = await packageOf(command.model, command.models);
  const compare =
    command.compare === undefined ? undefined : await packageOf(command.compare, command.models);
  const labels = await readFile(command.labels).catch((cause: NodeJS.ErrnoException) => {
    throw new NegatoscopeError(
      'labels-missing',
      `The table of labels ${command.labels} cannot be read (${cause.code}). Name it with --labels.`,
      { cause },
    );
  });
  const images = await openFolder(resolve(command.images));
  const out = resolve(command.out);
  const began = Date.now();
  let first: number | undefined;
  const progress = ({ phase, done, total }: Progress): void => {
    if (phase === 'analysing' && done > 0) first ??= done;
    const left = first !== undefined && done > first ? ` ${remaining(began, done, total)}` : '';
    io.progress(`${done} of ${total} ${PHASES[phase]}${phase === 'analysing' ? left : ''}`);
  };
  try {
    const { result, run } = await runStudy({
      model,
      ...(compare ? { compare } : {}),
      images,
      labels,
      out,
      language: command.lang,
      signal: io.signal,
      progress,
      ...(command.labelColumn === undefined ? {} : { labelColumn: command.labelColumn }),
      ...(command.hardwareColumn === undefined ? {} : { hardwareColumn: command.hardwareColumn }),
      ...(command.finding === undefined ? {} : { finding: command.finding }),
      ...(command.countTuning ? { countTuning: true } : {}),
      ...(command.prevalence === undefined ? {} : { prevalences: command.prevalence }),
      ...(command.processes === undefined ? {} : { processes: command.processes }),
    });
    io.progress('');
    if (command.json) io.out(JSON.stringify(result));
    else {
      for (const line of summary(result)) io.out(line);
      io.out(`${run.analysed} score(s) computed, ${run.kept} kept from before, ${run.wallSeconds} s.`);
      io.out(`The report: ${join(out, 'report.html')}`);
    }
    return EXIT.ok;
  } catch (error) {
    io.progress('');
    if (!(error instanceof NegatoscopeError && error.code === 'aborted')) throw error;
    io.err('Stopped. What was analysed is kept: the same command goes on.');
    return EXIT.interrupted;
  }
}

const remaining = (began: number, done: number, total: number): string => {
  const seconds = ((Date.now() - began) / done / 1000) * (total - done);
  return seconds < 90
    ? `(about ${Math.ceil(seconds)} s left)`
    : `(about ${Math.ceil(seconds / 60)} min left)`;
};

/** The figures in a few lines; whole and with their intervals in the report. */
function* summary(result: Result): Generator<string> {
  const { n, positives, excluded, auc, aucCi } = result;
  const number = (value: number | null): string => (value === null ? '–' : value.toFixed(3));
  const range = (ci: readonly [number, number] | null): string =>
    ci === null ? '' : ` (${number(ci[0])}–${number(ci[1])})`;
  yield `${result.model} ${result.version}: ${n} images counted, ${positives} with the finding; ${excluded.length} excluded.`;
  const reasons = new Map<string, number>();
  for (const { reason } of excluded) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  for (const [reason, count] of reasons) yield `  excluded: ${reason} ${count}`;
  yield `Area under the curve ${number(auc)}${range(aucCi)}, 95 % DeLong`;
  if (result.weighted)
    yield `Weighed by the column weight: area under the curve ${number(result.weighted.auc)}${range(result.weighted.aucCi)}; the rates below are those of the drawn images, the weighed ones stand in the report.`;
  const rate = (k: number, of: number, ci: OperatingPoint['sensitivityCi']): string =>
    `${k}/${of}${of === 0 ? '' : ` = ${number(k / of)}`}${range(ci)}`;
  for (const point of result.operatingPoints)
    yield `${point.name} (${point.threshold}): sensitivity ${rate(point.tp, point.tp + point.fn, point.sensitivityCi)}, specificity ${rate(point.tn, point.tn + point.fp, point.specificityCi)}`;
}
