import type { InstanceRow, SeriesRow } from '../archive/types.ts';
import { isForeignRun } from '../assist/index.ts';
import type { AiFinding } from '../assist/types.ts';
import { NegatoscopeError } from '../errors.ts';
import type { Answer } from '../evidence/types.ts';
import type { Principal } from '../people/types.ts';
import { asks, blocksOf } from './blocks.ts';
import type { Cases } from './cases.ts';
import type { Claims } from './claims.ts';
import { stateOf } from './claims.ts';
import { isSigned, parseJson, readerOf, roundOf } from './context.ts';
import type { Context } from './context.ts';
import type { Drafts } from './drafts.ts';
import { acceptedText, findingOf, undecided } from './findings.ts';
import type { Findings } from './findings.ts';
import type { Marks } from './marks.ts';
import type { Reports } from './reports.ts';
import { noteSeen } from './standing.ts';
import type { Draft, Finding, ReportFields, StudyView } from './types.ts';
import { readingState, statusOf } from './worklist.ts';

const seriesView = (series: SeriesRow, instances: readonly InstanceRow[]): StudyView['series'][number] => ({
  seriesUid: series.seriesUid,
  modality: series.modality,
  description: series.description,
  bodyPart: series.bodyPart,
  instances: instances.map((instance) => ({
    sopInstanceUid: instance.sopInstanceUid,
    sopClassUid: instance.sopClassUid,
    transferSyntax: instance.transferSyntax,
    rows: instance.rows,
    columns: instance.columns,
    frames: instance.frames,
    viewPosition: instance.viewPosition,
    laterality: instance.laterality ?? series.laterality,
    photo: instance.photo,
  })),
});

/** The reader's page: what this person may see of a study, and what is asked of them. */
export function createDesk(
  context: Context,
  parts: {
    cases: Cases;
    claims: Claims;
    drafts: Drafts;
    findings: Findings;
    marks: Marks;
    reports: Reports;
  },
) {
  const { store, archive, assist, read, write, now } = context;
  const { cases, claims, drafts, findings, marks, reports } = parts;

  async function open(studyUid: string, principal: Principal): Promise<StudyView> {
    const of = await cases.load(studyUid);
    const { personId } = principal;
    const isReader = personId !== null && principal.roles.has('reader');
    const state = await stateOf(read, studyUid);
    const round = roundOf(state);
    const signed = isSigned(state);
    const [claim, opinions, past, signedReports] = await Promise.all([
      claims.live(studyUid),
      personId ? cases.opinionsOf(read, studyUid, personId, round) : [],
      cases.signedRuns(read, studyUid),
      reports.ofStudy(studyUid),
    ]);
    const mine = claim !== undefined && claim.personId === personId;
    const hidden = cases.hiddenOf(of, principal, opinions, past);
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

    const saved = personId ? await drafts.row(read, studyUid, personId, round) : undefined;
    const savedFields = parseJson<Partial<ReportFields>>(saved?.fields ?? null);
    const language = savedFields?.language ?? principal.language;
    const suggestion = await drafts.suggested(of, language);
    const accepted = signed ? '' : acceptedText(shown, of.images, of.models, language);
    const fields = drafts.fieldsOf(
      saved ? suggestion : { ...suggestion, findings: accepted },
      savedFields,
      opinions,
    );
    const draft: Draft = {
      fields,
      revision: saved?.revision ?? 0,
      savedAt: saved ? Number(saved.saved_at) : null,
    };

    // Who labels the study later was not blind.
    if (personId && (signed || !isReader) && visible.length > 0)
      await noteSeen(
        store,
        personId,
        visible.map(({ modelId }) => ({ studyUid, modelId })),
        now(),
      );

    // That a tool elsewhere sent something says that it found something; ours say of every study that they ran.
    const shownRuns = of.runs.filter((run) => !isForeignRun(run.id) || hidden.get(run.id) === null);
    const unmapped = new Map<string, string[]>();
    for (const { id } of shownRuns) if (isForeignRun(id)) unmapped.set(id, await assist.unmapped(id));

    const images = Map.groupBy(of.images, ({ seriesUid }) => seriesUid);
    const results = await cases.objectsOf(studyUid, visible);
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
      series: [
        ...of.series.map((series) =>
          seriesView(series, [
            ...(images.get(series.seriesUid) ?? []),
            // Sent into a series of images.
            ...results.flatMap((each) => (each.series.seriesUid === series.seriesUid ? each.objects : [])),
          ]),
        ),
        ...results
          .filter(({ series }) => !images.has(series.seriesUid))
          .map(({ series, objects }) => seriesView(series, objects)),
      ],
      priors: await archive.priors(studyUid),
      ai: shownRuns.map((run) => ({
        status: statusOf(run),
        stage: of.stages.get(run.modelId)!.stage,
        hidden: hidden.get(run.id) ?? null,
        opinion: opinions.find(({ modelId }) => modelId === run.modelId) ?? null,
        run: hidden.get(run.id) === null ? run : null,
        unmapped: unmapped.get(run.id) ?? [],
      })),
      findings: shown,
      marks: personId && isReader && !signed ? await marks.of(read, studyUid, personId, round) : [],
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
  };
}
