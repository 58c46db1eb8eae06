/** A registered protocol, in words, with its stamp. */
import type { Hypothesis, Protocol } from '../../../doors/api/contract.ts';
import { dateTime, number, percent } from '../../format.ts';
import { bodyPart, useText } from '../../text.ts';

export function ProtocolText({
  protocol,
  onDeviate,
}: {
  protocol: Protocol;
  onDeviate?: (() => void) | undefined;
}) {
  const { t, language } = useText();
  const rate = (value: number) => percent(value, language, 1);
  const hypothesis = ({ measure, target, margin, design, cases }: Hypothesis) =>
    t(`protocol.hypothesis.${design}`, {
      measure: t(`measure.${measure}`),
      threshold: rate(Math.round((target - margin) * 1e9) / 1e9),
      target: rate(target),
      margin: rate(margin),
      cases: number(cases, language),
    });
  const state = protocol.replaced ? 'replaced' : protocol.begunAt === null ? 'open' : 'begun';
  return (
    <details className="protocol">
      <summary>
        {t('protocol.summary', { stage: t(`stage.${protocol.stage}`), number: protocol.number })}{' '}
        <span className="chip">{t(`protocol.state.${state}`)}</span>
      </summary>
      <dl>
        <dt>{t('protocol.signed')}</dt>
        <dd>
          <bdi>{protocol.personName}</bdi> · {dateTime(protocol.at, language)}
          {protocol.begunAt !== null &&
            ` · ${t('protocol.begun', { date: dateTime(protocol.begunAt, language) })}`}
        </dd>
        <dt>{t('protocol.reference')}</dt>
        <dd dir="auto">{protocol.reference}</dd>
        <dt>{t('protocol.source')}</dt>
        <dd>{t(`protocol.source.${protocol.source}`)}</dd>
        {protocol.hypotheses.length > 0 && (
          <>
            <dt>{t('protocol.hypotheses')}</dt>
            <dd>
              <ul>
                {protocol.hypotheses.map((each) => (
                  <li key={each.measure}>{hypothesis(each)}</li>
                ))}
              </ul>
            </dd>
          </>
        )}
        {protocol.subgroups.length > 0 && (
          <>
            <dt>{t('protocol.subgroups')}</dt>
            <dd>
              <ul>
                {protocol.subgroups.map((each, i) => (
                  <li key={i}>
                    {t('protocol.subgroup', {
                      group: each.by === 'bodyPart' ? bodyPart(t, each.value) : each.value,
                      measure: t(`measure.${each.measure}`),
                      floor: rate(each.floor),
                      minimum: number(each.minimum, language),
                    })}
                  </li>
                ))}
              </ul>
            </dd>
          </>
        )}
        <dt>{t('protocol.stopping')}</dt>
        <dd>
          <ul>
            {protocol.futility && <li>{t('protocol.futile')}</li>}
            <li>
              {protocol.days === null
                ? t('protocol.noEnd')
                : t('protocol.days', { days: number(protocol.days, language) })}
            </li>
            {protocol.safety.map((each, i) => (
              <li key={i}>
                {each.rule === 'e-process'
                  ? t('protocol.safety.e-process', {
                      measure: t(`measure.${each.measure}`),
                      limit: rate(each.limit),
                      alpha: rate(each.alpha),
                    })
                  : t('protocol.safety.cusum', {
                      measure: t(`measure.${each.measure}`),
                      limit: rate(each.limit),
                      budget: number(each.budget, language),
                    })}
              </li>
            ))}
          </ul>
        </dd>
        <dt>SHA-256</dt>
        <dd className="stamp">{protocol.sha256}</dd>
        {protocol.deviations.length > 0 && (
          <>
            <dt>{t('protocol.deviations')}</dt>
            <dd>
              <ol>
                {protocol.deviations.map((each) => (
                  <li key={each.id}>
                    <span dir="auto">{each.text}</span>{' '}
                    <span className="faint">
                      <bdi>{each.personName}</bdi> · {dateTime(each.at, language)}
                    </span>
                  </li>
                ))}
              </ol>
            </dd>
          </>
        )}
      </dl>
      {onDeviate && (
        <button type="button" className="btn ghost" onClick={onDeviate}>
          {t('protocol.deviate')}
        </button>
      )}
    </details>
  );
}
