/** Who may send images: AE titles that knocked, and those let in. */
import { useQuery } from '@tanstack/react-query';
import type { AeRow } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { dateTime } from '../format.ts';
import { keys, useStatus } from '../queries.ts';
import { useText } from '../text.ts';
import { Listed } from './Listed.tsx';
import { Receipts } from './Receipts.tsx';
import { useAction } from './useAction.ts';

export function Senders() {
  const { t, language } = useText();
  const site = useStatus().data?.site;
  const senders = useQuery({ queryKey: keys.knocks, queryFn: () => api<AeRow[]>('/knocks') });
  const decide = useAction({
    run: ({ aet, verb }: { aet: string; verb: 'admit' | 'refuse' }) =>
      api<AeRow[]>(`/knocks/${encodeURIComponent(aet)}/${verb}`, { method: 'POST' }),
    refresh: [keys.knocks, keys.status],
  });
  const groups = ['knocked', 'admitted', 'refused'] as const;
  return (
    <>
      <p className="lead">{t('senders.lead')}</p>
      {site && (
        <dl className="facts card">
          <dt>{t('site.aeTitle')}</dt>
          <dd className="mono">{site.aeTitle}</dd>
          <dt>{t('site.host')}</dt>
          <dd className="mono">{new URL(site.webUrl).hostname}</dd>
          <dt>{t('site.dicomPort')}</dt>
          <dd className="mono">{site.dicomPort}</dd>
        </dl>
      )}
      <Listed query={senders}>
        {(rows) => (
          <>
            {rows.length === 0 && <p className="muted">{t('senders.none')}</p>}
            {groups.map((group) => {
              const some = rows.filter(({ state }) => state === group);
              if (some.length === 0) return null;
              return (
                <section key={group}>
                  <h2>{t(`senders.${group}`)}</h2>
                  <ul className="list">
                    {some.map((row) => (
                      <li key={`${row.aeTitle} ${row.address}`}>
                        <div>
                          <b className="mono">{row.aeTitle}</b>
                          <small className="num">
                            {row.address && `${row.address} · `}
                            {group === 'knocked'
                              ? t('senders.knocks', {
                                  count: row.knocks,
                                  when: dateTime(row.lastAt, language),
                                })
                              : t('senders.since', { when: dateTime(row.lastAt, language) })}
                          </small>
                        </div>
                        <span className="rowline">
                          {group !== 'admitted' && (
                            <button
                              type="button"
                              className={group === 'knocked' ? 'btn primary' : 'btn'}
                              disabled={decide.isPending}
                              onClick={() => decide.mutate({ aet: row.aeTitle, verb: 'admit' })}
                            >
                              {t('senders.admit')}
                            </button>
                          )}
                          {group !== 'refused' && (
                            <button
                              type="button"
                              className="btn"
                              disabled={decide.isPending}
                              onClick={() => decide.mutate({ aet: row.aeTitle, verb: 'refuse' })}
                            >
                              {group === 'admitted' ? t('senders.revoke') : t('senders.refuse')}
                            </button>
                          )}
                        </span>
                      </li>
                    ))}
                  </ul>
                </section>
              );
            })}
          </>
        )}
      </Listed>
      <Receipts />
    </>
  );
}
