/** The studies behind a figure. */
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { MOST_CASES, type CaseRow, type FigureKey, type StudyRow } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { dateTime, duration, personName } from '../format.ts';
import { keys } from '../queries.ts';
import { Listed } from '../settings/Listed.tsx';
import { sided, useText } from '../text.ts';
import { SideDrawer } from '../ui/Dialog.tsx';
import { rangeQuery } from './range.ts';
import type { Range } from './range.ts';

export function Cases(props: { modelId: string; figure: FigureKey; range: Range; onClose: () => void }) {
  const { modelId, figure, range, onClose } = props;
  const { t } = useText();
  const cases = useQuery({
    queryKey: [...keys.evidence, modelId, 'cases', figure, range],
    queryFn: () => {
      const asked = rangeQuery(range);
      asked.set('figure', figure);
      return api<CaseRow[]>(`/evidence/${modelId}/cases?${asked}`);
    },
  });
  return (
    <SideDrawer opened onClose={onClose} title={t(`figure.${figure}`)} width={560}>
      <p className="muted">{t(`figure.text.${figure}`)}</p>
      {cases.data && cases.data.length > 0 && (
        <p className="small muted">
          {cases.data.length < MOST_CASES
            ? t('cases.count', { count: cases.data.length })
            : t('cases.newest', { count: MOST_CASES })}
        </p>
      )}
      <CaseList query={cases}>
        {(row) => <Case key={row.fact.reportId + row.fact.studyUid} row={row} />}
      </CaseList>
    </SideDrawer>
  );
}

/** Of a figure here, and of one of a labelling queue. */
export function CaseList<T>(props: { query: UseQueryResult<T[]>; children: (row: T) => ReactNode }) {
  const { t } = useText();
  return (
    <Listed query={props.query}>
      {(rows) =>
        rows.length === 0 ? (
          <p className="muted">{t('cases.none')}</p>
        ) : (
          <ul className="cases">{rows.map(props.children)}</ul>
        )
      }
    </Listed>
  );
}

/** Whose exam it is. */
export function CaseName({ study }: { study: StudyRow }) {
  const { t } = useText();
  return (
    <>
      <b>
        <bdi>{personName(study.patientName) || t('patient.unnamed')}</bdi>
      </b>{' '}
      <span className="muted">{sided(t, study)}</span>
    </>
  );
}

function Case({ row: { fact, study } }: { row: CaseRow }) {
  const { t, language } = useText();
  return (
    <li>
      <Link href={`/read/${study.studyUid}`}>
        <CaseName study={study} />
        <span className="case-facts small">
          <span className="chip ai">
            <span>{fact.aiPositive ? t('cases.aiPositive') : t('cases.aiNegative')}</span>
          </span>
          {fact.conclusion && (
            <span className="chip human">
              <span>{t('cases.signed', { answer: t(`cases.answer.${fact.conclusion}`) })}</span>
            </span>
          )}
          {fact.blindConclusion && fact.blindConclusion !== fact.conclusion && (
            <span className="chip">
              <span>{t('cases.blind', { answer: t(`cases.answer.${fact.blindConclusion}`) })}</span>
            </span>
          )}
          {fact.inTraining && <span className="chip warn">{t('cases.training')}</span>}
          {fact.amended && <span className="chip">{t('cases.amended')}</span>}
        </span>
        <small className="faint num">
          {t('cases.when', {
            when: dateTime(fact.signedAt, language),
            time: duration(fact.signedAt - fact.arrivedAt, language),
          })}
        </small>
      </Link>
    </li>
  );
}
