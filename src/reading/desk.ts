import type { InstanceRow, SeriesRow, StudyRow } from '../archive/types.ts';
import { SEES_NO_AI } from '../archive/types.ts';
import type { AiFinding, InstalledModel, RunRow } from '../assist/types.ts';
import { NegatoscopeError } from '../errors.ts';
import { withoutControls } from './canonical.ts';
import type { Answer, StageState } from '../evidence/types.ts';
import type { Language, Principal } from '../people/types.ts';
import type { Claims } from './claims.ts';
import { stateOf } from './claims.ts';
import { isSigned, notFound, parseJson, readerOf, roundOf } from './context.ts';
import type { Context, ReadingTx } from './context.ts';
import { acceptedText, findingOf, undecided } from './findings.ts';
import type { Findings } from './findings.ts';
import { doseLine, techniqueLine, type DicomJson } from './header.ts';
import type { Reports } from './reports.ts';
import type { AiView, Draft, Finding, ReportFields, SigningBlock, StudyView } from './types.ts';
import { hiddenFrom } from './visibility.ts';
import { readingState, statusOf } from './worklist.ts';

/** Beyond any study that is read as a whole on one page. */
const MAX_INSTANCES = 20_000;
/** Dose is looked for in so many headers at most: a radiograph has few, a CT says it elsewhere. */
const MAX_HEADERS = 64;

/** Everything about a study that does not depend on who asks. */
export interface Case {
  study: StudyRow;
  series: SeriesRow[];
  /** Images alone, in the order of series and instance numbers. */
  images: InstanceRow[];
  runs: RunRow[];
  models: InstalledModel[];
  stages: ReadonlyMap<string, StageState>;
}
export type OpinionRow = { modelId: string; answer: Answer; at: number };

/** A tool asks its question wherever its rules apply, whatever it found and whoever may see that. */
export const asks = (run: RunRow, models: readonly InstalledModel[]): boolean =>
  run.state !== 'not-run' && models.some(({ manifest }) => manifest.id === run.modelId && manifest.question);

export function emptyFields(language: Language): ReportFields {
  return {
    indication: '',
    technique: '',
    findings: '',
    conclusion: '',
    justification: '',
    dose: '',
    patientInformedOfAi: false,
    answers: {},
    language,
  };
}

/** Why the report cannot be signed yet. Says nothing of what a hidden tool found. */
export function blocksOf(input: {
  isReader: boolean;
  signed: boolean;
  claimedBy: string | null;
  runs: readonly RunRow[];
  models: readonly InstalledModel[];
  hidden: ReadonlyMap<string, AiView['hidden']>;
  findings: readonly Finding[];
  fields: ReportFields;
}): SigningBlock[] {
  if (!input.isReader) return [{ code: 'not-a-reader' }];
  if (input.signed) return [{ code: 'already-signed' }];
  if (input.claimedBy !== null) return [{ code: 'claimed-by-other', name: input.claimedBy }];
  const blocks: SigningBlock[] = [];
  for (const run of input.runs) {
    if (!asks(run, input.models)) continue;
    if (run.state === 'analysed' && input.hidden.get(run.id) === 'opinion-first')
      blocks.push({ code: 'opinion-missing', modelId: run.modelId });
    else if (!input.fields.answers[run.modelId])
      blocks.push({ code: 'question-unanswered', modelId: run.modelId });
  }
  const numbers = input.findings.filter(({ decision }) => decision === null).map(({ number }) => number);
  if (numbers.length > 0) blocks.push({ code: 'undecided-findings', numbers });
  if (input.fields.conclusion.trim() === '') blocks.push({ code: 'conclusion-empty' });
  return blocks;
}

export function createDesk(
  context: Context,
  parts: { claims: Claims; findings: Findings; reports: Reports },
) {
  const { store, archive, assist, evidence, read, write, now } = context;
  const { claims, findings, reports } = parts;

  async function load(studyUid: string): Promise<Case> {
    const study = await archive.study(studyUid);
    if (!study) throw notFound('study');
    const query = { match: {}, studyUid, limit: MAX_INSTANCES };
    const [series, instances, runs, models] = await Promise.all([
      archive.findSeries(query, SEES_NO_AI),
      archive.findInstances(query, SEES_NO_AI),
      assist.runs([studyUid]),
      assist.models(),
    ]);
    const last = Number.MAX_SAFE_INTEGER;
    const imageSeries = series
      .filter(({ kind }) => kind === 'image')
      .sort((a, b) => (a.number ?? last) - (b.number ?? last) || (a.seriesUid < b.seriesUid ? -1 : 1));
    const place = new Map(imageSeries.map(({ seriesUid }, index) => [seriesUid, index]));
    const images = instances
      .filter(({ kind }) => kind === 'image')
      .sort(
        (a, b) =>
          (place.get(a.seriesUid) ?? last) - (place.get(b.seriesUid) ?? last) ||
          (a.number ?? last) - (b.number ?? last) ||
          (a.sopInstanceUid < b.sopInstanceUid ? -1 : 1),
      );
    const stages = new Map<string, StageState>();
    for (const { modelId } of runs) stages.set(modelId, await evidence.stage(modelId));
    return { study, series: imageSeries, images, runs, models, stages };
  }

  async function opinionsOf(
    db: Context['read'] | ReadingTx,
    studyUid: string,
    personId: string,
    round: number,
  ): Promise<OpinionRow[]> {
    const rows = await (db as Context['read'])
      .selectFrom('opinion')
      .select(['model_id', 'answer', 'at'])
      .where('study_uid', '=', studyUid)
      .where('person_id', '=', personId)
      .where('round', '=', round)
      .execute();
    return rows.map((row) => ({ modelId: row.model_id, answer: row.answer, at: Number(row.at) }));
  }
  /** Runs that are in a report, or whose lateness the signatory has seen. */
  async function signedRuns(db: Context['read'] | ReadingTx, studyUid: string): Promise<Set<string>> {
    const inReport = await (db as Context['read'])
      .selectFrom('report_run')
      .innerJoin('report', 'report.id', 'report_run.report_id')
      .select('report_run.run_id')
      .where('report.study_uid', '=', studyUid)
      .execute();
    const late = await (db as Context['read'])
      .selectFrom('discrepancy')
      .select('run_id')
      .where('study_uid', '=', studyUid)
      .where('kind', '=', 'late-result')
      .where('seen_at', 'is not', null)
      .execute();
    return new Set([...inReport, ...late].map((row) => row.run_id));
  }
  /** For each run why this person may not see it. */
  function hiddenOf(
    of: Case,
    principal: Principal,
    opinions: readonly OpinionRow[],
    signed: ReadonlySet<string>,
  ): Map<string, AiView['hidden']> {
    // Who only answers for evidence sees everything; who reads as well keeps the reader's rule on this page, to stay unbiased.
    const seesAll = principal.roles.has('evidence') && !principal.roles.has('reader');
    return new Map(
      of.runs.map((run) => [
        run.id,
        seesAll
          ? null
          : hiddenFrom(principal, {
              stage: of.stages.get(run.modelId)!,
              signed: signed.has(run.id),
              opinion: opinions.some(({ modelId }) => modelId === run.modelId),
            }),
      ]),
    );
  }

  /** What the program fills in: header facts. A saved draft goes over them, except for the dose. */
  async function suggested(of: Case, language: Language): Promise<ReportFields> {
    const headers: DicomJson[] = [];
    for await (const header of archive.metadata(of.images.slice(0, MAX_HEADERS), SEES_NO_AI))
      headers.push(header);
    return {
      ...emptyFields(language),
      indication: of.study.indication,
      technique: techniqueLine(of.study, of.images, language),
      dose: doseLine(headers, language),
    };
  }
  async function draftRow(
    db: Context['read'] | ReadingTx,
    studyUid: string,
    personId: string,
    round: number,
  ) {
    return (db as Context['read'])
      .selectFrom('draft')
      .selectAll()
      .where('study_uid', '=', studyUid)
      .where('person_id', '=', personId)
      .where('round', '=', round)
      .executeTakeFirst();
  }
  /**
   * The draft as the reader sees it: what was saved over what the header says. An own conclusion given first answers the
   * question, until the reader answers otherwise.
   */
  function fieldsOf(
    suggestion: ReportFields,
    saved: Partial<ReportFields> | null,
    opinions: readonly OpinionRow[],
  ): ReportFields {
    const merged = { ...suggestion, ...saved };
    return {
      ...merged,
      dose: suggestion.dose,
      answers: {
        ...Object.fromEntries(opinions.map(({ modelId, answer }) => [modelId, answer])),
        ...saved?.answers,
      },
    };
  }

  async function open(studyUid: string, principal: Principal): Promise<StudyView> {
    const of = await load(studyUid);
    const { personId } = principal;
    const isReader = personId !== null && principal.roles.has('reader');
    const state = await stateOf(read, studyUid);
    const round = roundOf(state);
    const signed = isSigned(state);
    const [claim, opinions, past, signedReports] = await Promise.all([
      claims.live(studyUid),
      personId ? opinionsOf(read, studyUid, personId, round) : [],
      signedRuns(read, studyUid),
      reports.ofStudy(studyUid),
    ]);
    const mine = claim !== undefined && claim.personId === personId;
    const hidden = hiddenOf(of, principal, opinions, past);
    const visible = of.runs.filter((run) => run.state === 'analysed' && hidden.get(run.id) === null);
    const aiFindings = new Map<string, AiFinding[]>();
    for (const run of visible) aiFindings.set(run.id, await assist.findings(run.id));

    // What a reader is shown before the signature is part of the record.
    const toShow = signed || !isReader ? [] : visible.filter((run) => !past.has(run.id));
    const shownBefore = new Set(
      toShow.length === 0
        ? []
        : (
            await read
              .selectFrom('ai_shown')
              .select('run_id')
              .where('person_id', '=', personId!)
              .where(
                'run_id',
                'in',
                toShow.map(({ id }) => id),
              )
              .execute()
          ).map((row) => row.run_id),
    );
    const newlyShown = toShow.filter((run) => !shownBefore.has(run.id));
    const imagesShown = mine && !signed && claim.images !== of.images.length;
    if (newlyShown.length > 0 || imagesShown)
      await write(async (tx) => {
        for (const run of newlyShown)
          await findings.show(tx, run, aiFindings.get(run.id)!, { personId: personId!, round });
        if (imagesShown)
          await tx
            .updateTable('claim')
            .set({ images: of.images.length })
            .where('study_uid', '=', studyUid)
            .where('person_id', '=', personId!)
            .execute();
      });

    const current = signedReports[0];
    let shown: Finding[];
    if (signed && current) shown = [...current.findings];
    else if (isReader) {
      const rows = await findings.rows(read, studyUid, personId, round);
      const seen = new Set(visible.map(({ id }) => id));
      // A stage that was taken back hides the marks again.
      shown = rows.filter((row) => row.run_id === null || seen.has(row.run_id)).map(findingOf);
    } else shown = [];
    // Marks that this person may see and nobody was asked to decide on: after the signature, or for who only looks.
    for (const run of visible) {
      if (shown.some(({ runId }) => runId === run.id)) continue;
      if (!signed && isReader && !past.has(run.id)) continue;
      const offset = Math.max(0, ...shown.map(({ number }) => number));
      shown.push(
        ...aiFindings.get(run.id)!.map((finding, index) => undecided(finding, run, offset + index + 1)),
      );
    }

    const saved = personId ? await draftRow(read, studyUid, personId, round) : undefined;
    const savedFields = parseJson<Partial<ReportFields>>(saved?.fields ?? null);
    const language = savedFields?.language ?? principal.language;
    const suggestion = await suggested(of, language);
    const accepted = signed ? '' : acceptedText(shown, of.images, of.models, language);
    const fields = fieldsOf(
      saved ? suggestion : { ...suggestion, findings: accepted },
      savedFields,
      opinions,
    );
    const draft: Draft = {
      fields,
      revision: saved?.revision ?? 0,
      savedAt: saved ? Number(saved.saved_at) : null,
    };

    const images = new Map<string, InstanceRow[]>();
    for (const image of of.images)
      images.set(image.seriesUid, [...(images.get(image.seriesUid) ?? []), image]);
    return {
      study: of.study,
      state: readingState({
        complete: of.study.complete,
        signed,
        reopened: state !== undefined && !signed,
        claimed: claim !== undefined,
      }),
      claim:
        claim && !signed ? { personId: claim.personId, name: claim.name, since: claim.since, mine } : null,
      series: of.series.map((series) => ({
        seriesUid: series.seriesUid,
        modality: series.modality,
        description: series.description,
        bodyPart: series.bodyPart,
        instances: (images.get(series.seriesUid) ?? []).map((image) => ({
          sopInstanceUid: image.sopInstanceUid,
          sopClassUid: image.sopClassUid,
          rows: image.rows,
          columns: image.columns,
          frames: image.frames,
          viewPosition: image.viewPosition,
          laterality: image.laterality ?? series.laterality,
          photo: image.photo,
        })),
      })),
      priors: await archive.priors(studyUid),
      ai: of.runs.map((run) => ({
        status: statusOf(run),
        stage: of.stages.get(run.modelId)!.stage,
        hidden: hidden.get(run.id) ?? null,
        opinion: opinions.find(({ modelId }) => modelId === run.modelId) ?? null,
        run: hidden.get(run.id) === null ? run : null,
      })),
      findings: shown,
      draft,
      reports: signedReports,
      acceptedText: accepted,
      signingBlockedBy: blocksOf({
        isReader,
        signed,
        claimedBy: claim && !mine ? claim.name : null,
        runs: of.runs,
        models: of.models,
        hidden,
        findings: shown.filter(({ runId }) => !runId || !past.has(runId)),
        fields,
      }),
    };
  }

  return {
    open,
    load,
    opinionsOf,
    signedRuns,
    hiddenOf,
    suggested,
    draftRow,
    fieldsOf,

    /**
     * The reader's own conclusion to a tool's question. It may be changed until AI has been shown, and then stands.
     * @throws NegatoscopeError `question-unknown` (404), `opinion-closed` (409), and those of a claim
     */
    async giveOpinion(
      studyUid: string,
      modelId: string,
      answer: Answer,
      principal: Principal,
    ): Promise<StudyView> {
      const personId = readerOf(principal);
      const [runs, models] = await Promise.all([assist.runs([studyUid]), assist.models()]);
      const run = runs.find((each) => each.modelId === modelId && asks(each, models));
      if (!run)
        throw new NegatoscopeError('question-unknown', 'This tool asks nothing of this study.', {
          status: 404,
        });
      await write(async (tx) => {
        const { round } = await claims.require(tx, studyUid, personId);
        const shown = await tx
          .selectFrom('ai_shown')
          .select('run_id')
          .where('run_id', '=', run.id)
          .where('person_id', '=', personId)
          .executeTakeFirst();
        if (shown)
          throw new NegatoscopeError('opinion-closed', 'AI has been shown: your own conclusion stands.', {
            status: 409,
          });
        const at = now();
        await tx
          .insertInto('opinion')
          .values({ study_uid: studyUid, model_id: modelId, person_id: personId, round, answer, at })
          .onConflict((c) =>
            c.columns(['study_uid', 'model_id', 'person_id', 'round']).doUpdateSet({ answer, at }),
          )
          .execute();
        await store.events.append(tx, {
          kind: 'reading.opinion',
          studyUid,
          subject: modelId,
          actor: personId,
        });
      });
      return open(studyUid, principal);
    },

    /** @throws NegatoscopeError `draft-changed` (409) when `revision` is not the stored one, and those of a claim */
    async saveDraft(
      studyUid: string,
      fields: Partial<ReportFields>,
      revision: number,
      principal: Principal,
    ): Promise<Draft> {
      const personId = readerOf(principal);
      const { dose: _filledByTheProgram, ...rest } = fields;
      const own = Object.fromEntries(
        Object.entries(rest).map(([key, value]) => [
          key,
          // White space at the ends stays: somebody may be typing.
          typeof value === 'string' ? withoutControls(value) : value,
        ]),
      ) as Partial<ReportFields>;
      const saved = await write(async (tx) => {
        const { round } = await claims.require(tx, studyUid, personId);
        const row = await draftRow(tx, studyUid, personId, round);
        if ((row?.revision ?? 0) !== revision)
          throw new NegatoscopeError('draft-changed', 'This report was changed elsewhere. Load it again.', {
            status: 409,
            details: { revision: row?.revision ?? 0 },
          });
        const before = parseJson<Partial<ReportFields>>(row?.fields ?? null) ?? {};
        const merged = { ...before, ...own, answers: { ...before.answers, ...own.answers } };
        const values = { fields: JSON.stringify(merged), revision: revision + 1, saved_at: now() };
        await tx
          .insertInto('draft')
          .values({ study_uid: studyUid, person_id: personId, round, ...values })
          .onConflict((c) => c.columns(['study_uid', 'person_id', 'round']).doUpdateSet(values))
          .execute();
        return { ...values, merged, opinions: await opinionsOf(tx, studyUid, personId, round) };
      });
      const language = saved.merged.language ?? principal.language;
      const suggestion = await suggested(await load(studyUid), language);
      return {
        fields: fieldsOf(suggestion, saved.merged, saved.opinions),
        revision: saved.revision,
        savedAt: saved.saved_at,
      };
    },
  };
}
export type Desk = ReturnType<typeof createDesk>;
