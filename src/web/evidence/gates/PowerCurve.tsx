/** Power by number of cases: where it reaches what is asked. */
import type { Plan } from '../../../doors/api/contract.ts';
import { number, percent } from '../../format.ts';
import { useText } from '../../text.ts';

const WIDTH = 640;
const HEIGHT = 150;
const LEFT = 52;
const FOOT = 20;
const TOP = 8;

export function PowerCurve({ plan, power }: { plan: Plan; power: number }) {
  const { t, language } = useText();
  const most = plan.curve.at(-1)?.cases ?? 1;
  const x = (cases: number) => LEFT + ((WIDTH - LEFT - 8) * cases) / most;
  const y = (value: number) => TOP + (HEIGHT - FOOT - TOP) * (1 - value);
  const points = plan.curve.map((point) => `${x(point.cases).toFixed(1)},${y(point.power).toFixed(1)}`);
  // More than is asked: whole cases go up in steps, and no larger number must fall below.
  const reached = plan.curve.find(({ cases }) => cases === plan.cases)?.power ?? power;
  return (
    <figure className="power">
      <figcaption className="small muted">{t('plan.curve')}</figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={t('plan.curveText', {
          cases: number(most, language),
          power: percent(plan.curve.at(-1)?.power ?? 0, language),
        })}
      >
        {[0, 0.5, 1].map((value) => (
          <g key={value}>
            <line className="grid" x1={LEFT} x2={WIDTH - 8} y1={y(value)} y2={y(value)} />
            <text x={LEFT - 6} y={y(value) + 4} textAnchor="end">
              {percent(value, language)}
            </text>
          </g>
        ))}
        <line className="wanted" x1={LEFT} x2={WIDTH - 8} y1={y(power)} y2={y(power)} />
        <polyline points={points.join(' ')} />
        {plan.cases !== null && plan.cases <= most && (
          <g>
            <line className="wanted" x1={x(plan.cases)} x2={x(plan.cases)} y1={y(reached)} y2={y(0)} />
            <circle cx={x(plan.cases)} cy={y(reached)} r="4" />
            <text x={x(plan.cases)} y={HEIGHT - 4} textAnchor="middle">
              {number(plan.cases, language)}
            </text>
          </g>
        )}
        <text x={WIDTH - 8} y={HEIGHT - 4} textAnchor="end">
          {number(most, language)}
        </text>
      </svg>
    </figure>
  );
}
