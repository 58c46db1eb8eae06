/** "Everything works", and when it does not: what, since when, what to do. */
import { Popover } from '@mantine/core';
import { Link } from 'wouter';
import { dateTime } from '../format.ts';
import { useConnected } from '../live.ts';
import { useRoles, useStatus } from '../queries.ts';
import { orCode, useText } from '../text.ts';

export function StatusChip() {
  const { t, language } = useText();
  const roles = useRoles();
  const connected = useConnected();
  const { data, isError } = useStatus();
  const site = data?.site;
  const problems = site?.health.problems ?? [];
  const offline = isError || !connected;
  const good = !offline && (site?.health.ok ?? true);
  const label = offline
    ? t('status.offline')
    : good
      ? t('status.ok')
      : t('status.problems', { count: problems.length });
  return (
    <Popover position="bottom-end" width={340} withinPortal shadow="none">
      <Popover.Target>
        <button
          type="button"
          className={`chip status ${offline ? 'stop' : good ? 'ok' : 'warn'}`}
          title={label}
        >
          <span className="dot" aria-hidden />
          <span className="status-text" role="status">
            {label}
          </span>
        </button>
      </Popover.Target>
      <Popover.Dropdown className="pop">
        {offline && <p>{t('status.offlineText')}</p>}
        {problems.map((problem) => (
          <div key={problem.code} className="stack tight">
            <b>{orCode(t, 'status', problem.code)}</b>
            {problem.detail && <span className="muted">{problem.detail}</span>}
            <span className="faint small">
              {t('status.since', { when: dateTime(problem.since, language) })}
            </span>
          </div>
        ))}
        {!offline && good && <p>{t('status.okText')}</p>}
        {site && (
          <dl className="facts small">
            <dt>{t('site.aeTitle')}</dt>
            <dd className="mono">{site.aeTitle}</dd>
            <dt>{t('site.dicomPort')}</dt>
            <dd className="mono">{site.dicomPort}</dd>
            <dt>{t('site.web')}</dt>
            <dd className="mono">{site.webUrl}</dd>
          </dl>
        )}
        {roles.has('admin') && (
          <Link href="/settings/system" className="btn">
            {t('status.more')}
          </Link>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}
