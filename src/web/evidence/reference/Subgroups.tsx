/** Accuracy by where, how and on whom a study was made. */
import { useState } from 'react';
import type { Measures, ModelView } from '../../../doors/api/contract.ts';
import { number } from '../../format.ts';
import { bodyPart, orCode, useText } from '../../text.ts';
import { SelectField } from '../../ui/fields.tsx';
import { Rate } from './Rate.tsx';
import type { OpenMeasure } from './Truth.tsx';

export function Subgroups(props: { data: Measures['subgroups']; model: ModelView; open: OpenMeasure }) {
  const { t, language, say } = useText();
  const { data, model, open } = props;
  const [chosen, setChosen] = useState<string | null>(null);
  const current = data.by.find(({ dimension }) => dimension === chosen) ?? data.by[0];
  const name = (value: string): string => {
    if (value === '') return t('subgroups.unknown');
    switch (current?.dimension) {
      case 'bodyPart':
        return bodyPart(t, value);
      case 'sex':
        return orCode(t, 'sex', value);
      case 'ageBand':
        return t('subgroups.years', { band: value.replace('-', '–') });
      case 'operatingPoint': {
        const point = model.manifest.operatingPoints[value];
        return point ? say(point.text) : value;
      }
      default:
        return value;
    }
  };
  const clustered = current?.groups.some(
    ({ sensitivity, specificity }) => sensitivity.clustered || specificity.clustered,
  );
  return (
    <section className="box">
      <h3>
        {t('subgroups.title')} <span className="faint">{t('evidence.ci')}</span>
      </h3>
      {!current && <p className="small">{t('subgroups.none')}</p>}
      {current && (
        <>
          <SelectField
            label={t('subgroups.by')}
            value={current.dimension}
            onChange={(event) => setChosen(event.target.value)}
          >
            {data.by.map(({ dimension }) => (
              <option key={dimension} value={dimension}>
                {t(`subgroups.dimension.${dimension}`)}
              </option>
            ))}
          </SelectField>
          <div className="truth-table" role="table" aria-label={t('subgroups.title')}>
            <div role="row" className="muted small">
              <span role="columnheader" />
              <span role="columnheader">{t('figure.sensitivity')}</span>
              <span role="columnheader">{t('figure.specificity')}</span>
            </div>
            {current.groups.map(({ value, sensitivity, specificity }) => (
              <div role="row" key={value}>
                <b role="rowheader">
                  <bdi>{name(value)}</bdi>
                </b>
                {(['yes', 'no'] as const).map((truth) => (
                  <span role="cell" key={truth}>
                    <Rate
                      of={truth === 'yes' ? sensitivity : specificity}
                      onOpen={() => open({ which: 'subgroup', dimension: current.dimension, value, truth })}
                    />
                  </span>
                ))}
              </div>
            ))}
          </div>
          <p className="small muted">
            {data.intervals > 1 &&
              t('subgroups.chance', {
                count: data.intervals,
                byChance: number(data.byChance, language, 1),
              })}{' '}
            {clustered && t('subgroups.clustered')}
          </p>
        </>
      )}
    </section>
  );
}
