/** What came of each association of the DICOM network: for whoever asks where an image went. */
import { useInfiniteQuery } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import type { ReceiptRow } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { dateTime } from '../format.ts';
import { keys } from '../queries.ts';
import { failureText, useText } from '../text.ts';
import { RowsSkeleton } from '../ui/Skeleton.tsx';
import './receipts.css';

const PAGE = 50;

export function Receipts() {
  const { t } = useText();
  const receipts = useInfiniteQuery({
    queryKey: keys.associations,
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) =>
      api<ReceiptRow[]>(`/associations${pageParam ? `?before=${pageParam}` : ''}`, { signal }),
    getNextPageParam: (page) => (page.length < PAGE ? undefined : page.at(-1)?.endedAt),
  });
  const rows = receipts.data?.pages.flat() ?? [];
  return (
    <section>
      <h2>{t('receipts.title')}</h2>
      <p className="muted">{t('receipts.lead')}</p>
      {receipts.isPending && <RowsSkeleton rows={4} />}
      {receipts.isError && (
        <p role="alert" className="muted">
          {failureText(t, receipts.error)}
        </p>
      )}
      {receipts.isSuccess && rows.length === 0 && <p className="muted">{t('receipts.none')}</p>}
      <ul className="list">
        {rows.map((row) => (
          <Row key={row.id} row={row} />
        ))}
      </ul>
      {receipts.hasNextPage && (
        <button
          type="button"
          className="btn"
          disabled={receipts.isFetchingNextPage}
          onClick={() => void receipts.fetchNextPage()}
        >
          {t('receipts.more')}
        </button>
      )}
    </section>
  );
}

function Row({ row }: { row: ReceiptRow }) {
  const { t, language } = useText();
  const refusedClasses = row.contexts.filter(({ result }) => result !== 0);
  const lines = Object.entries(row.answers);
  const title = t(`receipts.outcome.${row.outcome}`);
  return (
    <li>
      <details className="wide receipt">
        <summary>
          <b className="mono">{row.callingAe || '–'}</b>{' '}
          <span className={isTrouble(row) ? 'warn' : 'muted'}>{summaryOf(row, t)}</span>
          <small className="num">
            {row.address} · {dateTime(row.endedAt, language)}
          </small>
        </summary>
        <dl className="facts">
          <dt>{t('receipts.end')}</dt>
          <dd>{row.reason === '' ? title : `${title} (${row.reason})`}</dd>
          <dt>{t('receipts.called')}</dt>
          <dd className="mono">{row.calledAe || '–'}</dd>
          <dt>{t('receipts.connection')}</dt>
          <dd>{row.tls ? t('receipts.tls') : t('receipts.plain')}</dd>
          {row.implementation !== '' && (
            <>
              <dt>{t('receipts.software')}</dt>
              <dd className="mono">{row.implementation}</dd>
            </>
          )}
          <dt>{t('receipts.offered')}</dt>
          <dd>
            {refusedClasses.length === 0
              ? t('receipts.allTaken', { count: row.contexts.length })
              : t('receipts.classes', { count: row.contexts.length, refused: refusedClasses.length })}
          </dd>
          {lines.length > 0 && (
            <>
              <dt>{t('receipts.answers')}</dt>
              <dd>
                {lines.map(([kind, count]) => (
                  <div key={kind} className="mono num">
                    {kind} × {count}
                  </div>
                ))}
              </dd>
            </>
          )}
        </dl>
        {refusedClasses.length > 0 && (
          <>
            <h3>{t('receipts.refusedClasses')}</h3>
            <ul className="plain mono small">
              {refusedClasses.map(({ abstractSyntax }) => (
                <li key={abstractSyntax}>{abstractSyntax}</li>
              ))}
            </ul>
          </>
        )}
        {row.refused.length > 0 && (
          <>
            <h3>{t('receipts.refused')}</h3>
            <ul className="plain small">
              {row.refused.map(({ sopInstanceUid, status, comment }, i) => (
                <li key={`${i} ${sopInstanceUid}`}>
                  <span className="mono">{sopInstanceUid}</span>
                  <br />
                  <span className="muted">
                    {status.toString(16).toUpperCase().padStart(4, '0')} {comment}
                  </span>
                </li>
              ))}
            </ul>
          </>
        )}
      </details>
    </li>
  );
}

/** Ended as it should: done, or cancelled by who asked. */
const FINE = new Set(['0000', 'FE00']);
const isTrouble = ({ outcome, answers }: ReceiptRow): boolean =>
  outcome === 'broken' ||
  outcome === 'cut-off' ||
  outcome === 'rejected' ||
  Object.keys(answers).some((kind) => !FINE.has(kind.split(' ')[1]!));

/** One line: what mattered of it. */
function summaryOf({ outcome, answers }: ReceiptRow, t: TFunction): string {
  const counts = Object.entries(answers).map(([kind, count]) => {
    const [service, status] = kind.split(' ') as [string, string];
    return { service, fine: FINE.has(status), count };
  });
  const total = (wanted: (each: { service: string; fine: boolean }) => boolean) =>
    counts.filter(wanted).reduce((sum, { count }) => sum + count, 0);
  const stored = total(({ service, fine }) => service === 'C-STORE' && fine);
  const notStored = total(({ service, fine }) => service === 'C-STORE' && !fine);
  const refused = total(({ service, fine }) => service !== 'C-STORE' && !fine);
  const parts = [
    ...(outcome === 'released' ? [] : [t(`receipts.outcome.${outcome}`)]),
    ...(stored > 0 ? [t('receipts.stored', { count: stored })] : []),
    ...(notStored > 0 ? [t('receipts.notStored', { count: notStored })] : []),
    ...(['C-FIND', 'C-GET', 'C-MOVE', 'N-ACTION', 'C-ECHO'] as const).flatMap((name) => {
      const count = total(({ service, fine }) => service === name && fine);
      return count > 0 ? [t(`receipts.did.${name}`, { count })] : [];
    }),
    ...(refused > 0 ? [t('receipts.refusedRequests', { count: refused })] : []),
  ];
  return parts.length === 0 ? t('receipts.nothing') : parts.join(' · ');
}
