/** What is published of tools like this one, beside what it does here. */
import { useQuery } from '@tanstack/react-query';
import { Pencil, Plus } from 'lucide-react';
import { useState } from 'react';
import type { ClaimsView, EvidenceSummary, ModelView } from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { number, percent } from '../../format.ts';
import { addCatalogue } from '../../i18n/index.ts';
import { keys } from '../../queries.ts';
import { failureText, useText } from '../../text.ts';
import type { Uncertain } from '../Tool.tsx';
import { ClaimDialog } from './ClaimDialog.tsx';
import './claims.css';
import en from './en.json' with { type: 'json' };
import fr from './fr.json' with { type: 'json' };

addCatalogue({ fr, en });

export type Card = ClaimsView['cards'][number];
type Figure = Card['figures'][number];
interface Local {
  summary: EvidenceSummary | undefined;
  uncertain: Uncertain;
}

export function Claims(props: { model: ModelView } & Local) {
  const { model, summary, uncertain } = props;
  const { t } = useText();
  const { id } = model.manifest;
  const query = useQuery({
    queryKey: [...keys.evidence, 'claims', id],
    queryFn: () => api<ClaimsView>(`/claims?model=${encodeURIComponent(id)}`),
  });
  const [editing, setEditing] = useState<Card | 'new' | null>(null);
  const data = query.data;
  return (
    <section className="box claims" aria-labelledby={`claims-${id}`}>
      <header>
        <div>
          <h3 id={`claims-${id}`}>{t('claims.title')}</h3>
          <p className="small muted">{t('claims.lead')}</p>
        </div>
        {data?.mayEdit && (
          <button type="button" className="btn" onClick={() => setEditing('new')}>
            <Plus size={16} aria-hidden /> {t('claims.add')}
          </button>
        )}
      </header>
      {query.isError && <p role="alert">{failureText(t, query.error)}</p>}
      {data?.cards.length === 0 && <p className="muted small">{t('claims.none')}</p>}
      <ul className="claims-list">
        {data?.cards.map((card) => (
          <ClaimItem
            key={card.id}
            card={card}
            summary={summary}
            uncertain={uncertain}
            onEdit={data.mayEdit ? () => setEditing(card) : null}
          />
        ))}
      </ul>
      {editing && (
        <ClaimDialog
          card={editing === 'new' ? null : editing}
          condition={Object.keys(model.manifest.labels)[0] ?? ''}
          onClose={() => setEditing(null)}
        />
      )}
    </section>
  );
}

function ClaimItem({ card, onEdit, ...local }: { card: Card; onEdit: (() => void) | null } & Local) {
  const { t, say, language } = useText();
  const facts = [
    ['product', [card.product, card.productVersion].filter(Boolean).join(' ')],
    ['condition', say(card.conditionText)],
    ['design', say(card.design)],
    ['n', card.n === null ? '' : number(card.n, language)],
    ['readers', card.readers === null ? '' : number(card.readers, language)],
    ['population', say(card.population)],
    ['reference', say(card.referenceText)],
    ['level', card.level],
    ['funding', [t(`claims.funding.${card.funding}`), say(card.fundingText)].filter(Boolean).join(' · ')],
  ] as const;
  // Figures of one type stand together; any other has an axis of its own.
  const axes = Map.groupBy(card.figures.keys(), (i) => card.looks[i]!.axis);
  return (
    <li className="claim">
      <div className="claim-head">
        <div>
          <b>{card.title}</b> {card.product && <span className="chip">{card.product}</span>}
          <span className="small muted block">
            {card.citation}
            {card.citation && card.doi && ' · '}
            {card.doi && (
              <a href={`https://doi.org/${encodeURI(card.doi)}`} target="_blank" rel="noreferrer">
                {card.doi}
              </a>
            )}
          </span>
        </div>
        {onEdit && (
          <button
            type="button"
            className="btn icon ghost"
            onClick={onEdit}
            aria-label={t('claims.edit', { title: card.title })}
          >
            <Pencil size={16} aria-hidden />
          </button>
        )}
      </div>
      {card.secondHand && <span className="chip warn">{t('claims.secondHand')}</span>}
      {[...axes].map(([axis, indices]) => (
        <div key={axis} className="claim-axis">
          {[...indices].map((i) => (
            <FigureLine key={i} figure={card.figures[i]!} look={card.looks[i]!} {...local} />
          ))}
        </div>
      ))}
      {say(card.note) && <p className="small">{say(card.note)}</p>}
      <details>
        <summary>{t('claims.more')}</summary>
        <dl className="facts small">
          {facts.map(([name, value]) => (
            <div key={name} className="contents">
              <dt>{t(`claims.field.${name}`)}</dt>
              <dd>{value || <span className="faint">{t('claims.notFound')}</span>}</dd>
            </div>
          ))}
        </dl>
        <p className="small faint">
          {card.version === 0
            ? t('claims.shipped')
            : t('claims.version', { version: card.version, name: card.personName ?? '' })}
        </p>
      </details>
    </li>
  );
}

function FigureLine(props: { figure: Figure; look: Card['looks'][number] } & Local) {
  const { figure, look, summary, uncertain } = props;
  const { t, language } = useText();
  const { measure, value, low, high, k, n } = figure;
  const share = (of: number) => (measure === 'auc' ? number(of, language, 3) : percent(of, language, 1));
  const here =
    measure === 'sensitivity' || measure === 'specificity'
      ? summary?.accuracy[measure][uncertain]
      : undefined;
  const shown = look.near && here?.enough && here.value !== null ? here : undefined;
  const points = shown ? (shown.value! - value) * 100 : 0;
  const why = look.unlike.map((what) => t(`claims.unlike.${what}`)).join(', ');
  return (
    <div className="claim-figure">
      <span className="small">
        {t(`claims.measure.${measure}`)} <span className="muted">{t(`claims.arm.${figure.arm}`)}</span>
      </span>
      <b className="num">{share(value)}</b>
      {measure === 'turnaround-change' ? (
        <span />
      ) : (
        <svg className="claim-bar" height="12" aria-hidden>
          <line className="grid" x1="0" x2="100%" y1="6" y2="6" />
          {low !== null && high !== null && (
            <line className="whisker" x1={at(low)} x2={at(high)} y1="6" y2="6" />
          )}
          <circle cx={at(value)} cy="6" r="4" />
        </svg>
      )}
      <small className="muted num">
        {low !== null && high !== null
          ? t('evidence.range', { low: share(low), high: share(high) })
          : t('claims.noInterval')}
        {k !== null && n !== null && ` · ${t('evidence.of', { k, n })}`}
        {` · ${t(`claims.unit.${figure.unit}`)}`}
      </small>
      <p className="small claim-words">
        {shown
          ? t(points < 0 ? 'claims.hereBelow' : 'claims.hereAbove', {
              here: percent(shown.value!, language),
              low: percent(shown.low!, language),
              high: percent(shown.high!, language),
              points: number(Math.abs(points), language, 1),
            })
          : look.near && here
            ? t('claims.hereFew')
            : t('claims.hereOther')}{' '}
        {why && <span className="muted">{t('claims.unlike', { why })}</span>}
      </p>
    </div>
  );
}
/** From 50 % to 100 %. */
const at = (share: number) => `${Math.min(100, Math.max(0, (share - 0.5) * 200))}%`;
