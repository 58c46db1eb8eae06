import { NegatoscopeError } from '../errors.ts';
import type { Assist } from '../assist/types.ts';
import type { Principal } from '../people/types.ts';
import { uuidv7, type Db, type Store, type Tx } from '../store/index.ts';
import type { Breach, Gate } from './gates/types.ts';
import { holds } from './roles.ts';
import type { EvidenceTables, PersonTables } from './tables.ts';
import { STAGES, type Stage, type StageAct, type StageState } from './types.ts';

type Tables = EvidenceTables & PersonTables;

/**
 * Steps that an act may take: one forward at a time (shadow may be left out), back to evaluation or out of use from anywhere.
 * The same stage again renews its terms: other readers of a pilot, own conclusion first or not. What is shown to readers may be
 * suspended; from there it goes no further than it was (`reaches`).
 */
export const TRANSITIONS: Readonly<Record<Stage, readonly Stage[]>> = {
  evaluation: ['shadow', 'pilot', 'retired'],
  shadow: ['pilot', 'evaluation', 'retired'],
  pilot: ['pilot', 'routine', 'suspended', 'evaluation', 'retired'],
  routine: ['routine', 'suspended', 'evaluation', 'retired'],
  suspended: ['evaluation', 'shadow', 'pilot', 'routine', 'retired'],
  retired: ['evaluation'],
};
const FORWARD: readonly Stage[] = ['evaluation', 'shadow', 'pilot', 'routine'];
/** A step of more being shown than before: what a gate is asked about. */
export const isForward = (from: Stage, to: Stage): boolean =>
  FORWARD.includes(from) && FORWARD.indexOf(to) > FORWARD.indexOf(from);
/** Steps back: they take every version with them. */
const OF_ALL: readonly Stage[] = ['evaluation', 'retired'];

/** Own conclusion first is the default where a pilot begins. */
const BLIND_FIRST_BY_DEFAULT: readonly Stage[] = ['pilot'];

const parsed = <T>(text: string | null): T | null => (text === null ? null : (JSON.parse(text) as T));
const forbidden = (message: string) => new NegatoscopeError('stage-forbidden', message, { status: 403 });

/** Stages of tools: a chain of acts, each signed by a person, none of them ever changed. */
export function createStages(deps: {
  store: Store;
  assist: Pick<Assist, 'model'>;
  now: () => number;
  /** What the gate out of a stage says now. */
  gate(modelId: string, version: string, stage: Stage): Promise<Gate | null>;
}) {
  const { store, assist, now } = deps;
  const read = store.read as unknown as Db<Tables>;

  /**
   * The act that rules a version. A step forward was taken for the version that was in use, and another one begins in evaluation;
   * a step back takes every version with it, and so does a suspension by a person, until the next act. The program suspends the
   * version that fell. Without a version: of all. `suspended` false: as if there had been no suspension.
   */
  async function ruling(
    db: Db<Tables> | Tx<Tables>,
    modelId: string,
    version: string | undefined,
    { suspended = true } = {},
  ) {
    let acts = (db as Db<Tables>)
      .selectFrom('stage_act')
      .selectAll()
      .where('model_id', '=', modelId)
      .orderBy('number', 'desc')
      .limit(1);
    if (!suspended) acts = acts.where('to_stage', '!=', 'suspended');
    const newest = await acts.executeTakeFirst();
    if (!newest || version === undefined || newest.model_version === version) return newest;
    if (newest.to_stage === 'suspended' && newest.person_id !== null) return newest;
    return acts
      .where((eb) => eb.or([eb('model_version', '=', version), eb('to_stage', 'in', OF_ALL)]))
      .executeTakeFirst();
  }
  async function readersOf(db: Db<Tables> | Tx<Tables>, actIds: string[]): Promise<Map<string, string[]>> {
    const map = new Map<string, string[]>(actIds.map((id) => [id, []]));
    if (actIds.length === 0) return map;
    const rows = await (db as Db<Tables>)
      .selectFrom('stage_reader')
      .select(['act_id', 'person_id'])
      .where('act_id', 'in', actIds)
      .orderBy('person_id')
      .execute();
    for (const row of rows) map.get(row.act_id)?.push(row.person_id);
    return map;
  }

  async function lastResumed(db: Db<Tables> | Tx<Tables>, modelId: string): Promise<number> {
    const row = await (db as Db<Tables>)
      .selectFrom('stage_act')
      .select((eb) => eb.fn.max('at').as('at'))
      .where('model_id', '=', modelId)
      .where('from_stage', '=', 'suspended')
      .executeTakeFirst();
    return Number(row?.at ?? 0);
  }

  return {
    async stage(modelId: string, version?: string): Promise<StageState> {
      const act = await ruling(read, modelId, version ?? (await assist.model(modelId))?.manifest.version);
      if (!act) return { modelId, stage: 'evaluation', readers: [], blindFirst: false, since: 0 };
      return {
        modelId,
        stage: act.to_stage,
        readers: (await readersOf(read, [act.id])).get(act.id)!,
        blindFirst: act.blind_first === 1,
        since: Number(act.at),
      };
    },

    async acts(modelId: string): Promise<StageAct[]> {
      const rows = await read
        .selectFrom('stage_act')
        .selectAll()
        .where('model_id', '=', modelId)
        .orderBy('number', 'desc')
        .execute();
      const readers = await readersOf(
        read,
        rows.map((row) => row.id),
      );
      return rows.map((row) => ({
        id: row.id,
        modelId: row.model_id,
        modelVersion: row.model_version,
        from: row.from_stage,
        to: row.to_stage,
        readers: readers.get(row.id)!,
        blindFirst: row.blind_first === 1,
        reason: row.reason,
        personId: row.person_id,
        personName: row.person_name,
        at: Number(row.at),
        gate: parsed<Gate>(row.gate),
        breach: parsed<Breach>(row.breach),
      }));
    },

    /**
     * @throws NegatoscopeError `stage-forbidden` (403) unless a person who is administrator and reader; `stage-unknown`,
     * `reason-missing`, `readers-missing`, `reader-unknown` (400); `model-unknown` (404); `stage-step` (409)
     */
    async setStage(
      modelId: string,
      to: Stage,
      options: { readers?: readonly string[]; blindFirst?: boolean; reason: string },
      by: Principal,
    ): Promise<StageAct> {
      const { personId } = by;
      if (!personId || !by.roles.has('admin') || !by.roles.has('reader'))
        throw forbidden('Only an administrator who is also a reader changes the stage of a tool.');
      if (!STAGES.includes(to)) throw new NegatoscopeError('stage-unknown', 'There is no such stage.');
      // Without control characters: PostgreSQL keeps no NUL.
      const reason = options.reason.replace(/\p{Cc}+/gu, ' ').trim();
      if (reason === '')
        throw new NegatoscopeError('reason-missing', 'Say why the stage of this tool changes.');
      const readers = to === 'pilot' ? [...new Set(options.readers ?? [])].sort() : [];
      if (to === 'pilot' && readers.length === 0)
        throw new NegatoscopeError('readers-missing', 'Name at least one reader for the pilot.');
      const model = await assist.model(modelId);
      if (!model) throw new NegatoscopeError('model-unknown', 'There is no such tool.', { status: 404 });
      const { version } = model.manifest;
      const stands = await ruling(read, modelId, version);
      // A step back asks nothing: it is possible whatever became of a protocol.
      const present = stands?.to_stage ?? 'evaluation';
      const gate = isForward(present, to) ? await deps.gate(modelId, version, present) : null;

      return store.write<Tables, StageAct>(async (tx) => {
        for (const role of ['admin', 'reader'] as const)
          if (!(await holds(tx, personId, role)))
            throw forbidden('Only an administrator who is also a reader changes the stage of a tool.');
        for (const reader of readers)
          if (!(await holds(tx, reader, 'reader')))
            throw new NegatoscopeError('reader-unknown', 'One of the named persons is not a reader here.', {
              details: { reader },
            });
        const person = await tx
          .selectFrom('person')
          .select('name')
          .where('id', '=', personId)
          .executeTakeFirstOrThrow();
        const before = await ruling(tx, modelId, version);
        const { number } = await tx
          .selectFrom('stage_act')
          .select((eb) => eb.fn.coalesce(eb.fn.max('number'), eb.val(0)).as('number'))
          .where('model_id', '=', modelId)
          .executeTakeFirstOrThrow();
        const from = before?.to_stage ?? 'evaluation';
        // The gate was asked about the stage of then: it must still be that one.
        if (before?.id !== stands?.id)
          throw new NegatoscopeError('stage-step', 'The stage of this tool has just been changed.', {
            status: 409,
            details: { from, to },
          });
        const most =
          from === 'suspended'
            ? FORWARD.indexOf(
                (await ruling(tx, modelId, version, { suspended: false }))?.to_stage ?? 'evaluation',
              )
            : FORWARD.length;
        if (!TRANSITIONS[from].includes(to) || FORWARD.indexOf(to) > most)
          throw new NegatoscopeError('stage-step', `A tool in stage ${from} cannot go to ${to}.`, {
            status: 409,
            details: { from, to },
          });
        const blindFirst =
          options.blindFirst ??
          (from === to ? before?.blind_first === 1 : BLIND_FIRST_BY_DEFAULT.includes(to));
        const at = now();
        const act: StageAct = {
          id: uuidv7(at),
          modelId,
          modelVersion: version,
          from,
          to,
          readers,
          blindFirst,
          reason,
          personId,
          personName: person.name,
          at,
          gate,
          breach: null,
        };
        await tx
          .insertInto('stage_act')
          .values({
            id: act.id,
            model_id: modelId,
            number: Number(number) + 1,
            model_version: act.modelVersion,
            from_stage: from,
            to_stage: to,
            blind_first: Number(blindFirst),
            reason,
            person_id: personId,
            person_admin: 'admin',
            person_reader: 'reader',
            person_name: person.name,
            at,
            gate: act.gate && JSON.stringify(act.gate),
            breach: null,
          })
          .execute();
        if (readers.length > 0)
          await tx
            .insertInto('stage_reader')
            .values(
              readers.map((reader) => ({
                act_id: act.id,
                person_id: reader,
                person_role: 'reader' as const,
              })),
            )
            .execute();
        await store.events.append(tx, {
          kind: 'evidence.stage.changed',
          subject: modelId,
          actor: personId,
          payload: {
            act: act.id,
            from,
            to,
            version: act.modelVersion,
            readers,
            ...(act.gate ? { gate: act.gate.verdict, protocol: act.gate.protocol?.sha256 ?? null } : {}),
          },
        });
        return act;
      });
    },

    /**
     * By the program itself: a safety limit was crossed. Nothing happens when the version is not shown to readers any more, or
     * when its cases were counted from before a signed act that answered an earlier suspension.
     *
     * @returns whether it was suspended now
     */
    async suspend(modelId: string, version: string, breach: Breach, reason: string): Promise<boolean> {
      return store.write<Tables, boolean>(async (tx) => {
        const before = await ruling(tx, modelId, version);
        if (!before || (before.to_stage !== 'pilot' && before.to_stage !== 'routine')) return false;
        const answered = await lastResumed(tx, modelId);
        if (answered > breach.from) return false;
        const { number } = await tx
          .selectFrom('stage_act')
          .select((eb) => eb.fn.max('number').as('number'))
          .where('model_id', '=', modelId)
          .executeTakeFirstOrThrow();
        const at = now();
        const id = uuidv7(at);
        await tx
          .insertInto('stage_act')
          .values({
            id,
            model_id: modelId,
            number: Number(number) + 1,
            model_version: version,
            from_stage: before.to_stage,
            to_stage: 'suspended',
            blind_first: 0,
            reason,
            person_id: null,
            person_admin: null,
            person_reader: null,
            person_name: null,
            at,
            gate: null,
            breach: JSON.stringify(breach),
          })
          .execute();
        await store.events.append(tx, {
          kind: 'evidence.stage.changed',
          subject: modelId,
          actor: 'system',
          payload: { act: id, from: before.to_stage, to: 'suspended', version, readers: [], breach },
        });
        return true;
      });
    },

    /** When a signed act last ended a suspension, ms UTC; 0: never. Cases before it have been answered. */
    resumedAt: (modelId: string) => lastResumed(read, modelId),
  };
}
