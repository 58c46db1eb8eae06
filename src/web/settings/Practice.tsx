/** The practice: the name on its reports, its language, and where it is reached. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { FormEvent } from 'react';
import type { Language, NetworkPlan, Practice as PracticeOf } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { choiceOf, isWhole, LOCAL, type Network, NetworkFields } from '../entry/NetworkFields.tsx';
import { keys, useStatus } from '../queries.ts';
import { useText } from '../text.ts';
import { Segmented, TextField } from '../ui/fields.tsx';
import { Listed } from './Listed.tsx';
import { useAction } from './useAction.ts';

/** The doors turn half a second after the answer. */
const TURNED_MS = 1500;

export function Practice() {
  const practice = useQuery({ queryKey: keys.practice, queryFn: () => api<PracticeOf>('/practice') });
  return (
    <Listed query={practice}>
      {(of) => (
        <>
          <Identity key={of.name} of={of} />
          <Access key={JSON.stringify(of.network)} of={of} />
        </>
      )}
    </Listed>
  );
}

function Identity({ of }: { of: PracticeOf }) {
  const { t } = useText();
  const [name, setName] = useState(of.name);
  const save = useAction({
    run: (body: { name?: string; language?: Language }) => api('/practice', { method: 'PATCH', body }),
    refresh: [keys.practice, keys.status],
    done: () => t('practice.saved'),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ name: name.trim() });
  };
  return (
    <section className="card">
      <h2>{t('practice.identity')}</h2>
      <form onSubmit={submit}>
        <TextField
          label={t('practice.name')}
          hint={t('practice.nameHint')}
          autoComplete="organization"
          dir="auto"
          maxLength={64}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <button className="btn" disabled={save.isPending || name.trim() === of.name}>
          {t('action.save')}
        </button>
      </form>
      <dl className="facts">
        <dt>{t('practice.language')}</dt>
        <dd>
          <Segmented<Language>
            label={t('practice.language')}
            value={of.language}
            onChange={(language) => save.mutate({ language })}
            options={[
              { value: 'fr', label: <span lang="fr">Français</span> },
              { value: 'en', label: <span lang="en">English</span> },
            ]}
          />
        </dd>
      </dl>
    </section>
  );
}

const networkOf = (plan: NetworkPlan): Network => ({
  exposure: plan.exposure,
  tls: plan.tls ?? LOCAL.tls,
  certPath: plan.certPath ?? '',
  keyPath: plan.keyPath ?? '',
});

function Access({ of }: { of: PracticeOf }) {
  const { t } = useText();
  const client = useQueryClient();
  const site = useStatus().data?.site;
  const [network, setNetwork] = useState(() => networkOf(of.network));
  const change = useAction({
    run: (choice: ReturnType<typeof choiceOf>) => api('/practice/network', { method: 'PUT', body: choice }),
    refresh: [keys.practice],
    done: () => {
      setTimeout(() => void client.invalidateQueries({ queryKey: keys.status }), TURNED_MS);
      return t('practice.accessChanged');
    },
  });
  const same = JSON.stringify(choiceOf(network)) === JSON.stringify(choiceOf(networkOf(of.network)));
  // Who came by the network is cut off when it is closed, or when its certificate changes.
  const remote = !['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);
  return (
    <section className="card">
      <h2>{t('practice.access')}</h2>
      {site && (
        <p className="muted">
          {t('practice.now')} <span className="mono">{site.webUrl}</span>
        </p>
      )}
      {of.networkFixed ? (
        <p>{t('practice.fixed')}</p>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            change.mutate(choiceOf(network));
          }}
        >
          <NetworkFields value={network} onChange={setNetwork} />
          {!same && remote && <p className="callout warn">{t('practice.cutOff')}</p>}
          <button className="btn" disabled={same || !isWhole(network) || change.isPending}>
            {t('practice.apply')}
          </button>
        </form>
      )}
    </section>
  );
}
