import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import { clipToImage } from '../assist/box.ts';
import type { AiFinding, Box, InstalledModel, RunRow } from '../assist/types.ts';
import type { InstanceRow } from '../archive/types.ts';
import { SEES_NO_AI } from '../archive/types.ts';
import { NegatoscopeError } from '../errors.ts';
import type { RejectReason } from '../evidence/types.ts';
import { plainText } from '../store/canonical.ts';
import type { Language, Principal } from '../people/types.ts';
import type { Claims } from './claims.ts';
import { notFound, parseJson, readerOf } from './context.ts';
import type { Context, ReadingTx } from './context.ts';
import { viewText, sideText } from './header.ts';
import { createSight } from './sight.ts';
import type { ReadingTables } from './tables.ts';
import type { Decision, Finding } from './types.ts';

const MAX_FINDINGS = 500;
const MAX_TEXT = 2000;

export const findingOf = (row: Selectable<ReadingTables['finding']>): Finding => ({
  id: row.id,
  by: row.origin,
  modelId: row.model_id,
  sopInstanceUid: row.sop_instance_uid,
  number: row.number,
  label: row.label,
  places: parseJson<Finding['places']>(row.places) ?? [],
  score: row.score,
  decision: row.decision,
  box: parseJson<Box>(row.box),
  text: row.text,
  decidedAt: row.decided_at === null ? null : Number(row.decided_at),
  runId: row.run_id,
  ...(row.reason ? { reason: row.reason } : {}),
});

/** An AI finding as it stands before anyone decided, for those who only look. */
export const undecided = (finding: AiFinding, run: RunRow, number: number): Finding => ({
  id: finding.id,
  by: 'ai',
  modelId: run.modelId,
  sopInstanceUid: finding.sopInstanceUid,
  number,
  label: finding.label,
  places: finding.places,
  score: finding.score,
  decision: null,
  box: null,
  text: null,
  decidedAt: null,
  runId: run.id,
});

const BOX_KEYS = ['x', 'y', 'width', 'height'] as const;

/** A box that lies in its image, at least in part: what stands out is cut off. */
export function boxWithin(box: Box, image: Pick<InstanceRow, 'rows' | 'columns'>): Box {
  const bad = () => new NegatoscopeError('box-outside', 'Draw the mark inside the image.');
  if (BOX_KEYS.some((key) => !Number.isFinite(box[key])) || box.width <= 0 || box.height <= 0) throw bad();
  const inside = clipToImage(box, image.columns ?? Infinity, image.rows ?? Infinity);
  if (!inside) throw bad();
  return inside;
}

/** Findings of one reader: AI's with the decisions, and the reader's own. */
export function createFindings(context: Context, claims: Claims) {
  const { store, archive, read, write, now } = context;
  const sightOf = createSight(context);

  const rows = async (db: Context['read'] | ReadingTx, studyUid: string, personId: string, round: number) =>
    (db as Context['read'])
      .selectFrom('finding')
      .selectAll()
      .where('study_uid', '=', studyUid)
      .where('person_id', '=', personId)
      .where('round', '=', round)
      .orderBy('number')
      .execute();

  async function nextNumber(tx: ReadingTx, studyUid: string, personId: string, round: number) {
    const { last } = await tx
      .selectFrom('finding')
      .select((eb) => eb.fn.max('number').as('last'))
      .where('study_uid', '=', studyUid)
      .where('person_id', '=', personId)
      .where('round', '=', round)
      .executeTakeFirstOrThrow();
    return Number(last ?? 0) + 1;
  }

  return {
    rows,

    /** Records, once, that a run was shown to a person, and what it showed. Returns false when it was shown before. */
    async show(
      tx: ReadingTx,
      run: RunRow,
      findings: readonly AiFinding[],
      person: { personId: string; round: number },
    ): Promise<boolean> {
      const { personId, round } = person;
      const first = await tx
        .insertInto('ai_shown')
        .values({ run_id: run.id, person_id: personId, study_uid: run.studyUid, round, at: now() })
        .onConflict((c) => c.columns(['run_id', 'person_id']).doNothing())
        .returning('run_id')
        .executeTakeFirst();
      if (!first) return false;
      let number = await nextNumber(tx, run.studyUid, personId, round);
      for (const finding of findings)
        await tx
          .insertInto('finding')
          .values({
            id: finding.id,
            person_id: personId,
            study_uid: run.studyUid,
            round,
            origin: 'ai',
            run_id: run.id,
            model_id: run.modelId,
            sop_instance_uid: finding.sopInstanceUid,
            number: number++,
            label: finding.label,
            places: JSON.stringify(finding.places),
            score: finding.score,
            decision: null,
            box: null,
            text: null,
            decided_at: null,
          })
          .execute();
      await store.events.append(tx, {
        kind: 'reading.ai-shown',
        studyUid: run.studyUid,
        subject: run.id,
        actor: personId,
        // What was shown stands in this room's tables; the log is read by more people than may see it.
        payload: { model: run.modelId },
      });
      return true;
    },

    /**
     * Accept, reject, correct, or take a decision back (null).
     * @throws NegatoscopeError `not-found` (404), `correction-empty`, `box-outside` (400), and those of a claim
     */
    async decide(
      findingId: string,
      input: {
        decision: Decision | null;
        box?: Box | null;
        text?: string | null;
        ms?: number | null;
        /** Of a rejection: kept with it, and gone with it. */
        reason?: RejectReason | null;
      },
      principal: Principal,
    ): Promise<Finding> {
      const personId = readerOf(principal);
      const known = await read
        .selectFrom('finding')
        .selectAll()
        .where('id', '=', findingId)
        .where('person_id', '=', personId)
        .executeTakeFirst();
      if (!known) throw notFound('finding');
      // It was shown once; a stage that was taken back hides it again, and then it reads as absent.
      if (known.run_id !== null && !(await sightOf(principal)([known.run_id])).has(known.run_id))
        throw notFound('finding');
      const image = await archive.instance(known.sop_instance_uid, SEES_NO_AI);
      const box = input.box ? boxWithin(input.box, image ?? { rows: null, columns: null }) : null;
      const text = plainText(input.text ?? '').slice(0, MAX_TEXT) || null;
      if (known.origin === 'ai' && input.decision === 'corrected' && !box && !text)
        throw new NegatoscopeError('correction-empty', 'A correction moves the mark or words it otherwise.');
      if (known.origin === 'reader' && input.decision !== 'accepted' && input.decision !== 'corrected')
        throw new NegatoscopeError('own-finding', 'Your own finding is removed, not rejected.');
      return write(async (tx) => {
        const { round } = await claims.require(tx, known.study_uid, personId);
        if (round !== known.round) throw notFound('finding');
        const own = known.origin === 'reader';
        const row = await tx
          .updateTable('finding')
          .set({
            decision: own ? 'accepted' : input.decision,
            // A box and a text belong to a correction; rejecting or taking back leaves AI's mark as it was.
            box:
              input.decision === 'corrected' || own
                ? box
                  ? JSON.stringify(box)
                  : input.box === undefined && own
                    ? known.box
                    : null
                : null,
            text:
              input.decision === null || input.decision === 'rejected'
                ? null
                : input.text === undefined && own
                  ? known.text
                  : text,
            decided_at: input.decision === null ? null : now(),
            reason: !own && input.decision === 'rejected' ? (input.reason ?? null) : null,
          })
          .where('id', '=', findingId)
          .where('person_id', '=', personId)
          .returningAll()
          .executeTakeFirstOrThrow();
        await store.events.append(tx, {
          kind: 'reading.decided',
          studyUid: known.study_uid,
          subject: findingId,
          actor: personId,
          // The run lets the audit keep it back from whoever may not see the run.
          payload: {
            decision: input.decision,
            run: known.run_id,
            ...(typeof input.ms === 'number' && known.run_id !== null ? { ms: input.ms } : {}),
          },
        });
        return findingOf(row);
      });
    },

    async add(
      studyUid: string,
      input: { sopInstanceUid: string; label: string; box: Box | null; text?: string },
      principal: Principal,
    ): Promise<Finding> {
      const personId = readerOf(principal);
      const image = await archive.instance(input.sopInstanceUid, SEES_NO_AI);
      if (!image || image.studyUid !== studyUid || image.kind !== 'image')
        throw new NegatoscopeError('image-unknown', 'There is no such image in this study.', { status: 404 });
      const label = plainText(input.label).replace(/\s+/g, ' ');
      if (label === '' || label.length > 64)
        throw new NegatoscopeError('label-missing', 'Say in a few words what the mark shows.');
      const box = input.box && boxWithin(input.box, image);
      return write(async (tx) => {
        const { round } = await claims.require(tx, studyUid, personId);
        const number = await nextNumber(tx, studyUid, personId, round);
        if (number > MAX_FINDINGS)
          throw new NegatoscopeError('too-many-findings', 'This study has too many marks.', { status: 409 });
        const id = randomUUID();
        const row = await tx
          .insertInto('finding')
          .values({
            id,
            person_id: personId,
            study_uid: studyUid,
            round,
            origin: 'reader',
            run_id: null,
            model_id: null,
            sop_instance_uid: input.sopInstanceUid,
            number,
            label,
            places: '[]',
            score: null,
            decision: 'accepted',
            box: box ? JSON.stringify(box) : null,
            text: plainText(input.text ?? '').slice(0, MAX_TEXT) || null,
            decided_at: now(),
          })
          .returningAll()
          .executeTakeFirstOrThrow();
        await store.events.append(tx, {
          kind: 'reading.decided',
          studyUid,
          subject: id,
          actor: personId,
          payload: { decision: 'added' },
        });
        return findingOf(row);
      });
    },

    /** One's own finding; AI's are rejected, not removed. */
    async remove(findingId: string, principal: Principal): Promise<void> {
      const personId = readerOf(principal);
      const known = await read
        .selectFrom('finding')
        .select(['study_uid', 'round'])
        .where('id', '=', findingId)
        .where('person_id', '=', personId)
        .where('origin', '=', 'reader')
        .executeTakeFirst();
      if (!known) throw notFound('finding');
      await write(async (tx) => {
        const { round } = await claims.require(tx, known.study_uid, personId);
        if (round !== known.round) throw notFound('finding');
        await tx
          .deleteFrom('finding')
          .where('id', '=', findingId)
          .where('person_id', '=', personId)
          .execute();
        await store.events.append(tx, {
          kind: 'reading.decided',
          studyUid: known.study_uid,
          subject: findingId,
          actor: personId,
          payload: { decision: 'removed' },
        });
      });
    },
  };
}
export type Findings = ReturnType<typeof createFindings>;

/** What a label says once a physician took it over: of the tool that knows it, else as the reader wrote it. */
export const labelText = (
  label: string,
  models: readonly Pick<InstalledModel, 'manifest'>[],
  language: Language,
): string =>
  models
    .flatMap(({ manifest }) => manifest.labels[label] ?? [])
    .map(({ accepted, text }) => (accepted ?? text)[language])
    .find((text) => text) ?? label;

/**
 * Sentences for the draft: accepted, corrected and own findings only. Nothing is added to them: no normal finding, no
 * displacement, no conclusion; view and side only as the image's header gives them.
 */
export function acceptedText(
  findings: readonly Finding[],
  images: readonly Pick<InstanceRow, 'sopInstanceUid' | 'viewPosition' | 'laterality'>[],
  models: readonly Pick<InstalledModel, 'manifest'>[],
  language: Language,
): string {
  return findings
    .filter(({ decision }) => decision === 'accepted' || decision === 'corrected')
    .map((finding) => {
      const place = images.findIndex(({ sopInstanceUid }) => sopInstanceUid === finding.sopInstanceUid);
      const image = images[place];
      const facts = [
        image?.viewPosition ? viewText(image.viewPosition, language) : '',
        image?.laterality ? sideText(image.laterality, language) : '',
      ].filter((text) => text !== '');
      const where = [`Image ${place + 1}`, ...facts].join(', ');
      return `${where}${language === 'fr' ? ' : ' : ': '}${finding.text ?? labelText(finding.label, models, language)}.`;
    })
    .join('\n')
    .replace(/([.!?])\.$/gm, '$1');
}
