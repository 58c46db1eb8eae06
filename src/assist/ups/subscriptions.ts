/** Who is told of which work items: PS3.4 CC.2.3 and CC.2.4, PS3.18 11.10 to 11.12 and 8.10.5. */
import { SEES_NO_AI } from '../../archive/types.ts';
import { dataset } from '../../dicom/builder.ts';
import { TAG } from '../../dicom/dictionary.ts';
import { jsonString } from '../../dicom/json.ts';
import type { DicomJson } from '../../dicom/types.ts';
import { NegatoscopeError } from '../../errors.ts';
import type { Principal } from '../../people/types.ts';
import type { Store, Tx } from '../../store/types.ts';
import type { AssistTables, SubscriptionTable } from '../tables.ts';
import { stateOf, UPS_EVENT } from './dataset.ts';
import type { Items } from './items.ts';
import type { Asker, ItemChange, Ups } from './types.ts';
import { FILTERED_WORKLIST, WORKLIST } from './types.ts';
import { idOf } from './view.ts';
import type { createView } from './view.ts';

/** PS3.4 table CC.2.4-1. */
const EVENT_TYPE = { state: 1, 'cancel-requested': 2, progress: 3 } as const;
/** Open items that a new subscriber to a worklist is told of at once. */
const FIRST_REPORTS = 500;
const MAX_SUBSCRIPTIONS = 1000;

type Subscribing = Pick<Ups, 'subscribe' | 'unsubscribe' | 'suspend' | 'mayListen' | 'listen'>;

export function createSubscriptions(deps: {
  store: Store;
  items: Items;
  view: ReturnType<typeof createView>;
  now: () => number;
}): Subscribing {
  const { store, items, view, now } = deps;
  const read = store.read.withTables<AssistTables>();
  /** Who listens now, by AE title: told of a subscription that is made while they do. */
  const greeters = new Map<string, Set<(uids: readonly string[]) => void>>();
  let messageId = 0;

  const isWorklist = (resource: string): boolean => resource === WORKLIST || resource === FILTERED_WORKLIST;
  const absent = () =>
    new NegatoscopeError('subscription-not-found', 'There is no such subscription.', { status: 404 });

  /** An AE title belongs to whoever subscribed under it first. */
  async function ownedBy(tx: Tx<AssistTables>, aeTitle: string, by: Principal): Promise<SubscriptionTable[]> {
    if (!/^[\x21-\x5b\x5d-\x7e]([\x20-\x5b\x5d-\x7e]{0,14}[\x21-\x5b\x5d-\x7e])?$/.test(aeTitle))
      throw new NegatoscopeError('bad-parameter', 'The query parameter aetitle is no AE title.', {
        details: { parameter: 'aetitle' },
      });
    const rows = await tx.selectFrom('ai_subscription').selectAll().where('ae_title', '=', aeTitle).execute();
    if (rows.some((row) => row.owner !== idOf(by)))
      throw new NegatoscopeError('forbidden', 'Somebody else subscribed under this AE title.', {
        status: 403,
      });
    return rows as SubscriptionTable[];
  }

  async function report(change: ItemChange): Promise<DicomJson | undefined> {
    const row = await view.rowOf(change.uid);
    if (!row) return undefined;
    // Keys and codes only: words of whoever works on it may say what was found.
    messageId = (messageId % 0xffff) + 1;
    return {
      '00000002': { vr: 'UI', Value: [UPS_EVENT] },
      '00000110': { vr: 'US', Value: [messageId] },
      '00001000': { vr: 'UI', Value: [row.uid] },
      '00001002': { vr: 'US', Value: [EVENT_TYPE[change.type]] },
      ...(change.type === 'state'
        ? dataset({
            InputReadinessState: 'READY',
            ProcedureStepState: stateOf(row),
            ...(row.outcome === 'canceled' ? { ReasonForCancellation: row.reason ?? '' } : {}),
          })
        : {}),
      ...(change.type === 'progress'
        ? dataset({
            ProcedureStepProgressInformationSequence: [
              row.progress === null ? {} : { ProcedureStepProgress: String(row.progress) },
            ],
          })
        : {}),
    };
  }

  return {
    async subscribe(aeTitle, resource, filter, by) {
      if (!isWorklist(resource) && !(await view.rowOf(resource)))
        throw new NegatoscopeError('workitem-not-found', 'There is no such work item.', { status: 404 });
      await store.write<AssistTables, void>(async (tx) => {
        const rows = await ownedBy(tx, aeTitle, by);
        if (rows.length >= MAX_SUBSCRIPTIONS)
          throw new NegatoscopeError('too-many-subscriptions', 'There are too many subscriptions under this AE title.', { status: 403 }); // prettier-ignore
        const values = {
          created_at: now(),
          suspended_at: null,
          filter: filter ? JSON.stringify(filter) : null,
          excluded: 0,
        };
        await tx
          .insertInto('ai_subscription')
          .values({ ae_title: aeTitle, resource, owner: idOf(by), ...values })
          .onConflict((c) => c.columns(['ae_title', 'resource']).doUpdateSet(values))
          .execute();
      });
      // PS3.4 CC.2.3.3: the subscriber is told of the present state at once.
      const uids = isWorklist(resource)
        ? (await view.page({ states: ['SCHEDULED', 'IN PROGRESS'], limit: FIRST_REPORTS, offset: 0 })).map(
            ({ uid }) => uid,
          )
        : [resource];
      for (const greet of greeters.get(aeTitle) ?? []) greet(uids);
    },

    async unsubscribe(aeTitle, resource, by) {
      await store.write<AssistTables, void>(async (tx) => {
        const rows = await ownedBy(tx, aeTitle, by);
        const remove = tx.deleteFrom('ai_subscription').where('ae_title', '=', aeTitle);
        if (isWorklist(resource)) {
          if (!rows.some((row) => row.resource === resource)) throw absent();
          // From a worklist: from all its items, too (PS3.4 CC.2.3.3).
          await remove.execute();
          return;
        }
        const global = rows.some((row) => isWorklist(row.resource));
        if (!global && !rows.some((row) => row.resource === resource && Number(row.excluded) === 0))
          throw absent();
        await remove.where('resource', '=', resource).execute();
        if (global)
          await tx
            .insertInto('ai_subscription')
            .values({
              ae_title: aeTitle,
              resource,
              owner: idOf(by),
              created_at: now(),
              suspended_at: null,
              filter: null,
              excluded: 1,
            })
            .execute();
      });
    },

    async suspend(aeTitle, resource, by) {
      if (!isWorklist(resource))
        throw new NegatoscopeError('bad-request', 'Only the subscription to a worklist is suspended.');
      await store.write<AssistTables, void>(async (tx) => {
        await ownedBy(tx, aeTitle, by);
        const { numUpdatedRows } = await tx
          .updateTable('ai_subscription')
          .set({ suspended_at: now() })
          .where('ae_title', '=', aeTitle)
          .where('resource', '=', resource)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) throw absent();
      });
    },

    async mayListen(aeTitle, by) {
      const rows = await read
        .selectFrom('ai_subscription')
        .select('owner')
        .where('ae_title', '=', aeTitle)
        .execute();
      return rows.every((row) => row.owner === idOf(by));
    },

    listen(aeTitle, asker, matches, send) {
      const blind: Asker = { ...asker, sight: SEES_NO_AI };
      /** One after the other: reports of one item come in the order of its changes. */
      let turn: Promise<void> = Promise.resolve();

      async function wants(uid: string): Promise<boolean> {
        const rows = await read
          .selectFrom('ai_subscription')
          .selectAll()
          .where('ae_title', '=', aeTitle)
          .where('resource', 'in', [uid, WORKLIST, FILTERED_WORKLIST])
          .execute();
        const mine = rows.filter((row) => row.owner === idOf(asker.by));
        const single = mine.find((row) => row.resource === uid);
        if (single) return Number(single.excluded) === 0;
        const row = mine.length > 0 ? await view.rowOf(uid) : undefined;
        if (!row) return false;
        for (const each of mine) {
          if (each.suspended_at !== null && Number(row.created_at) > Number(each.suspended_at)) continue;
          if (each.resource === WORKLIST) return true;
          const [item] = await view.datasets([row], blind);
          if (item && matches(item, JSON.parse(each.filter ?? '{}') as Record<string, string>)) return true;
        }
        return false;
      }
      const tell = (change: ItemChange): void => {
        turn = turn
          .then(async () => {
            if (!(await wants(change.uid))) return;
            const said = await report(change);
            if (said) send(said);
          })
          .catch(() => undefined); // the store is closing: whoever listens asks again
      };
      const greet = (uids: readonly string[]): void => {
        for (const uid of uids) tell({ uid, type: 'state' });
      };
      const all = greeters.get(aeTitle) ?? new Set();
      greeters.set(aeTitle, all.add(greet));
      const stop = items.listen(tell);
      return () => {
        stop();
        all.delete(greet);
        if (all.size === 0) greeters.delete(aeTitle);
      };
    },
  };
}

/** The state that a report tells of, for tests and clients. */
export const reported = (report: DicomJson): { uid: string; type: number; state: string | undefined } => ({
  uid: String(report['00001000']?.Value?.[0]),
  type: Number(report['00001002']?.Value?.[0]),
  state: jsonString(report, TAG.ProcedureStepState),
});
