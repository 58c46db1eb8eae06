/** Validation studies: what a tool is worth on labelled images. Started here, watched, stopped; their reports are files of their own. */
import { useQuery } from '@tanstack/react-query';
import { FileText } from 'lucide-react';
import { useState } from 'react';
import type { ModelView, ValidationPage, ValidationRow } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { dateTime, fixed, number } from '../format.ts';
import { addCatalogue } from '../i18n/index.ts';
import { keys, useModels } from '../queries.ts';
import { Listed } from '../settings/Listed.tsx';
import { useAction } from '../settings/useAction.ts';
import { orCode, useText } from '../text.ts';
import { Dialog, DialogFoot } from '../ui/Dialog.tsx';
import en from './en.json' with { type: 'json' };
import fr from './fr.json' with { type: 'json' };
import { StudyDialog } from './StudyDialog.tsx';
import './validation.css';

addCatalogue({ fr, en });

const POLL_MS = 1500;
const isOpen = ({ state }: ValidationRow): boolean => state === 'waiting' || state === 'running';

export function Validation() {
  const { t } = useText();
  const models = useModels();
  const page = useQuery({
    queryKey: keys.validation,
    queryFn: () => api<ValidationPage>('/validation'),
    refetchInterval: ({ state }) => (state.data?.studies.some(isOpen) ? POLL_MS : false),
  });
  const [adding, setAdding] = useState(false);
  return (
    <>
      <p className="lead">{t('validation.lead')}</p>
      <p className="muted">{t('validation.notDevice')}</p>
      <button
        type="button"
        className="btn primary"
        disabled={!page.data || !models.data?.length}
        onClick={() => setAdding(true)}
      >
        {t('validation.new')}
      </button>
      <Listed query={page}>
        {({ studies }) =>
          studies.length === 0 ? (
            <p className="muted">{t('validation.none')}</p>
          ) : (
            <ul className="studies">
              {studies.map((study) => (
                <li key={study.id}>
                  <Study study={study} models={models.data ?? []} />
                </li>
              ))}
            </ul>
          )
        }
      </Listed>
      {adding && page.data && models.data && (
        <StudyDialog models={models.data} folders={page.data.folders} onClose={() => setAdding(false)} />
      )}
    </>
  );
}

const CHIP: Readonly<Record<ValidationRow['state'], string>> = {
  waiting: 'warn',
  running: 'human',
  done: 'ok',
  failed: 'stop',
  cancelled: '',
};

function Study({ study, models }: { study: ValidationRow; models: readonly ModelView[] }) {
  const { t, say, language } = useText();
  const [removing, setRemoving] = useState(false);
  const act = useAction({
    run: (verb: 'cancel' | 'again') => api(`/validation/${study.id}/${verb}`, { method: 'POST' }),
    refresh: [keys.validation],
  });
  const remove = useAction({
    run: () => api(`/validation/${study.id}`, { method: 'DELETE' }),
    refresh: [keys.validation],
    done: () => t('validation.removed'),
  });
  const nameOf = (id: string): string => {
    const found = models.find(({ manifest }) => manifest.id === id);
    return found ? say(found.manifest.name) : id;
  };
  const file = (name: string): string => `/api/validation/${study.id}/${name}`;
  const title = [nameOf(study.modelId), study.summary?.version].filter(Boolean).join(' ');
  const { phase, done, total, summary } = study;
  return (
    <section className="card study" aria-label={`${title}, ${dateTime(study.createdAt, language)}`}>
      <div className="rowline wide">
        <h2>{title}</h2>
        <span className={`chip ${CHIP[study.state]}`}>{t(`validation.state.${study.state}`)}</span>
      </div>
      <p className="muted num">
        {[
          study.compareId && t('validation.against', { name: nameOf(study.compareId) }),
          study.source === 'archive' ? t('validation.archive') : study.source,
          t('validation.column', { name: study.labelColumn }),
          study.countTuning && t('validation.withTuning'),
        ]
          .filter(Boolean)
          .join(' · ')}
        <span className="block">
          <bdi>{study.person}</bdi> · {dateTime(study.createdAt, language)}
        </span>
      </p>
      {isOpen(study) && (
        <div role="status" className="progress">
          <span className="num">
            {study.state === 'waiting'
              ? t('validation.waits')
              : phase === null
                ? t('validation.begins')
                : t(`validation.phase.${phase}`, {
                    done: number(done, language),
                    total: number(total, language),
                  })}
          </span>
          <progress
            className="bar"
            aria-label={t('validation.progress')}
            max={1}
            {...(total > 0 && study.state === 'running' ? { value: done / total } : {})}
          />
        </div>
      )}
      {study.error && (
        <p className="form-error">
          {orCode(t, 'errors', study.error.code) === study.error.code
            ? study.error.message
            : t(`errors.${study.error.code}`)}
        </p>
      )}
      {summary && study.state === 'done' && (
        <p className="num">
          {t('validation.counted', {
            n: number(summary.n, language),
            positives: number(summary.positives, language),
            excluded: number(summary.excluded, language),
          })}
          {summary.auc !== null && (
            <span className="block">
              {t('validation.auc', {
                value: fixed(summary.auc, language, 2),
                low: summary.aucCi ? fixed(summary.aucCi[0], language, 2) : '–',
                high: summary.aucCi ? fixed(summary.aucCi[1], language, 2) : '–',
              })}
            </span>
          )}
        </p>
      )}
      <div className="rowline wide">
        {study.state === 'done' && (
          <>
            <a className="btn" href={file('report.html')} target="_blank" rel="noreferrer">
              <FileText size={16} aria-hidden /> {t('validation.report')}
            </a>
            <a className="btn ghost" href={file('report.pdf')} target="_blank" rel="noreferrer">
              PDF
            </a>
            <a className="btn ghost" href={file('cases.csv')} download>
              {t('validation.cases')}
            </a>
            <a className="btn ghost" href={file('result.json')} download>
              {t('validation.figures')}
            </a>
          </>
        )}
        {isOpen(study) ? (
          <button type="button" className="btn" disabled={act.isPending} onClick={() => act.mutate('cancel')}>
            {t('validation.stop')}
          </button>
        ) : (
          <>
            {study.state !== 'done' && (
              <button
                type="button"
                className="btn"
                disabled={act.isPending}
                onClick={() => act.mutate('again')}
              >
                {t('validation.again')}
              </button>
            )}
            <button type="button" className="btn ghost" onClick={() => setRemoving(true)}>
              {t('validation.remove')}
            </button>
          </>
        )}
      </div>
      {removing && (
        <Dialog opened onClose={() => setRemoving(false)} title={t('validation.removeTitle')}>
          <p>{t('validation.removeText')}</p>
          <DialogFoot>
            <button type="button" className="btn ghost" onClick={() => setRemoving(false)}>
              {t('action.cancel')}
            </button>
            <button
              type="button"
              className="btn danger"
              disabled={remove.isPending}
              onClick={() => remove.mutate(undefined)}
            >
              {t('validation.remove')}
            </button>
          </DialogFoot>
        </Dialog>
      )}
    </section>
  );
}
