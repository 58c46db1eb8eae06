import { createCases } from './cases.ts';
import { createClaims } from './claims.ts';
import { createContext, type ReadingDeps } from './context.ts';
import { createDesk } from './desk.ts';
import { createDrafts } from './drafts.ts';
import { createFindings } from './findings.ts';
import { startForgetting } from './forget.ts';
import { createLate } from './late.ts';
import { createMarks } from './marks.ts';
import { createReports } from './reports.ts';
import { createSight } from './sight.ts';
import { createSign } from './sign.ts';
import { createSnapshots } from './snapshot.ts';
import { noteSeen } from './standing.ts';
import { templates } from './templates/index.ts';
import type { Reading } from './types.ts';
import { createWorklist } from './worklist.ts';

export { knownDocuments, signedAt } from './forget.ts';
export { readingMigrations } from './migrations.ts';
export { standingOf } from './standing.ts';
export type * from './types.ts';

/**
 * The reading room: who reads what, what they are shown, decide, write and sign.
 *
 * @example
 * const reading = createReading({ store, archive, assist, evidence, timeZone: 'Europe/Paris' });
 * await reading.start();
 * await reading.claim(studyUid, reader);
 * const view = await reading.open(studyUid, reader);
 */
export function createReading(deps: ReadingDeps): Reading {
  const context = createContext(deps);
  const claims = createClaims(context);
  const findings = createFindings(context, claims);
  const marks = createMarks(context, claims);
  const reports = createReports(context);
  const snapshots = createSnapshots(context);
  const cases = createCases(context);
  const drafts = createDrafts(context, { claims, cases });
  const desk = createDesk(context, { cases, claims, drafts, findings, marks, reports });
  const late = createLate(context, { reports, snapshots });
  return {
    sightOf: createSight(context),
    worklist: createWorklist(context),
    open: desk.open,
    claim: claims.claim,
    release: claims.release,
    giveOpinion: desk.giveOpinion,
    decide: findings.decide,
    addFinding: findings.add,
    removeFinding: findings.remove,
    putMark: marks.put,
    removeMark: marks.remove,
    saveDraft: drafts.save,
    templates,
    sign: createSign(context, { cases, claims, drafts, findings, marks, reports, snapshots }),
    addendum: (reportId, text, principal) => reports.addendum(reportId, text, principal, snapshots),
    report: reports.report,
    discrepancies: late.list,
    markSeen: late.markSeen,
    documentStored: reports.documentStored,
    async noteSeen(seen, principal) {
      if (principal.personId) await noteSeen(deps.store, principal.personId, seen, (deps.now ?? Date.now)());
    },
    async start() {
      late.start();
      startForgetting(deps.store);
    },
  };
}
