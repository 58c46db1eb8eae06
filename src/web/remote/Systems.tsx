/** Other systems: which there are, what they are for, and whether the connection works. */
import { useMutation } from '@tanstack/react-query';
import { CircleAlert, CircleCheck, Plus } from 'lucide-react';
import { useState } from 'react';
import type { RemoteSystem, Trial } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { Listed } from '../settings/Listed.tsx';
import { notify } from '../shell/notices.tsx';
import { failureText, useText } from '../text.ts';
import './remote.css';
import { SystemDialog } from './SystemDialog.tsx';
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
          {system.kind === 'dicomweb' ? system.url : `${system.aeTitle} · ${system.host}:${system.port}`}
        </small>
      </div>
      <span className="rowline">
        {!system.enabled && <span className="chip warn">{t('remote.off')}</span>}
        {system.kind === 'dicomweb' && <span className="chip">DICOMweb</span>}
        {system.tls && <span className="chip">TLS</span>}
        {system.commitment && <span className="chip">{t('remote.confirms')}</span>}
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
        const { ok, text } = trial[way] ?? {};
        if (!text) return null;
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
