/** What works, what does not, what to do; and the addresses of this installation. */
import { useQuery } from '@tanstack/react-query';
import { CircleCheckBig, Download, TriangleAlert } from 'lucide-react';
import type { DoctorLine } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { keys, useStatus } from '../queries.ts';
import { useText } from '../text.ts';
import { Listed } from './Listed.tsx';
import { Upkeep } from './Upkeep.tsx';

export function System() {
  const { t, say } = useText();
  const status = useStatus().data;
  const site = status?.site;
  const doctor = useQuery({ queryKey: keys.doctor, queryFn: () => api<DoctorLine[]>('/doctor') });
  return (
    <>
      <p className="lead">{t('system.lead')}</p>
      <section className="card">
        <div className="rowline wide">
          <h2 className="grow">{t('system.check')}</h2>
          <button
            type="button"
            className="btn"
            disabled={doctor.isFetching}
            onClick={() => void doctor.refetch()}
          >
            {t('system.again')}
          </button>
        </div>
        <Listed query={doctor}>
          {(lines) => (
            <ul className="stack wide">
              {lines
                .toSorted((a, b) => Number(a.ok) - Number(b.ok))
                .map((line) => (
                  <li key={line.code} className={`callout ${line.ok ? 'ok' : 'warn'}`}>
                    {line.ok ? (
                      <CircleCheckBig size={18} aria-hidden />
                    ) : (
                      <TriangleAlert size={18} aria-hidden />
                    )}
                    <span>
                      <span className="visually-hidden">{line.ok ? t('system.good') : t('system.bad')}</span>
                      {say(line.text)}
                    </span>
                  </li>
                ))}
            </ul>
          )}
        </Listed>
      </section>
      <Upkeep />
      {site && (
        <section className="card">
          <h2>{t('system.addresses')}</h2>
          <dl className="facts">
            <dt>{t('site.web')}</dt>
            <dd className="mono">{site.webUrl}</dd>
            <dt>{t('site.aeTitle')}</dt>
            <dd className="mono">{site.aeTitle}</dd>
            <dt>{t('site.dicomPort')}</dt>
            <dd className="mono">{site.dicomPort}</dd>
            <dt>DICOMweb</dt>
            <dd className="mono">{new URL('/dicom-web', site.webUrl).href}</dd>
            <dt>{t('system.network')}</dt>
            <dd>{t(`system.network.${site.network}`)}</dd>
            <dt>{t('system.timeZone')}</dt>
            <dd>{site.timeZone}</dd>
            <dt>{t('system.version')}</dt>
            <dd>{status.version}</dd>
          </dl>
        </section>
      )}
      {site?.network === 'network' && (
        <section className="card">
          <h2>{t('system.trust')}</h2>
          <p className="muted">{t('system.trustText')}</p>
          <ol className="trust">
            <li>{t('system.trust.iphone')}</li>
            <li>{t('system.trust.android')}</li>
            <li>{t('system.trust.computer')}</li>
          </ol>
          <a className="btn" href="/ca.crt" download>
            <Download size={16} aria-hidden /> {t('system.trustFile')}
          </a>
        </section>
      )}
      <p className="faint">{t('login.notice')}</p>
    </>
  );
}
