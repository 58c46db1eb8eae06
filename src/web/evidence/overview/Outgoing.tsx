/** What leaves: the report of a month, and its counts for others. */
import { Download, FileText } from 'lucide-react';
import { useState } from 'react';
import type { OverviewRow } from '../../../doors/api/contract.ts';
import { useRoles } from '../../queries.ts';
import { useText } from '../../text.ts';

/** The month before this one: the last that is whole. */
const lastMonth = (now = new Date()): string => {
  const month = new Date(now.getFullYear(), now.getMonth() - 1, 1);
  return `${month.getFullYear()}-${String(month.getMonth() + 1).padStart(2, '0')}`;
};

export function Outgoing({ rows }: { rows: readonly OverviewRow[] }) {
  const { t, language, say } = useText();
  const roles = useRoles();
  const [month, setMonth] = useState(lastMonth);
  const valid = /^\d{4}-(0[1-9]|1[0-2])$/.test(month);
  const href = (path: string): string | undefined =>
    valid ? `/api/evidence/${path}${path.includes('?') ? '&' : '?'}month=${month}` : undefined;
  return (
    <div className="overview-out">
      <label className="rowline">
        <span className="muted small">{t('overview.month')}</span>
        <input
          type="month"
          className="input"
          value={month}
          aria-invalid={!valid || undefined}
          onChange={({ target }) => setMonth(target.value)}
        />
      </label>
      <a className="btn" href={href(`report.pdf?language=${language}`)} target="_blank" rel="noreferrer">
        <FileText size={16} aria-hidden /> {t('overview.report')}
      </a>
      {(roles.has('evidence') || roles.has('admin')) && (
        <details>
          <summary className="muted small">{t('overview.exports')}</summary>
          <p className="small muted">{t('overview.exportsText')}</p>
          <ul className="small">
            {rows.map(({ modelId, name }) => (
              <li key={modelId} className="rowline">
                {say(name)}
                {(['figures', 'registry'] as const).map((file) => (
                  <a key={file} href={href(`${encodeURIComponent(modelId)}/export/${file}.csv`)}>
                    <Download size={14} aria-hidden /> {t(`overview.export.${file}`)}
                  </a>
                ))}
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
