/**
 * Every result about this study in one list: of the tools here and of others' systems (SR, SEG, presentation states, key objects:
 * IHE AIR), each with who or what made it. What may not be seen is named with the reason, and says nothing of what it found.
 */
import { useMemo } from 'react';
import type { ModelView, StudyView } from '../../../doors/api/contract.ts';
import { personName } from '../../format.ts';
import { aiText, useText } from '../../text.ts';
import { objectTitle, type StudyObject } from './list.ts';
import { makerOf, originOf } from './sr.ts';
import { segmentationOf } from './segmentation.ts';
import { text } from '../viewer/loading/dicomweb.ts';
import type { Result, Results } from './useResults.ts';

export function ResultList(props: {
  view: StudyView;
  models: readonly ModelView[];
  results: Results;
  onOpen: (object: StudyObject) => void;
  onShow: (result: Result) => void;
}) {
  const { t, say } = useText();
  const { view, models, results } = props;
  if (results.results.length === 0) return null;
  return (
    <section className="sec results" aria-label={t('results.title')}>
      <h2>{t('results.title')}</h2>
      <ul>
        {view.ai.map(({ status, hidden, stage }) => {
          const model = models.find(({ manifest }) => manifest.id === status.modelId);
          return (
            <li key={status.runId} data-hidden={hidden ?? undefined}>
              <p>
                <span className="origin machine">{t('results.ai')}</span>{' '}
                <b>{model ? say(model.manifest.name) : status.modelId}</b>{' '}
                <span className="faint small">{model?.manifest.version}</span>
              </p>
              <p className="faint small">
                {status.state !== 'analysed'
                  ? aiText(t, status)
                  : hidden === 'stage'
                    ? t(`ai.hiddenStage.${stage}`)
                    : hidden === 'not-named'
                      ? t('ai.hiddenNotNamed')
                      : hidden === 'opinion-first'
                        ? t('ai.opinionFirst')
                        : aiText(t, status)}
              </p>
            </li>
          );
        })}
        {results.results.map((result) => (
          <ResultLine key={result.ref.sopInstanceUid} result={result} {...props} />
        ))}
      </ul>
    </section>
  );
}

function ResultLine({
  result,
  results,
  onOpen,
  onShow,
}: {
  result: Result;
  results: Results;
  onOpen: (object: StudyObject) => void;
  onShow: (result: Result) => void;
}) {
  const { t } = useText();
  const { metadata, kind, ref } = result;
  const uid = ref.sopInstanceUid;
  // Their trees are long, and the page is drawn anew with every image.
  const { origin, maker } = useMemo(
    () => ({ origin: metadata && originOf(metadata), maker: metadata && makerOf(metadata) }),
    [metadata],
  );
  const applied = results.presentation?.ref.sopInstanceUid === uid;
  // A presentation state's own name (PS3.3 C.10.9); a series holds many.
  const label = metadata && (text(metadata, '00700081') ?? text(metadata, '00700080'));
  return (
    <li data-kind={kind}>
      <p>
        {maker && <span className={`origin ${maker}`}>{t(`results.${maker}`)}</span>}{' '}
        <b>
          {[objectTitle(t, result), label !== result.series.description && label].filter(Boolean).join(' · ')}
        </b>
      </p>
      {origin && (
        <p className="faint small">
          <bdi>
            {[origin.person && personName(origin.person), origin.name, origin.version, origin.manufacturer]
              .filter((each, i, all) => each && all.indexOf(each) === i)
              .join(' · ')}
          </bdi>
        </p>
      )}
      <p className="row">
        {kind === 'segmentation' && (
          <button
            type="button"
            className="btn small"
            aria-pressed={result.shown}
            disabled={!metadata}
            onClick={() => {
              results.change(uid, { shown: !result.shown });
              if (!result.shown) onShow(result);
            }}
          >
            {result.shown ? t('results.hide') : t('results.show')}
          </button>
        )}
        {kind === 'presentation' && (
          <button
            type="button"
            className="btn small"
            aria-pressed={applied}
            disabled={!metadata}
            onClick={() => {
              results.apply(applied ? null : uid);
              if (!applied) onShow(result);
            }}
          >
            {applied ? t('results.unapply') : t('results.apply')}
          </button>
        )}
        <button type="button" className="btn ghost small" onClick={() => onOpen(result)}>
          {t('results.open')}
        </button>
      </p>
      {kind === 'segmentation' && result.shown && metadata && <Segments result={result} results={results} />}
    </li>
  );
}

function Segments({ result, results }: { result: Result; results: Results }) {
  const { t } = useText();
  const { segments } = useMemo(() => segmentationOf(result.metadata!), [result.metadata]);
  const uid = result.ref.sopInstanceUid;
  return (
    <div className="segments">
      <label>
        <span className="small">{t('results.opacity')}</span>
        <input
          type="range"
          min={0.1}
          max={1}
          step={0.1}
          value={result.opacity}
          onChange={(event) => results.change(uid, { opacity: Number(event.currentTarget.value) })}
        />
      </label>
      <ul>
        {segments.map((segment) => (
          <li key={segment.number}>
            <label>
              <input
                type="checkbox"
                checked={!result.hidden.has(segment.number)}
                onChange={() => {
                  const hidden = new Set(result.hidden);
                  if (!hidden.delete(segment.number)) hidden.add(segment.number);
                  results.change(uid, { hidden });
                }}
              />
              <span className="chip-colour" style={{ background: `rgb(${segment.colour.join(' ')})` }} />
              <bdi>{segment.label || t('results.segment', { number: segment.number })}</bdi>
              {segment.property && (
                <small className="faint">
                  {segment.property.value} {segment.property.scheme}
                </small>
              )}
            </label>
          </li>
        ))}
      </ul>
    </div>
  );
}
