/** The boxes of figures. Every number carries its interval and count, and opens its studies. */
import type { ReactNode } from 'react';
import type { EvidenceSummary, FigureKey, Proportion } from '../../doors/api/contract.ts';
import { duration, number, percent } from '../format.ts';
import { useText } from '../text.ts';
import { Forest } from './Forest.tsx';
import type { ForestRow } from './Forest.tsx';
import type { Uncertain } from './Tool.tsx';
import { cardProportion } from './wilson.ts';

type Open = (figure: FigureKey) => void;
interface Props {
  data: EvidenceSummary;
  open: Open;
}

function Box({ title, note, children }: { title: string; note?: string; children: ReactNode }) {
  return (
    <div className="box">
      <h3>
        {title} {note && <span className="faint">{note}</span>}
      </h3>
      {children}
    </div>
  );
}

/** Sensitivity and specificity, from conclusions given before AI was seen alone. */
export function Accuracy({ data, uncertain, open }: Props & { uncertain: Uncertain }) {
  const { t, language } = useText();
  const { accuracy, card } = data;
  const sensitivity = accuracy.sensitivity[uncertain];
  const specificity = accuracy.specificity[uncertain];
  const here = (proportion: Proportion, figure: FigureKey, note: string): ForestRow => ({
    label: t('evidence.here'),
    note,
    proportion,
    tone: 'here',
    onOpen: () => open(figure),
    openLabel: t('evidence.openCases'),
  });
  const maker = (value: number, n: number, note: string): ForestRow => ({
    label: t('evidence.card'),
    note,
    proportion: cardProportion(value, n),
    tone: 'card',
  });
  const missed = sensitivity.n - sensitivity.k;
  return (
    <Box title={t('evidence.accuracy')} note={t('evidence.ci')}>
      <h4>{t('figure.sensitivity')}</h4>
      <Forest
        rows={[
          here(sensitivity, 'sensitivity', t('evidence.positives', { count: sensitivity.n })),
          ...(card
            ? [
                maker(
                  card.sensitivity,
                  card.positives,
                  t('evidence.imagesPositive', { count: card.positives }),
                ),
              ]
            : []),
        ]}
      />
      <h4>{t('figure.specificity')}</h4>
      <Forest
        rows={[
          here(specificity, 'specificity', t('evidence.negatives', { count: specificity.n })),
          ...(card
            ? [
                maker(
                  card.specificity,
                  card.negatives,
                  t('evidence.imagesNegative', { count: card.negatives }),
                ),
              ]
            : []),
        ]}
      />
      <details>
        <summary>{t('evidence.perImage')}</summary>
        <Forest
          rows={[
            {
              ...here(
                accuracy.perImage.sensitivity,
                'sensitivity',
                t('evidence.imagesPositive', { count: accuracy.perImage.sensitivity.n }),
              ),
              label: t('figure.sensitivity'),
            },
            {
              ...here(
                accuracy.perImage.specificity,
                'specificity',
                t('evidence.imagesNegative', { count: accuracy.perImage.specificity.n }),
              ),
              label: t('figure.specificity'),
            },
          ]}
        />
        <p className="small muted">{t('evidence.perImageText')}</p>
      </details>
      <p className="small muted">
        {t('evidence.accuracyText')}{' '}
        {accuracy.references.length > 0 &&
          t('truth.rests', {
            what: accuracy.references
              .map(({ origin, studies }) => `${t(`truth.origin.${origin}`)} ${number(studies, language)}`)
              .join(', '),
          })}
        {missed > 0 && (
          <>
            {' '}
            <button type="button" className="figure" onClick={() => open('missed')}>
              {t('evidence.missed', { count: missed })}
            </button>
          </>
        )}
      </p>
    </Box>
  );
}

/** Agreement with the signed report: no measure of being right. */
export function Agreement({ data, uncertain, open }: Props & { uncertain: Uncertain }) {
  const { t } = useText();
  return (
    <Box title={t('evidence.agreement')}>
      <div className="pair">
        <Big
          label={t('evidence.agreementPositive')}
          proportion={data.agreement.positive[uncertain]}
          onOpen={() => open('agreement-positive')}
        />
        <Big
          label={t('evidence.agreementNegative')}
          proportion={data.agreement.negative[uncertain]}
          onOpen={() => open('agreement-negative')}
        />
      </div>
      <p className="small muted">{t('evidence.agreementText')}</p>
    </Box>
  );
}

function Big({ label, proportion, onOpen }: { label: string; proportion: Proportion; onOpen: () => void }) {
  const { t, language } = useText();
  const { k, n, value, low, high, enough } = proportion;
  const shown = enough && value !== null && low !== null && high !== null;
  return (
    <div>
      <span className="muted small">{label}</span>
      <div>
        <button type="button" className="figure big num" disabled={n === 0} onClick={onOpen}>
          {shown ? percent(value, language) : n > 0 ? `${k} / ${n}` : '–'}
        </button>
      </div>
      <div className="small muted num">
        {shown
          ? `${t('evidence.range', { low: percent(low, language), high: percent(high, language) })} · ${t('evidence.of', { k, n })}`
          : t('evidence.notEnough')}
      </div>
    </div>
  );
}

/** Arrival to signature: median and the middle half. */
export function Turnaround({ data, open }: Props) {
  const { t, language } = useText();
  const { n, medianMs, q1Ms, q3Ms } = data.turnaround;
  const shown = medianMs !== null && q1Ms !== null && q3Ms !== null;
  const end = shown ? Math.max(q3Ms * 1.25, 60_000) : 1;
  const at = (ms: number) => `${(ms / end) * 100}%`;
  return (
    <Box title={t('evidence.turnaround')}>
      <button type="button" className="figure big num" disabled={n === 0} onClick={() => open('turnaround')}>
        {medianMs === null ? '–' : duration(medianMs, language)}
      </button>
      {shown && (
        <svg
          width="100%"
          height="28"
          role="img"
          aria-label={t('evidence.quartiles', { q1: duration(q1Ms, language), q3: duration(q3Ms, language) })}
        >
          <line className="grid" x1="0" x2="100%" y1="14" y2="14" />
          <rect className="middle" x={at(q1Ms)} width={at(q3Ms - q1Ms)} y="5" height="18" rx="2" />
          <line className="median" x1={at(medianMs)} x2={at(medianMs)} y1="3" y2="25" />
        </svg>
      )}
      <div className="small muted num">
        {shown &&
          `${t('evidence.quartiles', { q1: duration(q1Ms, language), q3: duration(q3Ms, language) })} · `}
        {n > 0 ? t('evidence.turnaroundText', { count: n, zone: data.timeZone }) : t('evidence.notEnough')}
      </div>
    </Box>
  );
}

/** How much the tool interrupts: per 100 exams, or as counts while there are few. */
export function Marks({ data, open }: Props) {
  const { t, language } = useText();
  const { enough, studies } = data.counted;
  const rate = (value: number | null) => number(value ?? 0, language, 1);
  return (
    <Box title={enough ? t('evidence.marks') : t('evidence.marksCounted')}>
      <button
        type="button"
        className="figure big num"
        disabled={data.marks === 0}
        onClick={() => open('marks')}
      >
        {studies === 0 ? '–' : enough ? rate(data.marksPer100) : data.marks}
      </button>
      <div className="small muted num">
        {studies > 0 && (
          <button
            type="button"
            className="figure"
            disabled={data.falseAlarms === 0}
            onClick={() => open('false-alarms')}
          >
            {enough
              ? t('evidence.falseAlarms', {
                  per100: rate(data.falseAlarmsPer100),
                  count: data.falseAlarms,
                })
              : t('evidence.falseAlarmsCounted', {
                  count: data.falseAlarms,
                  exams: t('evidence.exams', { count: studies }),
                })}
          </button>
        )}
        {!enough && <div>{t('evidence.notEnough')}</div>}
      </div>
    </Box>
  );
}
