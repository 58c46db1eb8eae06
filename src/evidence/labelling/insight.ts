/** What a queue tells whoever answers for evidence: progress, figures, cases, and labels.csv. */
import { SEES_NO_AI } from '../../archive/types.ts';
import type { InstanceRow } from '../../archive/types.ts';
import type { Principal } from '../../people/types.ts';
import { ageBand } from '../ageBand.ts';
import { blinded, maySee, personWith, queueOf, shown, type Context } from './context.ts';
import { labelsCsv, type LabelledImage } from './csv.ts';
import { behindQueue, overviewFigures, type DrawnCase } from './figures.ts';
import { labelsOf } from './project.ts';
import {
  RANK,
  type LabelBox,
  type Queue,
  type QueueCase,
  type QueueFigureKey,
  type QueueOverview,
} from './types.ts';

type Labelled = Omit<DrawnCase, 'labels'> & {
  runId: string;
  labels: (DrawnCase['labels'][number] & { boxes: LabelBox[] })[];
};

export function createInsight(context: Context) {
  const { read, archive, assist, standing, queue, imagesOf } = context;

  async function casesOf(of: Queue): Promise<Labelled[]> {
    const rows = await read
      .selectFrom('label_case')
      .selectAll()
      .where('queue_id', '=', of.id)
      .where('drawn', '=', 1)
      .orderBy('study_uid')
      .execute();
    const labels = Map.groupBy(
      await labelsOf(
        read as never,
        of.id,
        rows.map((row) => row.study_uid),
      ),
      ({ studyUid }) => studyUid,
    );
    return rows.map((row) => ({
      studyUid: row.study_uid,
      runId: row.run_id,
      marked: row.marked === 1,
      twice: row.twice === 1,
      need: row.need,
      answer: row.answer,
      origin: row.origin,
      labels: labels.get(row.study_uid) ?? [],
    }));
  }

  /** Studies of its group that one answered study stands for. */
  function weights(of: Queue, cases: readonly DrawnCase[]): (marked: boolean) => number {
    const weight = (marked: boolean) => {
      const answered = cases.filter((each) => each.marked === marked && each.answer !== null).length;
      return answered === 0 ? 0 : (marked ? of.frame.marked : of.frame.unmarked) / answered;
    };
    const both = { marked: weight(true), unmarked: weight(false) };
    return (marked) => (marked ? both.marked : both.unmarked);
  }

  async function waitingOf(of: Queue, cases: readonly DrawnCase[]) {
    const open = cases.filter(({ answer }) => answer === null).map(({ studyUid }) => studyUid);
    const here = new Set((await archive.studies(open)).map(({ studyUid }) => studyUid));
    const stands = await standing({ personId: '', modelId: of.modelId, studyUids: open });
    const unread = of.offerUnread ? [] : open.filter((uid) => here.has(uid) && !stands.get(uid)?.signed);
    return { unread: unread.length, gone: open.length - here.size };
  }

  /** Maker and model of the machine, by image. */
  async function machinesOf(images: readonly InstanceRow[]): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for await (const header of archive.metadata(images, SEES_NO_AI)) {
      const text = (tag: string) => String(header[tag]?.Value?.[0] ?? '').trim();
      found.set(text('00080018'), [text('00080070'), text('00081090')].filter(Boolean).join(' '));
    }
    return found;
  }

  async function seen(queueId: string, by: Principal): Promise<Queue> {
    personWith(by, 'evidence');
    const of = await queue(queueId);
    if (!maySee(by, of)) throw blinded();
    return of;
  }

  return {
    async queues(modelId: string, by: Principal): Promise<Queue[]> {
      personWith(by, 'evidence');
      const rows = await read
        .selectFrom('label_queue')
        .selectAll()
        .where('model_id', '=', modelId)
        .orderBy('drawn_at', 'desc')
        .execute();
      return rows.map((row) => shown(queueOf(row), by));
    },

    async queue(queueId: string, by: Principal): Promise<Queue> {
      personWith(by, 'evidence');
      return shown(await queue(queueId), by);
    },

    async overview(queueId: string, by: Principal): Promise<QueueOverview> {
      personWith(by, 'evidence');
      const of = await queue(queueId);
      const cases = await casesOf(of);
      const byRank: QueueOverview['progress']['byRank'] = { 1: 0, 2: 0, 3: 0, 4: 0 };
      const done = cases.filter(({ need, answer }) => need === 'none' && answer !== null);
      for (const { origin } of done) byRank[RANK[origin!] as 1 | 2 | 3 | 4] += 1;
      const counts = new Map<string, number>();
      for (const { labels } of cases)
        for (const { personId } of labels) counts.set(personId, (counts.get(personId) ?? 0) + 1);
      const names = counts.size
        ? await read
            .selectFrom('person')
            .select(['id', 'name'])
            .where('id', 'in', [...counts.keys()])
            .execute()
        : [];
      return {
        queue: shown(of, by),
        progress: {
          drawn: cases.length,
          answered: done.length,
          open: cases.filter(({ need, answer }) => need !== 'none' && answer !== null).length,
          byRank,
          waiting: await waitingOf(of, cases),
          persons: names.map(({ id, name }) => ({ personId: id, name, labels: counts.get(id)! })),
        },
        figures: maySee(by, of) ? overviewFigures(cases, of.frame, of.second === 'part') : null,
      };
    },

    async cases(queueId: string, figure: QueueFigureKey, by: Principal): Promise<QueueCase[]> {
      const of = await seen(queueId, by);
      const cases = await casesOf(of);
      const weight = weights(of, cases);
      return cases
        .map((each): QueueCase => ({
          studyUid: each.studyUid,
          marked: each.marked,
          answer: each.answer,
          origin: each.origin,
          rank: each.origin && each.need === 'none' ? RANK[each.origin] : null,
          open: each.need !== 'none',
          weight: weight(each.marked),
          labels: each.labels.map(({ kind, answer, boxes, exposure, at }) => ({
            kind,
            answer,
            boxes,
            exposure,
            at,
          })),
        }))
        .filter((each) => behindQueue(figure, each));
    },

    async csv(
      queueId: string,
      uncertain: 'positive' | 'negative' | 'leave-out',
      by: Principal,
    ): Promise<string> {
      const of = await seen(queueId, by);
      const cases = await casesOf(of);
      const weight = weights(of, cases);
      const rows: LabelledImage[] = [];
      for (const each of cases) {
        if (each.answer === null) continue;
        const [study] = await archive.studies([each.studyUid]);
        const run = await assist.run(each.runId);
        // Deleted since: nothing left that a tool could be run on.
        if (!study || !run) continue;
        const images = await imagesOf(each.studyUid);
        const machines = await machinesOf(images);
        const boxes = boxesOf(each);
        for (const analysed of run.images) {
          const image = images.find(({ sopInstanceUid }) => sopInstanceUid === analysed.sopInstanceUid);
          if (!image) continue;
          rows.push({
            sopInstanceUid: image.sopInstanceUid,
            answer: each.answer,
            boxes: boxes.filter(({ sopInstanceUid }) => sopInstanceUid === image.sopInstanceUid),
            studyBoxes: boxes.length,
            images: run.images.length,
            weight: weight(each.marked),
            bodyPart: analysed.bodyPart ?? image.bodyPart ?? '',
            view: image.viewPosition,
            age: ageBand(study.ageYears),
            sex: study.sex,
            machine: machines.get(image.sopInstanceUid) ?? '',
          });
        }
      }
      rows.sort((a, b) => (a.sopInstanceUid < b.sopInstanceUid ? -1 : 1));
      return labelsCsv(rows, uncertain);
    },
  };
}

/** Of who decided in the end, else of the first who drew some. */
const boxesOf = ({ labels }: Labelled): LabelBox[] => {
  const counted = labels.filter(({ exposure, answer }) => exposure === null && answer === 'yes');
  const decided = counted.filter(({ kind }) => kind !== 'reading');
  return [...decided, ...counted].find(({ boxes }) => boxes.length > 0)?.boxes ?? [];
};
