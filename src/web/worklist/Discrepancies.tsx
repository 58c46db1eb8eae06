/** What came after a signature: a late AI result or a late image. Whoever signed looks at it and says so. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { CircleCheckBig } from 'lucide-react';
import { Link } from 'wouter';
import type { Discrepancy } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { dateTime, personName } from '../format.ts';
import { keys, useRoles } from '../queries.ts';
import { notify } from '../shell/notices.tsx';
import { sided, failureText, useText } from '../text.ts';
import { RowsSkeleton } from '../ui/Skeleton.tsx';
import { useDiscrepancies } from './Filters.tsx';

export function Discrepancies() {
  const { t } = useText();
  const { data, isPending, error } = useDiscrepancies();
  if (isPending) return <RowsSkeleton />;
  if (error) return <p className="empty-text">{failureText(t, error)}</p>;
  const rows = data.toSorted((a, b) => Number(a.seenAt !== null) - Number(b.seenAt !== null) || b.at - a.at);
  return (
    <div className="late">
      <h1>{t('late.title')}</h1>
      <p className="lead">{t('late.lead')}</p>
      {rows.length === 0 ? (
        <p className="rowline muted">
          <CircleCheckBig size={18} aria-hidden /> {t('late.none')}
        </p>
      ) : (
        <ul>
          {rows.map((row) => (
            <Late key={row.id} row={row} />
          ))}
        </ul>
      )}
    </div>
  );
}

function Late({ row }: { row: Discrepancy }) {
  const { t, language } = useText();
  const roles = useRoles();
  const client = useQueryClient();
  const seen = useMutation({
    mutationFn: () => api(`/discrepancies/${row.id}/seen`, { method: 'POST' }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.discrepancies }),
    onError: (error) => notify({ kind: 'error', text: failureText(t, error) }),
  });
  const { study } = row;
  return (
    <li className={row.seenAt === null ? 'open' : ''}>
      <div>
        <b>{t(`late.${row.kind}`)}</b>
        <div>
          {study && (
            <>
              <bdi>{personName(study.patientName)}</bdi> · {sided(t, study)}
            </>
          )}
        </div>
        <small className="muted">
          {dateTime(row.at, language)}
          {row.seenAt !== null && ` · ${t('late.seen', { when: dateTime(row.seenAt, language) })}`}
        </small>
      </div>
      <div className="rowline">
        <Link href={`/read/${row.studyUid}`} className="btn">
          {t('preview.open')}
        </Link>
        {row.seenAt === null && roles.has('reader') && (
          <button type="button" className="btn" disabled={seen.isPending} onClick={() => seen.mutate()}>
            {t('late.markSeen')}
          </button>
        )}
      </div>
    </li>
  );
}
