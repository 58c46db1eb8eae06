/** Proportions with their intervals on one axis, as in a forest plot. Each row's number opens its studies. */
import type { ReactNode } from 'react';
import type { Proportion } from '../../doors/api/contract.ts';
import { percent } from '../format.ts';
import { useText } from '../text.ts';
import { axisOf } from './axis.ts';

export interface ForestRow {
  label: ReactNode;
  /** Below the label: how many. */
  note: ReactNode;
  proportion: Proportion;
  /** `here`: the practice's own; `card`: the maker's, apart. */
  tone: 'here' | 'card';
  onOpen?: () => void;
  openLabel?: string;
}

/** Every second line is labelled, counted from 100 %, so that the labels never meet. */
const isLabelled = (tick: number): boolean => Math.round(tick * 10) % 2 === 0;

export function Forest({ rows }: { rows: readonly ForestRow[] }) {
  const { t, language } = useText();
  const { from, ticks } = axisOf(rows.map(({ proportion }) => (proportion.enough ? proportion.low : null)));
  const at = (value: number) => `${((value - from) / (1 - from)) * 100}%`;
  return (
    <div className="forest">
      {rows.map(({ label, note, proportion, tone, onOpen, openLabel }, index) => {
        const { value, low, high, enough, k, n } = proportion;
        const shown = enough && value !== null && low !== null && high !== null;
        const text = shown ? percent(value, language) : t('evidence.notEnough');
        return (
          <div className={`forest-row ${tone}`} key={index}>
            <div>
              <b>{label}</b>
              <small className="muted num">{note}</small>
            </div>
            {shown ? (
              <svg
                width="100%"
                height="32"
                role="img"
                aria-label={t('evidence.interval', {
                  value: text,
                  low: percent(low, language),
                  high: percent(high, language),
                })}
              >
                {ticks.map((tick) => (
                  <line key={tick} className="grid" x1={at(tick)} x2={at(tick)} y1="0" y2="32" />
                ))}
                <line className="whisker" x1={at(low)} x2={at(high)} y1="16" y2="16" />
                <circle cx={at(value)} cy="16" r="6" />
              </svg>
            ) : (
              <span className="muted small forest-few">
                {n > 0 ? t('evidence.countOnly', { k, n }) : t('evidence.notEnough')}
              </span>
            )}
            <div className="forest-value num">
              {onOpen && n > 0 ? (
                <button type="button" className="figure" onClick={onOpen} title={openLabel}>
                  {shown ? text : `${k} / ${n}`}
                </button>
              ) : (
                <span>{shown ? text : n > 0 ? `${k} / ${n}` : '–'}</span>
              )}
              {shown && (
                <small className="muted">
                  {t('evidence.range', { low: percent(low, language), high: percent(high, language) })}
                </small>
              )}
            </div>
          </div>
        );
      })}
      <div className="forest-row axis" aria-hidden="true">
        <span />
        <svg width="100%" height="18">
          {ticks.filter(isLabelled).map((tick) => (
            <text
              key={tick}
              x={at(tick)}
              y="13"
              textAnchor={tick === 1 ? 'end' : tick === from ? 'start' : 'middle'}
            >
              {percent(tick, language)}
            </text>
          ))}
        </svg>
        <span />
      </div>
    </div>
  );
}
