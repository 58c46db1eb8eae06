/** What comes from others and what goes to them: what waits, since when and why. */
import { useQuery } from '@tanstack/react-query';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Forward, PullRow, Text } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { clock, dateTime, dicomDate, personName } from '../format.ts';
import { keys } from '../queries.ts';
import { Listed } from '../settings/Listed.tsx';
import { useAction } from '../settings/useAction.ts';
import { useText } from '../text.ts';

const POLL_MS = 1500;
const isOpen = ({ state }: { state: string }) => state === 'waiting' || state === 'running';
/** As long as something moves, it is looked at again. */
const polling = (query: { state: { data: readonly { state: string }[] | undefined } }) =>
  query.state.data?.some(isOpen) ? POLL_MS : false;

export function Pulls() {
  const { t, language } = useText();
  const query = useQuery({
    queryKey: keys.pulls,
    queryFn: () => api<PullRow[]>('/pulls'),
    refetchInterval: polling,
  });
  return (
    <Transfers
      query={query}
      base="pulls"
      empty={t('pulls.none')}
      title={(row) => personName(row.patientName) || row.patientId || t('patient.unnamed')}
      about={(row) =>
        [row.description, dicomDate(row.studyDate, language), row.remoteName].filter(Boolean).join(' · ')
      }
      count={({ total, received }) =>
        total === null ? null : t('transfer.count', { count: received, total })
      }
      progress={({ total, received }) => (total ? received / total : null)}
      failures={(row) =>
        row.failed.map(({ sopInstanceUid, reason }) => ({
          sopInstanceUid,
          text: t(`pulls.reason.${KNOWN.includes(reason) ? reason : 'other'}`),
        }))
      }
    />
  );
}

export function Forwards() {
  const { t, say } = useText();
  const query = useQuery({
    queryKey: keys.forwards,
    queryFn: () => api<Forward[]>('/forwards'),
    refetchInterval: polling,
  });
  return (
    <Transfers
      query={query}
      base="forwards"
      empty={t('forwards.none')}
      title={(row) => personName(row.patientName) || t('patient.unnamed')}
      about={(row) =>
        [
          t('forwards.to', { name: row.remoteName }),
          row.parts.map((part) => t(`part.${part}`)).join(', '),
          row.ruleName === null
            ? t('forwards.byHand', { name: row.byName })
            : t('forwards.byRule', { name: row.ruleName }),
        ].join(' · ')
      }
      count={({ total, sent, committed }) =>
        total === null
          ? null
          : committed === null
            ? t('transfer.count', { count: sent, total })
            : t('forwards.committed', { count: sent, total, committed })
      }
      progress={({ total, sent }) => (total ? sent / total : null)}
      failures={(row) => row.failed.map(({ sopInstanceUid, text }) => ({ sopInstanceUid, text: say(text) }))}
    />
  );
}

interface Row {
  readonly id: string;
  readonly studyUid: string;
  readonly state: PullRow['state'];
  readonly text: Text | null;
  readonly nextAt: number | null;
  readonly createdAt: number;
}
function Transfers<R extends Row>(props: {
  query: UseQueryResult<R[]>;
  base: 'pulls' | 'forwards';
  empty: ReactNode;
  title: (row: R) => string;
  about: (row: R) => string;
  count: (row: R) => string | null;
  progress: (row: R) => number | null;
  failures: (row: R) => { sopInstanceUid: string; text: string }[];
}) {
  const { t, say, language } = useText();
  const { base } = props;
  const act = useAction({
    run: ({ id, verb }: { id: string; verb: 'again' | 'cancel' }) =>
      api(`/${base}/${id}/${verb}`, { method: 'POST' }),
    refresh: [keys[base]],
  });
  return (
    <Listed query={props.query}>
      {(rows) =>
        rows.length === 0 ? (
          <p className="muted">{props.empty}</p>
        ) : (
          <ul className="list transfers">
            {rows.map((row) => {
              const part = props.progress(row);
              const failures = props.failures(row);
              return (
                <li key={row.id}>
                  <div>
                    <b>
                      <Link href={`/read/${row.studyUid}`}>
                        <bdi>{props.title(row)}</bdi>
                      </Link>
                    </b>
                    <small dir="auto">{props.about(row)}</small>
                    <small className="num">
                      {t('transfer.since', { when: dateTime(row.createdAt, language) })}
                    </small>
                    {row.text && (
                      <small className={isOpen(row) ? 'why' : 'why bad'}>
                        {say(row.text)}{' '}
                        {row.nextAt !== null && t('transfer.next', { when: clock(row.nextAt, language) })}
                      </small>
                    )}
                    {failures.length > 0 && !isOpen(row) && (
                      <details>
                        <summary className="small faint">
                          {t('transfer.failures', { count: failures.length })}
                        </summary>
                        <ul className="failures">
                          {failures.map(({ sopInstanceUid, text }) => (
                            <li key={sopInstanceUid}>
                              <code className="mono">{sopInstanceUid}</code> {text}
                            </li>
                          ))}
                        </ul>
                      </details>
                    )}
                  </div>
                  <span className="state">
                    <span className={`chip ${CHIP[row.state]}`}>{t(`transfer.state.${row.state}`)}</span>
                    <small className="num">{props.count(row)}</small>
                    {row.state === 'running' && part !== null && (
                      <progress aria-label={t('transfer.progress')} max={1} value={part} />
                    )}
                  </span>
                  <span className="rowline">
                    {isOpen(row) && (
                      <button
                        type="button"
                        className="btn"
                        disabled={act.isPending}
                        onClick={() => act.mutate({ id: row.id, verb: 'cancel' })}
                      >
                        {t('transfer.cancel')}
                      </button>
                    )}
                    {row.state !== 'running' && (base === 'forwards' || row.state !== 'done') && (
                      <button
                        type="button"
                        className="btn"
                        disabled={act.isPending}
                        onClick={() => act.mutate({ id: row.id, verb: 'again' })}
                      >
                        {row.state === 'waiting' ? t('transfer.now') : t('transfer.again')}
                      </button>
                    )}
                  </span>
                </li>
              );
            })}
          </ul>
        )
      }
    </Listed>
  );
}

/** Faults of what came that are told by name; any other is one of the file. */
const KNOWN = ['not-sent', 'conflict', 'disk-full'];

const CHIP: Readonly<Record<PullRow['state'], string>> = {
  waiting: 'warn',
  running: 'human',
  done: 'ok',
  partial: 'warn',
  failed: 'stop',
  cancelled: '',
};
