/**
 * A practice made to measure: a million studies in the index and 200,000 signed reports of studies that a tool has read.
 *
 * Studies are written by the function that ingest writes with. Reports are `reading.report.signed` events, as the reading room
 * appends them, sealed by the store and taken up by the consumer of the evidence room: its rows are those that real work leaves.
 * Behind each stand a run of the tool and its image as rows of the assist room; no file.
 */
import { readFileSync } from 'node:fs';
import { arrival } from '../src/archive/testing.ts';
import type { AssistTables } from '../src/assist/tables.ts';
import { generator } from '../src/evidence/bootstrap.ts';
import { createEvidence, type Answer, type ReadingFact } from '../src/evidence/index.ts';
import { migrations } from '../src/open.ts';
import { createStore, type Store, type Tx } from '../src/store/index.ts';
import { index } from './studies.ts';

const MANIFEST = new URL('../models/fracture/model.json', import.meta.url);
const DAY = 86_400_000;
const YEARS = 5;
const STUDIES_AT_ONCE = 2000;
const REPORTS_AT_ONCE = 500;

/** The built-in tool. */
export const TOOL: { id: string; version: string } = JSON.parse(readFileSync(MANIFEST, 'utf8'));

export interface Place {
  readonly dir: string;
  readonly url?: string | undefined;
}
export interface Size {
  readonly studies: number;
  readonly reports: number;
}

const uidOf = (i: number): string => `2.25.7${String(i).padStart(12, '0')}`;

/** Fills an installation that does not run. */
export async function fill(place: Place, size: Size, say: (text: string) => void): Promise<void> {
  const store = await createStore({ dir: place.dir, migrations, ...(place.url ? { url: place.url } : {}) });
  try {
    await writeStudies(store, size.studies, say);
    await signReports(store, size, say);
  } finally {
    await store.close();
  }
}

/** One more report of a study that has none yet, signed now. */
export async function signOneMore(place: Place, { studies, reports }: Size): Promise<void> {
  const store = await createStore({ dir: place.dir, migrations, ...(place.url ? { url: place.url } : {}) });
  try {
    await createRoom(store);
    const [fact] = signedFacts({ studies, reports: 1 });
    const id = `m${await store.events.lastSeq()}`;
    await sign(store, [{ ...fact!, reportId: id, studyUid: `2.25.8${id.slice(1)}`, signedAt: Date.now() }]);
    await store.events.settled();
  } finally {
    await store.close();
  }
}

async function createRoom(store: Store): Promise<void> {
  const assist = { model: async () => ({ manifest: { ...TOOL, operatingPoints: {} } }) as never };
  await createEvidence({ store, assist, timeZone: 'Europe/Paris' }).start();
}

async function sign(store: Store, facts: readonly ReadingFact[]): Promise<void> {
  await store.write<AssistTables, void>(async (tx) => {
    await writeRuns(tx, facts);
    for (const fact of facts)
      await store.events.append(tx, {
        kind: 'reading.report.signed',
        studyUid: fact.studyUid,
        subject: fact.reportId,
        payload: { snapshot: { studyUid: fact.studyUid, facts: [fact] } },
      });
  });
}

async function writeStudies(store: Store, count: number, say: (text: string) => void): Promise<void> {
  for (let from = 0; from < count; from += STUDIES_AT_ONCE) {
    const arrivals = Array.from({ length: Math.min(STUDIES_AT_ONCE, count - from) }, (_, k) => {
      const i = from + k;
      const at = new Date(Date.UTC(2021, 0, 1) + Math.floor((i / count) * YEARS * 365) * DAY);
      return arrival({
        study: uidOf(i),
        series: `${uidOf(i)}.1`,
        sop: `${uidOf(i)}.1.1`,
        patientId: `P${Math.floor(i / 2)}`,
        patientName: `Patient^${Math.floor(i / 2)}`,
        accession: `A${i}`,
        studyDate: at.toISOString().slice(0, 10).replaceAll('-', ''),
        modality: 'DX',
      });
    });
    await index(store, arrivals);
    if (from % 100_000 === 0) say(`${from} of ${count} studies in the index …`);
  }
}

/** Every fifth study was read with the tool: prevalence 20 %, sensitivity 0.90, specificity 0.92, one in fifty uncertain. */
export function* signedFacts({ studies, reports }: Size): Generator<ReadingFact> {
  const next = generator(5);
  const chance = () => next() / 2 ** 32;
  const BODY = ['WRIST', 'HAND', 'ANKLE', 'FOOT', 'KNEE', 'SHOULDER', 'ELBOW', 'HIP'];
  for (let i = 0; i < reports; i += 1) {
    const signedAt = Math.floor(Date.UTC(2021, 0, 1) + ((i + chance()) / reports) * YEARS * 365 * DAY);
    const broken = chance() < 0.2;
    const aiPositive = chance() < (broken ? 0.9 : 0.08);
    const conclusion: Answer = chance() < 0.02 ? 'uncertain' : broken ? 'yes' : 'no';
    const wrong = aiPositive !== broken;
    yield {
      reportId: `r${String(i).padStart(9, '0')}`,
      studyUid: uidOf(Math.floor((i * studies) / reports)),
      modelId: TOOL.id,
      modelVersion: TOOL.version,
      stage: 'shadow',
      readerId: `reader-${i % 12}`,
      bodyPart: BODY[Math.floor(chance() * BODY.length)]!,
      priority: chance() < 0.1 ? 'STAT' : 'ROUTINE',
      arrivedAt: signedAt - Math.floor(Math.exp(14.5 + 1.2 * (chance() + chance() + chance() - 1.5))),
      signedAt,
      aiPositive,
      aiScoreMax: aiPositive ? 0.5 + chance() / 2 : chance() ** 2 / 2,
      images: 1 + Math.floor(chance() * 3),
      marks: Number(aiPositive),
      marksRejected: 0,
      marksAccepted: 0,
      marksCorrected: 0,
      marksAdded: Number(wrong && broken),
      conclusion,
      blindConclusion: conclusion,
      inTraining: i % 997 === 0,
      amended: false,
      inReport: true,
      falseAlarms: Number(wrong && !broken),
      perImage: {
        truePositive: Number(broken && aiPositive),
        falsePositive: Number(!broken && aiPositive),
        falseNegative: Number(broken && !aiPositive),
        trueNegative: Number(!broken && !aiPositive),
      },
    };
  }
}

export async function writeRuns(tx: Tx<AssistTables>, facts: readonly ReadingFact[]): Promise<void> {
  const runs = facts.map((fact) => ({
    id: `run-${fact.reportId}`,
    study_uid: fact.studyUid,
    model_id: fact.modelId,
    model_version: fact.modelVersion,
    weights_sha256: '',
    software_version: '',
    state: 'analysed' as const,
    reason: null,
    detail: null,
    operating_point: 'balanced',
    threshold: 0.5,
    input_digest: fact.reportId,
    queued_at: fact.arrivedAt,
    started_at: fact.arrivedAt + 1000,
    computed_at: fact.arrivedAt + 2000,
    finished_at: fact.arrivedAt + 3000,
    attempt: 1,
    sr_sop_instance_uid: null,
  }));
  const images = facts.map((fact) => ({
    run_id: `run-${fact.reportId}`,
    sop_instance_uid: `${fact.studyUid}.1.1`,
    series_uid: `${fact.studyUid}.1`,
    position: 0,
    body_part: fact.bodyPart,
    score: fact.aiScoreMax,
    positive: Number(fact.aiPositive),
    ...{ heat_rows: null, heat_columns: null, heat: null, heat_box: null, scores: null, measurements: null },
  }));
  await tx.insertInto('ai_run').values(runs).execute();
  await tx.insertInto('ai_run_image').values(images).execute();
}

async function signReports(store: Store, size: Size, say: (text: string) => void): Promise<void> {
  await createRoom(store);
  let batch: ReadingFact[] = [];
  let done = 0;
  const flush = async () => {
    await sign(store, batch);
    done += batch.length;
    batch = [];
    if (done % 20_000 !== 0) return;
    await store.events.settled();
    say(`${done} of ${size.reports} reports signed, sealed and taken up …`);
  };
  for (const fact of signedFacts(size)) {
    batch.push(fact);
    if (batch.length === REPORTS_AT_ONCE) await flush();
  }
  if (batch.length > 0) await flush();
  await store.events.settled();
}
