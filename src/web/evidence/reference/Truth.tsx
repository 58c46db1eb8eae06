/** What is so, and what follows: verification, reader and tool on the same studies, groups, overruling. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { MeasureQuery, ModelView, ToolMeasures } from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { keys, useRoles } from '../../queries.ts';
import { failureText, useText } from '../../text.ts';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { addCatalogue } from '../../i18n/index.ts';
import { rangeQuery, type Range } from '../range.ts';
import type { Uncertain } from '../Tool.tsx';
import { Automation, Overrides } from './Automation.tsx';
import en from './en.json' with { type: 'json' };
import fr from './fr.json' with { type: 'json' };
import { ImportDialog } from './ImportDialog.tsx';
import { MeasureCases } from './MeasureCases.tsx';
import { Paired } from './Paired.tsx';
import './reference.css';
import { Subgroups } from './Subgroups.tsx';
import { Versions } from './Versions.tsx';
import { Verification } from './Verification.tsx';

addCatalogue({ fr, en });

export type OpenMeasure = (query: Omit<MeasureQuery, 'uncertain'>) => void;

export function Truth({ model, range, uncertain }: { model: ModelView; range: Range; uncertain: Uncertain }) {
  const { t } = useText();
  const roles = useRoles();
  const { id } = model.manifest;
  const [open, setOpen] = useState(false);
  const [shown, setShown] = useState<MeasureQuery | null>(null);
  const [importing, setImporting] = useState(false);
  const query = useQuery({
    queryKey: [...keys.evidence, id, 'measures', range],
    queryFn: () => api<ToolMeasures>(`/evidence/${id}/measures?${rangeQuery(range)}`),
    enabled: open,
  });
  const way = uncertain === 'uncertainAsPositive' ? 'positive' : 'negative';
  const show: OpenMeasure = (asked) => setShown({ ...asked, uncertain: way });
  const measures = query.data?.[uncertain];
  return (
    <details
      className="truth"
      open={open}
      onToggle={(event) => setOpen((event.target as HTMLDetailsElement).open)}
    >
      <summary>
        <h3>{t('truth.title')}</h3>
        <span className="small muted">{t('truth.lead')}</span>
      </summary>
      {open && (
        <div className="truth-body">
          {roles.has('evidence') && (
            <p className="rowline">
              <button type="button" className="btn" onClick={() => setImporting(true)}>
                {t('truth.import')}
              </button>
              <span className="small muted">{t('truth.enterHint')}</span>
            </p>
          )}
          {query.isPending && <Skeleton height={240} />}
          {query.isError && <p role="alert">{failureText(t, query.error)}</p>}
          {measures && (
            <>
              <Paired data={measures.paired} open={show} />
              <Verification data={measures.verification} model={model} open={show} />
              <Overrides data={measures.overrides} open={show} />
              <Automation data={measures.automation} open={show} />
              <Subgroups data={measures.subgroups} open={show} model={model} />
              <Versions model={model} versions={query.data!.versions} />
            </>
          )}
        </div>
      )}
      {shown && <MeasureCases modelId={id} query={shown} range={range} onClose={() => setShown(null)} />}
      {importing && <ImportDialog modelId={id} onClose={() => setImporting(false)} />}
    </details>
  );
}
