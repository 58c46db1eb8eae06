/** What is sent by itself, when, and where to. */
import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import type { FormEvent } from 'react';
import { Link } from 'wouter';
import type { Occasion, Part, RemoteSystem, Rule, RuleForm } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { keys } from '../queries.ts';
import { EntryFoot, useEntry } from '../settings/Entry.tsx';
import { Listed } from '../settings/Listed.tsx';
import { useText } from '../text.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { Check, SelectField, TextField } from '../ui/fields.tsx';
import './remote.css';
import './texts.ts';
import { useRemotes } from './useRemotes.ts';

const OCCASIONS: readonly Occasion[] = ['complete', 'signed', 'ai'];
const PARTS: readonly Part[] = ['images', 'report', 'ai'];

export function Rules() {
  const { t } = useText();
  const rules = useQuery({ queryKey: keys.rules, queryFn: () => api<Rule[]>('/rules') });
  const receivers = (useRemotes().data ?? []).filter(({ sendTo }) => sendTo);
  const [edited, setEdited] = useState<Rule | 'new' | null>(null);
  const nameOf = (id: string) => receivers.find((each) => each.id === id)?.name ?? t('rules.gone');
  return (
    <>
      <p className="lead">{t('rules.lead')}</p>
      {receivers.length === 0 ? (
        <p className="muted">
          {t('rules.noReceiver')} <Link href="/settings/remotes">{t('settings.remotes')}</Link>
        </p>
      ) : (
        <div>
          <button type="button" className="btn primary" onClick={() => setEdited('new')}>
            <Plus size={16} aria-hidden /> {t('rules.add')}
          </button>
        </div>
      )}
      <Listed query={rules}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="muted">{t('rules.none')}</p>
          ) : (
            <ul className="list">
              {rows.map((rule) => (
                <li key={rule.id}>
                  <div>
                    <b className={rule.enabled ? '' : 'muted'}>
                      <bdi>{rule.name}</bdi>
                    </b>
                    <small>
                      {t('rules.sentence', {
                        occasion: t(`rules.occasion.${rule.occasion}`),
                        parts: rule.parts.map((part) => t(`part.${part}`)).join(', '),
                        receiver: nameOf(rule.remoteId),
                      })}
                    </small>
                    {[rule.modality, rule.bodyPart, rule.sourceAe].some(Boolean) && (
                      <small className="mono">
                        {[rule.modality, rule.bodyPart, rule.sourceAe].filter(Boolean).join(' · ')}
                      </small>
                    )}
                  </div>
                  <span className="rowline">
                    {!rule.enabled && <span className="chip warn">{t('remote.off')}</span>}
                    <button
                      type="button"
                      className="btn"
                      aria-label={t('remote.editNamed', { name: rule.name })}
                      onClick={() => setEdited(rule)}
                    >
                      {t('action.edit')}
                    </button>
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Listed>
      {edited && (
        <RuleDialog
          rule={edited === 'new' ? null : edited}
          receivers={receivers}
          onClose={() => setEdited(null)}
        />
      )}
    </>
  );
}

function RuleDialog(props: { rule: Rule | null; receivers: readonly RemoteSystem[]; onClose: () => void }) {
  const { rule, receivers, onClose } = props;
  const { t } = useText();
  const [form, setForm] = useState<RuleForm>(() => {
    if (!rule)
      return {
        name: '',
        remoteId: receivers[0]?.id ?? '',
        occasion: 'complete',
        parts: ['images'],
        modality: '',
        bodyPart: '',
        sourceAe: '',
        enabled: true,
      };
    const { id: _id, ...rest } = rule;
    return rest;
  });
  const set = (part: Partial<RuleForm>) => setForm((present) => ({ ...present, ...part }));
  const entry = useEntry<RuleForm>({
    path: '/rules',
    id: rule?.id,
    refresh: [keys.rules],
    saved: t('rules.saved'),
    removed: t('rules.removed'),
    onClose,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    entry.save.mutate(form);
  };
  return (
    <Dialog opened onClose={onClose} title={rule ? t('rules.edit') : t('rules.add')}>
      <form onSubmit={submit}>
        <TextField
          label={t('rules.name')}
          required
          dir="auto"
          value={form.name}
          onChange={(event) => set({ name: event.target.value })}
          data-autofocus
        />
        <SelectField
          label={t('rules.when')}
          value={form.occasion}
          onChange={(event) => {
            const occasion = event.target.value as Occasion;
            const part: Part = occasion === 'complete' ? 'images' : occasion === 'signed' ? 'report' : 'ai';
            set({ occasion, parts: [part] });
          }}
        >
          {OCCASIONS.map((occasion) => (
            <option key={occasion} value={occasion}>
              {t(`rules.occasion.${occasion}`)}
            </option>
          ))}
        </SelectField>
        <PartChoice parts={form.parts} onChange={(parts) => set({ parts })} />
        <SelectField
          label={t('send.to')}
          required
          value={form.remoteId}
          onChange={(event) => set({ remoteId: event.target.value })}
        >
          {receivers.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </SelectField>
        <div className="triple">
          <TextField
            label={t('rules.modality')}
            placeholder={t('rules.any')}
            className="input mono"
            value={form.modality}
            onChange={(event) => set({ modality: event.target.value.toUpperCase() })}
          />
          <TextField
            label={t('rules.bodyPart')}
            placeholder={t('rules.any')}
            className="input mono"
            value={form.bodyPart}
            onChange={(event) => set({ bodyPart: event.target.value.toUpperCase() })}
          />
          <TextField
            label={t('rules.sourceAe')}
            placeholder={t('rules.any')}
            maxLength={16}
            className="input mono"
            value={form.sourceAe}
            onChange={(event) => set({ sourceAe: event.target.value })}
          />
        </div>
        {rule && (
          <Check
            label={t('rules.enabled')}
            checked={form.enabled}
            onChange={(event) => set({ enabled: event.target.checked })}
          />
        )}
        <EntryFoot entry={entry} deletable={rule !== null} ready={form.parts.length > 0} onClose={onClose} />
      </form>
    </Dialog>
  );
}

/** Images, report, results of AI: what of a study is sent. */
export function PartChoice(props: { parts: readonly Part[]; onChange: (parts: readonly Part[]) => void }) {
  const { t } = useText();
  return (
    <fieldset className="choices">
      <legend>{t('send.what')}</legend>
      {PARTS.map((part) => (
        <Check
          key={part}
          label={t(`part.${part}`)}
          {...(part === 'ai' ? { hint: t('part.aiHint') } : {})}
          checked={props.parts.includes(part)}
          onChange={(event) =>
            props.onChange(
              event.target.checked ? [...props.parts, part] : props.parts.filter((other) => other !== part),
            )
          }
        />
      ))}
    </fieldset>
  );
}
