/** What a tool gives beside findings: volumes of what it segmented, measurements, and what it looked for and did not mark. */
import type { ModelView, RunRow } from '../../doors/api/contract.ts';
import { fixed } from '../format.ts';
import { useText } from '../text.ts';

type Manifest = ModelView['manifest'];

/** A tool that decides nothing cannot mark nothing. */
export const measuresOnly = (model: ModelView | undefined): boolean => {
  const outputs = model?.manifest.outputs;
  return outputs !== undefined && !outputs.score && !outputs.scores && !outputs.boxes;
};

export function Outcome({ run, manifest }: { run: RunRow; manifest: Manifest }) {
  const { t, say, language } = useText();
  const name = (label: string): string => {
    const text = manifest.labels[label]?.text;
    return text ? say(text) : label;
  };
  const items = manifest.outputs.measurements?.items ?? [];
  const measured = run.images.flatMap(({ sopInstanceUid, measurements }) =>
    items.flatMap((item) => {
      const value = measurements?.[item.key];
      if (value === undefined) return [];
      const unit = item.unit.value === '1' ? '' : `\u00a0${item.unit.value}`;
      return [
        {
          key: `${sopInstanceUid} ${item.key}`,
          name: say(item.text),
          value: fixed(value, language, item.decimals ?? 1) + unit,
        },
      ];
    }),
  );
  const segments = run.segments.map(({ label, ml, pixels }, i) => ({
    key: `${i} ${label}`,
    name: name(label),
    value:
      pixels === 0
        ? t('ai.segmentNone')
        : ml === null
          ? t('ai.segmentSeen')
          : `${fixed(ml, language, 1)}\u00a0ml`,
  }));
  const rows = [...segments, ...measured];
  const point = manifest.operatingPoints[run.operatingPoint];
  const below = new Set<string>();
  for (const { scores } of run.images)
    for (const [label, score] of Object.entries(scores ?? {}))
      if (score < (point?.thresholds?.[label] ?? run.threshold)) below.add(label);
  for (const { scores } of run.images)
    for (const [label, score] of Object.entries(scores ?? {}))
      if (score >= (point?.thresholds?.[label] ?? run.threshold)) below.delete(label);
  if (rows.length === 0 && below.size === 0) return null;
  return (
    <div className="proposal none outcome">
      {rows.length > 0 && (
        <dl>
          {rows.map((row) => (
            <div key={row.key}>
              <dt>{row.name}</dt>
              <dd>{row.value}</dd>
            </div>
          ))}
        </dl>
      )}
      {rows.length > 0 && <p className="muted small">{t('ai.measuredByTool')}</p>}
      {below.size > 0 && (
        <p className="muted small">
          {t('ai.notMarked', {
            labels: new Intl.ListFormat(language, { type: 'unit' }).format([...below].map(name)),
          })}
        </p>
      )}
    </div>
  );
}
