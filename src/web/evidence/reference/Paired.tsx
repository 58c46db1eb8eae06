/** Reader alone, tool alone, reader with the tool: on the same studies, whose truth somebody else fixed. */
import type { TFunction } from 'i18next';
import type { Measures, Pair } from '../../../doors/api/contract.ts';
import { number, percent } from '../../format.ts';
import { useText } from '../../text.ts';
import { Count, Rate } from './Rate.tsx';
import type { OpenMeasure } from './Truth.tsx';

type Data = Measures['paired'];
const EFFECTS = [
  ['caught', 'caught'],
  ['caughtTaken', 'caught-taken'],
  ['wouldLose', 'would-lose'],
  ['wouldAdd', 'would-add'],
  ['madeBetter', 'made-better'],
  ['madeWorse', 'made-worse'],
] as const;

export function Paired({ data, open }: { data: Data; open: OpenMeasure }) {
  const { t } = useText();
  const shown = data.comparisons.filter(({ studies }) => studies > 0);
  return (
    <section className="box">
      <h3>
        {t('paired.title')} <span className="faint">{t('evidence.ci')}</span>
      </h3>
      <p className="small muted">{t('paired.text')}</p>
      {shown.length === 0 && <p className="small">{t('paired.none')}</p>}
      {shown.map((comparison) => (
        <div key={comparison.first + comparison.second} className="paired">
          <h4>
            {t('paired.versus', {
              first: t(`paired.arm.${comparison.first}`),
              second: t(`paired.arm.${comparison.second}`),
            })}
          </h4>
          {(['sensitivity', 'specificity'] as const).map((which) => (
            <PairLine
              key={which}
              title={t(`figure.${which}`)}
              pair={comparison[which]}
              names={[t(`paired.arm.${comparison.first}`), t(`paired.arm.${comparison.second}`)]}
              open={(right) =>
                open({
                  which: 'pair',
                  first: comparison.first,
                  second: comparison.second,
                  truth: which === 'sensitivity' ? 'yes' : 'no',
                  right,
                })
              }
            />
          ))}
        </div>
      ))}
      {shown.length > 0 && (
        <dl className="effects">
          {EFFECTS.map(([name, which]) => (
            <div key={name}>
              <dt>{t(`paired.effect.${name}`)}</dt>
              <dd>
                <Count n={data.effect[name]} onOpen={() => open({ which })} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}

/** How often chance alone makes it so unequal; never "0 %". */
export const chanceText = (t: TFunction, p: number, language: string): string =>
  p < 0.001
    ? t('paired.chanceLess', { p: percent(0.001, language, 1) })
    : t('paired.chance', { p: percent(p, language, p < 0.095 ? 1 : 0) });

type Right = 'both' | 'first' | 'second' | 'neither';

export function PairLine(props: {
  title: string;
  pair: Pair;
  names: readonly [string, string];
  open?: (right: Right | undefined) => void;
}) {
  const { t, language } = useText();
  const { pair, names, open } = props;
  if (pair.n === 0) return null;
  const enough = pair.first.enough && pair.difference !== null;
  // A minus, not a hyphen.
  const points = (value: number) => number(100 * value, language, 1).replace('-', '−');
  const p = pair.clustered ? pair.clustered.p : pair.midP;
  return (
    <div className="pair-line">
      <b>{props.title}</b>
      <div className="pair-rates">
        {([pair.first, pair.second] as const).map((rate, i) => (
          <span key={i}>
            <small className="muted">{names[i]}</small>
            <Rate of={rate} onOpen={open && (() => open(undefined))} />
          </span>
        ))}
      </div>
      <p className="small">
        {enough &&
          t('paired.difference', {
            value: points(pair.difference!.value),
            low: points(pair.difference!.low),
            high: points(pair.difference!.high),
          })}{' '}
        {open ? (
          <>
            <button
              type="button"
              className="figure num"
              disabled={pair.onlyFirst === 0}
              onClick={() => open('first')}
            >
              {t('paired.onlyRight', { name: names[0], count: pair.onlyFirst })}
            </button>
            {' · '}
            <button
              type="button"
              className="figure num"
              disabled={pair.onlySecond === 0}
              onClick={() => open('second')}
            >
              {t('paired.onlyRight', { name: names[1], count: pair.onlySecond })}
            </button>
          </>
        ) : (
          <span className="num">
            {t('paired.onlyRight', { name: names[0], count: pair.onlyFirst })} ·{' '}
            {t('paired.onlyRight', { name: names[1], count: pair.onlySecond })}
          </span>
        )}
        {p !== null && (
          <>
            {'. '}
            {chanceText(t, p, language)}
          </>
        )}{' '}
        {pair.clustered && (
          <span className="muted">{t('truth.clustered', { count: pair.clustered.patients })}</span>
        )}
      </p>
    </div>
  );
}
