/** Which studies have a stronger reference than one reading, and what that does to the figures. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Corrected, LabellingQueueView, Measures, ModelView } from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { percent } from '../../format.ts';
import { keys, useRoles } from '../../queries.ts';
import { useText } from '../../text.ts';
import { DrawDialog } from '../labelling/DrawDialog.tsx';
import { Count, Rate } from './Rate.tsx';
import type { OpenMeasure } from './Truth.tsx';

export function Verification(props: { data: Measures['verification']; model: ModelView; open: OpenMeasure }) {
  const { t, language } = useText();
  const { data, model, open } = props;
  const may = useRoles().has('evidence');
  const [drawing, setDrawing] = useState(false);
  const { id } = model.manifest;
  const queues = useQuery({
    queryKey: [...keys.evidence, 'labelling', id],
    queryFn: () => api<LabellingQueueView>(`/labelling?model=${encodeURIComponent(id)}`),
    enabled: may && data.proposal !== null,
  });
  const any = data.marked.verified + data.unmarked.verified > 0;
  return (
    <section className="box">
      <h3>
        {t('verification.title')} <span className="faint">{t('evidence.ci')}</span>
      </h3>
      <p className="small muted">{t('verification.text')}</p>
      <p className="num">
        {t('verification.marked')}{' '}
        <Count n={data.marked.verified} onOpen={() => open({ which: 'verified-marked' })} />{' '}
        {t('verification.ofStudies', { count: data.marked.studies })} · {t('verification.unmarked')}{' '}
        <Count n={data.unmarked.verified} onOpen={() => open({ which: 'verified-unmarked' })} />{' '}
        {t('verification.ofStudies', { count: data.unmarked.studies })}
      </p>
      {any && (
        <div className="truth-table" role="table" aria-label={t('verification.title')}>
          <div role="row" className="muted small">
            <span role="columnheader" />
            <span role="columnheader">{t('verification.uncorrected')}</span>
            <span role="columnheader">{t('verification.corrected')}</span>
          </div>
          {(['sensitivity', 'specificity'] as const).map((which) => (
            <div role="row" key={which}>
              <b role="rowheader">{t(`figure.${which}`)}</b>
              <span role="cell">
                <Rate
                  of={data.uncorrected[which]}
                  onOpen={() => open({ which: which === 'sensitivity' ? 'found' : 'left-alone' })}
                />
              </span>
              <span role="cell" className="num">
                <CorrectedText of={data.corrected[which]} />
              </span>
            </div>
          ))}
        </div>
      )}
      {data.uneven && <p className="callout">{t('verification.uneven')}</p>}
      {data.proposal && (
        <div className="rowline">
          <p className="grow">
            {t('verification.proposal', { count: data.proposal.sample, of: data.proposal.of })}{' '}
            {data.proposal.atLeast !== null &&
              data.proposal.atLeast > 0 &&
              t('verification.proposalShows', { value: percent(data.proposal.atLeast, language) })}
          </p>
          {may && (
            <button
              type="button"
              className="btn"
              disabled={!queues.data || queues.data.tools.length === 0}
              onClick={() => setDrawing(true)}
            >
              {t('verification.draw')}
            </button>
          )}
        </div>
      )}
      {drawing && queues.data && (
        <DrawDialog
          model={model}
          tools={queues.data.tools}
          sample={data.proposal?.sample}
          onClose={() => setDrawing(false)}
        />
      )}
    </section>
  );
}

function CorrectedText({ of }: { of: Corrected }) {
  const { t, language } = useText();
  if (of.kind === 'estimate')
    return (
      <span className="rate">
        {percent(of.value, language)}
        <small className="muted">
          {t('evidence.range', { low: percent(of.low, language), high: percent(of.high, language) })}
        </small>
      </span>
    );
  if (of.kind === 'bound')
    return (
      <span className="rate">
        {t('verification.atLeast', { value: percent(of.atLeast, language) })}
        <small className="muted">{t('verification.few', { count: of.wrong })}</small>
      </span>
    );
  return <span className="muted">{t('evidence.notEnough')}</span>;
}
