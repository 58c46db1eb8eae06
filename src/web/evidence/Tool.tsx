/** One tool: its stage, its figures here, the maker's figures apart. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { EvidenceSummary, FigureKey, ModelView } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { keys } from '../queries.ts';
import { failureText, useText } from '../text.ts';
import { Skeleton } from '../ui/Skeleton.tsx';
import { Cases } from './Cases.tsx';
import { Claims } from './claims/Claims.tsx';
import { Accuracy, Agreement, Marks, Turnaround } from './Figures.tsx';
import { Gates } from './gates/Gates.tsx';
import { Labelling } from './labelling/Labelling.tsx';
import { Monitoring } from './Monitoring.tsx';
import { rangeQuery } from './range.ts';
import { Truth } from './reference/Truth.tsx';
import type { Range } from './range.ts';
import { StageDialog } from './StageDialog.tsx';
import { Steps } from './Steps.tsx';
import { Times } from './turnaround/Times.tsx';

export type Uncertain = 'uncertainAsPositive' | 'uncertainAsNegative';

export function Tool({ model, range, uncertain }: { model: ModelView; range: Range; uncertain: Uncertain }) {
  const { t, say } = useText();
  const { manifest, stage } = model;
  const [shown, setShown] = useState<{ figure: FigureKey; range: Range } | null>(null);
  const openFigure = (figure: FigureKey) => setShown({ figure, range });
  const [changing, setChanging] = useState(false);
  const summary = useQuery({
    queryKey: [...keys.evidence, manifest.id, range],
    queryFn: () => api<EvidenceSummary>(`/evidence/${manifest.id}?${rangeQuery(range)}`),
  });
  const data = summary.data;
  return (
    <section className="card tool" aria-labelledby={`tool-${manifest.id}`}>
      <header>
        <div>
          <h2 id={`tool-${manifest.id}`}>
            {say(manifest.name)} {manifest.version}{' '}
            <span className={manifest.regulatory.status === 'research' ? 'chip warn' : 'chip ok'}>
              {t(`regulatory.${manifest.regulatory.status}`)}
            </span>
          </h2>
          <span className="muted">{say(manifest.summary)}</span>
        </div>
        <Steps stage={stage} />
      </header>
      <div className="callout">
        <div className="grow">
          <b>{t(`stage.name.${stage}`)}.</b> <span className="muted">{t(`stage.rule.${stage}`)}</span>
          {stage === 'pilot' && (
            <div className="muted">
              {t('evidence.pilotReaders', { names: model.readers.map(({ name }) => name).join(', ') || '–' })}
              {model.blindFirst && ` ${t('evidence.blindFirst')}`}
            </div>
          )}
        </div>
        {model.mayChange && (
          <button type="button" className="btn" onClick={() => setChanging(true)}>
            {t('stage.change')}
          </button>
        )}
      </div>
      <Gates model={model} />
      {summary.isPending && <Skeleton height={220} />}
      {summary.isError && <p role="alert">{failureText(t, summary.error)}</p>}
      {data && data.studiesRead === 0 && <p className="muted">{t('evidence.nothingYet')}</p>}
      {data && (
        <>
          <p className="rowline">
            {data.studiesRead > 0 && (
              <button type="button" className="figure" onClick={() => openFigure('read')}>
                {t('evidence.read', { count: data.studiesRead })}
              </button>
            )}
            {data.trainingExcluded > 0 && (
              <button type="button" className="figure faint" onClick={() => openFigure('training')}>
                {t('evidence.excluded', { count: data.trainingExcluded })}
              </button>
            )}
          </p>
          <div className="figures">
            <Accuracy data={data} uncertain={uncertain} open={openFigure} />
            <div className="aside">
              <Agreement data={data} uncertain={uncertain} open={openFigure} />
              <Turnaround data={data} open={openFigure} />
              <Marks data={data} open={openFigure} />
            </div>
          </div>
        </>
      )}
      <Times model={model} range={range} open={openFigure} />
      <Monitoring model={model} open={(what, within) => setShown({ figure: what, range: within })} />
      <Truth model={model} range={range} uncertain={uncertain} />
      <Claims model={model} summary={data} uncertain={uncertain} />
      <Labelling model={model} uncertain={uncertain} />
      {shown && <Cases modelId={manifest.id} {...shown} onClose={() => setShown(null)} />}
      {changing && <StageDialog model={model} onClose={() => setChanging(false)} />}
    </section>
  );
}
