/** What could not be taken in, why, and what can be done about it. */
import { useQuery } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { useState } from 'react';
import type { QuarantineRow, UploadResult } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { bytes, dateTime } from '../format.ts';
import { keys, useRoles } from '../queries.ts';
import { useText } from '../text.ts';
import { Dialog, DialogFoot } from '../ui/Dialog.tsx';
import { Listed } from './Listed.tsx';
import { useAction } from './useAction.ts';

export function Quarantine() {
  const { t, language } = useText();
  const rows = useQuery({ queryKey: keys.quarantine, queryFn: () => api<QuarantineRow[]>('/quarantine') });
  const roles = useRoles();
  const [discarding, setDiscarding] = useState<QuarantineRow | null>(null);
  const release = useAction({
    run: (id: string) => api<UploadResult>(`/quarantine/${id}/release`, { method: 'POST' }),
    refresh: [keys.quarantine, keys.status, keys.worklist],
    done: (result) =>
      result.status === 'stored' || result.status === 'duplicate'
        ? t('quarantine.released')
        : t('quarantine.still'),
  });
  const discard = useAction({
    run: (id: string) => api(`/quarantine/${id}`, { method: 'DELETE' }),
    refresh: [keys.quarantine, keys.status],
    done: () => t('quarantine.discarded'),
  });
  return (
    <>
      <p className="lead">{t('quarantine.lead')}</p>
      <Listed query={rows}>
        {(all) =>
          all.length === 0 ? (
            <p className="muted">{t('quarantine.none')}</p>
          ) : (
            <ul className="list">
              {all.map((row) => (
                <li key={row.id}>
                  <div>
                    <b>{t('quarantine.because', { reason: t(`quarantine.reason.${row.reason}`) })}</b>
                    <small className="num">
                      {dateTime(row.receivedAt, language)} · {t(`door.${row.door}`)} · {row.from} ·{' '}
                      {bytes(row.size, language)}
                      {row.fileName && (
                        <>
                          {' · '}
                          <bdi>{row.fileName}</bdi>
                        </>
                      )}
                    </small>
                    <small>{t(`quarantine.todo.${row.reason}`)}</small>
                    {row.detail && (
                      <details>
                        <summary className="small faint">{t('quarantine.detail')}</summary>
                        <code className="mono">{row.detail}</code>
                      </details>
                    )}
                  </div>
                  <span className="rowline">
                    <a className="btn" href={`/api/quarantine/${row.id}/file`} download={`${row.id}.dcm`}>
                      <Download size={16} aria-hidden /> {t('quarantine.download')}
                    </a>
                    {row.reason !== 'conflict' && (
                      <button
                        type="button"
                        className="btn"
                        disabled={release.isPending}
                        onClick={() => release.mutate(row.id)}
                      >
                        {t('quarantine.release')}
                      </button>
                    )}
                    {roles.has('admin') && (
                      <button type="button" className="btn danger" onClick={() => setDiscarding(row)}>
                        {t('quarantine.discard')}
                      </button>
                    )}
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Listed>
      {discarding && (
        <Dialog opened onClose={() => setDiscarding(null)} title={t('quarantine.discardTitle')}>
          <p>{t('quarantine.discardText')}</p>
          <DialogFoot>
            <button type="button" className="btn ghost" onClick={() => setDiscarding(null)}>
              {t('action.cancel')}
            </button>
            <button
              type="button"
              className="btn danger"
              onClick={() => {
                discard.mutate(discarding.id);
                setDiscarding(null);
              }}
            >
              {t('quarantine.discard')}
            </button>
          </DialogFoot>
        </Dialog>
      )}
    </>
  );
}
