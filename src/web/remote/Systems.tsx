/** Other systems: which there are, what they are for, and whether the connection works. */
import { useMutation } from '@tanstack/react-query';
import { CircleAlert, CircleCheck, Plus } from 'lucide-react';
import { useState } from 'react';
import type { FormEvent } from 'react';
import type { RemoteForm, RemoteSystem, Trial } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { keys, useStatus } from '../queries.ts';
import { EntryFoot, useEntry } from '../settings/Entry.tsx';
import { Listed } from '../settings/Listed.tsx';
import { notify } from '../shell/notices.tsx';
import { failureText, useText } from '../text.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { Check, TextArea, TextField } from '../ui/fields.tsx';
import './remote.css';
import './texts.ts';
import { useRemotes } from './useRemotes.ts';

const USES = ['sendTo', 'queryFrom', 'moveTo'] as const;

export function Systems() {
  const { t } = useText();
  const systems = useRemotes();
  const [edited, setEdited] = useState<RemoteSystem | 'new' | null>(null);
  return (
    <>
      <p className="lead">{t('remote.lead')}</p>
      <div>
        <button type="button" className="btn primary" onClick={() => setEdited('new')}>
          <Plus size={16} aria-hidden /> {t('remote.add')}
        </button>
      </div>
      <Listed query={systems}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="muted">{t('remote.none')}</p>
          ) : (
            <ul className="list">
              {rows.map((system) => (
                <System key={system.id} system={system} onEdit={() => setEdited(system)} />
              ))}
            </ul>
          )
        }
      </Listed>
      {edited && <SystemDialog system={edited === 'new' ? null : edited} onClose={() => setEdited(null)} />}
    </>
  );
}

function System({ system, onEdit }: { system: RemoteSystem; onEdit: () => void }) {
  const { t } = useText();
  const trial = useMutation({
    mutationFn: () => api<Trial>(`/remotes/${system.id}/echo`, { method: 'POST' }),
    onError: (error) => notify({ kind: 'error', text: failureText(t, error) }),
  });
  return (
    <li>
      <div>
        <b className={system.enabled ? '' : 'muted'}>
          <bdi>{system.name}</bdi>
        </b>
        <small className="mono">
          {system.aeTitle} · {system.host}:{system.port}
        </small>
      </div>
      <span className="rowline">
        {!system.enabled && <span className="chip warn">{t('remote.off')}</span>}
        {system.tls && <span className="chip">TLS</span>}
        {USES.filter((use) => system[use]).map((use) => (
          <span key={use} className="chip">
            {t(`remote.use.${use}`)}
          </span>
        ))}
      </span>
      <span className="rowline">
        <button type="button" className="btn" disabled={trial.isPending} onClick={() => trial.mutate()}>
          {trial.isPending ? t('remote.trying') : t('remote.try')}
        </button>
        <button
          type="button"
          className="btn"
          aria-label={t('remote.editNamed', { name: system.name })}
          onClick={onEdit}
        >
          {t('action.edit')}
        </button>
      </span>
      <div className="trial" role="status">
        {trial.data && !trial.isPending && <TrialResult trial={trial.data} />}
      </div>
    </li>
  );
}

function TrialResult({ trial }: { trial: Trial }) {
  const { t, say } = useText();
  return (
    <dl>
      {(['there', 'here'] as const).map((way) => {
        const { ok, text } = trial[way];
        const Icon = ok ? CircleCheck : CircleAlert;
        return (
          <div key={way} data-ok={ok || undefined}>
            <dt>
              <Icon size={16} aria-hidden /> {t(`remote.way.${way}`)}
            </dt>
            <dd>{say(text)}</dd>
          </div>
        );
      })}
    </dl>
  );
}

const EMPTY: RemoteForm = {
  name: '',
  aeTitle: '',
  host: '',
  port: 104,
  tls: false,
  ca: null,
  callingAe: null,
  sendTo: true,
  queryFrom: true,
  moveTo: false,
  enabled: true,
};

function SystemDialog({ system, onClose }: { system: RemoteSystem | null; onClose: () => void }) {
  const { t } = useText();
  const site = useStatus().data?.site;
  const [form, setForm] = useState<RemoteForm>(() => {
    if (!system) return EMPTY;
    const { id: _id, createdAt: _created, changedAt: _changed, ...rest } = system;
    return rest;
  });
  const [port, setPort] = useState(String(form.port));
  const set = (part: Partial<RemoteForm>) => setForm((present) => ({ ...present, ...part }));
  const entry = useEntry<RemoteForm>({
    path: '/remotes',
    id: system?.id,
    refresh: [keys.remotes, keys.knocks],
    saved: t('remote.saved'),
    removed: t('remote.removed'),
    onClose,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    entry.save.mutate({ ...form, port: Number(port), callingAe: form.callingAe?.trim() || null });
  };
  return (
    <Dialog opened onClose={onClose} title={system ? t('remote.edit') : t('remote.add')}>
      <form onSubmit={submit}>
        <TextField
          label={t('remote.name')}
          hint={t('remote.nameHint')}
          required
          dir="auto"
          value={form.name}
          onChange={(event) => set({ name: event.target.value })}
          data-autofocus
        />
        <TextField
          label={t('remote.aeTitle')}
          hint={t('remote.aeTitleHint')}
          required
          maxLength={16}
          className="input mono"
          autoComplete="off"
          spellCheck={false}
          value={form.aeTitle}
          onChange={(event) => set({ aeTitle: event.target.value })}
        />
        <div className="pair">
          <TextField
            label={t('remote.host')}
            required
            className="input mono"
            autoComplete="off"
            spellCheck={false}
            value={form.host}
            onChange={(event) => set({ host: event.target.value })}
          />
          <TextField
            label={t('remote.port')}
            required
            inputMode="numeric"
            pattern="[0-9]{1,5}"
            className="input mono"
            value={port}
            onChange={(event) => setPort(event.target.value)}
          />
        </div>
        <fieldset className="choices">
          <legend>{t('remote.uses')}</legend>
          {USES.map((use) => (
            <Check
              key={use}
              label={t(`remote.use.${use}`)}
              hint={t(`remote.useHint.${use}`)}
              checked={form[use]}
              onChange={(event) => set({ [use]: event.target.checked })}
            />
          ))}
        </fieldset>
        <Check
          label={t('remote.tls')}
          hint={t('remote.tlsHint')}
          checked={form.tls}
          onChange={(event) => set({ tls: event.target.checked })}
        />
        {form.tls && (
          <TextArea
            label={t('remote.ca')}
            hint={t('remote.caHint')}
            rows={4}
            className="input mono"
            spellCheck={false}
            value={form.ca ?? ''}
            onChange={(event) => set({ ca: event.target.value || null })}
          />
        )}
        <TextField
          label={t('remote.callingAe')}
          hint={t('remote.callingAeHint')}
          maxLength={16}
          className="input mono"
          autoComplete="off"
          spellCheck={false}
          placeholder={site?.aeTitle}
          value={form.callingAe ?? ''}
          onChange={(event) => set({ callingAe: event.target.value })}
        />
        {system && (
          <Check
            label={t('remote.enabled')}
            hint={t('remote.enabledHint')}
            checked={form.enabled}
            onChange={(event) => set({ enabled: event.target.checked })}
          />
        )}
        <EntryFoot entry={entry} deletable={system !== null} onClose={onClose} />
      </form>
    </Dialog>
  );
}
