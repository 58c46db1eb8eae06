/** The median of each week, and the week in which AI was first shown. */
import type { Turnaround } from '../../../doors/api/contract.ts';
import { dateOnly, duration, percent } from '../../format.ts';
import { useText } from '../../text.ts';

type Series = NonNullable<Turnaround['series']>;
const WIDTH = 720;
const HEIGHT = 120;
const FOOT = 18;
const TOP = 12;

export function Weeks({ series: { points, breakAt, effect }, zone }: { series: Series; zone: string }) {
  const { t, language } = useText();
  const share = (ratio: number) => percent(Math.abs(ratio - 1), language);
  const first = points[0];
  const last = points.at(-1);
  const said = !effect
    ? t('times.weeksFew')
    : effect.levelInterval.high < 1
      ? t('times.weeksShorter', {
          from: share(effect.levelInterval.high),
          to: share(effect.levelInterval.low),
        })
      : effect.levelInterval.low > 1
        ? t('times.weeksLonger', {
            from: share(effect.levelInterval.low),
            to: share(effect.levelInterval.high),
          })
        : t('times.weeksSame');
  const trend =
    effect &&
    (effect.slopeInterval.high < 1 || effect.slopeInterval.low > 1) &&
    t(effect.slope < 1 ? 'times.slopeDown' : 'times.slopeUp', {
      share: percent(Math.abs(effect.slope - 1), language, 1),
    });
  return (
    <div>
      <h4>{t('times.weeks')}</h4>
      {first && last && points.length > 2 && (
        <Plot
          points={points}
          breakAt={breakAt}
          label={t('times.weeksLabel', {
            from: dateOnly(first.at, language, 'UTC'),
            to: dateOnly(last.at, language, 'UTC'),
            count: points.length,
          })}
        />
      )}
      <p className="small">
        {said} {trend}{' '}
        <span className="muted">
          {t('times.weeksHow', { date: dateOnly(breakAt, language, zone) })}
          {effect && ` ${t('times.weeksErrors', { lag: effect.lag })}`}
        </span>
      </p>
    </div>
  );
}

function Plot({ points, breakAt, label }: Pick<Series, 'points' | 'breakAt'> & { label: string }) {
  const { t, language } = useText();
  const [from, to] = [points[0]!.at, points.at(-1)!.at];
  const most = Math.max(...points.map(({ medianMs }) => medianMs)) * 1.1;
  const x = (at: number) => 4 + ((at - from) / Math.max(1, to - from)) * (WIDTH - 8);
  const y = (ms: number) => TOP + (1 - ms / most) * (HEIGHT - TOP - FOOT);
  const broken = Math.min(WIDTH - 4, Math.max(4, x(breakAt)));
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label} className="times-weeks">
      <line className="grid" x1="0" x2={WIDTH} y1={y(0)} y2={y(0)} />
      <line className="grid" x1="0" x2={WIDTH} y1={y(most / 2)} y2={y(most / 2)} />
      <text x="0" y={y(most / 2) - 4}>
        {duration(most / 2, language)}
      </text>
      <line className="break" x1={broken} x2={broken} y1="0" y2={y(0)} />
      <text
        x={broken + (broken > WIDTH * 0.7 ? -6 : 6)}
        y="10"
        textAnchor={broken > WIDTH * 0.7 ? 'end' : 'start'}
      >
        {t('times.weeksBreak')}
      </text>
      {points.map(({ at, medianMs }) => (
        <circle key={at} cx={x(at)} cy={y(medianMs)} r="3" className={at > breakAt ? 'after' : ''} />
      ))}
      <text x="0" y={HEIGHT - 4}>
        {dateOnly(from, language, 'UTC')}
      </text>
      <text x={WIDTH} y={HEIGHT - 4} textAnchor="end">
        {dateOnly(to, language, 'UTC')}
      </text>
    </svg>
  );
}
