/**
 * Studies that a person starts on the page: a row each, worked on by the job queue one after the other, so that they survive a
 * restart and go on where they were. Their results lie in `validation/<id>/` of the data folder and can be made again from it.
 */
import { createReadStream } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Archive } from '../archive/types.ts';
import type { Assist } from '../assist/types.ts';
import { NegatoscopeError, reasonOf } from '../errors.ts';
import type { Principal } from '../people/types.ts';
import { uuidv7 } from '../store/index.ts';
import type { Job, Log, Store, Tx } from '../store/types.ts';
import { readLabels } from './labels.ts';
import { targetOf } from './target.ts';
import type { ValidationTable, ValidationTables } from './tables.ts';
import type { Progress, Result } from './types.ts';

export const STUDY_JOB = 'validation.study';
/** Written at most so often; the page asks as often. */
const TELL_MS = 700;
const LEASE_MS = 60_000;

export const RESULT_FILES = {
  'report.html': 'text/html; charset=utf-8',
  'report.pdf': 'application/pdf',
  'result.json': 'application/json',
  'cases.csv': 'text/csv; charset=utf-8',
} as const;
export type ResultFile = keyof typeof RESULT_FILES;

export interface StudyForm {
  readonly modelId: string;
  readonly compareId: string | null;
  /** Which label of a model with several; null where it has one. */
  readonly finding: string | null;
  /** `archive` (images by SOP Instance UID), or one of `folders`. */
  readonly source: string;
  readonly labelColumn: string;
  /** Of the report. */
  readonly language: 'fr' | 'en';
  readonly countTuning: boolean;
  /** The bytes of labels.csv, base64. */
  readonly labels: string;
}

export interface StudySummary {
  readonly version: string;
  readonly n: number;
  readonly positives: number;
  readonly excluded: number;
  readonly auc: number | null;
  readonly aucCi: readonly [number, number] | null;
}

export interface ValidationRow extends Omit<StudyForm, 'labels'> {
  readonly id: string;
  readonly state: ValidationTable['state'];
  readonly phase: Progress['phase'] | null;
  readonly done: number;
  readonly total: number;
  /** A code for the catalogue, and the English sentence. */
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly summary: StudySummary | null;
  /** Id of who started it, or the name of a machine. */
  readonly person: string;
  readonly createdAt: number;
  readonly finishedAt: number | null;
}

export interface Validation {
  /** Folders of images that the configuration offers. */
  readonly folders: readonly string[];
  /** Newest first. */
  list(): Promise<ValidationRow[]>;
  /** Throws 404 `not-found`. */
  study(id: string): Promise<ValidationRow>;
  /** Throws 404 `model-unknown`, 400 `source-unknown`, and what `targetOf` and `readLabels` throw. */
  add(form: StudyForm, by: Principal): Promise<ValidationRow>;
  /** Ends it; what was analysed is kept. Throws 404, 409 `study-ended`. */
  cancel(id: string, by: Principal): Promise<ValidationRow>;
  /** Goes on with one that ended. Throws 404, 409 `study-running`. */
  again(id: string, by: Principal): Promise<ValidationRow>;
  /** With its results. Throws 404, 409 `study-running`. */
  remove(id: string, by: Principal): Promise<void>;
  /** Throws 404 when there is no such result yet. */
  file(id: string, name: ResultFile): Promise<Readable>;
  start(): Promise<void>;
}

export interface ValidationDependencies {
  readonly store: Store;
  readonly archive: Pick<Archive, 'instance' | 'file'>;
  readonly assist: Pick<Assist, 'model'>;
  readonly folders: readonly string[];
  readonly log: Log;
  readonly now?: () => number;
}

/** All but the table of labels: up to 32 MB, which a study needs when it runs, and neither a list nor its progress. */
const SHOWN = [
  'id', 'model_id', 'compare_id', 'finding', 'source', 'label_column', 'language', 'count_tuning', 'state', 'phase', 'done',
  'total', 'error_code', 'error', 'summary', 'person', 'created_at', 'finished_at',
] as const satisfies readonly (keyof ValidationTable)[]; // prettier-ignore
type ShownStudy = Pick<ValidationTable, (typeof SHOWN)[number]>;

/**
 * Events: `validation.study.started|finished|cancelled|removed` (subject: id of the study; payload: {model, state}, never what was
 * measured).
 */
export function createValidation(deps: ValidationDependencies): Validation {
  const { store, archive, assist, folders, log, now = Date.now } = deps;
  const read = store.read.withTables<ValidationTables>();
  const home = join(store.dir, 'validation');
  const dirOf = (id: string): string => join(home, id);

  async function row(id: string): Promise<ShownStudy> {
    const found = await read
      .selectFrom('validation_study')
      .select(SHOWN)
      .where('id', '=', id)
      .executeTakeFirst();
    if (!found) throw new NegatoscopeError('not-found', 'There is no such study.', { status: 404 });
    return found;
  }
  const study = async (id: string): Promise<ValidationRow> => asRow(await row(id));
  const refused = (code: string, message: string): NegatoscopeError =>
    new NegatoscopeError(code, message, { status: 409 });

  const say = (tx: Tx<ValidationTables>, what: string, of: ShownStudy, by: Principal | 'system') =>
    store.events.append(tx, {
      kind: `validation.study.${what}`,
      subject: of.id,
      actor: by === 'system' ? by : (by.personId ?? by.name),
      payload: { model: of.model_id, state: of.state },
    });

  /** As long as the row is in one of these states. */
  const change = (id: string, from: readonly ValidationTable['state'][], set: Partial<ValidationTable>) =>
    store.write<ValidationTables, ShownStudy | undefined>((tx) => changeIn(tx, id, from, set));
  const changeIn = (
    tx: Tx<ValidationTables>,
    id: string,
    from: readonly ValidationTable['state'][],
    set: Partial<ValidationTable>,
  ) =>
    tx
      .updateTable('validation_study')
      .set(set)
      .where('id', '=', id)
      .where('state', 'in', from)
      .returning(SHOWN)
      .executeTakeFirst();

  async function work(job: Job, signal: AbortSignal): Promise<void> {
    const { key: id } = job;
    const begun = await change(id, ['waiting', 'running'], {
      state: 'running',
      error: null,
      error_code: null,
    });
    if (!begun) return;
    let told = 0;
    const progress = ({ phase, done, total }: Progress): void => {
      if (done !== 0 && done !== total && now() - told < TELL_MS) return;
      told = now();
      void change(id, ['running'], { phase, done, total }).catch((error: unknown) =>
        log.warn({ study: id, reason: reasonOf(error) }, 'the progress of a study could not be written'),
      );
    };
    try {
      const result = await run(begun, signal, progress);
      await end(id, { state: 'done', summary: JSON.stringify(summaryOf(result)) });
    } catch (error) {
      // Stopped with the program: the queue gives it back. Cancelled: the row says so already.
      if (signal.aborted) throw error;
      log.warn({ study: id, reason: reasonOf(error) }, 'a validation study failed');
      const code = error instanceof NegatoscopeError ? error.code : 'internal';
      await end(id, { state: 'failed', error_code: code, error: reasonOf(error).slice(0, 500) });
    }
  }
  const end = (id: string, set: Partial<ValidationTable>) =>
    store.write<ValidationTables, void>(async (tx) => {
      const ended = await changeIn(tx, id, ['running'], { ...set, phase: null, finished_at: now() });
      if (ended) await say(tx, 'finished', ended, 'system');
    });

  async function run(of: ShownStudy, signal: AbortSignal, progress: (p: Progress) => void): Promise<Result> {
    // They bring the decoders and the fonts: loaded when a study runs.
    const [{ runStudy }, { openFolder }, { archiveSource }] = await Promise.all([
      import('./study.ts'),
      import('./folder.ts'),
      import('./archiveSource.ts'),
    ]);
    const model = await installed(of.model_id);
    const compare = of.compare_id === null ? undefined : await installed(of.compare_id);
    const { labels } = await read
      .selectFrom('validation_study')
      .select('labels')
      .where('id', '=', of.id)
      .executeTakeFirstOrThrow();
    const { result } = await runStudy({
      model,
      ...(compare ? { compare } : {}),
      images: of.source === 'archive' ? archiveSource(archive) : await openFolder(of.source),
      labels: Buffer.from(labels, 'base64'),
      labelColumn: of.label_column,
      ...(of.finding === null ? {} : { finding: of.finding }),
      language: of.language,
      countTuning: of.count_tuning === 1,
      out: dirOf(of.id),
      // Beside the reading of a practice: one image at a time.
      processes: 1,
      signal,
      progress,
    });
    return result;
  }
  async function installed(id: string) {
    const model = await assist.model(id);
    if (!model)
      throw new NegatoscopeError('model-unknown', 'There is no such model.', {
        status: 404,
        details: { model: id },
      });
    return model;
  }

  return {
    folders,
    study,
    async list() {
      const rows = await read
        .selectFrom('validation_study')
        .select(SHOWN)
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .execute();
      return rows.map(asRow);
    },

    async add(form, by) {
      for (const id of [form.modelId, form.compareId])
        if (id !== null) targetOf((await installed(id)).manifest, form.finding ?? undefined);
      if (form.source !== 'archive' && !folders.includes(form.source))
        throw new NegatoscopeError('source-unknown', 'That folder is not among those of the configuration.');
      readLabels(Buffer.from(form.labels, 'base64'), form.labelColumn);
      const at = now();
      const fresh: ValidationTable = {
        id: uuidv7(at),
        model_id: form.modelId,
        compare_id: form.compareId,
        finding: form.finding,
        source: form.source,
        label_column: form.labelColumn,
        language: form.language,
        count_tuning: form.countTuning ? 1 : 0,
        labels: form.labels,
        state: 'waiting',
        phase: null,
        done: 0,
        total: 0,
        error_code: null,
        error: null,
        summary: null,
        person: by.personId ?? by.name,
        created_at: at,
        finished_at: null,
      };
      await store.write<ValidationTables, void>(async (tx) => {
        await tx.insertInto('validation_study').values(fresh).execute();
        await store.jobs.enqueue(tx, { kind: STUDY_JOB, key: fresh.id });
        await say(tx, 'started', fresh, by);
      });
      return asRow(fresh);
    },

    async cancel(id, by) {
      await row(id);
      return store.write<ValidationTables, ValidationRow>(async (tx) => {
        const set = { state: 'cancelled', phase: null, finished_at: now() } as const;
        const changed = await changeIn(tx, id, ['waiting', 'running'], set);
        if (!changed) throw refused('study-ended', 'That study has ended already.');
        await store.jobs.cancel(tx, STUDY_JOB, id);
        await say(tx, 'cancelled', changed, by);
        return asRow(changed);
      });
    },

    async again(id, by) {
      await row(id);
      return store.write<ValidationTables, ValidationRow>(async (tx) => {
        const set = { state: 'waiting', finished_at: null, error: null, error_code: null } as const;
        const changed = await changeIn(tx, id, ['failed', 'cancelled', 'done'], set);
        if (!changed) throw refused('study-running', 'That study is running.');
        await store.jobs.enqueue(tx, { kind: STUDY_JOB, key: id });
        await say(tx, 'started', changed, by);
        return asRow(changed);
      });
    },

    async remove(id, by) {
      await row(id);
      await store.write<ValidationTables, void>(async (tx) => {
        const gone = await tx
          .deleteFrom('validation_study')
          .where('id', '=', id)
          .where('state', 'not in', ['waiting', 'running'])
          .returning(SHOWN)
          .executeTakeFirst();
        if (!gone) throw refused('study-running', 'That study is running.');
        await say(tx, 'removed', gone, by);
      });
      await rm(dirOf(id), { recursive: true, force: true });
    },

    async file(id, name) {
      const { state } = await row(id);
      const path = join(dirOf(id), name);
      if (state !== 'done' || !(await stat(path).catch(() => undefined)))
        throw new NegatoscopeError('not-found', 'That study has no result yet.', { status: 404 });
      return createReadStream(path);
    },

    async start() {
      // Left by a crash between the row's end and the folder's.
      const known = new Set(
        (await read.selectFrom('validation_study').select('id').execute()).map(({ id }) => id),
      );
      for (const name of await readdir(home).catch(() => []))
        if (!known.has(name)) await rm(dirOf(name), { recursive: true, force: true });
      store.jobs.work(STUDY_JOB, work, {
        leaseMs: LEASE_MS,
        onGiveUp: (job, error) => end(job.key, { state: 'failed', error_code: 'internal', error }),
      });
    },
  };
}

const summaryOf = ({ version, n, positives, excluded, auc, aucCi }: Result): StudySummary => ({
  version,
  n,
  positives,
  excluded: excluded.length,
  auc,
  aucCi,
});

const asRow = (of: ShownStudy): ValidationRow => ({
  id: of.id,
  modelId: of.model_id,
  compareId: of.compare_id,
  finding: of.finding,
  source: of.source,
  labelColumn: of.label_column,
  language: of.language,
  countTuning: Number(of.count_tuning) === 1,
  state: of.state,
  phase: of.phase as Progress['phase'] | null,
  done: Number(of.done),
  total: Number(of.total),
  error: of.error_code === null ? null : { code: of.error_code, message: of.error ?? '' },
  summary: of.summary === null ? null : (JSON.parse(of.summary) as StudySummary),
  person: of.person,
  createdAt: Number(of.created_at),
  finishedAt: of.finished_at === null ? null : Number(of.finished_at),
});
