/** The table of exams; cards on a narrow screen. Only the rows in sight are in the page. */
import { useMediaQuery } from '@mantine/hooks';
import { useEffect, useRef } from 'react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { WorklistRow } from '../../doors/api/contract.ts';
import { colleagueName, dicomDate, duration, personName, shortName } from '../format.ts';
import { useMe } from '../queries.ts';
import { aiText, sided, orCode, sexAge, useText } from '../text.ts';
import { Thumbnail } from './Thumbnail.tsx';
import { useRowWindow } from './windowed.ts';

const ROW = 57;
const CARD = 104;
export const NARROW = '(max-width: 899px)';

interface Props {
  rows: readonly WorklistRow[];
  selected: string | null;
  onSelect: (studyUid: string) => void;
  onOpen: (studyUid: string) => void;
  /** A click shows the exam beside the list instead of opening it. */
  selects: boolean;
  now: number;
  more: (() => void) | null;
  foot: ReactNode;
  modelName: (modelId: string) => string;
}

export function Rows({ rows, selected, onSelect, onOpen, selects, now, more, foot, modelName }: Props) {
  const { t } = useText();
  const narrow = useMediaQuery(NARROW, matchMedia(NARROW).matches) ?? false;
  const rowHeight = narrow ? CARD : ROW;
  const scroller = useRef<HTMLDivElement>(null);
  const { start, end } = useRowWindow(scroller, rowHeight, rows.length);
  useEffect(() => {
    if (more && end >= rows.length - 20) more();
  }, [more, end, rows.length]);
  // The selected row stays in sight when it moves by the keyboard.
  const index = rows.findIndex(({ study }) => study.studyUid === selected);
  useEffect(() => {
    const element = scroller.current;
    if (!element || index < 0 || !selects) return;
    const top = index * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowHeight > element.scrollTop + element.clientHeight - 36) {
      element.scrollTop = top + rowHeight - element.clientHeight + 36;
    }
  }, [index, rowHeight, selects]);
  return (
    <div className="rows" ref={scroller}>
      <div role="table" aria-label={t('nav.worklist')} aria-rowcount={more ? -1 : rows.length + 1}>
        <div role="rowgroup" className="rows-head">
          <div role="row" className="wl-head">
            <span aria-hidden="true" />
            <span aria-hidden="true" />
            <span role="columnheader">{t('worklist.patient')}</span>
            <span role="columnheader">{t('worklist.exam')}</span>
            <span role="columnheader">{t('worklist.waiting')}</span>
            <span role="columnheader">{t('worklist.ai')}</span>
            <span role="columnheader">{t('worklist.state')}</span>
          </div>
        </div>
        <div
          role="rowgroup"
          style={{ paddingTop: start * rowHeight, paddingBottom: Math.max(0, rows.length - end) * rowHeight }}
        >
          {rows.slice(start, end).map((row, offset) => (
            <Row
              key={row.study.studyUid}
              row={row}
              rowIndex={start + offset + 2}
              on={row.study.studyUid === selected}
              selects={selects}
              onSelect={onSelect}
              onOpen={onOpen}
              now={now}
              modelName={modelName}
            />
          ))}
        </div>
      </div>
      {foot}
    </div>
  );
}

const PRIORITY = { STAT: 'stat', HIGH: 'soon', ROUTINE: '' } as const;

function Row(
  props: Pick<Props, 'onSelect' | 'onOpen' | 'selects' | 'now' | 'modelName'> & {
    row: WorklistRow;
    rowIndex: number;
    on: boolean;
  },
) {
  const { t, language } = useText();
  const { row, rowIndex, on, selects, onSelect, onOpen, now, modelName } = props;
  const { study } = row;
  const uid = study.studyUid;
  const name = personName(study.patientName) || t('patient.unnamed');
  const facts = sexAge(t, study);
  const born = dicomDate(study.birthDate, language);
  const origin = study.department || colleagueName(study.referring);
  const waited = duration((row.signedAt ?? now) - row.waitingSince, language);
  return (
    <div
      role="row"
      aria-rowindex={rowIndex}
      aria-current={on && selects ? 'true' : undefined}
      className={`wl-row ${PRIORITY[study.priority]}`}
      onClick={() => (selects ? onSelect(uid) : onOpen(uid))}
      onDoubleClick={() => onOpen(uid)}
    >
      <span className="bar" role="presentation" />
      <span role="presentation">
        <Thumbnail studyUid={uid} of={row.thumbnail} size={128} className="wl-thumb" />
      </span>
      <span role="cell" className="wl-who">
        <Link
          href={`/read/${uid}`}
          className="wl-name"
          onClick={(event) => {
            event.stopPropagation();
            // A first mouse click shows, a second opens; the keyboard and other buttons follow the link.
            if (selects && !on && event.detail === 1 && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
              event.preventDefault();
              onSelect(uid);
            }
          }}
        >
          <bdi>{name}</bdi>
        </Link>
        <small className="num">
          {facts}
          {born && <span className="wl-born">{facts ? ` · ${born}` : born}</span>}
        </small>
      </span>
      <span role="cell" className="wl-exam">
        <strong dir="auto">{sided(t, study)}</strong>
        <small className="num">
          {[
            dicomDate(study.studyDate, language),
            study.modalities.join(', '),
            t('exam.images', { count: study.images }),
            origin,
          ]
            .filter(Boolean)
            .join(' · ')}
        </small>
      </span>
      <span role="cell" className="wl-wait num">
        {study.priority !== 'ROUTINE' && (
          <span className={`wl-urgent ${PRIORITY[study.priority]}`}>{t(`priority.${study.priority}`)}</span>
        )}
        <span className={row.signedAt ? 'muted' : undefined}>{waited}</span>
      </span>
      <span role="cell" className="wl-ai">
        {row.ai.map((status) => (
          <span
            key={status.modelId}
            className={`chip ${status.state === 'analysed' ? 'ai' : status.state === 'failed' ? 'warn' : ''}`}
            title={[modelName(status.modelId), status.state === 'failed' ? status.detail : null]
              .filter(Boolean)
              .join(' : ')}
          >
            <span>{aiText(t, status)}</span>
          </span>
        ))}
        {row.ai.length === 0 && (
          <span className="faint small">{study.complete ? t('ai.none') : t('ai.waitingImages')}</span>
        )}
      </span>
      <span role="cell" className="wl-state">
        <State row={row} />
      </span>
    </div>
  );
}

function State({ row }: { row: WorklistRow }) {
  const { t } = useText();
  const me = useMe();
  if (row.state === 'reading' && row.claimedBy) {
    return (
      <span className="human">
        {row.claimedBy.personId === me.person.id
          ? t('state.readByYou')
          : t('state.readBy', { name: shortName(row.claimedBy.name) })}
      </span>
    );
  }
  const tone = row.state === 'signed' ? 'signed' : row.state === 'reopened' ? 'reopened' : 'muted';
  return <span className={tone}>{orCode(t, 'state', row.state)}</span>;
}
