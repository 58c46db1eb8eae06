import { randomUUID } from 'node:crypto';
import { NegatoscopeError } from '../errors.ts';
import type { Mark } from '../measure/marks.ts';
import type { Principal } from '../people/types.ts';
import { canonicalJson, sha256Of } from '../store/canonical.ts';
import { stateOf, type Claims } from './claims.ts';
import { alreadySigned, isSigned, parseJson, readerOf, roundOf } from './context.ts';
import type { Context } from './context.ts';
import { blocksOf } from './blocks.ts';
import type { Case, Cases, OpinionRow } from './cases.ts';
import type { Drafts } from './drafts.ts';
import { findingOf, type Findings } from './findings.ts';
import type { Marks } from './marks.ts';
import type { Reports } from './reports.ts';
import { courseOf } from './course.ts';
import type { Snapshots } from './snapshot.ts';
import type { Finding, RecordedAi, Report, ReportFields, ReportRecord, SigningBlock } from './types.ts';

const SITE_NAME = 'site.name';

const SENTENCES: Record<SigningBlock['code'], string> = {
  'not-a-reader': 'Only a reader signs.',
  'already-signed': 'The report is signed. Corrections are addenda.',
  'claimed-by-other': 'Another reader is reading this study.',
  'undecided-findings': 'Decide on every finding first.',
  'question-unanswered': "Answer the tool's question first.",
  'opinion-missing': 'Give your own conclusion first.',
  'conclusion-empty': 'Write a conclusion first.',
};
function refusal(block: SigningBlock): NegatoscopeError {
  const { code, ...rest } = block;
  const details = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [
      key,
      Array.isArray(value) ? value.join(', ') : String(value),
    ]),
  );
  return new NegatoscopeError(code, SENTENCES[code], {
    status: code === 'not-a-reader' ? 403 : 409,
    details,
  });
}

/** Everything that the signature freezes. Pure. */
export function recordOf(input: {
  id: string;
  version: number;
  signedAt: number;
  timeZone: string;
  siteName: string;
  reader: { id: string; name: string };
  fields: ReportFields;
  findings: readonly Finding[];
  marks: readonly Mark[];
  of: Case;
  /** How many images the reader was shown; null: all there are. */
  imagesShown: number | null;
  opinions: readonly OpinionRow[];
  shown: ReadonlyMap<string, number>;
}): ReportRecord {
  const { of } = input;
  const known = [...of.images]
    .sort((a, b) => a.receivedAt - b.receivedAt)
    .slice(0, input.imagesShown ?? of.images.length);
  const seen = new Set(known.map(({ sopInstanceUid }) => sopInstanceUid));
  return {
    format: 1,
    id: input.id,
    studyUid: of.study.studyUid,
    version: input.version,
    signedAt: input.signedAt,
    timeZone: input.timeZone,
    siteName: input.siteName,
    reader: input.reader,
    fields: input.fields,
    findings: [...input.findings],
    marks: [...input.marks],
    study: of.study,
    images: of.images
      .filter(({ sopInstanceUid }) => seen.has(sopInstanceUid))
      .map(({ seriesUid, sopInstanceUid, sopClassUid }) => ({ seriesUid, sopInstanceUid, sopClassUid })),
    ai: of.runs.map((run): RecordedAi => {
      const manifest = of.models.find((model) => model.manifest.id === run.modelId)?.manifest;
      const opinion = input.opinions.find(({ modelId }) => modelId === run.modelId);
      return {
        modelId: run.modelId,
        runId: run.id,
        name: manifest?.name ?? { fr: run.modelId, en: run.modelId },
        version: run.modelVersion,
        weightsSha256: run.weightsSha256,
        regulatory: manifest?.regulatory.status ?? 'research',
        stage: of.stages.get(run.modelId)?.stage ?? 'evaluation',
        state: run.state,
        reason: run.reason,
        operatingPoint: run.operatingPoint,
        threshold: run.threshold,
        shownAt: input.shown.get(run.id) ?? null,
        opinion: opinion ? { answer: opinion.answer, at: opinion.at } : null,
        question: manifest?.question ?? null,
        labels: manifest?.labels ?? {},
      };
    }),
  };
}

/**
 * The signature. What other rooms know is asked before the transaction; what this room keeps is read inside it, so that what is
 * signed is what was checked. The database itself refuses a second report of the same version, and a signatory without the
 * reader's role.
 */
export function createSign(
  context: Context,
  parts: {
    cases: Cases;
    claims: Claims;
    drafts: Drafts;
    findings: Findings;
    marks: Marks;
    reports: Reports;
    snapshots: Snapshots;
  },
) {
  const { store, read, write, now, timeZone } = context;
  const { cases, claims, drafts, findings, marks, reports, snapshots } = parts;

  /**
   * @throws NegatoscopeError 403 `not-a-reader`; 409 `already-signed`, `not-claimed`, `draft-changed`, and the codes of
   * SigningBlock; 404 `not-found`
   */
  return async function sign(studyUid: string, revision: number, principal: Principal): Promise<Report> {
    const personId = readerOf(principal);
    const of = await cases.load(studyUid);
    const siteName = (await store.setting(SITE_NAME)) ?? '';
    const analysed = await snapshots.analysedRuns(of.runs);
    const suggestions = {
      fr: await drafts.suggested(of, 'fr'),
      en: await drafts.suggested(of, 'en'),
    };
    const round = roundOf(await stateOf(read, studyUid));
    const before = await snapshots.before({ studyUid, version: round, study: of.study });

    const reportId = await write(async (tx) => {
      const claim = await claims.require(tx, studyUid, personId);
      if (claim.round !== round || isSigned(claim.state)) throw alreadySigned();
      const opinions = await cases.opinionsOf(tx, studyUid, personId, round);
      const past = await cases.signedRuns(tx, studyUid);
      const hidden = cases.hiddenOf(of, principal, opinions, past);
      const shownRows = await tx
        .selectFrom('ai_shown')
        .select(['run_id', 'at'])
        .where('person_id', '=', personId)
        .where('study_uid', '=', studyUid)
        .execute();
      const visible = new Set(of.runs.filter((run) => hidden.get(run.id) === null).map(({ id }) => id));
      const rows = await findings.rows(tx, studyUid, personId, round);
      const signedFindings = rows
        .filter((row) => row.run_id === null || visible.has(row.run_id))
        .map(findingOf);
      // A visible result that this reader's page has not shown yet counts as undecided, too.
      const shown = new Set(shownRows.map((row) => row.run_id));
      const unseen = analysed
        .filter(({ run }) => visible.has(run.id) && !past.has(run.id) && !shown.has(run.id))
        .flatMap(({ findings: proposed }) => proposed);

      const draft = await drafts.row(tx, studyUid, personId, round);
      if ((draft?.revision ?? 0) !== revision)
        throw new NegatoscopeError('draft-changed', 'This report was changed elsewhere. Load it again.', {
          status: 409,
          details: { revision: draft?.revision ?? 0 },
        });
      const saved = parseJson<Partial<ReportFields>>(draft?.fields ?? null);
      const fields = drafts.fieldsOf(suggestions[saved?.language ?? principal.language], saved, opinions);
      const [block] = blocksOf({
        isReader: true,
        signed: false,
        claimedBy: null,
        runs: of.runs,
        models: of.models,
        hidden,
        findings: signedFindings,
        fields,
      });
      if (block) throw refusal(block);
      if (unseen.length > 0)
        throw refusal({ code: 'undecided-findings', numbers: unseen.map(({ number }) => number) });

      const at = now();
      const record = recordOf({
        id: randomUUID(),
        version: round,
        signedAt: at,
        timeZone,
        siteName,
        reader: { id: personId, name: claim.name },
        fields,
        findings: signedFindings,
        marks: await marks.of(tx, studyUid, personId, round),
        of,
        imagesShown: claim.images,
        opinions,
        shown: new Map(shownRows.map((row) => [row.run_id, Number(row.at)])),
      });
      const content = canonicalJson(record);
      const sha256 = sha256Of(content);
      await tx
        .insertInto('report')
        .values({
          id: record.id,
          study_uid: studyUid,
          version: round,
          person_id: personId,
          person_role: 'reader',
          signed_at: at,
          content,
          sha256,
        })
        .execute();
      if (analysed.length > 0)
        await tx
          .insertInto('report_run')
          .values(analysed.map(({ run }) => ({ report_id: record.id, run_id: run.id })))
          .execute();
      const state = { version: round, report_id: record.id, signed_at: at, reopened_at: null };
      await tx
        .insertInto('reading_state')
        .values({ study_uid: studyUid, ...state })
        .onConflict((c) => c.column('study_uid').doUpdateSet(state))
        .execute();
      await tx.deleteFrom('claim').where('study_uid', '=', studyUid).execute();
      await store.events.append(tx, {
        kind: 'reading.report.signed',
        studyUid,
        subject: record.id,
        actor: personId,
        payload: {
          version: round,
          sha256,
          snapshot: snapshots.of(record, analysed, { amended: false, ...before, claimedAt: claim.since }),
          course: courseOf(record, analysed, before),
        },
      });
      return record.id;
    });
    return (await reports.report(reportId))!;
  };
}
