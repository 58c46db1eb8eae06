/** The AI tools: what each is for, how it stands, its card, and the acts that changed its stage. */
import { useState } from 'react';
import type { ModelView } from '../../doors/api/contract.ts';
import { BreachText } from '../evidence/gates/Breach.tsx';
import { StageDialog } from '../evidence/StageDialog.tsx';
import { Steps } from '../evidence/Steps.tsx';
import '../evidence/evidence.css';
import { dateTime } from '../format.ts';
import { useMe, useModels } from '../queries.ts';
import { bodyPart, orCode, useText } from '../text.ts';
import { Listed } from './Listed.tsx';
import { Markdown } from './Markdown.tsx';
import { AddPackage, BrokenPackages, ToolPackage } from './ToolPackage.tsx';

export function Tools() {
  const { t } = useText();
  const models = useModels();
  const mayChange = useMe().person.roles.includes('admin');
  return (
    <>
      <p className="lead">{t('tools.lead')}</p>
      {mayChange && <AddPackage />}
      {mayChange && <BrokenPackages />}
      <Listed query={models}>
        {(all) =>
          all.length === 0 ? (
            <p className="muted">{t('evidence.noTool')}</p>
          ) : (
            all.map((model) => <Tool key={model.manifest.id} model={model} administered={mayChange} />)
          )
        }
      </Listed>
    </>
  );
}

function Tool({ model, administered }: { model: ModelView; administered: boolean }) {
  const { t, say, language } = useText();
  const { manifest } = model;
  const [changing, setChanging] = useState(false);
  const { ageYears, modalities, bodyParts } = manifest.intendedUse;
  const point = manifest.operatingPoints[manifest.defaultOperatingPoint];
  const overall = point?.measured.find(({ region }) => region === '') ?? point?.measured[0];
  const stageButton = model.mayChange && !model.removed && (
    <button type="button" className="btn" onClick={() => setChanging(true)}>
      {t('stage.change')}
    </button>
  );
  return (
    <section className="card" aria-labelledby={`manifest-${manifest.id}`}>
      <div className="rowline wide">
        <h2 id={`manifest-${manifest.id}`}>
          {say(manifest.name)} {manifest.version}
        </h2>
        <span className={manifest.regulatory.status === 'research' ? 'chip warn' : 'chip ok'}>
          {t(`regulatory.${manifest.regulatory.status}`)}
        </span>
        {model.removed ? (
          <span className="chip">{t('tools.removed')}</span>
        ) : (
          !model.enabled && <span className="chip">{t('tools.off')}</span>
        )}
        <span className="grow" />
        <Steps stage={model.stage} />
      </div>
      <p>{say(manifest.summary)}</p>
      <dl className="facts">
        <dt>{t('tools.use')}</dt>
        <dd>{say(manifest.intendedUse.text)}</dd>
        <dt>{t('tools.runsOn')}</dt>
        <dd>
          {modalities.map((code) => orCode(t, 'modality', code)).join(', ')}
          {bodyParts.length > 0 &&
            ` · ${[...new Set(bodyParts.map((term) => bodyPart(t, term)))].join(', ')}`}
        </dd>
        <dt>{t('tools.age')}</dt>
        <dd>
          {ageYears.min !== undefined && t('tools.ageFrom', { count: ageYears.min })}{' '}
          {ageYears.max !== undefined && t('tools.ageTo', { count: ageYears.max })}{' '}
          {ageYears.unknown === 'refuse' && t('tools.ageKnown')}
        </dd>
        <dt>{t('tools.regulatory')}</dt>
        <dd>{say(manifest.regulatory.detail)}</dd>
        {point && (
          <>
            <dt>{t('tools.point')}</dt>
            <dd>
              {say(point.text)}
              {overall && <span className="block muted">{say(overall.text)}</span>}
            </dd>
          </>
        )}
        {manifest.question && (
          <>
            <dt>{t('tools.question')}</dt>
            <dd>{say(manifest.question.text)}</dd>
          </>
        )}
        <dt>{t('tools.maker')}</dt>
        <dd>
          {manifest.maker} · {manifest.licence}
        </dd>
        <dt>{t('evidence.stage')}</dt>
        <dd>
          {t(`stage.name.${model.stage}`)}. <span className="muted">{t(`stage.rule.${model.stage}`)}</span>
        </dd>
      </dl>
      {administered ? <ToolPackage model={model}>{stageButton}</ToolPackage> : stageButton}
      <details className="wide">
        <summary>{t('tools.acts', { count: model.acts.length })}</summary>
        {model.acts.length === 0 && <p className="muted">{t('tools.noActs')}</p>}
        <ul className="list">
          {model.acts.toReversed().map((act) => (
            <li key={act.id}>
              <div>
                <b>
                  {t(`stage.name.${act.from}`)} → {t(`stage.name.${act.to}`)}
                </b>
                <small>
                  {act.personName === null ? t('stage.byProgram') : <bdi>{act.personName}</bdi>} ·{' '}
                  {dateTime(act.at, language)} · {t('tools.version', { version: act.modelVersion })}
                  {act.to === 'pilot' && act.blindFirst && ` · ${t('evidence.blindFirst')}`}
                </small>
                {act.gate && <span className="muted">{t(`stage.gate.${act.gate.verdict}`)}</span>}
                <span dir="auto">
                  {act.breach ? <BreachText breach={act.breach} /> : `« ${act.reason} »`}
                </span>
              </div>
            </li>
          ))}
        </ul>
      </details>
      <details className="wide">
        <summary>{t('tools.card')}</summary>
        <div className="modelcard" lang="en">
          <Markdown text={model.card} />
        </div>
      </details>
      {changing && <StageDialog model={model} onClose={() => setChanging(false)} />}
    </section>
  );
}
