/** Watched folders: where they are, how they are, and what could not be taken in. */
import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import type { FolderView } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { dateTime, number } from '../format.ts';
import { keys, useRoles } from '../queries.ts';
import { orCode, useText } from '../text.ts';
import { FolderDialog } from './FolderDialog.tsx';
import { Listed } from './Listed.tsx';

export function Folders() {
  const { t, language } = useText();
  const mayEdit = useRoles().has('admin');
  const [edited, setEdited] = useState<FolderView | 'new' | null>(null);
  const folders = useQuery({
    queryKey: keys.folders,
    queryFn: () => api<FolderView[]>('/folders'),
    refetchInterval: 5000,
  });
  /** `truncated: The pixel data ends …`: the reason in the reader's language where there is one. */
  const reason = (detail: string): string => {
    const code = /^[\w-]+/.exec(detail)?.[0] ?? '';
    const said = [
      orCode(t, 'folders.reason', code),
      orCode(t, 'quarantine.reason', code),
      orCode(t, 'errors', code),
    ].find((each) => each !== code);
    return said ?? detail;
  };
  return (
    <>
      <p className="lead">{t('folders.lead')}</p>
      {mayEdit && (
        <div>
          <button type="button" className="btn primary" onClick={() => setEdited('new')}>
            <Plus size={16} aria-hidden /> {t('folders.add')}
          </button>
        </div>
      )}
      <Listed query={folders}>
        {(rows) => (
          <>
            {rows.length === 0 && <p className="muted">{t('folders.none')}</p>}
            {rows.map((folder) => (
              <section key={folder.path} className="watched">
                <header className="rowline">
                  <h2 className="mono" dir="auto">
                    {folder.path}
                  </h2>
                  {folder.id === null ? (
                    <span className="chip">{t('folders.fixed')}</span>
                  ) : (
                    mayEdit && (
                      <button
                        type="button"
                        className="btn"
                        aria-label={t('folders.editNamed', { path: folder.path })}
                        onClick={() => setEdited(folder)}
                      >
                        {t('action.edit')}
                      </button>
                    )
                  )}
                </header>
                <dl className="facts card">
                  <dt>{t('folders.state')}</dt>
                  <dd>
                    {t(`folders.state.${folder.state}`)}
                    {folder.state !== 'watching' &&
                      ` ${t('folders.since', { when: dateTime(folder.since, language) })}`}
                  </dd>
                  <dt>{t('folders.after')}</dt>
                  <dd>{t(`folders.after.${folder.after}`)}</dd>
                  <dt>{t('folders.taken')}</dt>
                  <dd className="num">{number(folder.taken, language)}</dd>
                  <dt>{t('folders.waiting')}</dt>
                  <dd className="num">{number(folder.waiting, language)}</dd>
                </dl>
                {folder.failures.length > 0 && (
                  <>
                    <h3>{t('folders.failures')}</h3>
                    <ul className="list">
                      {folder.failures.map((each) => (
                        <li key={each.name}>
                          <div>
                            <b dir="auto">{each.name}</b>
                            <small>
                              {reason(each.detail)} · {dateTime(each.at, language)}
                            </small>
                          </div>
                        </li>
                      ))}
                    </ul>
                  </>
                )}
              </section>
            ))}
          </>
        )}
      </Listed>
      {edited && <FolderDialog folder={edited === 'new' ? null : edited} onClose={() => setEdited(null)} />}
    </>
  );
}
