/** A tool watched over time: is it wrong more often than at first, do its scores look as at first. */
import { useQuery } from '@tanstack/react-query';
import { CircleAlert, CircleCheck, CircleDashed } from 'lucide-react';
import type { ReactNode } from 'react';
import type { FigureKey, ModelView, ToolMonitoring } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { dateOnly, fixed, number } from '../format.ts';
import { keys } from '../queries.ts';
import { failureText, useText } from '../text.ts';
import './monitoring.css';
import type { Range } from './range.ts';
import { Inputs } from './reference/Inputs.tsx';

type Chart = ToolMonitoring['missed'];
type Open = (figure: FigureKey, range: Range) => void;
type State = 'few' | 'steady' | 'alarm';
const ICONS = { few: CircleDashed, steady: CircleCheck, alarm: CircleAlert };

export function Monitoring({ model, open }: { model: ModelView; open: Open }) {
  const { t } = useText();
  const { id, version } = model.manifest;
  const query = useQuery({
    queryKey: [...keys.evidence, id, 'monitoring', version],
    queryFn: () => api<ToolMonitoring>(`/evidence/${id}/monitoring`),
  });
  const data = query.data;
  return (
    <section className="box monitoring" aria-labelledby={`monitoring-${id}`}>
      <h3 id={`monitoring-${id}`}>
        {t('monitoring.title')} <span className="faint">{t('tools.version', { version })}</span>
      </h3>
      {query.isError && <p role="alert">{failureText(t, query.error)}</p>}
      {data && (
        <>
          <ul>
            <Failures chart={data.missed} what="missed" decidedAt={data.decidedAt} open={open} />
            <Failures chart={data.falseMarks} what="false-alarms" decidedAt={data.decidedAt} open={open} />
            <Scores scores={data.scores} decidedAt={data.decidedAt} />
            <Inputs modelId={id} version={version} />
          </ul>
          <p className="faint small">{t('monitoring.price')}</p>
        </>
      )}
    </section>
  );
}

function Failures(props: { chart: Chart; what: 'missed' | 'false-alarms'; decidedAt: number; open: Open }) {
  const { chart, what, decidedAt, open } = props;
  const { t, language } = useText();
  const alarm = chart.alarms.findLast(({ at }) => at > decidedAt);
  const state: State = chart.reference === null ? 'few' : alarm ? 'alarm' : 'steady';
  const values = { count: chart.n, failures: chart.failures };
  return (
    <Row state={state} title={t(`monitoring.${what}`)}>
      <span>
        {state === 'few' && t('monitoring.few', values)}
        {state === 'steady' &&
          t('monitoring.steady', { ...values, first: number(chart.reference!.failures, language) })}
        {alarm &&
          t('monitoring.alarm', {
            when: dateOnly(alarm.at, language),
            from: dateOnly(alarm.from, language),
            failures: alarm.failures,
            count: alarm.cases,
          })}{' '}
        {alarm && (
          <button
            type="button"
            className="figure"
            onClick={() => open(what, { from: alarm.from, to: alarm.at + 1 })}
          >
            {t('monitoring.openCases')}
          </button>
        )}
      </span>
      {chart.path.length > 1 && <Path chart={chart} label={t('monitoring.path')} />}
    </Row>
  );
}

function Scores({ scores, decidedAt }: Pick<ToolMonitoring, 'scores' | 'decidedAt'>) {
  const { t, language } = useText();
  const last = scores.blocks.at(-1);
  const different = scores.blocks.findLast((block) => block.different && block.to > decidedAt);
  const state: State = !last ? 'few' : different ? 'alarm' : 'steady';
  return (
    <Row state={state} title={t('monitoring.scores')}>
      <span>
        {!last
          ? t('monitoring.scoresFew', { count: scores.n })
          : t(different ? 'monitoring.scoresDifferent' : 'monitoring.scoresSame', {
              from: dateOnly((different ?? last).from, language),
              to: dateOnly((different ?? last).to, language),
              psi: fixed((different ?? last).psi, language, 2),
              byChance: fixed(scores.psiByChance ?? 0, language, 2),
            })}
      </span>
    </Row>
  );
}

function Row({ state, title, children }: { state: State; title: string; children: ReactNode }) {
  const { t } = useText();
  const Icon = ICONS[state];
  return (
    <li data-state={state}>
      <b>
        <Icon size={16} aria-label={t(`monitoring.state.${state}`)} /> {title}
      </b>
      <div>{children}</div>
    </li>
  );
}

const WIDTH = 220;
const HEIGHT = 40;

/** The sum after each case, and the limit that it must not reach. */
function Path({ chart: { path, limit, alarms }, label }: { chart: Chart; label: string }) {
  const x = (i: number) => (i / (path.length - 1)) * WIDTH;
  const y = (sum: number) => HEIGHT - 2 - (Math.min(sum, limit) / limit) * (HEIGHT - 6);
  const last = new Set(alarms.map(({ at }) => at));
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label} className="monitoring-path">
      <line x1="0" x2={WIDTH} y1={y(limit)} y2={y(limit)} className="limit" />
      <polyline points={path.map(({ sum }, i) => `${x(i).toFixed(1)},${y(sum).toFixed(1)}`).join(' ')} />
      {path.map(
        ({ at, sum }, i) => last.has(at) && sum >= limit && <circle key={at} cx={x(i)} cy={y(limit)} r="3" />,
      )}
    </svg>
  );
}
