/** Room on the disk, who sent when, what waits, whether the files are sound, certificate and backup: figures with what to do. */
import { useQuery } from '@tanstack/react-query';
import { CircleCheckBig, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { UpkeepView } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { bytes, dateOnly, dateTime, duration, number } from '../format.ts';
import { addCatalogue } from '../i18n/index.ts';
import { keys } from '../queries.ts';
import { orCode, useText } from '../text.ts';
import en from './en.json' with { type: 'json' };
import fr from './fr.json' with { type: 'json' };
import { Listed } from './Listed.tsx';
import { useAction } from './useAction.ts';

addCatalogue({ fr, en });

const KEY = ['upkeep'] as const;
const BACKUP_DAYS = 30;
const SOON_DAYS = 14;
const DAY_MS = 86_400_000;

export function Upkeep() {
  const view = useQuery({
    queryKey: KEY,
    queryFn: () => api<UpkeepView>('/upkeep'),
    refetchInterval: 30_000,
  });
  return (
    <Listed query={view}>
      {(of) => (
        <>
          <Room of={of} />
          <Senders of={of} />
          <Queues of={of} />
        </>
      )}
    </Listed>
  );
}

function Fact({ label, good, children }: { label: string; good: boolean; children: ReactNode }) {
  const { t } = useText();
  return (
    <>
      <dt>{label}</dt>
      <dd className="fact">
        {good ? (
          <CircleCheckBig size={16} className="good" aria-label={t('system.good')} />
        ) : (
          <TriangleAlert size={16} className="warn" aria-label={t('system.bad')} />
        )}
        <span>{children}</span>
      </dd>
    </>
  );
}

function Room({ of }: { of: UpkeepView }) {
  const { t, language } = useText();
  const { disk, verification } = of;
  const noted = useAction({
    run: () => api('/upkeep/backup', { method: 'POST' }),
    refresh: [KEY],
    done: () => t('upkeep.backupNoted'),
  });
  const recent = of.backupAt !== null && Date.now() - of.backupAt < BACKUP_DAYS * DAY_MS;
  const part = verification.total > 0 ? Math.min(1, verification.checked / verification.total) : 0;
  return (
    <section className="card">
      <h2>{t('upkeep.storage')}</h2>
      <dl className="facts">
        <Fact label={t('upkeep.disk')} good={disk.daysLeft === null || disk.daysLeft >= SOON_DAYS}>
          <span className="num">
            {t('upkeep.free', { free: bytes(disk.free, language), size: bytes(disk.size, language) })}
          </span>
          <span className="block muted num">
            {disk.daysLeft !== null
              ? t('upkeep.daysLeft', { count: disk.daysLeft, perDay: bytes(disk.perDay ?? 0, language) })
              : disk.perDay === null
                ? t('upkeep.noForecast')
                : t('upkeep.noLess')}
          </span>
        </Fact>
        <Fact label={t('upkeep.files')} good={of.damaged.length === 0}>
          {of.damaged.length === 0
            ? t('upkeep.filesGood')
            : t('upkeep.filesBad', { count: verification.damaged })}
          <span className="block muted num">
            {verification.startedAt === 0
              ? t('upkeep.notYet')
              : verification.after === '' && verification.finishedAt !== null
                ? t('upkeep.verified', { when: dateOnly(verification.finishedAt, language) })
                : t('upkeep.verifying', {
                    checked: number(verification.checked, language),
                    total: number(Math.max(verification.total, verification.checked), language),
                  })}
          </span>
          {verification.after !== '' && (
            <progress className="bar" value={part} aria-label={t('upkeep.files')} />
          )}
          {of.damaged.length > 0 && (
            <details>
              <summary>{t('upkeep.which')}</summary>
              <ul>
                {of.damaged.map((row) => (
                  <li key={row.sopInstanceUid}>
                    {t(`upkeep.damaged.${row.what}`)},{' '}
                    <Link href={`/read/${row.studyUid}`}>{t('upkeep.itsExam')}</Link>,{' '}
                    <span className="num">{dateTime(row.foundAt, language)}</span>{' '}
                    <span className="mono faint breakable">{row.sopInstanceUid}</span>
                  </li>
                ))}
              </ul>
            </details>
          )}
        </Fact>
        {of.certificateEnds !== null && (
          <Fact label={t('upkeep.certificate')} good={of.certificateEnds > Date.now() + 21 * DAY_MS}>
            <span className="num">{t('upkeep.until', { when: dateOnly(of.certificateEnds, language) })}</span>
          </Fact>
        )}
        <Fact label={t('upkeep.backup')} good={recent}>
          <span className="num">
            {of.backupAt === null
              ? t('upkeep.noBackup')
              : t('upkeep.backupOn', { when: dateOnly(of.backupAt, language) })}
          </span>
          {!recent && <span className="block muted">{t('upkeep.backupHow')}</span>}
          <button
            type="button"
            className="btn block-btn"
            disabled={noted.isPending}
            onClick={() => noted.mutate(undefined)}
          >
            {t('upkeep.backupDone')}
          </button>
        </Fact>
      </dl>
    </section>
  );
}

function Senders({ of }: { of: UpkeepView }) {
  const { t, language } = useText();
  return (
    <section className="card">
      <h2>{t('upkeep.senders')}</h2>
      {of.senders.length === 0 ? (
        <p className="muted">{t('upkeep.noSenders')}</p>
      ) : (
        <dl className="facts">
          {of.senders.map((sender) => (
            <Fact key={`${sender.door}:${sender.name}`} label={sender.name} good={!sender.silent}>
              <span className="num">
                {t('upkeep.last', { when: dateTime(sender.lastAt, language) })} · {t(`door.${sender.door}`)} ·{' '}
                {t('upkeep.received', { count: sender.images, n: number(sender.images, language) })}
              </span>
              {sender.silent && <span className="block muted">{t('upkeep.silent')}</span>}
            </Fact>
          ))}
        </dl>
      )}
    </section>
  );
}

function Queues({ of }: { of: UpkeepView }) {
  const { t, language } = useText();
  const retry = useAction({
    run: (kind: string) =>
      api<{ jobs: number }>(`/upkeep/jobs/${encodeURIComponent(kind)}/retry`, { method: 'POST' }),
    refresh: [KEY, keys.doctor, keys.status],
    done: ({ jobs }) => t('upkeep.retried', { count: jobs }),
  });
  const busy = of.queues.filter(({ waiting, running, failed }) => waiting + running + failed > 0);
  return (
    <section className="card">
      <h2>{t('upkeep.queues')}</h2>
      {busy.length === 0 ? (
        <p className="muted">{t('upkeep.noQueues')}</p>
      ) : (
        <dl className="facts">
          {busy.map((queue) => (
            <Fact key={queue.kind} label={orCode(t, 'upkeep.job', queue.kind)} good={queue.failed === 0}>
              <span className="num">
                {[
                  queue.running > 0 && t('upkeep.running', { count: queue.running }),
                  queue.waiting > 0 && t('upkeep.waiting', { count: queue.waiting }),
                  queue.failed > 0 && t('upkeep.failed', { count: queue.failed }),
                ]
                  .filter(Boolean)
                  .join(' · ')}
              </span>
              {queue.oldestDueAt !== null && (
                <span className="block muted num">
                  {t('upkeep.oldest', { time: duration(Date.now() - queue.oldestDueAt, language) })}
                </span>
              )}
              {queue.failed > 0 && (
                <button
                  type="button"
                  className="btn block-btn"
                  disabled={retry.isPending}
                  onClick={() => retry.mutate(queue.kind)}
                >
                  {t('action.retry')}
                </button>
              )}
            </Fact>
          ))}
        </dl>
      )}
    </section>
  );
}
