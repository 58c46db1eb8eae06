/** Protocols as rows: registered, begun by their first case, never changed; deviations beside them. */
import { NegatoscopeError } from '../../errors.ts';
import type { Principal } from '../../people/types.ts';
import { plainText, sha256Of } from '../../store/canonical.ts';
import { uuidv7 } from '../../store/index.ts';
import type { Db, Store, Tx } from '../../store/types.ts';
import type { LabellingTables } from '../labelling/tables.ts';
import { holds } from '../roles.ts';
import type { EvidenceTables, PersonTables, ReadingFactTable } from '../tables.ts';
import { firstLabel, firstReading } from './cases.ts';
import { stamped } from './form.ts';
import type { GateTables } from './tables.ts';
import type { Deviation, Protocol, ProtocolBody, ProtocolStage } from './types.ts';
import { PROTOCOL_STAGES } from './types.ts';

export type Tables = GateTables & EvidenceTables & LabellingTables & PersonTables;
type GateDb = Db<Tables> | Tx<Tables>;
const asDb = (db: GateDb) => db as Db<Tables>;

export const isProtocolStage = (stage: string): stage is ProtocolStage =>
  (PROTOCOL_STAGES as readonly string[]).includes(stage);

const forbidden = () =>
  new NegatoscopeError(
    'protocol-forbidden',
    'Only an administrator who is also a reader registers a protocol.',
    { status: 403 },
  );
const begun = () =>
  new NegatoscopeError(
    'protocol-begun',
    'The first case of this stage has come: its protocol cannot be replaced any more. Record a deviation instead.',
    { status: 409 },
  );

/** The person, asked of the database: a role may have been taken away since the session began. */
async function signatory(tx: Tx<Tables>, by: Principal): Promise<{ id: string; name: string }> {
  const { personId } = by;
  if (!personId || !by.roles.has('admin') || !by.roles.has('reader')) throw forbidden();
  for (const role of ['admin', 'reader'] as const)
    if (!(await holds(tx as never, personId, role))) throw forbidden();
  return tx.selectFrom('person').select(['id', 'name']).where('id', '=', personId).executeTakeFirstOrThrow();
}

/** Of a version, newest first. @throws NegatoscopeError `protocol-damaged` (500) when a text is not what was stamped */
export async function protocolsOf(db: GateDb, modelId: string, version: string): Promise<Protocol[]> {
  const rows = await asDb(db)
    .selectFrom('protocol')
    .selectAll()
    .where('model_id', '=', modelId)
    .where('model_version', '=', version)
    .orderBy('at', 'desc')
    .orderBy('number', 'desc')
    .execute();
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  const [begins, deviations] = await Promise.all([
    asDb(db).selectFrom('protocol_begun').selectAll().where('protocol_id', 'in', ids).execute(),
    asDb(db)
      .selectFrom('protocol_deviation')
      .selectAll()
      .where('protocol_id', 'in', ids)
      .orderBy('number')
      .execute(),
  ]);
  return rows.map((row): Protocol => {
    if (sha256Of(row.body) !== row.sha256)
      throw new NegatoscopeError(
        'protocol-damaged',
        'The text of a registered protocol is not the one that was signed. The audit log holds the original.',
        { status: 500, details: { protocol: row.id } },
      );
    const { format: _, ...body } = JSON.parse(row.body) as ProtocolBody;
    const first = begins.find(({ protocol_id }) => protocol_id === row.id);
    return {
      ...body,
      id: row.id,
      number: row.number,
      sha256: row.sha256,
      personId: row.person_id,
      personName: row.person_name,
      at: Number(row.at),
      begunAt: first ? Number(first.at) : null,
      replaced: rows.some((other) => other.stage === row.stage && other.number > row.number),
      deviations: deviations
        .filter(({ protocol_id }) => protocol_id === row.id)
        .map((each): Deviation => ({
          id: each.id,
          number: each.number,
          text: each.text,
          personName: each.person_name,
          at: Number(each.at),
        })),
    };
  });
}
/** The one that holds for a stage. */
export const inForce = (protocols: readonly Protocol[], stage: ProtocolStage): Protocol | undefined =>
  protocols.find((each) => each.stage === stage && !each.replaced);

export function createProtocols(deps: {
  store: Store;
  now: () => number;
  /** When the first validation study that counts for a protocol ended; null: none yet. */
  firstStudy(protocol: Pick<Protocol, 'modelId' | 'modelVersion' | 'at'>): Promise<number | null>;
}) {
  const { store, now } = deps;

  /** From here on it cannot be replaced. Nothing happens the second time. */
  async function begin(
    tx: Tx<Tables>,
    of: Pick<Protocol, 'id' | 'sha256' | 'modelId' | 'modelVersion' | 'stage'>,
    at: number,
  ): Promise<void> {
    const { numUpdatedRows } = await tx
      .updateTable('protocol_slot')
      .set({ begun: 1 })
      .where('model_id', '=', of.modelId)
      .where('model_version', '=', of.modelVersion)
      .where('stage', '=', of.stage)
      .where('begun', '=', 0)
      .executeTakeFirst();
    if (Number(numUpdatedRows) === 0) return;
    await tx
      .insertInto('protocol_begun')
      .values({
        model_id: of.modelId,
        model_version: of.modelVersion,
        stage: of.stage,
        protocol_id: of.id,
        sha256: of.sha256,
        at,
      })
      .execute();
    await store.events.append(tx, {
      kind: 'evidence.protocol.begun',
      subject: of.id,
      actor: 'system',
      payload: { sha256: of.sha256, stage: of.stage, version: of.modelVersion },
    });
  }

  /** When the first case of a protocol came, whatever its source. */
  const firstCase = async (db: GateDb, of: Protocol, study: number | null): Promise<number | null> =>
    of.source === 'validation'
      ? study
      : of.source === 'queue'
        ? firstLabel(db as never, of)
        : firstReading(db as never, { ...of, stages: [of.stage], from: of.at });

  return {
    /** New rows of facts, in their transaction: the first one of a stage begins its protocol. */
    async tell(tx: Tx<EvidenceTables>, rows: readonly ReadingFactTable[]): Promise<void> {
      for (const row of rows) {
        if (row.blind_conclusion === null || row.in_training === 1) continue;
        if (!isProtocolStage(row.blind_stage)) continue;
        const gates = tx as unknown as Tx<Tables>;
        const open = await gates
          .selectFrom('protocol')
          .select(['id', 'sha256', 'body', 'at'])
          .where('model_id', '=', row.model_id)
          .where('model_version', '=', row.model_version)
          .where('stage', '=', row.blind_stage)
          .where('open', '=', 0)
          .orderBy('number', 'desc')
          .limit(1)
          .executeTakeFirst();
        if (!open || Number(open.at) > row.blind_signed_at) continue;
        const { source, stage, modelId, modelVersion } = JSON.parse(open.body) as ProtocolBody;
        if (source !== 'readings') continue;
        await begin(gates, { id: open.id, sha256: open.sha256, stage, modelId, modelVersion }, row.blind_signed_at); // prettier-ignore
      }
    },

    async register(body: ProtocolBody, by: Principal): Promise<Protocol> {
      const { text, sha256 } = stamped(body);
      const { modelId, modelVersion, stage } = body;
      // A signature of a moment ago may still be on its way to the facts.
      await store.events.settled();
      const previous = inForce(
        await protocolsOf(store.read as unknown as Db<Tables>, modelId, modelVersion),
        stage,
      );
      const study = previous ? await deps.firstStudy(previous) : null;
      // Kept although the registration is refused: it was the first case that refused it.
      if (previous && previous.begunAt === null)
        await store.write<Tables, void>(async (tx) => {
          const first = await firstCase(tx, previous, study);
          if (first !== null) await begin(tx, previous, first);
        });
      return store.write<Tables, Protocol>(async (tx) => {
        const person = await signatory(tx, by);
        const slot = await tx
          .selectFrom('protocol_slot')
          .select('begun')
          .where('model_id', '=', modelId)
          .where('model_version', '=', modelVersion)
          .where('stage', '=', stage)
          .executeTakeFirst();
        if (slot?.begun === 1) throw begun();
        if (!slot)
          await tx
            .insertInto('protocol_slot')
            .values({ model_id: modelId, model_version: modelVersion, stage, begun: 0 })
            .execute();
        const { number } = await tx
          .selectFrom('protocol')
          .select((eb) => eb.fn.coalesce(eb.fn.max('number'), eb.val(0)).as('number'))
          .where('model_id', '=', modelId)
          .where('model_version', '=', modelVersion)
          .where('stage', '=', stage)
          .executeTakeFirstOrThrow();
        const at = now();
        const id = uuidv7(at);
        await tx
          .insertInto('protocol')
          .values({
            id,
            model_id: modelId,
            model_version: modelVersion,
            stage,
            open: 0,
            number: Number(number) + 1,
            body: text,
            sha256,
            person_id: person.id,
            person_admin: 'admin',
            person_reader: 'reader',
            person_name: person.name,
            at,
          })
          .execute();
        await store.events.append(tx, {
          kind: 'evidence.protocol.registered',
          subject: id,
          actor: person.id,
          payload: { model: modelId, version: modelVersion, stage, number: Number(number) + 1, sha256, body },
        });
        return (await protocolsOf(tx, modelId, modelVersion)).find((each) => each.id === id)!;
      });
    },

    async deviate(protocolId: string, said: string, by: Principal): Promise<Deviation> {
      const text = plainText(said);
      if (text === '') throw new NegatoscopeError('reason-missing', 'Say what was done otherwise, and why.');
      return store.write<Tables, Deviation>(async (tx) => {
        const person = await signatory(tx, by);
        const of = await tx
          .selectFrom('protocol')
          .select(['id', 'sha256', 'model_id', 'stage'])
          .where('id', '=', protocolId)
          .executeTakeFirst();
        if (!of) throw new NegatoscopeError('not-found', 'There is no such protocol.', { status: 404 });
        const { number } = await tx
          .selectFrom('protocol_deviation')
          .select((eb) => eb.fn.coalesce(eb.fn.max('number'), eb.val(0)).as('number'))
          .where('protocol_id', '=', protocolId)
          .executeTakeFirstOrThrow();
        const at = now();
        const deviation = {
          id: uuidv7(at),
          number: Number(number) + 1,
          text,
          personName: person.name,
          at,
        };
        await tx
          .insertInto('protocol_deviation')
          .values({
            id: deviation.id,
            protocol_id: of.id,
            sha256: of.sha256,
            number: deviation.number,
            text,
            person_id: person.id,
            person_admin: 'admin',
            person_reader: 'reader',
            person_name: person.name,
            at,
          })
          .execute();
        await store.events.append(tx, {
          kind: 'evidence.protocol.deviated',
          subject: of.id,
          actor: person.id,
          payload: { model: of.model_id, stage: of.stage, number: deviation.number, sha256: sha256Of(text) },
        });
        return deviation;
      });
    },
  };
}
