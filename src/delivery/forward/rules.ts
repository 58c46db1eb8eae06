/** When a study goes where by itself. */
import type { Selectable } from 'kysely';
import { demand, nameOf } from '../../archive/acting.ts';
import { NegatoscopeError } from '../../errors.ts';
import type { Principal } from '../../people/types.ts';
import type { Remote } from '../../remote/types.ts';
import { uuidv7 } from '../../store/ids.ts';
import type { Store, Tx } from '../../store/types.ts';
import type { ForwardTables, RuleTable } from './tables.ts';
import { OCCASIONS, PARTS, type Part, type Rule, type RuleForm } from './types.ts';

const asRule = (row: Selectable<RuleTable>): Rule => ({
  id: row.id,
  name: row.name,
  remoteId: row.remote_id,
  occasion: row.occasion,
  parts: row.parts.split(',') as Part[],
  modality: row.modality,
  bodyPart: row.body_part,
  sourceAe: row.source_ae,
  enabled: Number(row.enabled) === 1,
});
const columns = (form: RuleForm) => ({
  name: form.name,
  remote_id: form.remoteId,
  occasion: form.occasion,
  parts: form.parts.join(','),
  modality: form.modality,
  body_part: form.bodyPart,
  source_ae: form.sourceAe,
  enabled: Number(form.enabled),
});

const wrong = (field: keyof RuleForm, message: string) =>
  new NegatoscopeError('rule-form', message, { details: { field } });

function checked(form: RuleForm): RuleForm {
  const name = form.name.trim();
  const parts = PARTS.filter((part) => form.parts.includes(part));
  if (!/^[^\p{Cc}]{1,64}$/u.test(name)) throw wrong('name', 'Give the rule a name of 1 to 64 characters.');
  if (!OCCASIONS.includes(form.occasion)) throw wrong('occasion', 'Say when the rule applies.');
  if (parts.length === 0) throw wrong('parts', 'Say what is sent.');
  return {
    ...form,
    name,
    parts,
    modality: form.modality.trim().toUpperCase(),
    bodyPart: form.bodyPart.trim().toUpperCase(),
    sourceAe: form.sourceAe.trim(),
  };
}

/** What a rule asks about a study. */
export interface Facts {
  readonly modalities: readonly string[];
  readonly bodyParts: readonly string[];
  readonly senders: readonly string[];
}
/** Whether a study is meant; body parts are compared without spaces and case. */
export function applies(rule: Rule, { modalities, bodyParts, senders }: Facts): boolean {
  const plain = (term: string) => term.toUpperCase().replaceAll(' ', '');
  return (
    rule.enabled &&
    (rule.modality === '' || modalities.includes(rule.modality)) &&
    (rule.bodyPart === '' || bodyParts.map(plain).includes(plain(rule.bodyPart))) &&
    (rule.sourceAe === '' || senders.includes(rule.sourceAe))
  );
}

export function createRules({ store, remote, now }: { store: Store; remote: Remote; now: () => number }) {
  const db = store.read.withTables<ForwardTables>();
  const write = <R>(work: (tx: Tx<ForwardTables>) => Promise<R>) => store.write<ForwardTables, R>(work);
  const tell = (tx: Tx<any>, what: string, id: string, by: Principal) =>
    store.events.append(tx, { kind: `delivery.rule.${what}`, subject: id, actor: nameOf(by) });
  const unknown = () => new NegatoscopeError('not-found', 'There is no such rule.', { status: 404 });

  async function receiver(id: string): Promise<void> {
    if (!(await remote.get(id)).sendTo)
      throw new NegatoscopeError('remote-not-for-sending', 'This system is not entered to be sent to.', {
        status: 409,
      });
  }
  return {
    async rules(): Promise<Rule[]> {
      return (await db.selectFrom('forward_rule').selectAll().orderBy('created_at').execute()).map(asRule);
    },
    async addRule(given: RuleForm, by: Principal): Promise<Rule> {
      demand(by, ['admin']);
      const form = checked(given);
      await receiver(form.remoteId);
      return write(async (tx) => {
        const id = uuidv7(now());
        await tx
          .insertInto('forward_rule')
          .values({ id, ...columns(form), created_at: now() })
          .execute();
        await tell(tx, 'added', id, by);
        return { ...form, id };
      });
    },
    async changeRule(id: string, given: Partial<RuleForm>, by: Principal): Promise<Rule> {
      demand(by, ['admin']);
      if (given.remoteId !== undefined) await receiver(given.remoteId);
      return write(async (tx) => {
        const row = await tx.selectFrom('forward_rule').selectAll().where('id', '=', id).executeTakeFirst();
        if (!row) throw unknown();
        const form = checked({ ...asRule(row), ...given });
        await tx.updateTable('forward_rule').set(columns(form)).where('id', '=', id).execute();
        await tell(tx, 'changed', id, by);
        return { ...form, id };
      });
    },
    async removeRule(id: string, by: Principal): Promise<void> {
      demand(by, ['admin']);
      await write(async (tx) => {
        const { numDeletedRows } = await tx
          .deleteFrom('forward_rule')
          .where('id', '=', id)
          .executeTakeFirst();
        if (numDeletedRows === 0n) throw unknown();
        await tell(tx, 'removed', id, by);
      });
    },
  };
}
