/**
 * The labelling queue: a reference standard from the practice's own archive, given without AI in view, from which sensitivity
 * and specificity may be estimated.
 *
 * @example
 * const labelling = createLabelling({ store, assist, archive, standing });
 * const queue = await labelling.draw({ modelId: 'fracture', …, sample: 150 }, evidence);
 * const { case: first } = await labelling.next(queue.id, reader);
 * await labelling.label(queue.id, { studyUid: first.study.studyUid, kind: first.kind, answer: 'no', boxes: [] }, reader);
 */
import type { SealedEvent } from '../../store/types.ts';
import { createContext, type LabellingDeps } from './context.ts';
import { createDesk } from './desk.ts';
import { createDraws } from './draw.ts';
import { createInsight } from './insight.ts';
import { KINDS, project, type Happening } from './project.ts';
import type { LabellingTables } from './tables.ts';
import type { Labelling } from './types.ts';

export { labellingMigrations } from './tables.ts';
export type { LabellingDeps } from './context.ts';
export type * from './types.ts';

const PAGE = 500;

export function createLabelling(deps: LabellingDeps): Labelling {
  const context = createContext(deps);
  const { store, assist } = deps;
  return {
    tools: (modelId) => assist.operated(modelId),
    ...createDraws(context),
    ...createDesk(context),
    ...createInsight(context),

    async rebuild() {
      const events: SealedEvent[] = [];
      for (const kind of KINDS)
        for (let before: number | undefined; ;) {
          const page = await store.events.page({ kind, limit: PAGE, ...(before ? { before } : {}) });
          events.push(...page);
          if (page.length < PAGE) break;
          before = page.at(-1)!.seq;
        }
      events.sort((a, b) => a.seq - b.seq);
      await store.write<LabellingTables, void>(async (tx) => {
        for (const table of ['label_hold', 'label', 'label_case', 'label_queue'] as const)
          await tx.deleteFrom(table).execute();
        for (const { kind, subject, actor, payload } of events) {
          if (!payload) continue;
          const { at, ...rest } = payload as { at: number };
          await project(tx, { kind, subject, actor, at, payload: rest } as unknown as Happening);
        }
      });
    },
  };
}
