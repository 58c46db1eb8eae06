/** Two versions or operating points of a tool on the same studies. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { ModelView, ToolMeasures, VersionPair } from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { fixed } from '../../format.ts';
import { keys } from '../../queries.ts';
import { failureText, useText } from '../../text.ts';
import { SelectField } from '../../ui/fields.tsx';
import { chanceText, PairLine } from './Paired.tsx';

export function Versions({ model, versions }: { model: ModelView; versions: ToolMeasures['versions'] }) {
  const { t, language, say } = useText();
  const { id, operatingPoints } = model.manifest;
  const [chosen, setChosen] = useState<[number, number]>([0, 1]);
  const name = (i: number): string => {
    const { modelVersion, operatingPoint } = versions[i]!;
    const point = operatingPoints[operatingPoint];
    return [modelVersion, point ? say(point.text) : operatingPoint].filter(Boolean).join(' · ');
  };
  const several = versions.length > 1;
  const asked = (i: number) => `${versions[i]!.modelVersion}@${versions[i]!.operatingPoint}`;
  const query = useQuery({
    queryKey: [...keys.evidence, id, 'versions', chosen],
    queryFn: () =>
      api<VersionPair>(
        `/evidence/${id}/versions?${new URLSearchParams({ first: asked(chosen[0]), second: asked(chosen[1]) })}`,
      ),
    enabled: several && chosen[0] !== chosen[1],
  });
  if (!several) return null;
  const pair = query.data;
  const names = [name(chosen[0]), name(chosen[1])] as const;
  return (
    <section className="box">
      <h3>
        {t('versions.title')} <span className="faint">{t('evidence.ci')}</span>
      </h3>
      <div className="pair-rates">
        {([0, 1] as const).map((side) => (
          <SelectField
            key={side}
            label={t(`versions.side.${side}`)}
            value={chosen[side]}
            onChange={(event) =>
              setChosen(
                side === 0
                  ? [Number(event.target.value), chosen[1]]
                  : [chosen[0], Number(event.target.value)],
              )
            }
          >
            {versions.map((_, i) => (
              <option key={i} value={i}>
                {name(i)}
              </option>
            ))}
          </SelectField>
        ))}
      </div>
      {query.isError && <p role="alert">{failureText(t, query.error)}</p>}
      {pair && (
        <>
          <p className="small muted">{t('versions.studies', { count: pair.studies })}</p>
          <PairLine title={t('figure.sensitivity')} pair={pair.sensitivity} names={names} />
          <PairLine title={t('figure.specificity')} pair={pair.specificity} names={names} />
          {pair.areas && (
            <p className="small num">
              {t('versions.areas', {
                first: fixed(pair.areas.first, language, 3),
                second: fixed(pair.areas.second, language, 3),
                difference: fixed(pair.areas.difference, language, 3),
                low: fixed(pair.areas.low, language, 3),
                high: fixed(pair.areas.high, language, 3),
              })}{' '}
              {pair.areas.p !== null && chanceText(t, pair.areas.p, language)}
            </p>
          )}
        </>
      )}
    </section>
  );
}
