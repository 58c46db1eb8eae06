/**
 * For tests of this room and of delivery: all rooms on one store, persons, studies, and results of a tool. The rooms are the
 * real ones; a result is written as the assist room writes it, with scores chosen by the test instead of a model's.
 */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { archiveMigrations, createArchive } from '../../archive/index.ts';
import { chunks, dicomFile, silentLog, type Made } from '../../archive/testing.ts';
import { assistMigrations, createAssist } from '../../assist/index.ts';
import type { AssistTables } from '../../assist/tables.ts';
import type { RunRow } from '../../assist/types.ts';
import { createEvidence, evidenceMigrations } from '../../evidence/index.ts';
import { createPeople, peopleMigrations } from '../../people/index.ts';
import type { Principal, Role } from '../../people/types.ts';
import { uuidv7, type Store } from '../../store/index.ts';
import { createReading, readingMigrations } from '../index.ts';

export const migrations = [
  ...peopleMigrations,
  ...archiveMigrations,
  ...assistMigrations,
  ...evidenceMigrations,
  ...readingMigrations,
];
const MODELS = fileURLToPath(new URL('../../../models', import.meta.url));
export const MODEL = 'fracture';
const TIME_ZONE = 'Europe/Paris';

export interface House extends Awaited<ReturnType<typeof openHouse>> {}

export async function openHouse(store: Store, options: { now?: () => number } = {}) {
  const { now = Date.now } = options;
  const people = createPeople({ store, now });
  const archive = createArchive({ store, now, log: silentLog as never, settings: { silenceMs: 50 } });
  const assist = createAssist({ store, archive, now, modelDirs: [MODELS] });
  const evidence = createEvidence({ store, assist, now, timeZone: TIME_ZONE });
  const reading = createReading({ store, archive, assist, evidence, now, timeZone: TIME_ZONE });
  await archive.start();
  await evidence.start();
  await reading.start();

  const until = async <T>(what: () => Promise<T | undefined | false>): Promise<T> => {
    for (let tries = 0; tries < 400; tries++) {
      await store.events.settled();
      const found = await what();
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error('waited in vain');
  };

  return {
    store,
    people,
    archive,
    assist,
    evidence,
    reading,
    until,

    async person(name: string, ...roles: Role[]): Promise<Principal> {
      const login = `${name.toLowerCase().replace(/[^a-z]/g, '')}${randomUUID().slice(0, 4)}`;
      const { id } = await people.add(
        { login, name, password: 'correct horse battery', roles, language: 'fr' },
        null as never,
      );
      return { personId: id, name: login, roles: new Set(roles), via: 'session', language: 'fr' };
    },

    /** One image of a study; the study's UID. */
    async image(made: Made = {}): Promise<{ studyUid: string; sopInstanceUid: string; seriesUid: string }> {
      const outcome = await archive.ingest(chunks(dicomFile({ rows: 64, columns: 64, ...made })), {
        door: 'import',
        from: 'test',
      });
      if (outcome.status !== 'stored') throw new Error(`not stored: ${JSON.stringify(outcome)}`);
      return outcome;
    },

    /** A run of the fracture model in the given state; `scores` by image, positive at 0.5. */
    async run(
      studyUid: string,
      state: RunRow['state'],
      scores: Record<string, number> = {},
      id: string = randomUUID(),
    ): Promise<string> {
      const at = now();
      const model = (await assist.model(MODEL))!.manifest;
      const series = new Map(
        (await archive.findInstances({ match: {}, studyUid }, async () => new Set())).map((instance) => [
          instance.sopInstanceUid,
          instance.seriesUid,
        ]),
      );
      await store.write<AssistTables, void>(async (tx) => {
        const finished = state === 'waiting' || state === 'running' ? null : at;
        await tx
          .insertInto('ai_run')
          .values({
            id,
            study_uid: studyUid,
            model_id: MODEL,
            model_version: model.version,
            weights_sha256: model.weights.sha256,
            software_version: '0.1.0',
            state,
            reason: state === 'not-run' ? 'child' : null,
            detail: null,
            operating_point: 'balanced',
            threshold: 0.5,
            input_digest: id,
            queued_at: at,
            started_at: at,
            computed_at: finished,
            finished_at: finished,
            attempt: 1,
            sr_sop_instance_uid: null,
          })
          .onConflict((c) => c.column('id').doUpdateSet({ state, finished_at: finished }))
          .execute();
        let number = 0;
        for (const [sop, score] of Object.entries(scores)) {
          await tx
            .insertInto('ai_run_image')
            .values({
              run_id: id,
              sop_instance_uid: sop,
              series_uid: series.get(sop) ?? '1.2',
              position: number,
              body_part: 'WRIST',
              score,
              positive: score >= 0.5 ? 1 : 0,
              heat_rows: null,
              heat_columns: null,
              heat: null,
              heat_box: null,
            })
            .execute();
          if (score < 0.5) continue;
          await tx
            .insertInto('ai_finding')
            .values({
              id: uuidv7(),
              run_id: id,
              study_uid: studyUid,
              sop_instance_uid: sop,
              number: ++number,
              label: 'fracture',
              score,
              places: JSON.stringify([{ box: { x: 4, y: 6, width: 20, height: 16 }, peak: 0.9 }]),
            })
            .execute();
        }
        await store.events.append(tx, {
          kind: finished === null ? 'assist.run.queued' : 'assist.run.finished',
          studyUid,
          subject: id,
          actor: 'system',
          payload: { model: MODEL, state },
        });
      });
      await store.events.settled();
      return id;
    },

    /** Opens the pilot for some readers, by an administrator who reads. */
    async pilot(readers: readonly Principal[], blindFirst = true): Promise<Principal> {
      const chief = await this.person('Dr Chef', 'admin', 'reader');
      await evidence.setStage(
        MODEL,
        'pilot',
        { readers: readers.map(({ personId }) => personId!), blindFirst, reason: 'Premier essai' },
        chief,
      );
      return chief;
    },

    /** Claims, answers, concludes and signs. */
    async readAndSign(studyUid: string, reader: Principal, answer: 'yes' | 'no' | 'uncertain' | null = 'no') {
      await reading.claim(studyUid, reader);
      const view = await reading.open(studyUid, reader);
      const draft = await reading.saveDraft(
        studyUid,
        { conclusion: 'Conclusion.', ...(answer ? { answers: { [MODEL]: answer } } : {}) },
        view.draft.revision,
        reader,
      );
      return reading.sign(studyUid, draft.revision, reader);
    },
  };
}
