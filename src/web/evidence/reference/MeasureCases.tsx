/** The studies behind a measure, each with what is known to be so of it. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import type { CaseRow, MeasureQuery } from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { keys } from '../../queries.ts';
import { useText } from '../../text.ts';
import { SideDrawer } from '../../ui/Dialog.tsx';
import { CaseList, CaseName } from '../Cases.tsx';
import { rangeQuery, type Range } from '../range.ts';
import { FollowUp } from './FollowUp.tsx';

export function MeasureCases(props: {
  modelId: string;
  query: MeasureQuery;
  range: Range;
  onClose: () => void;
}) {
  const { t } = useText();
  const { modelId, query, range } = props;
  const [entering, setEntering] = useState<string | null>(null);
  const cases = useQuery({
    queryKey: [...keys.evidence, modelId, 'measures', 'cases', query, range],
    queryFn: () => {
      const asked = rangeQuery(range);
      for (const [key, value] of Object.entries(query)) if (value !== undefined) asked.set(key, value);
      return api<CaseRow[]>(`/evidence/${modelId}/measures/cases?${asked}`);
    },
  });
  return (
    <SideDrawer opened onClose={props.onClose} title={t('truth.cases')} width={560}>
      <CaseList query={cases}>
        {({ fact, study }) => (
          <li key={fact.reportId} className="truth-case">
            <Link href={`/read/${study.studyUid}`}>
              <CaseName study={study} />
              <span className="case-facts small">
                <span className="chip ai">
                  <span>{fact.aiPositive ? t('cases.aiPositive') : t('cases.aiNegative')}</span>
                </span>
                {fact.blindConclusion && (
                  <span className="chip human">
                    <span>{t('cases.blind', { answer: t(`cases.answer.${fact.blindConclusion}`) })}</span>
                  </span>
                )}
                {fact.conclusion && (
                  <span className="chip human">
                    <span>{t('cases.signed', { answer: t(`cases.answer.${fact.conclusion}`) })}</span>
                  </span>
                )}
                {fact.reference && (
                  <span className="chip">
                    <span>
                      {t('truth.said', {
                        origin: t(`truth.origin.${fact.reference.origin}`),
                        answer: t(`cases.answer.${fact.reference.answer}`),
                      })}
                    </span>
                  </span>
                )}
              </span>
            </Link>
            <button type="button" className="btn ghost" onClick={() => setEntering(study.studyUid)}>
              {t('truth.followUp')}
            </button>
          </li>
        )}
      </CaseList>
      {entering && <FollowUp studyUid={entering} modelId={modelId} onClose={() => setEntering(null)} />}
    </SideDrawer>
  );
}
