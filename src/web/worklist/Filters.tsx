/** Which exams: lists, modalities, and what is to be settled. A column on a wide screen, a row of chips on a narrow one. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { Discrepancy, WorklistPage } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { keys, useRoles, useStatus } from '../queries.ts';
import { orCode, useText } from '../text.ts';
import { LISTS } from './useWorklist.ts';
import type { WorklistFilter } from './useWorklist.ts';

/** Discrepancies are for those who sign. */
export const useSeesLate = (): boolean => useRoles().has('reader');
export const useDiscrepancies = () =>
  useQuery({
    queryKey: keys.discrepancies,
    queryFn: () => api<Discrepancy[]>('/discrepancies'),
    enabled: useSeesLate(),
  });

interface Props {
  filter: WorklistFilter;
  change: (part: Partial<WorklistFilter>) => void;
  counts: WorklistPage['counts'] | undefined;
}

export function Filters({ filter, change, counts }: Props) {
  const { t } = useText();
  const roles = useRoles();
  const site = useStatus().data?.site;
  const late = useDiscrepancies().data?.filter(({ seenAt }) => seenAt === null).length ?? 0;
  const modalities = Object.entries(counts?.byModality ?? {}).toSorted(([, a], [, b]) => b - a);
  const lists = LISTS.filter((name) => name !== 'mine' || roles.has('reader'));
  const seesLate = useSeesLate();
  const admin = roles.has('admin');
  const handler = admin || roles.has('technologist');
  return (
    <nav className="filters" aria-label={t('worklist.filters')}>
      <ul>
        {lists.map((name) => (
          <li key={name}>
            <button
              type="button"
              aria-current={!filter.late && !filter.search && filter.list === name ? 'true' : undefined}
              onClick={() => change({ list: name, search: '' })}
            >
              <span>{t(`worklist.list.${name}`)}</span>
              {/* How many there are in all is no work to do: no number. */}
              {counts && name !== 'all' && <b>{counts[name]}</b>}
            </button>
          </li>
        ))}
      </ul>
      {modalities.length > 0 && (
        <>
          <h2 className="label-caps">{t('worklist.modality')}</h2>
          <ul>
            {modalities.map(([code, count]) => (
              <li key={code}>
                <button
                  type="button"
                  aria-pressed={filter.modality === code}
                  onClick={() => change({ modality: filter.modality === code ? '' : code })}
                >
                  <span>{orCode(t, 'modality', code)}</span>
                  <b>{count}</b>
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
      {(seesLate || handler) && <h2 className="label-caps">{t('worklist.toSettle')}</h2>}
      <ul>
        {seesLate && (
          <li>
            <button
              type="button"
              aria-current={filter.late ? 'true' : undefined}
              onClick={() => change({ late: true })}
            >
              <span>{t('worklist.late')}</span>
              <b data-some={late > 0 || undefined}>{late}</b>
            </button>
          </li>
        )}
        {handler && (
          <li>
            <Link href="/settings/quarantine">
              <span>{t('settings.quarantine')}</span>
              <b data-some={(site?.quarantined ?? 0) > 0 || undefined}>{site?.quarantined ?? 0}</b>
            </Link>
          </li>
        )}
        {admin && (
          <li>
            <Link href="/settings/senders">
              <span>{t('worklist.knocks')}</span>
              <b data-some={(site?.knocks ?? 0) > 0 || undefined}>{site?.knocks ?? 0}</b>
            </Link>
          </li>
        )}
      </ul>
    </nav>
  );
}
