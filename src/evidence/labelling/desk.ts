/** One case at a time, for the person who labels. Nothing here says what the tool found, or why a case is there. */
import { NegatoscopeError } from '../../errors.ts';
import type { Principal } from '../../people/types.ts';
import { caseToLabel } from './case.ts';
import { closed, newId, personWith, queueOf, type Context, type WholeQueue } from './context.ts';
import { createOffers, liveHolds, placesOf } from './offer.ts';
import { labelsOf, type LabellingTx } from './project.ts';
import type { LabellingTables } from './tables.ts';
import type { Desk, LabelBox, LabelForm, LabelKind, QueueToLabel } from './types.ts';

const MAX_BOXES = 50;

export function createDesk(context: Context) {
  const { read, store, standing, now, happen, queue, imagesOf } = context;
  const { openTo, take } = createOffers(context);

  const last = (tx: Pick<LabellingTx, 'selectFrom'>, queueId: string, personId: string) =>
    tx
      .selectFrom('label')
      .selectAll()
      .where('queue_id', '=', queueId)
      .where('person_id', '=', personId)
      .where('undone_at', 'is', null)
      .where('kind', '!=', 'follow-up')
      .orderBy('given_at', 'desc')
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst();

  async function summary(of: WholeQueue, personId: string, left: number): Promise<QueueToLabel> {
    const { given } = await read
      .selectFrom('label')
      .select((eb) => eb.fn.countAll<number>().as('given'))
      .where('queue_id', '=', of.id)
      .where('person_id', '=', personId)
      .where('undone_at', 'is', null)
      .executeTakeFirstOrThrow();
    return {
      id: of.id,
      title: of.title,
      modelId: of.modelId,
      drawnAt: of.drawnAt,
      closed: of.closedAt !== null,
      given: Number(given),
      left,
    };
  }

  async function next(queueId: string, by: Principal, first?: string): Promise<Desk> {
    const personId = personWith(by, 'reader');
    const of = await queue(queueId);
    if (of.closedAt !== null)
      return { queue: await summary(of, personId, 0), case: null, following: null, undo: false };
    const open = await openTo(of, personId);
    const taken = await take(of, personId, open, first);
    const cases = await Promise.all(taken.map((each) => caseToLabel(context, of, personId, each)));
    const [present, following] = cases.filter((each) => each !== null);
    const undo = await last(read as never, queueId, personId);
    return {
      queue: await summary(of, personId, open.length),
      case: present ?? null,
      following: following ?? null,
      undo: undo !== undefined && !(await isSettled(read as never, undo)),
    };
  }

  /** Somebody decided on what the label said: it stands. */
  async function isSettled(
    tx: Pick<LabellingTx, 'selectFrom'>,
    label: { id: string; queue_id: string; study_uid: string; kind: LabelKind },
  ): Promise<boolean> {
    if (label.kind !== 'reading') return false;
    const labels = await labelsOf(tx, label.queue_id, [label.study_uid]);
    return labels.some(({ kind }) => kind === 'adjudication' || kind === 'consensus');
  }

  async function checkBoxes(studyUid: string, form: LabelForm): Promise<LabelBox[]> {
    if (form.boxes.length === 0) return [];
    if (form.answer !== 'yes')
      throw new NegatoscopeError('boxes-without-yes', 'Boxes go with the answer yes.');
    if (form.boxes.length > MAX_BOXES)
      throw new NegatoscopeError('box-outside', `At most ${MAX_BOXES} boxes.`);
    const images = new Map((await imagesOf(studyUid)).map((image) => [image.sopInstanceUid, image]));
    return form.boxes.map(({ sopInstanceUid, box }) => {
      const image = images.get(sopInstanceUid);
      const inside =
        image?.columns &&
        image.rows &&
        box.x >= 0 &&
        box.y >= 0 &&
        box.width > 0 &&
        box.height > 0 &&
        box.x + box.width <= image.columns + 0.5 &&
        box.y + box.height <= image.rows + 0.5;
      if (!inside) throw new NegatoscopeError('box-outside', 'A box lies outside of its image.');
      return { sopInstanceUid, box: { x: box.x, y: box.y, width: box.width, height: box.height } };
    });
  }

  return {
    async toLabel(by: Principal): Promise<QueueToLabel[]> {
      const personId = personWith(by, 'reader');
      const rows = await read
        .selectFrom('label_queue')
        .selectAll()
        .where('closed_at', 'is', null)
        .orderBy('drawn_at', 'desc')
        .execute();
      return Promise.all(
        rows.map(async (row) => {
          const of = queueOf(row);
          const open = await openTo(of, personId);
          return summary(of, personId, open.length);
        }),
      );
    },

    next: (queueId: string, by: Principal) => next(queueId, by),

    async label(queueId: string, form: LabelForm, by: Principal): Promise<Desk> {
      const personId = personWith(by, 'reader');
      const of = await queue(queueId);
      const boxes = await checkBoxes(form.studyUid, form);
      // Asked now, not when the case was offered: it may have been opened elsewhere meanwhile.
      const stand = (await standing({ personId, modelId: of.modelId, studyUids: [form.studyUid] })).get(
        form.studyUid,
      );
      const id = newId();
      await happen(
        [
          {
            kind: 'evidence.label.given',
            subject: id,
            actor: personId,
            payload: {
              queue: queueId,
              studyUid: form.studyUid,
              kind: form.kind,
              answer: form.answer,
              boxes,
              exposure: stand?.exposure ?? null,
            },
          },
        ],
        async (tx) => {
          await context.assertHolds(tx, personId, 'reader');
          const present = await tx
            .selectFrom('label_queue')
            .select('closed_at')
            .where('id', '=', queueId)
            .executeTakeFirstOrThrow();
          if (present.closed_at !== null) throw closed();
          const labels = await labelsOf(tx, queueId, [form.studyUid]);
          const own = labels.filter((label) => label.personId === personId);
          if (own.some(({ kind }) => kind === form.kind) || (form.kind === 'adjudication' && own.length > 0))
            throw new NegatoscopeError('already-labelled', 'You have answered this case.', { status: 409 });
          // Whatever was not offered is answered alike: that a study is in no queue would say that it was not marked.
          const row = await tx
            .selectFrom('label_case')
            .innerJoin('label_hold', (join) =>
              join
                .onRef('label_hold.queue_id', '=', 'label_case.queue_id')
                .onRef('label_hold.study_uid', '=', 'label_case.study_uid')
                .on('label_hold.person_id', '=', personId),
            )
            .select(['need', 'missing', 'until'])
            .where('label_case.queue_id', '=', queueId)
            .where('label_case.study_uid', '=', form.studyUid)
            .executeTakeFirst();
          const at = now();
          const others = (await liveHolds(tx, queueId, at)).filter(
            (hold) => hold.study_uid === form.studyUid && hold.person_id !== personId,
          );
          // Who let the case lapse does not take it from those who have it at hand.
          const lapsed = row !== undefined && Number(row.until) <= at && others.length >= placesOf(row);
          if (!row || row.need !== form.kind || lapsed)
            throw new NegatoscopeError('case-taken', 'This case is not yours to answer now.', {
              status: 409,
            });
          await tx
            .deleteFrom('label_hold')
            .where('queue_id', '=', queueId)
            .where('study_uid', '=', form.studyUid)
            .where('person_id', '=', personId)
            .execute();
        },
      );
      return next(queueId, by);
    },

    async undo(queueId: string, by: Principal): Promise<Desk> {
      const personId = personWith(by, 'reader');
      if ((await queue(queueId)).closedAt !== null) throw closed();
      const label = await last(read as never, queueId, personId);
      if (!label)
        throw new NegatoscopeError('nothing-to-undo', 'There is nothing to take back.', { status: 409 });
      await happen(
        [
          {
            kind: 'evidence.label.undone',
            subject: label.id,
            actor: personId,
            payload: { queue: queueId },
          },
        ],
        async (tx) => {
          await context.assertHolds(tx, personId, 'reader');
          if ((await last(tx, queueId, personId))?.id !== label.id)
            throw new NegatoscopeError('nothing-to-undo', 'It is taken back already.', { status: 409 });
          if (await isSettled(tx, label))
            throw new NegatoscopeError('label-settled', 'It has been decided upon since, and stands.', {
              status: 409,
            });
        },
      );
      return next(queueId, by, label.study_uid);
    },

    async pause(queueId: string, by: Principal): Promise<void> {
      const personId = personWith(by, 'reader');
      await queue(queueId);
      await store.write<LabellingTables, unknown>((tx) =>
        tx
          .deleteFrom('label_hold')
          .where('queue_id', '=', queueId)
          .where('person_id', '=', personId)
          .execute(),
      );
    },
  };
}
