/** One queue: how far it is, and what it says of the tool. Every number opens its cases. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { useState } from 'react';
import type { ReactNode } from 'react';
import type {
  Corrected,
  ModelView,
  Proportion,
  Queue,
  QueueFigureKey,
  QueueOverview,
} from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { dateOnly, fixed, number, percent } from '../../format.ts';
import { keys } from '../../queries.ts';
import { notify } from '../../shell/notices.tsx';
import { failureText, useText } from '../../text.ts';
import { Skeleton } from '../../ui/Skeleton.tsx';
import type { Uncertain } from '../Tool.tsx';
import { CloseDialog, ExtendDialog } from './QueueDialogs.tsx';
import { QueueCases } from './QueueCases.tsx';

export function QueueCard({
  queue,
  model,
  uncertain,
}: {
  queue: Queue;
  model: ModelView;
  uncertain: Uncertain;
}) {
  const { t, language, say } = useText();
  const client = useQueryClient();
  const [figure, setFigure] = useState<QueueFigureKey | null>(null);
  const [dialog, setDialog] = useState<'extend' | 'close' | null>(null);
  const overview = useQuery({
    queryKey: [...keys.evidence, 'labelling', 'queue', queue.id],
    queryFn: () => api<QueueOverview>(`/labelling/${queue.id}`),
    // Others label meanwhile.
    refetchInterval: queue.closedAt === null ? 30_000 : false,
  });
  const offer = useMutation({
    mutationFn: (offerUnread: boolean) =>
      api<Queue>(`/labelling/${queue.id}`, { method: 'PATCH', body: { offerUnread } }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.evidence }),
    onError: (error) => notify({ kind: 'error', text: failureText(t, error) }),
  });
  const data = overview.data;
  const point = model.manifest.operatingPoints[queue.operatingPoint];
  const progress = data?.progress;
  return (
    <article className="box queue" aria-label={queue.title}>
      <h4>
        {queue.title} {queue.closedAt !== null && <span className="chip">{t('queue.closed')}</span>}
      </h4>
      <p className="small muted">
        {[
          t('queue.version', { version: queue.modelVersion }),
          point ? say(point.text) : queue.operatingPoint,
          t('queue.period', {
            from: dateOnly(queue.from, language),
            to: dateOnly(queue.to - 1, language),
          }),
        ].join(' · ')}
      </p>
      <p className="small muted num">
        {t('queue.frame', {
          marked: number(queue.frame.marked, language),
          sample: number(queue.sample, language),
          unmarked: number(queue.frame.unmarked, language),
        })}{' '}
        {queue.frame.training > 0 && t('queue.training', { count: queue.frame.training })}
      </p>
      {overview.isPending && <Skeleton height={120} />}
      {overview.isError && <p role="alert">{failureText(t, overview.error)}</p>}
      {progress && (
        <>
          <div className="queue-progress">
            <progress max={progress.drawn} value={progress.answered} aria-label={t('queue.progressLabel')} />
            <span className="num small">
              {t('queue.progress', { answered: progress.answered, drawn: progress.drawn })}
              {progress.open > 0 && ` · ${t('queue.open', { count: progress.open })}`}
            </span>
          </div>
          <ul className="small muted num queue-ranks">
            {([1, 2, 3, 4] as const)
              .filter((rank) => progress.byRank[rank] > 0)
              .map((rank) => (
                <li key={rank}>
                  {t(`queue.rank.${rank}`)} <b>{progress.byRank[rank]}</b>
                </li>
              ))}
            {progress.persons.map(({ personId, name, labels }) => (
              <li key={personId}>
                <bdi>{name}</bdi> <b>{labels}</b>
              </li>
            ))}
          </ul>
          {(progress.waiting.unread > 0 || (queue.offerUnread && queue.closedAt === null)) && (
            <p className="small rowline">
              <span>
                {progress.waiting.unread > 0
                  ? t('queue.unread', { count: progress.waiting.unread })
                  : t('queue.unreadOffered')}
              </span>
              {queue.closedAt === null && (
                <button type="button" className="btn ghost" onClick={() => offer.mutate(!queue.offerUnread)}>
                  {t(queue.offerUnread ? 'queue.holdUnread' : 'queue.offerUnread')}
                </button>
              )}
            </p>
          )}
          {progress.waiting.gone > 0 && (
            <p className="small muted">{t('queue.gone', { count: progress.waiting.gone })}</p>
          )}
        </>
      )}
      {data && !data.figures && <p className="small muted">{t('queue.blinded')}</p>}
      {data?.figures && <Figures data={data} uncertain={uncertain} open={setFigure} />}
      <div className="rowline queue-acts">
        {data?.figures && data.progress.answered + data.progress.open > 0 && (
          <a className="btn ghost" href={`/api/labelling/${queue.id}/labels.csv`} download="labels.csv">
            <Download size={16} aria-hidden /> labels.csv
          </a>
        )}
        {queue.closedAt === null && (
          <>
            {queue.sample < queue.frame.unmarked && (
              <button type="button" className="btn ghost" onClick={() => setDialog('extend')}>
                {t('queue.extend')}
              </button>
            )}
            <button type="button" className="btn ghost" onClick={() => setDialog('close')}>
              {t('queue.close')}
            </button>
          </>
        )}
      </div>
      {figure && <QueueCases queue={queue} figure={figure} onClose={() => setFigure(null)} />}
      {dialog === 'extend' && <ExtendDialog queue={queue} onClose={() => setDialog(null)} />}
      {dialog === 'close' && <CloseDialog queue={queue} onClose={() => setDialog(null)} />}
    </article>
  );
}

type Open = (figure: QueueFigureKey) => void;

function Figures(props: { data: QueueOverview; uncertain: Uncertain; open: Open }) {
  const { t, language } = useText();
  const { data, open } = props;
  const figures = data.figures!;
  const { frame } = data.queue;
  const way = figures[props.uncertain];
  if (figures.marked.answered + figures.unmarked.answered === 0)
    return <p className="small muted">{t('queue.noAnswer')}</p>;
  const { readers, apart } = figures;
  const few = ({ k, n }: Proportion) => (n === 0 ? '–' : t('evidence.of', { k, n }));
  return (
    <>
      <table className="queue-figures">
        <thead>
          <tr>
            <td />
            <th scope="col">{t('queue.naive')}</th>
            <th scope="col">{t('queue.corrected')}</th>
          </tr>
        </thead>
        <tbody>
          <Row
            label={t('figure.sensitivity')}
            naive={<Share of={way.naive.sensitivity} onOpen={() => open('found')} />}
            corrected={<CorrectedShare of={way.corrected.sensitivity} which="sensitivity" />}
          />
          <Row
            label={t('figure.specificity')}
            naive={<Share of={way.naive.specificity} onOpen={() => open('left-alone')} />}
            corrected={<CorrectedShare of={way.corrected.specificity} which="specificity" />}
          />
          <Row
            label={t('queue.ppv')}
            note={t('queue.ppvText')}
            naive={<Share of={way.positivePredictive} onOpen={() => open('found')} />}
            corrected={<span className="muted small">{t('queue.noCorrection')}</span>}
          />
          <Row
            label={t('queue.npv')}
            note={t('queue.npvText')}
            naive={<Share of={way.negativePredictive} onOpen={() => open('left-alone')} />}
            corrected={<span className="muted small">{t('queue.noCorrection')}</span>}
          />
        </tbody>
      </table>
      <p className="small">{t('queue.why', { unmarked: number(frame.unmarked, language) })}</p>
      <ul className="queue-opens small">
        <Opens
          count={way.corrected.sensitivity.wrong}
          label={t('queue.missed', { count: way.corrected.sensitivity.wrong })}
          onOpen={() => open('missed')}
        />
        <Opens
          count={way.corrected.specificity.wrong}
          label={t('queue.falseAlarms', { count: way.corrected.specificity.wrong })}
          onOpen={() => open('false-alarms')}
        />
        <Opens
          count={figures.uncertain}
          label={t('queue.uncertain', { count: figures.uncertain })}
          onOpen={() => open('uncertain')}
        />
        <Opens
          count={readers.n - readers.same}
          label={t('queue.disagreed', { count: readers.n - readers.same })}
          onOpen={() => open('disagreed')}
        />
      </ul>
      {way.prevalence && (
        <p className="small muted num">
          {t('queue.prevalence', {
            value: percent(way.prevalence.value, language, 1),
            low: percent(way.prevalence.low, language, 1),
            high: percent(way.prevalence.high, language, 1),
          })}
        </p>
      )}
      {readers.n > 0 && (
        <p className="small muted num">
          {t('queue.readers', { same: readers.same, n: readers.n })}
          {readers.n >= 30 && readers.kappa !== null && readers.kappaInterval && readers.pabak !== null && (
            <>
              {' '}
              {t('queue.kappa', {
                kappa: fixed(readers.kappa, language, 2),
                low: fixed(readers.kappaInterval.low, language, 2),
                high: fixed(readers.kappaInterval.high, language, 2),
                pabak: fixed(readers.pabak, language, 2),
              })}
            </>
          )}
        </p>
      )}
      {apart.labels > 0 && (
        <p className="small">
          <button type="button" className="figure" onClick={() => open('apart')}>
            {t('queue.apart', { count: apart.labels })}
          </button>{' '}
          <span className="muted">
            {t('queue.apartText', {
              positive: few(apart.positive),
              negative: few(apart.negative),
            })}
          </span>
        </p>
      )}
    </>
  );
}

function Row(props: { label: string; note?: string; naive: ReactNode; corrected: ReactNode }) {
  return (
    <tr>
      <th scope="row">
        {props.label}
        {props.note && <small className="muted">{props.note}</small>}
      </th>
      <td>{props.naive}</td>
      <td>{props.corrected}</td>
    </tr>
  );
}

function Share({ of, onOpen }: { of: Proportion; onOpen: () => void }) {
  const { t, language } = useText();
  const { k, n, value, low, high, enough } = of;
  const shown = enough && value !== null && low !== null && high !== null;
  return (
    <span className="num">
      <button type="button" className="figure" disabled={n === 0} onClick={onOpen}>
        {shown ? percent(value, language) : n > 0 ? t('evidence.of', { k, n }) : '–'}
      </button>
      <small className="muted">
        {shown
          ? `${t('evidence.range', { low: percent(low, language), high: percent(high, language) })} · ${t('evidence.of', { k, n })}`
          : t('evidence.notEnough')}
      </small>
    </span>
  );
}

/** In the words of a physician: of 100 fractures, so many are marked. */
function CorrectedShare({ of, which }: { of: Corrected; which: 'sensitivity' | 'specificity' }) {
  const { t, language } = useText();
  if (of.kind === 'none') return <span className="muted small">{t('queue.notYet')}</span>;
  if (of.kind === 'bound')
    return (
      <span className="num">
        <b>{t('queue.atLeast', { value: percent(of.atLeast, language) })}</b>
        <small className="muted">
          {t(`queue.bound.${which}`, { count: of.wrong, most: number(of.atMostWrong, language) })}
        </small>
      </span>
    );
  const of100 = (value: number) => number(value * 100, language);
  return (
    <span className="num">
      <b>{percent(of.value, language)}</b>
      <small className="muted">
        {t('evidence.range', { low: percent(of.low, language), high: percent(of.high, language) })}
      </small>
      <small>
        {t(`queue.words.${which}`, {
          count: of100(which === 'sensitivity' ? of.value : 1 - of.value),
          low: of100(which === 'sensitivity' ? of.low : 1 - of.high),
          high: of100(which === 'sensitivity' ? of.high : 1 - of.low),
        })}
      </small>
    </span>
  );
}

function Opens({ count, label, onOpen }: { count: number; label: string; onOpen: () => void }) {
  return count === 0 ? null : (
    <li>
      <button type="button" className="figure" onClick={onOpen}>
        {label}
      </button>
    </li>
  );
}
