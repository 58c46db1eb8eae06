/** Every tool in a row: how far it is, how right, how loud, how steady, how fast, and what waits for a decision. */
import { useQuery } from '@tanstack/react-query';
import { ArrowRight, CircleAlert, CircleCheck, CircleDashed } from 'lucide-react';
import { useState } from 'react';
import type { ReactNode } from 'react';
import type { FigureKey, Overview as Answer, OverviewRow, Proportion } from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { dateOnly, dateTime, duration, number, percent } from '../../format.ts';
import { addCatalogue } from '../../i18n/index.ts';
import { keys } from '../../queries.ts';
import { failureText, useText } from '../../text.ts';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { Cases } from '../Cases.tsx';
import type { Range } from '../range.ts';
import type { Uncertain } from '../Tool.tsx';
import { Outgoing } from './Outgoing.tsx';
import en from './en.json' with { type: 'json' };
import fr from './fr.json' with { type: 'json' };
import './overview.css';

addCatalogue({ fr, en });

type Open = (figure: FigureKey, range?: Range) => void;
const ALWAYS: Range = { from: null, to: null };
const DRIFT_ICONS = { few: CircleDashed, steady: CircleCheck, alarm: CircleAlert };

export function Overview({ uncertain }: { uncertain: Uncertain }) {
  const { t, language } = useText();
  const query = useQuery({
    queryKey: [...keys.evidence, 'overview'],
    queryFn: () => api<Answer>('/evidence'),
  });
  const [shown, setShown] = useState<{ modelId: string; figure: FigureKey; range: Range } | null>(null);
  if (query.isPending) return <Skeleton height={160} />;
  if (query.isError) return <p role="alert">{failureText(t, query.error)}</p>;
  const { rows, at, days, from, timeZone } = query.data;
  if (rows.length === 0) return null;
  return (
    <section className="card overview" aria-labelledby="overview">
      <h2 id="overview">{t('overview.title')}</h2>
      <table className="table cards">
        <thead>
          <tr>
            <th scope="col">{t('overview.tool')}</th>
            <th scope="col">{t('overview.right')}</th>
            <th scope="col">{t('overview.load')}</th>
            <th scope="col">{t('overview.drift')}</th>
            <th scope="col">{t('overview.time', { days })}</th>
            <th scope="col">{t('overview.next')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row
              key={row.modelId}
              row={row}
              from={from}
              uncertain={uncertain}
              open={(figure, range = ALWAYS) => setShown({ modelId: row.modelId, figure, range })}
            />
          ))}
        </tbody>
      </table>
      <p className="small muted">
        {t('overview.list')} {t('overview.made', { when: dateTime(at, language, timeZone), zone: timeZone })}
      </p>
      <Outgoing rows={rows} />
      {shown && <Cases {...shown} onClose={() => setShown(null)} />}
    </section>
  );
}

function Row(props: { row: OverviewRow; from: number; uncertain: Uncertain; open: Open }) {
  const { row, from, uncertain, open } = props;
  const { t, language, say } = useText();
  const target = (measure: 'sensitivity' | 'specificity') =>
    row.gate?.targets.find((each) => each.measure === measure)?.target ?? null;
  return (
    <tr>
      <td>
        <a href={`#tool-${row.modelId}`} className="overview-name">
          {say(row.name)} <span className="muted nowrap">{row.version}</span>
        </a>
        <div className="rowline">
          <span className={`chip stage-${row.stage}`}>{t(`stage.name.${row.stage}`)}</span>
          {row.regulatory === 'research' && <span className="chip warn">{t('regulatory.research')}</span>}
        </div>
        <small className="muted block">
          {row.since === 0
            ? t('overview.undecided')
            : t('overview.since', {
                date: dateOnly(row.since, language),
                name: row.decidedBy ?? t('overview.itself'),
              })}
        </small>
      </td>
      <td className="overview-accuracy">
        <Label>{t('overview.right')}</Label>
        {(['sensitivity', 'specificity'] as const).map((measure) => (
          <Accuracy
            key={measure}
            measure={measure}
            proportion={row.accuracy[measure][uncertain]}
            target={target(measure)}
            open={open}
          />
        ))}
        {row.gate?.targets.length ? null : <small className="muted block">{t('overview.noTarget')}</small>}
      </td>
      <td>
        <Label>{t('overview.load')}</Label>
        <Load row={row} open={open} />
      </td>
      <td>
        <Label>{t('overview.drift')}</Label>
        <Drift row={row} open={open} />
      </td>
      <td>
        <Label>{t('overview.time', { days: 90 })}</Label>
        <Time row={row} from={from} open={open} />
      </td>
      <td>
        <Label>{t('overview.next')}</Label>
        <a href={`#tool-${row.modelId}`} className="overview-next" data-next={row.next}>
          <span>
            {t(`overview.next.${row.next}`, {
              n: row.gate?.cases?.n ?? 0,
              wanted: row.gate?.cases?.wanted ?? 0,
            })}
          </span>
          <ArrowRight size={14} aria-hidden />
        </a>
      </td>
    </tr>
  );
}

/** What stands in the head of the table, where the table is a column of cards. */
const Label = ({ children }: { children: ReactNode }) => (
  <span className="overview-label label-caps">{children}</span>
);

function Accuracy(props: {
  measure: 'sensitivity' | 'specificity';
  proportion: Proportion;
  target: number | null;
  open: Open;
}) {
  const { measure, proportion, target, open } = props;
  const { t, language } = useText();
  const { k, n, value, low, high, enough } = proportion;
  const shown = enough && value !== null && low !== null && high !== null;
  return (
    <div className="overview-measure">
      <span className="muted small">{t(`figure.${measure}`)}</span>
      <button type="button" className="figure num" disabled={n === 0} onClick={() => open(measure)}>
        {shown ? percent(value, language) : n > 0 ? t('overview.of', { k, n }) : '–'}
      </button>
      {shown ? (
        <Bar low={low} high={high} value={value} target={target} />
      ) : (
        <span className="faint small">{t('evidence.notEnough')}</span>
      )}
      {shown && (
        <small className="muted num">
          {t('evidence.range', { low: percent(low, language), high: percent(high, language) })}
          {target !== null && ` · ${t('overview.target', { target: percent(target, language) })}`}
        </small>
      )}
    </div>
  );
}

/** The interval on an axis from 50 % to 100 %; a stroke where the target lies. */
function Bar(props: { low: number; high: number; value: number; target: number | null }) {
  const at = (share: number) => `${Math.min(100, Math.max(0, (share - 0.5) * 200))}%`;
  return (
    <svg className="overview-bar" height="12" aria-hidden>
      <line className="grid" x1="0" x2="100%" y1="6" y2="6" />
      <line className="whisker" x1={at(props.low)} x2={at(props.high)} y1="6" y2="6" />
      <circle cx={at(props.value)} cy="6" r="4" />
      {props.target !== null && (
        <line className="target" x1={at(props.target)} x2={at(props.target)} y1="0" y2="12" />
      )}
    </svg>
  );
}

function Load({ row, open }: { row: OverviewRow; open: Open }) {
  const { t, language } = useText();
  const { counted, falseAlarms, falseAlarmsPer100, marks, marksPer100 } = row.load;
  if (counted.studies === 0) return <span className="faint">–</span>;
  return (
    <>
      <button
        type="button"
        className="figure num"
        disabled={falseAlarms === 0}
        onClick={() => open('false-alarms')}
      >
        {counted.enough
          ? t('overview.alarmsPer100', { value: number(falseAlarmsPer100 ?? 0, language, 1) })
          : t('overview.alarms', { count: falseAlarms })}
      </button>
      <small className="block">
        <button
          type="button"
          className="figure muted num"
          disabled={marks === 0}
          onClick={() => open('marks')}
        >
          {counted.enough
            ? t('overview.marksPer100', { value: number(marksPer100 ?? 0, language, 1) })
            : t('overview.marks', { count: marks, exams: t('evidence.exams', { count: counted.studies }) })}
        </button>
      </small>
    </>
  );
}

function Drift({ row: { drift }, open }: { row: OverviewRow; open: Open }) {
  const { t, language } = useText();
  const Icon = DRIFT_ICONS[drift.state];
  return (
    <div className="overview-drift" data-state={drift.state}>
      <span className="rowline">
        <Icon size={16} aria-hidden />
        {t(`overview.drift.${drift.state}`)}
      </span>
      {drift.alarms.map(({ what, from, to }) => (
        <button
          key={what}
          type="button"
          className="figure small block"
          onClick={() => open(what === 'scores' ? 'read' : what, { from, to })}
        >
          {t(`overview.alarm.${what}`, { date: dateOnly(from, language) })}
        </button>
      ))}
    </div>
  );
}

function Time({ row, from, open }: { row: OverviewRow; from: number; open: Open }) {
  const { t, language } = useText();
  const { spread, adjusted, why, negativesWait } = row.turnaround;
  if (spread.median === null) return <span className="faint">{t('overview.timeNone')}</span>;
  const percentOf = (ratio: number) => percent(Math.abs(ratio - 1), language);
  const { low, high } = adjusted?.ratioInterval ?? { low: 1, high: 1 };
  const effect = !adjusted
    ? t(`overview.timeWhy.${why ?? 'few'}`)
    : high < 1
      ? t('overview.faster', { from: percentOf(high), to: percentOf(low) })
      : low > 1
        ? t('overview.slower', { from: percentOf(low), to: percentOf(high) })
        : t('overview.noDifference');
  return (
    <>
      <button type="button" className="figure num" onClick={() => open('turnaround', { from, to: null })}>
        {duration(spread.median, language)}
      </button>{' '}
      {spread.interval && (
        <small className="muted num">
          {t('evidence.range', {
            low: duration(spread.interval.low, language),
            high: duration(spread.interval.high, language),
          })}
        </small>
      )}
      <small className="muted block">{effect}</small>
      {negativesWait && <small className="overview-wait block">{t('overview.negativesWait')}</small>}
    </>
  );
}
