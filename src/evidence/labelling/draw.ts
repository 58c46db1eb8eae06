/** Which studies are labelled: all that the tool marked, and a random sample of the others with known probabilities. */
import { createHash } from 'node:crypto';
import { NegatoscopeError } from '../../errors.ts';
import type { Principal } from '../../people/types.ts';
import { newSeed, shuffled } from '../random.ts';
import { closed, newId, personWith, shown, type Context } from './context.ts';
import { frameParts } from './project.ts';
import type { AnalysedStudy, DrawForm, Frame, Queue } from './types.ts';

/** Studies of one draw: each is looked at for training images, and its UID kept. A longer period is several draws. */
export const FRAME_LIMIT = 50_000;
const CHUNK = 500;

type Period = Pick<DrawForm, 'modelId' | 'modelVersion' | 'operatingPoint' | 'from' | 'to'>;
const bad = (message: string) => new NegatoscopeError('bad-draw', message);

/** SHA-256 of the frame, whatever the order it was found in. */
export const frameDigest = (studies: readonly AnalysedStudy[]): string => {
  const lines = studies.map(({ studyUid, marked }) => `${studyUid} ${Number(marked)}\n`).sort();
  return createHash('sha256').update(lines.join('')).digest('hex');
};

export function createDraws(context: Context) {
  const { assist, archive, happen, queue } = context;

  async function frameOf(form: Period): Promise<{ studies: AnalysedStudy[]; training: number }> {
    const { modelId, modelVersion, operatingPoint, from, to } = form;
    const model = await assist.model(modelId);
    if (!model) throw new NegatoscopeError('model-unknown', 'There is no such tool.', { status: 404 });
    const analysed = await assist.analysed(modelId, modelVersion, operatingPoint);
    const inPeriod: AnalysedStudy[] = [];
    for (let start = 0; start < analysed.length; start += CHUNK) {
      const part = analysed.slice(start, start + CHUNK);
      const arrived = new Map(
        (await archive.studies(part.map(({ studyUid }) => studyUid))).map((study) => [
          study.studyUid,
          study.firstReceivedAt,
        ]),
      );
      for (const study of part) {
        const at = arrived.get(study.studyUid);
        if (at !== undefined && at >= from && at < to) inPeriod.push(study);
      }
    }
    if (inPeriod.length > FRAME_LIMIT)
      throw new NegatoscopeError('frame-too-large', 'Choose a shorter period.', {
        details: { studies: inPeriod.length, limit: FRAME_LIMIT },
      });
    const studies: AnalysedStudy[] = [];
    if (!model.manifest.training) return { studies: inPeriod, training: 0 };
    for (const study of inPeriod)
      if (!(await assist.inTraining(modelId, study.studyUid))) studies.push(study);
    return { studies, training: inPeriod.length - studies.length };
  }
  const sizes = (studies: readonly AnalysedStudy[], training: number): Frame => {
    const marked = studies.filter((study) => study.marked).length;
    return { marked, unmarked: studies.length - marked, training };
  };

  return {
    async frame(form: Period, by: Principal): Promise<Frame> {
      personWith(by, 'evidence');
      const { studies, training } = await frameOf(form);
      return sizes(studies, training);
    },

    async draw(form: DrawForm, by: Principal): Promise<Queue> {
      const personId = personWith(by, 'evidence');
      // Without control characters: PostgreSQL keeps no NUL.
      const title = form.title.replace(/\p{Cc}+/gu, ' ').trim();
      if (title === '') throw bad('Give the queue a name.');
      if (!(form.from < form.to)) throw bad('The period ends before it begins.');
      if (!Number.isInteger(form.sample) || form.sample < 0) throw bad('The sample is a whole number.');
      if (!(form.secondShare >= 0 && form.secondShare <= 1)) throw bad('The share lies between 0 and 1.');
      const { studies, training } = await frameOf(form);
      if (studies.length === 0)
        throw new NegatoscopeError('frame-empty', 'The tool has analysed no study of this period.', {
          details: { training },
        });
      const frame = sizes(studies, training);
      const seed = newSeed();
      const byUid = new Map(studies.map((study) => [study.studyUid, study]));
      const ordered = shuffled([...byUid.keys()], seed).map((uid) => byUid.get(uid)!);
      const id = newId();
      const orderSeed = newSeed();
      await happen(
        [
          {
            kind: 'evidence.labelling.drawn',
            subject: id,
            actor: personId,
            payload: {
              modelId: form.modelId,
              modelVersion: form.modelVersion,
              operatingPoint: form.operatingPoint,
              from: form.from,
              to: form.to,
              title,
              sample: Math.min(form.sample, frame.unmarked),
              second: form.second,
              secondShare: form.secondShare,
              settling: form.settling,
              offerUnread: form.offerUnread,
              frame,
              seed,
              orderSeed,
              frameSha256: frameDigest(studies),
            },
          },
          ...frameParts(
            ordered.filter((study) => study.marked),
            ordered.filter((study) => !study.marked),
          ).map((payload) => ({
            kind: 'evidence.labelling.frame' as const,
            subject: id,
            actor: personId,
            payload,
          })),
        ],
        (tx) => context.assertHolds(tx, personId, 'evidence'),
      );
      return shown(await queue(id), by);
    },

    async extend(queueId: string, sample: number, by: Principal): Promise<Queue> {
      const personId = personWith(by, 'evidence');
      const before = await queue(queueId);
      if (before.closedAt !== null) throw closed();
      if (!Number.isInteger(sample) || sample <= before.sample)
        throw bad('An extension takes more studies than were drawn before.');
      if (before.sample >= before.frame.unmarked)
        throw bad('All unmarked studies of this period are drawn already.');
      await happen(
        [
          {
            kind: 'evidence.labelling.extended',
            subject: queueId,
            actor: personId,
            payload: { sample: Math.min(sample, before.frame.unmarked) },
          },
        ],
        (tx) => context.assertHolds(tx, personId, 'evidence'),
      );
      return shown(await queue(queueId), by);
    },

    async change(queueId: string, { offerUnread }: { offerUnread: boolean }, by: Principal): Promise<Queue> {
      const personId = personWith(by, 'evidence');
      if ((await queue(queueId)).closedAt !== null) throw closed();
      await happen([
        {
          kind: 'evidence.labelling.changed',
          subject: queueId,
          actor: personId,
          payload: { offerUnread },
        },
      ]);
      return shown(await queue(queueId), by);
    },

    async close(queueId: string, by: Principal): Promise<Queue> {
      const personId = personWith(by, 'evidence');
      if ((await queue(queueId)).closedAt !== null) throw closed();
      await happen(
        [{ kind: 'evidence.labelling.closed', subject: queueId, actor: personId, payload: {} }],
        (tx) => context.assertHolds(tx, personId, 'evidence'),
      );
      return shown(await queue(queueId), by);
    },
  };
}
