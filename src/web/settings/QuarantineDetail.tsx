/** One file that was kept aside: what is wrong and where, both sides of a conflict, its bytes, and what can be decided. */
import { useQuery } from '@tanstack/react-query';
import { ArrowLeft, Download } from 'lucide-react';
import { useLocation, Link } from 'wouter';
import type { QuarantineView, UploadResult } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { bytes, dateTime } from '../format.ts';
import { keys, useRoles } from '../queries.ts';
import { notify } from '../shell/notices.tsx';
import { useText } from '../text.ts';
import { Compare } from './Compare.tsx';
import { Decide, type Decision } from './Decide.tsx';
import { HexPeek } from './HexPeek.tsx';
import { Listed } from './Listed.tsx';
import { Side } from './Side.tsx';
import { useAction } from './useAction.ts';

export function QuarantineDetail({ id }: { id: string }) {
  const { t } = useText();
  const view = useQuery({
    queryKey: [...keys.quarantine, id],
    queryFn: ({ signal }) => api<QuarantineView>(`/quarantine/${encodeURIComponent(id)}`, { signal }),
  });
  return (
    <>
      <Link href="/settings/quarantine" className="btn ghost back">
        <ArrowLeft size={18} aria-hidden /> {t('quarantine.back')}
      </Link>
      <Listed query={view}>{(look) => <Look look={look} />}</Listed>
    </>
  );
}

function Look({ look }: { look: QuarantineView }) {
  const { t, language } = useText();
  const roles = useRoles();
  const [, go] = useLocation();
  const { row, facts, place, here } = look;
  const conflict = row.reason === 'conflict' && here !== null;
  const decide = useAction({
    run: ({
      decision,
      reason,
      despiteReport,
    }: {
      decision: Decision;
      reason: string;
      despiteReport: boolean;
    }) =>
      api<UploadResult | undefined>(`/quarantine/${row.id}/${decision}`, {
        method: 'POST',
        ...(decision === 'release'
          ? {}
          : { body: { reason, ...(decision === 'replace' ? { despiteReport } : {}) } }),
      }),
    refresh: [keys.status, keys.worklist],
    done: (outcome) => {
      if (outcome && outcome.status !== 'stored' && outcome.status !== 'duplicate')
        return t('quarantine.still');
      go('/settings/quarantine');
      return outcome ? t('quarantine.released') : t('quarantine.discarded');
    },
  });
  const choices: Decision[] = conflict
    ? [
        ...(roles.has('admin') ? (['discard'] as const) : []),
        'as-new',
        ...(roles.has('admin') ? (['replace'] as const) : []),
      ]
    : ['release', ...(roles.has('admin') ? (['discard'] as const) : [])];
  const arrived = (title: string) => (
    <Side
      title={title}
      facts={facts}
      picture={look.picture ? `/api/quarantine/${row.id}/picture` : null}
      origin={[
        dateTime(row.receivedAt, language),
        t(`door.${row.door}`),
        row.from,
        bytes(row.size, language),
      ]}
    />
  );
  return (
    <>
      <div>
        <h2 className="aside-title">
          {t('quarantine.because', { reason: t(`quarantine.reason.${row.reason}`) })}
        </h2>
        <p className="muted">{t(`quarantine.todo.${row.reason}`)}</p>
      </div>
      {conflict ? (
        <section className="card wide-card">
          <div className="versus">
            <Side
              title={t('quarantine.here')}
              facts={here.facts}
              picture={
                here.picture
                  ? `/dicom-web/studies/${here.facts.studyUid}/series/${here.facts.seriesUid}/instances/${here.facts.sopInstanceUid}/rendered?viewport=512,512`
                  : null
              }
              origin={[
                dateTime(here.receivedAt, language),
                t(`door.${here.door}`),
                here.from,
                bytes(here.size, language),
              ]}
            />
            {arrived(t('quarantine.new'))}
          </div>
          {look.comparison && <Compare comparison={look.comparison} />}
        </section>
      ) : (
        <section className="card">{arrived(t('quarantine.file'))}</section>
      )}
      <section className="card">
        <h2>{t('quarantine.detail')}</h2>
        <dl className="facts">
          {row.fileName && (
            <>
              <dt>{t('quarantine.fileName')}</dt>
              <dd>
                <bdi>{row.fileName}</bdi>
              </dd>
            </>
          )}
          <dt>{t('quarantine.told')}</dt>
          <dd>{t('quarantine.toldText', { code: look.told })}</dd>
          {place && (
            <>
              <dt>{t('quarantine.where')}</dt>
              <dd>
                {place.tag && <span className="mono">{place.tag}</span>} {place.name}
                {place.offset !== null && (
                  <span className="block muted num">{t('quarantine.atByte', { offset: place.offset })}</span>
                )}
              </dd>
            </>
          )}
          <dt>{t('quarantine.words')}</dt>
          <dd className="mono">{row.detail}</dd>
          <dt>SHA-256</dt>
          <dd className="mono breakable">{row.sha256}</dd>
        </dl>
        <HexPeek id={row.id} size={row.size} at={place?.offset ?? 0} />
        <a className="btn" href={`/api/quarantine/${row.id}/file`} download={`${row.id}.dcm`}>
          <Download size={16} aria-hidden /> {t('quarantine.download')}
        </a>
      </section>
      <section className="card">
        <h2>{t('quarantine.decide')}</h2>
        <Decide
          choices={choices}
          busy={decide.isPending}
          error={decide.error}
          onDecide={(decision, reason, despiteReport) => {
            if (decision !== 'release' && reason.trim() === '')
              notify({ kind: 'error', text: t('errors.reason-missing') });
            else decide.mutate({ decision, reason, despiteReport });
          }}
        />
      </section>
    </>
  );
}
