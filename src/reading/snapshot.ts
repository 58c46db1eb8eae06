import type { AiFinding, RunRow } from '../assist/types.ts';
import type {
  Answer,
  FactContext,
  PerImage,
  ReadingFact,
  ReadingSnapshot,
  StageState,
} from '../evidence/types.ts';
import type { Context } from './context.ts';
import { createMaking, type Made } from './made.ts';
import type { Finding, RecordedAi, Report, ReportRecord } from './types.ts';

/** A finished run with what it proposed, as far as evidence needs it. */
export interface Analysed {
  run: RunRow;
  findings: readonly AiFinding[];
  inTraining: boolean;
  stage: StageState['stage'];
}

/**
 * The conclusion given before AI was seen. Where AI was not shown before the signature, that is the signed answer; where it was,
 * the reader's own conclusion, if it came first. `exposed`: an earlier report of the study had shown AI to the reader.
 */
export function blindConclusion(
  record: Pick<ReportRecord, 'fields'>,
  modelId: string,
  entry: Pick<RecordedAi, 'shownAt' | 'opinion'> | undefined,
  exposed: boolean,
): Answer | null {
  if (exposed) return null;
  if (!entry || entry.shownAt === null)
    return entry?.opinion?.answer ?? record.fields.answers[modelId] ?? null;
  return entry.opinion && entry.opinion.at <= entry.shownAt ? entry.opinion.answer : null;
}

/** A reader's own mark that says what the tool looks for: by the label's key, or its text in either language. */
function saysTheSame(finding: Finding, entry: Pick<RecordedAi, 'labels'> | undefined): boolean {
  if (finding.by !== 'reader' || !entry) return false;
  return Object.entries(entry.labels).some(
    ([key, { text }]) => finding.label === key || finding.label === text.fr || finding.label === text.en,
  );
}

/** What a signed report says about one tool's run on its study. Pure. */
export function factOf(
  record: ReportRecord,
  analysed: Analysed,
  more: {
    amended: boolean;
    exposed: boolean;
    arrivedAt: number;
    /** Where and how the study was made; and since when the reader had it, at the signature alone. */
    made?: Made;
    claimedAt?: number;
  },
): ReadingFact {
  const { run } = analysed;
  const entry = record.ai.find(({ runId, state }) => runId === run.id && state === 'analysed');
  const asked = record.ai.find(({ modelId }) => modelId === run.modelId);
  const shown = entry !== undefined && entry.shownAt !== null;
  const decided = record.findings.filter(({ runId }) => runId === run.id);
  const count = (decision: Finding['decision']) =>
    decided.filter((each) => each.decision === decision).length;
  const added = record.findings.filter((finding) => saysTheSame(finding, asked));
  const conclusion = record.fields.answers[run.modelId] ?? null;
  const blind = blindConclusion(
    record,
    run.modelId,
    entry ?? (asked && { ...asked, shownAt: null }),
    more.exposed,
  );
  const marks = analysed.findings.length;

  const perImage: PerImage = { truePositive: 0, falsePositive: 0, falseNegative: 0, trueNegative: 0 };
  const marked = new Set(shown ? [] : added.map(({ sopInstanceUid }) => sopInstanceUid));
  for (const { sopInstanceUid, positive } of run.images) {
    if (blind === 'no') perImage[positive ? 'falsePositive' : 'trueNegative'] += 1;
    else if (blind === 'yes' && marked.has(sopInstanceUid))
      perImage[positive ? 'truePositive' : 'falseNegative'] += 1;
  }
  return {
    reportId: record.id,
    studyUid: record.studyUid,
    modelId: run.modelId,
    modelVersion: run.modelVersion,
    stage: asked?.stage ?? analysed.stage,
    readerId: record.reader.id,
    bodyPart: record.study.bodyParts[0] ?? '',
    priority: record.study.priority,
    arrivedAt: more.arrivedAt,
    signedAt: record.signedAt,
    aiPositive: run.images.some(({ positive }) => positive),
    aiScoreMax: run.images.reduce((max, { score }) => Math.max(max, score), 0),
    images: run.images.length,
    marks,
    marksRejected: count('rejected'),
    marksAccepted: count('accepted'),
    marksCorrected: count('corrected'),
    marksAdded: added.length,
    falseAlarms: shown ? count('rejected') : conclusion === 'no' ? marks : 0,
    conclusion,
    blindConclusion: blind,
    inTraining: analysed.inTraining,
    amended: more.amended,
    inReport: entry !== undefined,
    perImage,
    ...(more.made
      ? {
          context: {
            ...more.made,
            operatingPoint: run.operatingPoint,
            shown,
            readingMs: more.claimedAt === undefined ? null : Math.max(0, record.signedAt - more.claimedAt),
            rejectedFor: reasonsOf(decided),
          },
        }
      : {}),
  };
}

/** Rejected marks by the reason that the reader gave. */
function reasonsOf(findings: readonly Finding[]): FactContext['rejectedFor'] {
  const counts: FactContext['rejectedFor'] = {};
  for (const { decision, reason } of findings)
    if (decision === 'rejected' && reason) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}

export function createSnapshots(context: Context) {
  const { assist, evidence, read } = context;
  const madeOf = createMaking(context);

  /** Finished runs of a study with what evidence needs of them. Not for a transaction: asks the assist room. */
  async function analysedRuns(runs: readonly RunRow[]): Promise<Analysed[]> {
    const result: Analysed[] = [];
    for (const run of runs) {
      if (run.state !== 'analysed') continue;
      result.push({
        run,
        findings: await assist.findings(run.id),
        // When it cannot be told, the study is left out of accuracy rather than counted in it; signing does not fail for it.
        inTraining: await assist.inTraining(run.modelId, run.studyUid).catch(() => true),
        stage: (await evidence.stage(run.modelId, run.modelVersion)).stage,
      });
    }
    return result;
  }

  async function lateRuns(reportId: string): Promise<RunRow[]> {
    const rows = await read
      .selectFrom('discrepancy')
      .select('run_id')
      .where('report_id', '=', reportId)
      .where('kind', '=', 'late-result')
      .execute();
    return (await Promise.all(rows.map(({ run_id }) => assist.run(run_id)))).flatMap((run) => run ?? []);
  }

  return {
    analysedRuns,

    /** All facts of a study from a record that is being signed or was. */
    of(
      record: ReportRecord,
      analysed: readonly Analysed[],
      more: {
        amended: boolean;
        exposed: ReadonlySet<string>;
        arrivedAt: number;
        made: Made;
        claimedAt?: number;
      },
    ): ReadingSnapshot {
      return {
        studyUid: record.studyUid,
        facts: analysed.map((each) =>
          factOf(record, each, { ...more, exposed: more.exposed.has(each.run.modelId) }),
        ),
      };
    },

    /**
     * What an earlier version means for the next: the tools it had shown by being signed, and since when the study waited again.
     * And where and how the study was made. Not for a transaction: asks the archive.
     */
    async before(
      record: Pick<ReportRecord, 'studyUid' | 'version' | 'study'>,
    ): Promise<{ exposed: Set<string>; arrivedAt: number; made: Made }> {
      const made = await madeOf(record.study);
      if (record.version === 1) return { exposed: new Set(), arrivedAt: record.study.firstReceivedAt, made };
      const earlier = await read
        .selectFrom('report')
        .select(['id', 'content'])
        .where('study_uid', '=', record.studyUid)
        .where('version', '<', record.version)
        .execute();
      const exposed = new Set(
        earlier.flatMap(({ content }) =>
          (JSON.parse(content) as ReportRecord).ai
            .filter(({ state }) => state === 'analysed')
            .map(({ modelId }) => modelId),
        ),
      );
      const late = await read
        .selectFrom('discrepancy')
        .select((eb) => eb.fn.max('at').as('at'))
        .where('study_uid', '=', record.studyUid)
        .where('kind', '=', 'late-image')
        .executeTakeFirst();
      return { exposed, arrivedAt: Number(late?.at ?? record.study.firstReceivedAt), made };
    },

    /**
     * The facts of a signed report as they are now. Undefined for a version that is no longer in force: it has none.
     * Of each tool the run in the report, or the one that finished after the signature (`late`; the known ones when not given).
     */
    async ofReport(
      report: Report,
      more: { amended: boolean; late?: readonly RunRow[] },
    ): Promise<ReadingSnapshot | undefined> {
      const record = report.record!;
      const state = await read
        .selectFrom('reading_state')
        .select('report_id')
        .where('study_uid', '=', report.studyUid)
        .executeTakeFirst();
      if (state?.report_id !== report.id) return undefined;
      const inReport = record.ai.filter(({ state: is }) => is === 'analysed');
      const recorded = await Promise.all(inReport.map(({ runId }) => assist.run(runId)));
      const tools = new Set(inReport.map(({ modelId }) => modelId));
      const late = (more.late ?? (await lateRuns(report.id))).filter((run) => !tools.has(run.modelId));
      const runs = [...recorded, ...late].flatMap((run) => run ?? []);
      const analysed = await analysedRuns(runs);
      return this.of(record, analysed, { amended: more.amended, ...(await this.before(record)) });
    },
  };
}
export type Snapshots = ReturnType<typeof createSnapshots>;
