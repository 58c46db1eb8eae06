/** What the parts of the labelling queue share. */
import { SEES_NO_AI } from '../../archive/types.ts';
import type { Archive } from '../../archive/types.ts';
import type { Assist } from '../../assist/types.ts';
import { NegatoscopeError } from '../../errors.ts';
import type { Principal, Role } from '../../people/types.ts';
import { uuidv7 } from '../../store/index.ts';
import type { Db, Store } from '../../store/types.ts';
import { holds } from '../roles.ts';
import type { PersonTables } from '../tables.ts';
import { project, type Happening, type LabellingTx } from './project.ts';
import type { LabellingTables } from './tables.ts';
import type { AnalysedStudy, Queue, Standing } from './types.ts';

export interface LabellingDeps {
  store: Store;
  assist: Pick<Assist, 'model' | 'inTraining' | 'run' | 'operated' | 'analysed'>;
  archive: Pick<Archive, 'studies' | 'findSeries' | 'findInstances' | 'metadata'>;
  /** Of the reading room: which reports are signed, and what this person was shown. */
  standing(who: {
    personId: string;
    modelId: string;
    studyUids: readonly string[];
  }): Promise<ReadonlyMap<string, Standing>>;
  now?: () => number;
}
export type { AnalysedStudy };
type Tables = LabellingTables & PersonTables;
/** Without the place in the log: what a command says has happened. */
export type Said = {
  [K in Happening['kind']]: Omit<Extract<Happening, { kind: K }>, 'at'>;
}[Happening['kind']];

/** All of a study: a search that is not told how many gives the first thousand. */
const MAX_INSTANCES = 20_000;

/** Sorts in the order in which they were made. */
export const newId = (): string => uuidv7();
export const forbidden = (): NegatoscopeError =>
  new NegatoscopeError('labelling-forbidden', 'Only who answers for evidence draws and looks into a queue.', {
    status: 403,
  });
export const blinded = (): NegatoscopeError =>
  new NegatoscopeError(
    'labelling-blinded',
    'Who also reads sees no case and no figure of a queue before it is closed: they may still label in it.',
    { status: 403 },
  );
export const closed = (): NegatoscopeError =>
  new NegatoscopeError('labelling-closed', 'This queue is closed.', { status: 409 });
export const noQueue = (): NegatoscopeError =>
  new NegatoscopeError('not-found', 'There is no such queue.', { status: 404 });

/** What is said to whom a role is missing. */
const without = (role: Role): NegatoscopeError =>
  role === 'evidence'
    ? forbidden()
    : new NegatoscopeError('not-a-reader', 'Only a reader may do this.', { status: 403 });
/** A person with the role, not a machine. */
export function personWith(by: Principal, role: Role): string {
  if (by.personId && by.roles.has(role)) return by.personId;
  throw without(role);
}
/** Whether this person may see which cases of an open queue the tool has marked. A person who reads may yet label. */
export const maySee = (by: Principal, queue: Pick<Queue, 'closedAt'>): boolean =>
  by.roles.has('evidence') && (!by.roles.has('reader') || queue.closedAt !== null);

export function createContext(deps: LabellingDeps) {
  const { store, archive, now = Date.now } = deps;
  const read = store.read as unknown as Db<Tables>;

  async function queue(id: string): Promise<WholeQueue> {
    const row = await read.selectFrom('label_queue').selectAll().where('id', '=', id).executeTakeFirst();
    if (!row) throw noQueue();
    return queueOf(row);
  }

  return {
    ...deps,
    now,
    read,
    queue,
    /** Series and images are asked for as by somebody to whom no result of AI exists. */
    seriesOf: (studyUid: string) =>
      archive.findSeries({ match: {}, studyUid, limit: MAX_INSTANCES }, SEES_NO_AI),
    imagesOf: async (studyUid: string) =>
      (await archive.findInstances({ match: {}, studyUid, limit: MAX_INSTANCES }, SEES_NO_AI)).filter(
        ({ kind }) => kind === 'image',
      ),
    /** Writes what has happened to the log and to the rows, all or nothing. `check` looks first, in the same transaction. */
    async happen(said: readonly Said[], check: (tx: LabellingTx) => Promise<void> = async () => {}) {
      const at = now();
      await store.write<LabellingTables, void>(async (tx) => {
        await check(tx);
        for (const each of said) {
          await store.events.append(tx, {
            kind: each.kind,
            subject: each.subject,
            actor: each.actor,
            payload: { ...each.payload, at },
          });
          await project(tx, { ...each, at } as Happening);
        }
      });
    },
    /** Refuses a person whose role was taken away since the session began. */
    async assertHolds(tx: LabellingTx, personId: string, role: Role): Promise<void> {
      if (!(await holds(tx as never, personId, role))) throw without(role);
    },
  };
}
export type Context = ReturnType<typeof createContext>;

type QueueRow = { [K in keyof LabellingTables['label_queue']]: LabellingTables['label_queue'][K] };
/** With what decides the draw and the order: never leaves the room so. */
export interface WholeQueue extends Queue {
  seed: string;
  orderSeed: string;
}
export const queueOf = (row: QueueRow): WholeQueue => ({
  id: row.id,
  modelId: row.model_id,
  modelVersion: row.model_version,
  operatingPoint: row.operating_point,
  from: Number(row.from_at),
  to: Number(row.to_at),
  title: row.title,
  sample: row.sample,
  second: row.second,
  secondShare: row.second_share,
  settling: row.settling,
  offerUnread: row.offer_unread === 1,
  frame: { marked: row.marked, unmarked: row.unmarked, training: row.training },
  seed: row.seed,
  orderSeed: row.order_seed,
  frameSha256: row.frame_sha256,
  drawnBy: row.drawn_by,
  drawnAt: Number(row.drawn_at),
  closedAt: row.closed_at === null ? null : Number(row.closed_at),
});
/** As this person may have it. */
export const shown = ({ orderSeed: _, ...queue }: WholeQueue, by: Principal): Queue => ({
  ...queue,
  seed: maySee(by, queue) ? queue.seed : null,
});
