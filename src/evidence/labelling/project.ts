/** From events to rows. What a person does writes its event and, in the same transaction, these rows by the same code. */
import type { Tx } from '../../store/types.ts';
import { numberOf } from '../random.ts';
import type { Answer } from '../types.ts';
import { stateOf, type GivenLabel } from './needs.ts';
import type { LabellingTables } from './tables.ts';
import type { AnalysedStudy, DrawForm, Exposure, Frame, LabelBox, LabelKind } from './types.ts';

export type LabellingTx = Tx<LabellingTables>;
/** Rows of one insert: below the limits of parameters of both databases. */
const CHUNK = 500;
export const FRAME_CHUNK = 1000;

export interface Drawn extends DrawForm {
  frame: Frame;
  seed: string;
  orderSeed: string;
  frameSha256: string;
}
export interface Given {
  queue: string;
  studyUid: string;
  kind: LabelKind;
  answer: Answer;
  boxes: LabelBox[];
  exposure: Exposure | null;
}
/** A fact of this room: what the event log keeps, with who and when. */
export type Happening = { subject: string; actor: string; at: number } & (
  | { kind: 'evidence.labelling.drawn'; payload: Drawn }
  | {
      kind: 'evidence.labelling.frame';
      /** In the order of the draw, `from` the place of the first. */
      payload: { marked: boolean; from: number; studies: [studyUid: string, runId: string][] };
    }
  | { kind: 'evidence.labelling.extended'; payload: { sample: number } }
  | { kind: 'evidence.labelling.changed'; payload: { offerUnread: boolean } }
  | { kind: 'evidence.labelling.closed'; payload: Record<string, never> }
  | { kind: 'evidence.label.given'; payload: Given }
  | { kind: 'evidence.label.undone'; payload: { queue: string } }
);
export const KINDS = [
  'evidence.labelling.drawn',
  'evidence.labelling.frame',
  'evidence.labelling.extended',
  'evidence.labelling.changed',
  'evidence.labelling.closed',
  'evidence.label.given',
  'evidence.label.undone',
] as const satisfies readonly Happening['kind'][];

const queueOf = (tx: LabellingTx, id: string) =>
  tx.selectFrom('label_queue').selectAll().where('id', '=', id).executeTakeFirst();

export async function project(tx: LabellingTx, event: Happening): Promise<void> {
  const { subject, actor, at } = event;
  switch (event.kind) {
    case 'evidence.labelling.drawn': {
      const { payload } = event;
      await tx
        .insertInto('label_queue')
        .values({
          id: subject,
          model_id: payload.modelId,
          model_version: payload.modelVersion,
          operating_point: payload.operatingPoint,
          from_at: payload.from,
          to_at: payload.to,
          title: payload.title,
          seed: payload.seed,
          order_seed: payload.orderSeed,
          sample: payload.sample,
          ...payload.frame,
          frame_sha256: payload.frameSha256,
          second: payload.second,
          second_share: payload.secondShare,
          settling: payload.settling,
          offer_unread: Number(payload.offerUnread),
          drawn_by: actor,
          drawn_at: at,
          closed_at: null,
        })
        .execute();
      return;
    }
    case 'evidence.labelling.frame': {
      const queue = await queueOf(tx, subject);
      if (!queue) return;
      const { marked, from, studies } = event.payload;
      const rows = studies.map(([studyUid, runId], i) => {
        const place = from + i;
        const twice =
          queue.second === 'part' && numberOf(`${queue.order_seed} twice`, studyUid) < queue.second_share;
        return {
          queue_id: subject,
          study_uid: studyUid,
          run_id: runId,
          marked: Number(marked),
          place,
          drawn: Number(marked || place < queue.sample),
          twice: Number(twice),
          ...columnsOf(stateOf([], twice, queue)),
        };
      });
      for (let start = 0; start < rows.length; start += CHUNK)
        await tx
          .insertInto('label_case')
          .values(rows.slice(start, start + CHUNK))
          .execute();
      return;
    }
    case 'evidence.labelling.extended':
      await tx
        .updateTable('label_queue')
        .set({ sample: event.payload.sample })
        .where('id', '=', subject)
        .execute();
      await tx
        .updateTable('label_case')
        .set({ drawn: 1 })
        .where('queue_id', '=', subject)
        .where('marked', '=', 0)
        .where('place', '<', event.payload.sample)
        .execute();
      return;
    case 'evidence.labelling.changed':
      await tx
        .updateTable('label_queue')
        .set({ offer_unread: Number(event.payload.offerUnread) })
        .where('id', '=', subject)
        .execute();
      return;
    case 'evidence.labelling.closed':
      await tx.updateTable('label_queue').set({ closed_at: at }).where('id', '=', subject).execute();
      return;
    case 'evidence.label.given': {
      const { queue, studyUid, kind, answer, boxes, exposure } = event.payload;
      await tx
        .insertInto('label')
        .values({
          id: subject,
          queue_id: queue,
          study_uid: studyUid,
          kind,
          answer,
          boxes: JSON.stringify(boxes),
          exposure,
          person_id: actor,
          person_role: 'reader',
          given_at: at,
          undone_at: null,
        })
        .execute();
      return settle(tx, queue, studyUid);
    }
    case 'evidence.label.undone': {
      const label = await tx
        .updateTable('label')
        .set({ undone_at: at })
        .where('id', '=', subject)
        .returning(['queue_id', 'study_uid'])
        .executeTakeFirst();
      if (label) await settle(tx, label.queue_id, label.study_uid);
    }
  }
}

const columnsOf = ({ need, missing, answer, origin }: ReturnType<typeof stateOf>) => ({
  need,
  missing,
  answer,
  origin,
});

/** The labels of cases that were not taken back. */
export async function labelsOf(
  tx: Pick<LabellingTx, 'selectFrom'>,
  queueId: string,
  studyUids: readonly string[],
): Promise<(GivenLabel & { id: string; studyUid: string; boxes: LabelBox[] })[]> {
  const rows = [];
  for (let start = 0; start < studyUids.length; start += CHUNK)
    rows.push(
      ...(await tx
        .selectFrom('label')
        .selectAll()
        .where('queue_id', '=', queueId)
        .where('study_uid', 'in', studyUids.slice(start, start + CHUNK))
        .where('undone_at', 'is', null)
        .orderBy('given_at')
        .orderBy('id')
        .execute()),
    );
  return rows.map((row) => ({
    id: row.id,
    studyUid: row.study_uid,
    kind: row.kind,
    answer: row.answer,
    exposure: row.exposure,
    personId: row.person_id,
    at: Number(row.given_at),
    boxes: JSON.parse(row.boxes) as LabelBox[],
  }));
}

/** Brings the row of a case up to its labels. */
async function settle(tx: LabellingTx, queueId: string, studyUid: string): Promise<void> {
  const queue = await queueOf(tx, queueId);
  const row = await tx
    .selectFrom('label_case')
    .select('twice')
    .where('queue_id', '=', queueId)
    .where('study_uid', '=', studyUid)
    .executeTakeFirst();
  if (!queue || !row) return;
  const labels = await labelsOf(tx, queueId, [studyUid]);
  await tx
    .updateTable('label_case')
    .set(columnsOf(stateOf(labels, row.twice === 1, queue)))
    .where('queue_id', '=', queueId)
    .where('study_uid', '=', studyUid)
    .execute();
}

/** The frame of a draw as events hold it: in parts, each list in the order of its draw. */
export function frameParts(
  marked: readonly AnalysedStudy[],
  unmarked: readonly AnalysedStudy[],
): Extract<Happening, { kind: 'evidence.labelling.frame' }>['payload'][] {
  return [marked, unmarked].flatMap((list, which) => {
    const parts = [];
    for (let from = 0; from < list.length; from += FRAME_CHUNK)
      parts.push({
        marked: which === 0,
        from,
        studies: list
          .slice(from, from + FRAME_CHUNK)
          .map(({ studyUid, runId }): [string, string] => [studyUid, runId]),
      });
    return parts;
  });
}
