/** The cases behind a figure of a queue. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { Queue, QueueCaseRow, QueueFigureKey } from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { personName } from '../../format.ts';
import { keys } from '../../queries.ts';
import { failureText, sided, useText } from '../../text.ts';
import { SideDrawer } from '../../ui/Dialog.tsx';
import { RowsSkeleton } from '../../ui/Skeleton.tsx';

export function QueueCases(props: { queue: Queue; figure: QueueFigureKey; onClose: () => void }) {
  const { t } = useText();
  const { queue, figure } = props;
  const cases = useQuery({
    queryKey: [...keys.evidence, 'labelling', 'cases', queue.id, figure],
    queryFn: () => api<QueueCaseRow[]>(`/labelling/${queue.id}/cases?figure=${figure}`),
  });
  return (
    <SideDrawer opened onClose={props.onClose} title={t(`queue.figure.${figure}`)} width={560}>
      {cases.isPending ? (
        <RowsSkeleton rows={5} />
      ) : cases.isError ? (
        <p role="alert">{failureText(t, cases.error)}</p>
      ) : cases.data.length === 0 ? (
        <p className="muted">{t('cases.none')}</p>
      ) : (
        <ul className="cases">
          {cases.data.map((row) => (
            <CaseLine key={row.case.studyUid} row={row} />
          ))}
        </ul>
      )}
    </SideDrawer>
  );
}

function CaseLine({ row }: { row: QueueCaseRow }) {
  const { t } = useText();
  const { study } = row;
  const of = row.case;
  const said = (
    <span className="case-facts small">
      <span className="chip ai">
        <span>{t(of.marked ? 'cases.aiPositive' : 'cases.aiNegative')}</span>
      </span>
      {of.answer && !of.open && of.origin && (
        <span className="chip human">
          <span>
            {t('queue.said', {
              origin: t(`queue.origin.${of.origin}`),
              answer: t(`cases.answer.${of.answer}`),
            })}
          </span>
        </span>
      )}
      {of.open && <span className="chip warn">{t('queue.openCase')}</span>}
      {of.labels.map(({ answer, exposure, kind }, i) => (
        <span key={i} className="chip">
          <span>
            {t(exposure ? `queue.exposure.${exposure}` : `queue.kind.${kind}`)} {t(`cases.answer.${answer}`)}
          </span>
        </span>
      ))}
    </span>
  );
  if (!study)
    return (
      <li className="queue-gone">
        <span className="muted">{t('queue.deleted')}</span>
        {said}
      </li>
    );
  return (
    <li>
      <Link href={`/read/${study.studyUid}`}>
        <b>
          <bdi>{personName(study.patientName) || t('patient.unnamed')}</bdi>
        </b>{' '}
        <span className="muted">{sided(t, study)}</span>
        {said}
      </Link>
    </li>
  );
}
