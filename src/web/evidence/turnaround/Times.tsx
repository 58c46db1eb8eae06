/** How long studies take on their way, with the tool in view and without, and what the tool costs in time. */
import { useQuery } from '@tanstack/react-query';
import type { FigureKey, ModelView, Spread, Turnaround } from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { dateOnly, exactDuration as duration, number, percent } from '../../format.ts';
import { addCatalogue } from '../../i18n/index.ts';
import { keys } from '../../queries.ts';
import { failureText, useText } from '../../text.ts';
import { rangeQuery } from '../range.ts';
import type { Range } from '../range.ts';
import en from './en.json' with { type: 'json' };
import fr from './fr.json' with { type: 'json' };
import { Weeks } from './Weeks.tsx';
import './times.css';

addCatalogue({ fr, en });

type Text = ReturnType<typeof useText>;

export function Times(props: { model: ModelView; range: Range; open: (figure: FigureKey) => void }) {
  const { model, range, open } = props;
  const { t, language } = useText();
  const { id } = model.manifest;
  const query = useQuery({
    queryKey: [...keys.evidence, id, 'turnaround', range],
    queryFn: () => api<Turnaround>(`/evidence/${id}/turnaround?${rangeQuery(range)}`),
  });
  const data = query.data;
  return (
    <section className="box times" aria-labelledby={`times-${id}`}>
      <h3 id={`times-${id}`}>{t('times.title')}</h3>
      {query.isError && <p role="alert">{failureText(t, query.error)}</p>}
      {data && data.studies === 0 && (
        <p className="muted small">
          {data.recordedSince === null
            ? t('times.notYet')
            : t('times.none', { date: dateOnly(data.recordedSince, language) })}
        </p>
      )}
      {data && data.studies > 0 && (
        <>
          <Stretches data={data} open={() => open('turnaround')} />
          <div className="times-halves">
            <Compared data={data} />
            <Wait data={data} />
            <Load data={data} open={open} />
          </div>
          {data.series && <Weeks series={data.series} zone={data.timeZone} />}
          <p className="faint small">
            {t('times.since', { date: dateOnly(data.recordedSince!, language) })}{' '}
            {data.implausible > 0 && t('times.implausible', { count: data.implausible })}
          </p>
        </>
      )}
    </section>
  );
}

const medianOf = ({ t, language }: Text, { median, interval }: Spread): string =>
  median === null
    ? '–'
    : interval
      ? `${duration(median, language)} (${t('evidence.range', {
          low: duration(interval.low, language),
          high: duration(interval.high, language),
        })})`
      : duration(median, language);

/** The stretches in their order: how many, the median with its interval, the middle half. */
function Stretches({ data, open }: { data: Turnaround; open: () => void }) {
  const text = useText();
  const { t, language } = text;
  return (
    <table className="table times-stretches">
      <thead>
        <tr>
          <th scope="col">{t('times.stretch')}</th>
          <th scope="col">{t('times.median')}</th>
          <th scope="col">{t('times.half')}</th>
          <th scope="col" className="end">
            {t('times.exams')}
          </th>
        </tr>
      </thead>
      <tbody>
        {Object.entries(data.stretches).map(([stretch, spread]) => (
          <tr key={stretch} data-stretch={stretch}>
            <th scope="row">{t(`times.${stretch}`)}</th>
            <td className="num">{medianOf(text, spread)}</td>
            <td className="num muted">
              {spread.q1 === null || spread.q3 === null
                ? '–'
                : t('evidence.range', {
                    low: duration(spread.q1, language),
                    high: duration(spread.q3, language),
                  })}
            </td>
            <td className="end num">
              <button type="button" className="figure" disabled={spread.n === 0} onClick={open}>
                {number(spread.n, language)}
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Compared({ data: { comparison } }: { data: Turnaround }) {
  const text = useText();
  const { t, language } = text;
  const { shown, hidden, adjusted, why, strata, used, centre } = comparison;
  const apart =
    centre.shown !== null &&
    centre.hidden !== null &&
    Math.abs(centre.shown - centre.hidden) > 60 * 86_400_000;
  return (
    <div>
      <h4>{t('times.compared')}</h4>
      <dl className="facts small">
        <dt>{t('times.with')}</dt>
        <dd className="num">{t('times.of', { text: medianOf(text, shown), count: shown.n })}</dd>
        <dt>{t('times.without')}</dt>
        <dd className="num">{t('times.of', { text: medianOf(text, hidden), count: hidden.n })}</dd>
      </dl>
      <p className="small">
        {adjusted ? (
          <b>{effectText(text, adjusted.ratioInterval)}</b>
        ) : (
          <span className="muted">{t(`times.why.${why ?? 'few'}`)}</span>
        )}{' '}
        {adjusted && (
          <span className="muted">
            {t('times.how', {
              strata,
              shown: number(used.shown, language),
              hidden: number(used.hidden, language),
            })}
          </span>
        )}
      </p>
      {adjusted && apart && <p className="small times-careful">{t('times.apart')}</p>}
    </div>
  );
}

function effectText({ t, language }: Text, { low, high }: { low: number; high: number }): string {
  const share = (ratio: number) => percent(Math.abs(ratio - 1), language);
  if (high < 1) return t('times.shorter', { from: share(high), to: share(low) });
  if (low > 1) return t('times.longer', { from: share(low), to: share(high) });
  return t('times.same', { low: share(low), high: share(high) });
}

/** Whether who has no mark waits for it. */
function Wait({ data: { wait } }: { data: Turnaround }) {
  const text = useText();
  const { t, language } = text;
  const { positive, negative, adjusted } = wait;
  const longer = adjusted !== null && adjusted.interval.low > 0;
  return (
    <div>
      <h4>{t('times.wait')}</h4>
      <dl className="facts small">
        <dt>{t('times.positive')}</dt>
        <dd className="num">{t('times.of', { text: medianOf(text, positive), count: positive.n })}</dd>
        <dt>{t('times.negative')}</dt>
        <dd className="num">{t('times.of', { text: medianOf(text, negative), count: negative.n })}</dd>
      </dl>
      <p className={longer ? 'small times-careful' : 'small muted'}>
        {!adjusted
          ? t('times.waitFew')
          : longer
            ? t('times.waitLonger', {
                from: duration(adjusted.interval.low, language),
                to: duration(adjusted.interval.high, language),
              })
            : t('times.waitSame')}{' '}
        {t('times.waitList')}
      </p>
    </div>
  );
}

function Load({ data: { load }, open }: { data: Turnaround; open: (figure: FigureKey) => void }) {
  const text = useText();
  const { t, language } = text;
  const rate = (value: number | null) => (value === null ? '–' : number(value, language, 1));
  const seconds = (ms: number | null) => (ms === null ? '–' : `${number(ms / 1000, language, 1)}\u00a0s`);
  return (
    <div>
      <h4>{t('times.load')}</h4>
      {load.studies === 0 ? (
        <p className="small muted">{t('times.loadNone')}</p>
      ) : (
        <>
          <dl className="facts small">
            <dt>{t('times.marksPerHour')}</dt>
            <dd className="num">
              <button type="button" className="figure" onClick={() => open('marks')}>
                {load.enough ? rate(load.marksPerHour) : t('times.counted', { count: load.marks })}
              </button>
            </dd>
            <dt>{t('times.rejectedPerHour')}</dt>
            <dd className="num">
              <button type="button" className="figure" onClick={() => open('false-alarms')}>
                {load.enough ? rate(load.rejectedPerHour) : t('times.counted', { count: load.rejected })}
              </button>
            </dd>
            <dt>{t('times.rejecting')}</dt>
            <dd className="num">
              {load.timedRejections === 0
                ? t('times.notRecorded')
                : t('times.rejectingOf', {
                    time: seconds(load.rejectionMs.median),
                    count: load.timedRejections,
                  })}
            </dd>
            {load.secondsPer100 !== null && (
              <>
                <dt>{t('times.secondsPer100')}</dt>
                <dd className="num">{seconds(load.secondsPer100 * 1000)}</dd>
              </>
            )}
          </dl>
          <p className="small muted">
            {t('times.loadText', {
              count: load.studies,
              hours: number(load.readingMs / 3_600_000, language, 1),
            })}{' '}
            {load.readingCapped > 0 && t('times.loadCapped', { count: load.readingCapped })}
          </p>
        </>
      )}
    </div>
  );
}
