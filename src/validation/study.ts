/** A study from the table of labels to the files of its results. */
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import type { ModelPackage } from '../assist/package.ts';
import { NegatoscopeError, reasonOf } from '../errors.ts';
import { quantile } from '../evidence/statistics.ts';
import { VERSION } from '../version.ts';
import { type Asker, createAsker, type Outcome, outcomeOf } from './ask.ts';
import { casesCsv } from './casesCsv.ts';
import { type Draft, gather } from './gather.ts';
import { readLabels } from './labels.ts';
import { holdFolder, outError, writeWhole } from './out.ts';
import { sha256Of } from './picture.ts';
import { reportHtml } from './report/html.ts';
import { reportPdf } from './report/pdf.ts';
import { resultOf } from './result.ts';
import { keyOf, openScores, type Scores } from './scores.ts';
import { targetOf } from './target.ts';
import type { Answer, Case, Exclusion, Progress, Result, RunFacts, StudyOptions } from './types.ts';

const SCORES = 'scores.jsonl';
/** Scored all the same, so that the report can show what they would have changed. */
const SCORED: ReadonlySet<Exclusion | null> = new Set([null, 'training-image', 'tuning-image']);

/**
 * Runs the study and writes `report.html`, `report.pdf`, `result.json`, `cases.csv` and `run.json`. The same images, labels and
 * models give the same bytes of `result.json` and `cases.csv`, with however many processes and interruptions.
 *
 * @throws NegatoscopeError `labels-…` (see `readLabels`), `no-cases`, `one-class`, `model-no-score`,
 * `finding-unknown`, `out-in-use`, `out-unusable`, `disk-full`,
 * `model-weights`, `model-training`, `aborted`
 */
export async function runStudy(options: StudyOptions): Promise<{ result: Result; run: RunFacts }> {
  const { model, compare, images, out, signal, now = Date.now } = options;
  const processes = Math.max(1, options.processes ?? Math.min(4, availableParallelism()));
  const began = now();
  const models = compare ? [model, compare] : [model];
  const labels = models.map(({ manifest }) => targetOf(manifest, options.finding));
  const sheet = readLabels(options.labels, options.labelColumn);
  const free = await holdFolder(out);
  try {
    const tell = (phase: Progress['phase'], total: number) => {
      let done = 0;
      options.progress?.({ phase, done, total });
      return () => options.progress?.({ phase, done: (done += 1), total });
    };
    const gathered = await gather(sheet, images, models, {
      step: tell('looking', sheet.rows.length),
      signal,
      countTuning: options.countTuning,
    });
    mustBothBe(gathered.drafts);

    const scores = await openScores(join(out, SCORES)).catch((error: unknown) => {
      throw outError(out, error);
    });
    const wanted = gathered.drafts.filter(({ excluded }) => SCORED.has(excluded));
    const step = tell('analysing', wanted.length * models.length);
    const asked: Outcomes[] = [];
    for (const [i, each] of models.entries())
      asked.push(await askAll(each, labels[i]!, wanted, scores, { processes, out, step, signal }));
    const cases = gathered.drafts.map((draft) => caseOf(draft, asked));
    mustBothBe(cases);

    tell('measuring', 1);
    const result = resultOf({ ...options, labels, sheet, cases, gathered });
    const fresh = asked.flatMap(({ fresh: seconds }) => seconds).sort((a, b) => a - b);
    const run: RunFacts = {
      at: new Date(now()).toISOString(),
      software: VERSION,
      machine: `${cpus()[0]?.model ?? process.arch}, ${availableParallelism()} cores, Node.js ${process.version}`,
      processes,
      analysed: fresh.length,
      kept: asked.reduce((sum, { kept }) => sum + kept, 0),
      wallSeconds: Math.round(now() - began) / 1000,
      medianSeconds: milli(quantile(fresh, 0.5)),
      p95Seconds: milli(quantile(fresh, 0.95)),
    };
    tell('writing', 1);
    await writeWhole(out, 'cases.csv', casesCsv(cases, sheet, result));
    await writeWhole(out, 'result.json', `${JSON.stringify(result, null, 2)}\n`);
    await writeWhole(out, 'run.json', `${JSON.stringify(run, null, 2)}\n`);
    const report = {
      result,
      run,
      manifest: model.manifest,
      other: compare?.manifest,
      language: options.language ?? 'en',
      filesWithoutLabel: gathered.filesWithoutLabel,
    };
    await writeWhole(out, 'report.html', reportHtml(report));
    await writeWhole(out, 'report.pdf', await reportPdf(report));
    return { result, run };
  } finally {
    await free();
  }
}

const milli = (seconds: number | null): number | null =>
  seconds === null ? null : Math.round(seconds * 1000) / 1000;

/** Sensitivity needs images with the finding and specificity images without: told before an hour of work, and after. */
function mustBothBe(cases: readonly Pick<Case, 'excluded' | 'positive'>[]): void {
  const counted = cases.filter(({ excluded }) => excluded === null);
  const positives = counted.filter(({ positive }) => positive).length;
  if (counted.length === 0) {
    const reasons = new Map<string, number>();
    for (const { excluded } of cases) reasons.set(excluded!, (reasons.get(excluded!) ?? 0) + 1);
    const why = [...reasons].map(([reason, n]) => `${reason} ${n}`).join(', ');
    throw new NegatoscopeError(
      'no-cases',
      `None of the ${cases.length} images can be counted: ${why}. Check --images and --labels.`,
      { details: { why } },
    );
  }
  if (positives === 0 || positives === counted.length)
    throw new NegatoscopeError(
      'one-class',
      `All ${counted.length} images that can be counted have the label ${positives === 0 ? 0 : 1}. A study of accuracy needs images with and without the finding.`,
      { details: { count: counted.length } },
    );
}

type Failure = { readonly failed: 'unreadable' | 'model-failed'; readonly detail: string };
interface Outcomes {
  readonly by: ReadonlyMap<string, Answer | Failure>;
  /** Seconds of each image that was analysed now. */
  readonly fresh: number[];
  readonly kept: number;
}

async function askAll(
  model: ModelPackage,
  label: string,
  drafts: readonly Draft[],
  scores: Scores,
  {
    processes,
    out,
    step,
    signal,
  }: { processes: number; out: string; step(): void; signal?: AbortSignal | undefined },
): Promise<Outcomes> {
  const key = keyOf(model, label);
  const by = new Map<string, Answer | Failure>();
  const fresh: number[] = [];
  const todo: Draft[] = [];
  for (const draft of drafts) {
    const known = scores.get(key(draft.sha256));
    if (!known) todo.push(draft);
    else {
      by.set(draft.image, known);
      step();
    }
  }
  const kept = by.size;
  const stop = new AbortController();
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  let next = 0;
  const work = async (): Promise<void> => {
    const asker = createAsker(model, label);
    try {
      for (let i = next++; i < todo.length; i = next++) {
        if (either.aborted) throw new NegatoscopeError('aborted', 'The study was stopped');
        const draft = todo[i]!;
        const outcome = await answerTo(asker, draft, either);
        if ('answer' in outcome) {
          await scores.put(key(draft.sha256), outcome.answer).catch((error: unknown) => {
            throw outError(out, error);
          });
          fresh.push(outcome.answer.seconds);
          by.set(draft.image, outcome.answer);
        } else by.set(draft.image, outcome);
        step();
      }
    } finally {
      await asker.close();
    }
  };
  const workers = Array.from({ length: Math.min(processes, todo.length) }, () =>
    work().catch((error: unknown) => {
      stop.abort();
      throw error;
    }),
  );
  const ended = await Promise.allSettled(workers);
  const failures = ended.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
  // The others were stopped because of the first.
  const first = failures.find((error) => !(error instanceof NegatoscopeError && error.code === 'aborted'));
  if (failures.length > 0) throw signal?.aborted ? failures[0] : (first ?? failures[0]);
  return { by, fresh, kept };
}

/** The bytes are read again, and have to be those that were looked at: their hash is in the results. */
async function answerTo(asker: Asker, draft: Draft, signal: AbortSignal): Promise<Outcome> {
  let bytes: Uint8Array;
  try {
    bytes = await draft.found!.read();
  } catch (error) {
    return { failed: 'unreadable', detail: reasonOf(error).slice(0, 300) };
  }
  return sha256Of(bytes) === draft.sha256
    ? outcomeOf(asker, bytes, signal)
    : { failed: 'unreadable', detail: 'the file changed while the study ran' };
}

/** A failure of either model excludes the image from both: they are compared on the same cases. */
function caseOf({ found: _found, ...draft }: Draft, asked: readonly Outcomes[]): Case {
  const answers = asked.map(({ by }) => by.get(draft.image));
  const failure = answers.find((each) => each !== undefined && 'failed' in each);
  const answer = (i: number): Answer | undefined => {
    const each = answers[i];
    return each && 'score' in each ? each : undefined;
  };
  return {
    ...draft,
    ...(failure && 'failed' in failure ? { excluded: failure.failed, detail: failure.detail } : {}),
    answer: answer(0),
    other: answer(1),
  };
}
