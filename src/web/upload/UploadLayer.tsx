/** Drop anywhere: the veil while something is dragged over the window, the panel of what is on its way, the photo form. */
import { useQueryClient } from '@tanstack/react-query';
import { ChevronDown, ChevronUp, ImageUp, X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { bytes } from '../format.ts';
import { keys, useRoles } from '../queries.ts';
import { failureText, useText } from '../text.ts';
import { entriesOf, walk } from './collect.ts';
import { PhotoDialog } from './PhotoDialog.tsx';
import { enqueue, forget, isProblem, retry, summary, useUploads } from './queue.ts';
import type { Item } from './queue.ts';
import './upload.css';

export function useMayUpload(): boolean {
  const roles = useRoles();
  return roles.has('admin') || roles.has('reader') || roles.has('technologist');
}

export function UploadLayer() {
  const may = useMayUpload();
  const items = useUploads();
  const photos = items.filter(({ state }) => state.kind === 'photo');
  const settled = items.every(({ state }) => state.kind !== 'waiting' && state.kind !== 'sending');
  const client = useQueryClient();
  const { finished } = summary(items);
  useEffect(() => {
    if (settled && finished > 0) {
      void client.invalidateQueries({ queryKey: keys.worklist });
      void client.invalidateQueries({ queryKey: keys.status });
    }
  }, [settled, finished, client]);
  if (!may) return null;
  return (
    <>
      <Veil />
      {items.length > photos.length && <Panel items={items} />}
      {/* The form opens once everything else of the drop was looked at. */}
      {photos.length > 0 && settled && <PhotoDialog photos={photos} />}
    </>
  );
}

function Veil() {
  const { t } = useText();
  const [over, setOver] = useState(false);
  useEffect(() => {
    // Enter and leave fire for every element below the pointer: only the balance counts.
    let depth = 0;
    const withFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
    const enter = (event: DragEvent) => {
      if (!withFiles(event)) return;
      depth++;
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (!withFiles(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const dragOver = (event: DragEvent) => {
      if (!withFiles(event)) return;
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
    };
    const drop = (event: DragEvent) => {
      if (!withFiles(event) || !event.dataTransfer) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      void enqueue(walk(entriesOf(event.dataTransfer)));
    };
    addEventListener('dragenter', enter);
    addEventListener('dragleave', leave);
    addEventListener('dragover', dragOver);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragenter', enter);
      removeEventListener('dragleave', leave);
      removeEventListener('dragover', dragOver);
      removeEventListener('drop', drop);
    };
  }, []);
  if (!over) return null;
  return (
    <div className="veil" aria-hidden="true">
      <div>
        <ImageUp size={36} />
        <b>{t('drop.veil')}</b>
        <span className="muted">{t('drop.veilText')}</span>
      </div>
    </div>
  );
}

const SHOWN = 200;
const QUIET_MS = 8000;
function Panel({ items }: { items: readonly Item[] }) {
  const { t } = useText();
  const sum = summary(items);
  const busy = sum.finished + sum.photos < sum.total;
  // The list unfolds by itself only when there is something to look at.
  const [unfolded, setOpen] = useState<boolean | null>(null);
  const open = unfolded ?? sum.problems > 0;
  // A panel that has nothing to say any more goes by itself.
  const quiet = !busy && !open && sum.photos === 0;
  useEffect(() => {
    if (!quiet) return;
    const timer = setTimeout(() => forget(items), QUIET_MS);
    return () => clearTimeout(timer);
  }, [quiet, items]);
  // Problems first: they are what a person has to look at.
  const shown = [...items.filter(isProblem), ...items.filter((item) => !isProblem(item)).toReversed()].slice(
    0,
    SHOWN,
  );
  const said = busy
    ? t('upload.progress', { done: sum.finished, total: sum.total })
    : t('upload.done', { count: sum.stored });
  const more = [
    sum.duplicates > 0 && t('upload.duplicates', { count: sum.duplicates }),
    sum.ignored > 0 && t('upload.ignored', { count: sum.ignored }),
    sum.problems > 0 && t('upload.problems', { count: sum.problems }),
  ].filter((text) => text !== false);
  return (
    <section className="uploads" aria-label={t('upload.title')}>
      <header>
        <div className="grow">
          {/* Only the ends are spoken, not every file. */}
          <b role={busy ? undefined : 'status'}>{said}</b>
          {more.length > 0 && (
            <div className={`small ${sum.problems ? 'some-problems' : 'muted'}`}>{more.join(' · ')}</div>
          )}
        </div>
        <button
          type="button"
          className="btn ghost icon"
          aria-expanded={open}
          aria-label={open ? t('upload.hide') : t('upload.show')}
          onClick={() => setOpen(!open)}
        >
          {open ? <ChevronDown size={16} aria-hidden /> : <ChevronUp size={16} aria-hidden />}
        </button>
        {!busy && (
          <button
            type="button"
            className="btn ghost icon"
            aria-label={t('action.close')}
            onClick={() => forget(items.filter(({ state }) => state.kind !== 'photo'))}
          >
            <X size={16} aria-hidden />
          </button>
        )}
      </header>
      {busy && (
        <progress max={1} value={sum.progress} aria-label={t('upload.title')}>
          {Math.round(sum.progress * 100)}
        </progress>
      )}
      {open && (
        <ul>
          {shown.map((item) => (
            <Line key={item.id} item={item} />
          ))}
          {items.length > SHOWN && (
            <li className="muted small">{t('upload.rest', { count: items.length - SHOWN })}</li>
          )}
        </ul>
      )}
    </section>
  );
}

function Line({ item }: { item: Item }) {
  const { t, language } = useText();
  return (
    <li className={isProblem(item) ? 'problem' : ''}>
      <span className="upload-name" title={item.path}>
        <bdi>{item.path}</bdi>
      </span>
      <span className="faint small nowrap">{bytes(item.file.size, language)}</span>
      <span className="upload-state">{stateText()}</span>
      {item.state.kind === 'failed' && (
        <button type="button" className="btn" onClick={() => retry(item)}>
          {t('action.retry')}
        </button>
      )}
    </li>
  );

  function stateText(): string {
    const { state } = item;
    switch (state.kind) {
      case 'waiting':
        return t('upload.waiting');
      case 'sending':
        return `${Math.round(state.sent * 100)} %`;
      case 'photo':
        return t('upload.photo');
      case 'failed':
        return failureText(t, state.failure);
      case 'done':
        switch (state.result.status) {
          case 'stored':
            return t('upload.stored');
          case 'duplicate':
            return t('upload.duplicate');
          case 'ignored':
            return t(`upload.ignored.${state.result.reason}`);
          case 'quarantined':
            return t('upload.quarantined', { reason: t(`quarantine.reason.${state.result.reason}`) });
          case 'refused':
            return t('upload.refused', {
              reason: t(`upload.refused.${state.result.reason}`, { defaultValue: state.result.detail }),
            });
          case 'unpacked':
            return t('upload.unpacked', {
              count: state.result.counts.stored + state.result.counts.duplicate,
            });
          case 'needs-form':
            return t('upload.photo');
        }
    }
  }
}
