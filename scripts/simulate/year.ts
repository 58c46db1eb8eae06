/**
 * `npm run simulate -- year [--studies 600]`: one year through the store, the event log, the consumer, stages, protocol, gate and
 * safety limit of the program, on a database of its own and with a clock of its own. Reports are signed as events of the reading
 * room; images, runs and the doors are not part of it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEvidence, type Answer, type ReadingFact, type Stage } from '../../src/evidence/index.ts';
import { migrations } from '../../src/open.ts';
import { createPeople } from '../../src/people/index.ts';
import type { Principal } from '../../src/people/types.ts';
import { createStore } from '../../src/store/index.ts';
import { SAFETY } from './fast.ts';
import { drawFrom } from './intervals/draw.ts';
import { againstReaders, type Practice, yearOf } from './practice.ts';

const TOOL = 'fracture';
const VERSION = '1.0.0';
/** Share of the year in evaluation and in pilot; then routine, if the gate lets it. */
const PARTS = { evaluation: 0.15, pilot: 0.25 };

export interface Told {
  readonly signed: number;
  readonly seconds: number;
  /** Of the part in which the tool was as good as ever. */
  readonly sensitivity: { k: number; n: number; low: number | null; high: number | null; truth: number };
  readonly specificity: { k: number; n: number; low: number | null; high: number | null; truth: number };
  /** Each act: stage, study of the year, what the gate said. */
  readonly acts: readonly { to: Stage; after: number; gate: string }[];
  readonly alarms: readonly { after: number; degraded: boolean }[];
  readonly suspendedAfter: number | null;
}

export async function year(practice: Practice, seed: number): Promise<Told> {
  const dir = mkdtempSync(join(tmpdir(), 'negatoscope-simulate-'));
  let clock = practice.from;
  const now = () => clock;
  const store = await createStore({ dir, migrations, now });
  const began = performance.now();
  try {
    const manifest = { id: TOOL, version: VERSION, operatingPoints: {}, defaultOperatingPoint: 'x' };
    const assist = { model: async () => ({ manifest }) as never };
    const evidence = createEvidence({ store, assist, timeZone: 'UTC', now });
    await evidence.start();
    const people = createPeople({ store });
    const { id } = await people.add(
      { login: 'chief', name: 'Chief', password: 'correct horse battery', roles: ['admin', 'reader'], language: 'en' }, // prettier-ignore
      null,
    );
    const chief: Principal = { personId: id, name: 'chief', roles: new Set(['admin', 'reader']), via: 'session', language: 'en' }; // prettier-ignore
    const studies = yearOf(practice, drawFrom(seed));
    const acts: { to: Stage; after: number; gate: string }[] = [];
    let signed = 0;
    const go = async (to: Stage) => {
      const { gate } = await evidence.gates.view(TOOL, chief);
      await evidence.setStage(TOOL, to, { readers: [id], blindFirst: true, reason: 'Simulated' }, chief);
      acts.push({ to, after: signed, gate: gate?.verdict ?? '–' });
    };
    for (const stage of ['evaluation', 'pilot'] as const)
      await evidence.gates.register(
        TOOL,
        {
          stage,
          source: 'readings',
          reference: 'Own conclusions of the readers, before AI was seen.',
          hypotheses: [
            { measure: 'sensitivity', target: 0.87, margin: 0.15, design: 'fixed', cases: Math.max(30, Math.round(practice.studies * PARTS[stage] * practice.prevalence * 0.8)) }, // prettier-ignore
          ],
          subgroups: [],
          safety: stage === 'pilot' ? [SAFETY[1]] : [],
          futility: false,
          days: null,
        },
        chief,
      );
    let suspendedAfter: number | null = null;
    const marks = [PARTS.evaluation, PARTS.evaluation + PARTS.pilot].map((part) => Math.round(part * studies.length)); // prettier-ignore
    for (const study of studies) {
      clock = Math.max(clock + 1, study.signedAt);
      const { stage } = await evidence.stage(TOOL);
      const answer = (yes: boolean): Answer => (yes ? 'yes' : 'no');
      const shown = stage === 'pilot' || stage === 'routine';
      const fact: ReadingFact = {
        reportId: `r${String(study.number).padStart(6, '0')}`,
        studyUid: `2.25.6${study.number}`,
        modelId: TOOL,
        modelVersion: VERSION,
        stage,
        readerId: `reader-${study.reader}`,
        bodyPart: 'WRIST',
        priority: 'ROUTINE',
        arrivedAt: study.arrivedAt,
        signedAt: clock,
        aiPositive: study.marked,
        aiScoreMax: study.score,
        images: 1,
        marks: Number(study.marked),
        marksRejected: Number(shown && study.marked && !study.signed),
        marksAccepted: Number(shown && study.marked && study.signed),
        marksCorrected: 0,
        marksAdded: 0,
        conclusion: answer(shown ? study.signed : study.blind),
        blindConclusion: answer(study.blind),
        inTraining: false,
        amended: false,
      };
      await store.write((tx) =>
        store.events.append(tx, {
          kind: 'reading.report.signed',
          studyUid: fact.studyUid,
          subject: fact.reportId,
          payload: { snapshot: { studyUid: fact.studyUid, facts: [fact] } },
        }),
      );
      signed += 1;
      // What a person would see before they decide; and the watch of the safety limit has had its turn.
      if (signed % 20 === 0 || marks.includes(signed)) await store.events.settled();
      if (signed === marks[0]) await go('pilot');
      if (signed === marks[1] && suspendedAfter === null) await go('routine');
      if (suspendedAfter === null && (await evidence.stage(TOOL)).stage === 'suspended')
        suspendedAfter = signed;
    }
    await store.events.settled();

    const since = studies.find(({ degraded }) => degraded)?.signedAt;
    const { accuracy, studiesRead } = await evidence.summary(TOOL, since === undefined ? {} : { to: since });
    const truth = againstReaders(practice, practice.tool);
    const { missed } = await evidence.monitoring(TOOL);
    return {
      signed: since === undefined ? studiesRead : signed,
      seconds: (performance.now() - began) / 1000,
      sensitivity: { ...accuracy.sensitivity.uncertainAsNegative, truth: truth.sensitivity },
      specificity: { ...accuracy.specificity.uncertainAsNegative, truth: truth.specificity },
      acts,
      alarms: missed.alarms.map(({ at }) => ({
        after: studies.filter(({ signedAt }) => signedAt <= at).length,
        degraded: since !== undefined && at >= since,
      })),
      suspendedAfter,
    };
  } finally {
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

export function tellYear(title: string, practice: Practice, told: Told, say: (line: string) => void): void {
  const rate = ({ k, n, low, high, truth }: Told['sensitivity']) =>
    `${k} / ${n}, ${low?.toFixed(3)} to ${high?.toFixed(3)}, truth ${truth.toFixed(3)} ${low! <= truth && truth <= high! ? 'held' : 'NOT HELD'}`;
  say(`${title}: ${told.signed} reports in ${told.seconds.toFixed(0)} s`);
  say(`  sensitivity ${rate(told.sensitivity)}`);
  say(`  specificity ${rate(told.specificity)}`);
  for (const { to, after, gate } of told.acts) say(`  ${to} after ${after} reports (gate: ${gate})`);
  if (practice.degraded)
    say(`  worse from report ${Math.round((practice.studies * practice.degraded.day) / practice.days)} on`);
  say(`  alarms of missed findings: ${told.alarms.map(({ after, degraded }) => `${after}${degraded ? '' : ' (false)'}`).join(', ') || 'none'}`); // prettier-ignore
  say(`  suspended by its safety limit: ${told.suspendedAfter === null ? 'never' : `by report ${told.suspendedAfter}`}`); // prettier-ignore
}
