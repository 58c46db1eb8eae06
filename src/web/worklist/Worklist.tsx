/** The worklist: which exams, the list, and the selected one beside it. */
import { useMediaQuery } from '@mantine/hooks';
import { useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { useKeys } from '../keys.ts';
import { useModels, useStatus } from '../queries.ts';
import { failureText, useText } from '../text.ts';
import { RowsSkeleton } from '../ui/Skeleton.tsx';
import { DropHere } from '../upload/DropHere.tsx';
import { useMayUpload } from '../upload/UploadLayer.tsx';
import { Discrepancies } from './Discrepancies.tsx';
import { Filters, useSeesLate } from './Filters.tsx';
import { keepSelection, lastSelected, rememberOrder, rememberSelected } from './order.ts';
import { Preview } from './Preview.tsx';
import { Rows } from './Rows.tsx';
import { SuspendedTools } from './SuspendedTools.tsx';
import { useFilter, useWorklist } from './useWorklist.ts';
import './worklist.css';

const WIDE = '(min-width: 1180px)';

export default function Worklist() {
  const { t, say } = useText();
  const [, go] = useLocation();
  const [asked, change] = useFilter();
  const filter = { ...asked, late: useSeesLate() && asked.late };
  const { rows, counts, isPending, error, more } = useWorklist(filter);
  const wide = useMediaQuery(WIDE, matchMedia(WIDE).matches) ?? true;
  const models = useModels().data;
  const mayUpload = useMayUpload();
  const now = useNow(20_000);
  const modelName = (id: string) => {
    const manifest = models?.find((model) => model.manifest.id === id)?.manifest;
    return manifest ? `${say(manifest.name)} ${manifest.version}` : id;
  };

  const uids = rows.map(({ study }) => study.studyUid);
  const [chosen, setChosen] = useState(lastSelected);
  const before = useRef<readonly string[]>([]);
  const selected = keepSelection(before.current, uids, chosen);
  useEffect(() => {
    if (isPending) return;
    before.current = uids;
    rememberOrder(uids);
    if (selected !== chosen) setChosen(selected);
    rememberSelected(selected);
  });
  // The reading page's code is fetched while the list is looked at. What fails here is met when a study is opened.
  useEffect(() => {
    const timer = setTimeout(() => {
      void import('../reading/index.tsx')
        .then(() => import('../reading/warm.ts'))
        .then(({ warmUp }) => warmUp())
        .catch(() => undefined);
    }, 600);
    return () => clearTimeout(timer);
  }, []);

  const open = (uid: string) => {
    rememberSelected(uid);
    go(`/read/${uid}`);
  };
  const move = (step: number) => {
    const place = selected === null ? -1 : uids.indexOf(selected);
    const next = uids[Math.min(Math.max(place + step, 0), uids.length - 1)];
    if (next) setChosen(next);
    // A filter or a link that was clicked before must not keep Enter for itself.
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  };
  useKeys([
    { keys: ['j', 'ArrowDown'], label: t('keys.next'), run: () => move(1) },
    { keys: ['k', 'ArrowUp'], label: t('keys.previous'), run: () => move(-1) },
    { keys: ['Enter'], label: t('keys.open'), run: () => selected && open(selected) },
  ]);

  const row = rows.find(({ study }) => study.studyUid === selected);
  const title = filter.search
    ? t('worklist.found', { search: filter.search })
    : t(`worklist.list.${filter.list}`);
  return (
    <div className="worklist">
      <Filters filter={filter} change={change} counts={counts} />
      <section className="wl-list" aria-label={title}>
        <SuspendedTools models={models} />
        {!filter.late && rows.length > 0 && <h1 className="visually-hidden">{title}</h1>}
        {filter.late ? (
          <Discrepancies />
        ) : isPending ? (
          <RowsSkeleton rows={8} />
        ) : error && rows.length === 0 ? (
          <p className="empty-text" role="alert">
            {failureText(t, error)}
          </p>
        ) : rows.length === 0 ? (
          <Empty filter={filter} clear={() => change({ search: '', modality: '' })} />
        ) : (
          <Rows
            rows={rows}
            selected={selected}
            selects={wide}
            onSelect={setChosen}
            onOpen={open}
            now={now}
            more={more}
            modelName={modelName}
            foot={mayUpload ? <DropHere /> : null}
          />
        )}
      </section>
      {wide &&
        (row && !filter.late ? (
          <Preview key={row.study.studyUid} row={row} modelName={modelName} />
        ) : (
          <aside className="preview" aria-hidden="true" />
        ))}
      {/* The selection is spoken; the list itself is quiet. */}
      <span className="visually-hidden" role="status">
        {filter.search ? t('worklist.foundCount', { count: rows.length }) : ''}
      </span>
    </div>
  );
}

/** An empty page says how to fill it. */
function Empty({
  filter,
  clear,
}: {
  filter: { search: string; modality: string; list: string };
  clear: () => void;
}) {
  const { t } = useText();
  const site = useStatus().data?.site;
  const mayUpload = useMayUpload();
  if (filter.search || filter.modality) {
    return (
      <div className="empty">
        <h1>{t('empty.noneFound')}</h1>
        <p className="muted">{t('empty.noneFoundText')}</p>
        <button type="button" className="btn" onClick={clear}>
          {t('empty.clear')}
        </button>
      </div>
    );
  }
  const fresh = filter.list === 'to-read' || filter.list === 'all';
  return (
    <div className="empty">
      <h1>{t(`empty.${filter.list}`)}</h1>
      {fresh && site && (
        <>
          <p className="muted">{t('empty.how')}</p>
          <dl className="facts">
            <dt>{t('site.aeTitle')}</dt>
            <dd className="mono">{site.aeTitle}</dd>
            <dt>{t('site.host')}</dt>
            <dd className="mono">{new URL(site.webUrl).hostname}</dd>
            <dt>{t('site.dicomPort')}</dt>
            <dd className="mono">{site.dicomPort}</dd>
            <dt>DICOMweb</dt>
            <dd className="mono">{new URL('/dicom-web', site.webUrl).href}</dd>
          </dl>
          {mayUpload && <DropHere brief />}
        </>
      )}
    </div>
  );
}

function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
