/** What the tool is given, week by week: how many characteristics differ from the first studies, and when software changed. */
import { useQuery } from '@tanstack/react-query';
import { CircleAlert, CircleCheck, CircleDashed } from 'lucide-react';
import type { Inputs as Data } from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { dateOnly, fixed } from '../../format.ts';
import { keys } from '../../queries.ts';
import { useText } from '../../text.ts';

const WIDTH = 260;
const HEIGHT = 40;
const LISTED = 3;

export function Inputs({ modelId, version }: { modelId: string; version: string }) {
  const { t, language } = useText();
  const query = useQuery({
    queryKey: [...keys.evidence, modelId, 'inputs', version],
    queryFn: () => api<Data>(`/evidence/${modelId}/inputs`),
  });
  const data = query.data;
  if (!data) return null;
  const different = data.weeks.findLast(({ of }) => of.some((each) => each.different));
  const state = data.weeks.length === 0 ? 'few' : different ? 'alarm' : 'steady';
  const Icon = { few: CircleDashed, steady: CircleCheck, alarm: CircleAlert }[state];
  const changes = data.changes.slice(-LISTED);
  return (
    <li data-state={state}>
      <b>
        <Icon size={16} aria-label={t(`monitoring.state.${state}`)} /> {t('inputs.title')}
      </b>
      <div>
        <span>
          {state === 'few' && t('inputs.few', { count: data.n })}
          {state === 'steady' &&
            t('inputs.same', { count: data.weeks.length, from: dateOnly(data.reference!.to, language) })}
          {different &&
            t('inputs.different', {
              from: dateOnly(different.from, language),
              what: different.of
                .filter((each) => each.different)
                .map(
                  ({ key, psi, distance }) =>
                    `${t(`inputs.key.${key}`)} (${psi === null ? `KS ${fixed(distance!, language, 2)}` : `PSI ${fixed(psi, language, 2)}`})`,
                )
                .join(', '),
            })}
          {changes.map(({ at, machine, before, after }) => (
            <small key={`${at} ${machine}`} className="muted inputs-change">
              {t('inputs.change', { date: dateOnly(at, language), machine, before, after })}
            </small>
          ))}
        </span>
        {data.weeks.length > 1 && <Weeks data={data} label={t('inputs.path')} />}
      </div>
    </li>
  );
}

/** A bar a week, as high as many characteristics differ; a dashed line where software changed. */
function Weeks({ data, label }: { data: Data; label: string }) {
  const [first, last] = [data.weeks[0]!, data.weeks.at(-1)!];
  const x = (at: number) => ((at - first.from) / (last.to - first.from)) * WIDTH;
  const most = Math.max(1, ...data.weeks.map(({ of }) => of.length));
  return (
    <svg
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={label}
      className="monitoring-path inputs-weeks"
    >
      <line x1="0" x2={WIDTH} y1={HEIGHT - 1} y2={HEIGHT - 1} />
      {data.weeks.map(({ from, to, of }) => {
        const count = of.filter((each) => each.different).length;
        const height = count === 0 ? 2 : Math.max(6, (count / most) * (HEIGHT - 6));
        return (
          <rect
            key={from}
            data-different={count > 0}
            x={x(from) + 1}
            width={Math.max(1, x(to) - x(from) - 2)}
            y={HEIGHT - 1 - height}
            height={height}
          />
        );
      })}
      {data.changes
        .filter(({ at }) => at >= first.from && at <= last.to)
        .map(({ at, machine }) => (
          <line key={`${at} ${machine}`} className="limit" x1={x(at)} x2={x(at)} y1="0" y2={HEIGHT} />
        ))}
    </svg>
  );
}
