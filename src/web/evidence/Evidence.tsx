/** What the tools are worth, on the practice's own patients. */
import { useState } from 'react';
import { dateOnly } from '../format.ts';
import { useModels } from '../queries.ts';
import { failureText, useText } from '../text.ts';
import { Segmented } from '../ui/fields.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';
import { Overview } from './overview/Overview.tsx';
import { between, lastDays } from './range.ts';
import type { Range } from './range.ts';
import { Tool } from './Tool.tsx';
import './evidence.css';

type Span = 'all' | '30' | '90' | '365' | 'own';

export default function Evidence() {
  const { t, language } = useText();
  const models = useModels();
  const [span, setSpan] = useState<Span>('all');
  const [uncertain, setUncertain] = useState<'uncertainAsPositive' | 'uncertainAsNegative'>(
    'uncertainAsPositive',
  );
  const [dates, setDates] = useState({ from: '', to: '' });
  const range: Range =
    span === 'all'
      ? { from: null, to: null }
      : span === 'own'
        ? between(dates.from, dates.to)
        : lastDays(Number(span));
  return (
    <div className="page">
      <div>
        <h1>{t('evidence.title')}</h1>
        <p className="lead">
          {t('evidence.lead')}{' '}
          {range.from !== null &&
            (range.to === null
              ? t('evidence.since', { date: dateOnly(range.from, language) })
              : t('evidence.between', {
                  from: dateOnly(range.from, language),
                  to: dateOnly(range.to - 1, language),
                }))}
        </p>
      </div>
      <Overview uncertain={uncertain} />
      <div className="evidence-options">
        <span className="rowline">
          <Segmented
            label={t('evidence.span')}
            value={span}
            onChange={setSpan}
            options={(['all', '365', '90', '30', 'own'] as const).map((value) => ({
              value,
              label: t(`evidence.span.${value}`),
            }))}
          />
          {span === 'own' && (
            <span className="dates">
              {(['from', 'to'] as const).map((end) => (
                <label key={end}>
                  <span className="muted small">{t(`evidence.${end}`)}</span>
                  <input
                    type="date"
                    className="input"
                    value={dates[end]}
                    onChange={(event) => setDates({ ...dates, [end]: event.target.value })}
                  />
                </label>
              ))}
            </span>
          )}
        </span>
        <span className="rowline">
          <span className="muted small" id="uncertain">
            {t('evidence.uncertain')}
          </span>
          <Segmented
            label={t('evidence.uncertain')}
            value={uncertain}
            onChange={setUncertain}
            options={[
              { value: 'uncertainAsPositive', label: t('evidence.asYes') },
              { value: 'uncertainAsNegative', label: t('evidence.asNo') },
            ]}
          />
        </span>
      </div>
      {models.isPending && <Skeleton height={360} />}
      {models.isError && <p role="alert">{failureText(t, models.error)}</p>}
      {models.data?.length === 0 && <p className="card muted">{t('evidence.noTool')}</p>}
      {models.data?.map((model) => (
        <Tool key={model.manifest.id} model={model} range={range} uncertain={uncertain} />
      ))}
    </div>
  );
}
