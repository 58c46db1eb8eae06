/** The cases behind a figure of a queue. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { Queue, QueueCaseRow, QueueFigureKey } from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { keys } from '../../queries.ts';
import { useText } from '../../text.ts';
import { SideDrawer } from '../../ui/Dialog.tsx';
import { CaseList, CaseName } from '../Cases.tsx';

export function QueueCases(props: { queue: Queue; figure: QueueFigureKey; onClose: () => void }) {
  const { t } = useText();
  const { queue, figure } = props;
  const cases = useQuery({
    queryKey: [...keys.evidence, 'labelling', 'cases', queue.id, figure],
    queryFn: () => api<QueueCaseRow[]>(`/labelling/${queue.id}/cases?figure=${figure}`),
  });
  return (
    <SideDrawer opened onClose={props.onClose} title={t(`queue.figure.${figure}`)} width={560}>
      <CaseList query={cases}>{(row) => <CaseLine key={row.case.studyUid} row={row} />}</CaseList>
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
        <CaseName study={study} />
        {said}
      </Link>
    </li>
  );
}
