/** What was kept aside, newest first: by reason, by words, page after page. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { ChevronRight } from 'lucide-react';
import { useDeferredValue, useState } from 'react';
import { Link } from 'wouter';
import type { QuarantinePage, QuarantineReason } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { bytes, dateTime, number } from '../format.ts';
import { keys } from '../queries.ts';
import { failureText, useText } from '../text.ts';
import { TextField } from '../ui/fields.tsx';
import { RowsSkeleton } from '../ui/Skeleton.tsx';

const PAGE = 50;

export function QuarantineList() {
  const { t, language } = useText();
  const [reason, setReason] = useState<QuarantineReason | null>(null);
  const [typed, setTyped] = useState('');
  const search = useDeferredValue(typed.trim());
  const pages = useInfiniteQuery({
    queryKey: [...keys.quarantine, reason, search],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => {
      const query = new URLSearchParams({ limit: String(PAGE) });
      if (reason) query.set('reason', reason);
      if (search) query.set('search', search);
      if (pageParam) query.set('after', pageParam);
      return api<QuarantinePage>(`/quarantine?${query}`, { signal });
    },
    getNextPageParam: ({ rows }) => (rows.length === PAGE ? rows.at(-1)!.id : undefined),
  });
  const counts = pages.data?.pages.at(-1)?.counts ?? {};
  const reasons = Object.entries(counts) as [QuarantineReason, number][];
  const rows = pages.data?.pages.flatMap((page) => page.rows) ?? [];
  return (
    <>
      <p className="lead">{t('quarantine.lead')}</p>
      {(reasons.length > 0 || search) && (
        <div className="filters-line">
          <TextField
            label={t('quarantine.search')}
            type="search"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
          {reasons.length > 1 && (
            <div className="pills" role="group" aria-label={t('quarantine.filter')}>
              <button type="button" aria-pressed={reason === null} onClick={() => setReason(null)}>
                {t('quarantine.all')}
              </button>
              {reasons
                .toSorted(([, a], [, b]) => b - a)
                .map(([each, n]) => (
                  <button
                    type="button"
                    key={each}
                    aria-pressed={reason === each}
                    onClick={() => setReason(reason === each ? null : each)}
                  >
                    {t(`quarantine.short.${each}`)} <span className="num faint">{number(n, language)}</span>
                  </button>
                ))}
            </div>
          )}
        </div>
      )}
      {pages.isPending && <RowsSkeleton rows={4} />}
      {pages.isError && (
        <p role="alert" className="muted">
          {failureText(t, pages.error)}
        </p>
      )}
      {pages.isSuccess && rows.length === 0 && (
        <p className="muted">{search || reason ? t('quarantine.noneFound') : t('quarantine.none')}</p>
      )}
      <ul className="list">
        {rows.map((row) => (
          <li key={row.id}>
            <Link href={`/settings/quarantine?id=${row.id}`} className="aside-row">
              <span>
                <b>{t('quarantine.because', { reason: t(`quarantine.reason.${row.reason}`) })}</b>
                <small className="num">
                  {[
                    dateTime(row.receivedAt, language),
                    t(`door.${row.door}`),
                    row.from,
                    bytes(row.size, language),
                  ].join(' · ')}
                  {row.fileName && (
                    <>
                      {' · '}
                      <bdi>{row.fileName}</bdi>
                    </>
                  )}
                </small>
              </span>
              <ChevronRight size={18} aria-hidden />
            </Link>
          </li>
        ))}
      </ul>
      {pages.hasNextPage && (
        <button
          type="button"
          className="btn"
          disabled={pages.isFetchingNextPage}
          onClick={() => void pages.fetchNextPage()}
        >
          {t('action.more')}
        </button>
      )}
    </>
  );
}
