/** The labelling queues of a tool: to label in, for readers; to draw and to look into, for who answers for evidence. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import type { LabellingQueueView, ModelView } from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { addCatalogue } from '../../i18n/index.ts';
import { useQueuesToLabel } from '../../label/queues.ts';
import { keys, useRoles } from '../../queries.ts';
import { failureText, useText } from '../../text.ts';
import { Skeleton } from '../../ui/Skeleton.tsx';
import type { Uncertain } from '../Tool.tsx';
import { DrawDialog } from './DrawDialog.tsx';
import en from './en.json' with { type: 'json' };
import fr from './fr.json' with { type: 'json' };
import './labelling.css';
import { QueueCard } from './QueueCard.tsx';

addCatalogue({ fr, en });

export function Labelling({ model, uncertain }: { model: ModelView; uncertain: Uncertain }) {
  const { t } = useText();
  const roles = useRoles();
  const answers = roles.has('evidence');
  const mine = useQueuesToLabel(roles.has('reader'));
  const [drawing, setDrawing] = useState(false);
  const { id } = model.manifest;
  const queues = useQuery({
    queryKey: [...keys.evidence, 'labelling', id],
    queryFn: () => api<LabellingQueueView>(`/labelling?model=${encodeURIComponent(id)}`),
    enabled: answers,
  });
  const toLabel = mine.data?.filter(({ modelId }) => modelId === id) ?? [];
  const analysed = queues.data?.tools.reduce((sum, { studies }) => sum + studies, 0) ?? 0;
  if (!answers && !roles.has('admin') && toLabel.length === 0) return null;
  return (
    <section className="queues" aria-labelledby={`queues-${id}`}>
      <header>
        <div>
          <h3 id={`queues-${id}`}>{t('queue.title')}</h3>
          <p className="small muted">{t('queue.lead')}</p>
        </div>
        {answers && (
          <button
            type="button"
            className="btn"
            disabled={!queues.data || analysed === 0}
            onClick={() => setDrawing(true)}
          >
            {t('queue.draw')}
          </button>
        )}
      </header>
      {toLabel.map((queue) => (
        <div key={queue.id} className="callout">
          <div className="grow">
            <b>{queue.title}</b>{' '}
            <span className="muted num">{t('queue.mine', { given: queue.given, left: queue.left })}</span>
          </div>
          {queue.left > 0 ? (
            <Link href={`/label/${queue.id}`} className="btn primary">
              {t(queue.given > 0 ? 'queue.goOn' : 'queue.begin')}
            </Link>
          ) : (
            <Link href={`/label/${queue.id}`} className="btn ghost">
              {t('queue.look')}
            </Link>
          )}
        </div>
      ))}
      {!answers && roles.has('admin') && toLabel.length === 0 && (
        <p className="small muted">{t('queue.needsRole')}</p>
      )}
      {queues.isPending && answers && <Skeleton height={80} />}
      {queues.isError && <p role="alert">{failureText(t, queues.error)}</p>}
      {queues.data?.queues.length === 0 && (
        <p className="small muted">{t(analysed === 0 ? 'queue.nothing' : 'queue.none')}</p>
      )}
      {queues.data?.queues.map((queue) => (
        <QueueCard key={queue.id} queue={queue} model={model} uncertain={uncertain} />
      ))}
      {drawing && queues.data && (
        <DrawDialog model={model} tools={queues.data.tools} onClose={() => setDrawing(false)} />
      )}
    </section>
  );
}
