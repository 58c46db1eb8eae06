/** Drop anywhere: the veil while something is dragged over the window, the panel of what is on its way, the photo form. */
import { useQueryClient } from '@tanstack/react-query';
import { ChevronDown, ChevronUp, ImageUp, Pause, Play, X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { bytes, number } from '../format.ts';
import { keys, useRoles } from '../queries.ts';
import { failureText, useText } from '../text.ts';
import { entriesOf, walk } from './collect.ts';
import { AttachmentDialog } from './AttachmentDialog.tsx';
import { cancel, enqueue, forget, pause, resume, retry, useUploads } from './queue.ts';
import type { Flow, Item } from './queue.ts';
import { isProblem, summary } from './summary.ts';
import { useRate } from './useRate.ts';
import './upload.css';

export function useMayUpload(): boolean {
  const roles = useRoles();
  return roles.has('admin') || roles.has('reader') || roles.has('technologist');
}

export function UploadLayer() {
  const may = useMayUpload();
  const { items, flow } = useUploads();
  const held = items.filter(({ state }) => state.kind === 'form');
  // One form asks for one exam.
  const forms = held.filter(({ into }) => into?.studyUid === held[0]?.into?.studyUid);
  const busy = items.some(({ state }) => state.kind === 'waiting' || state.kind === 'sending');
  const client = useQueryClient();
  const { finished } = summary(items);
  useEffect(() => {
    if (!busy && finished > 0) {
      void client.invalidateQueries({ queryKey: keys.worklist });
      void client.invalidateQueries({ queryKey: keys.status });
    }
  }, [busy, finished, client]);
  // Leaving the page ends the upload: the browser asks first.
  useEffect(() => {
    if (!busy) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [busy]);
  if (!may) return null;
  return (
    <>
      <Veil />
      {items.length > held.length && <Panel items={items} flow={flow} />}
      {/* The form opens once everything else of the drop was looked at. */}
      {forms.length > 0 && !busy && (
        <AttachmentDialog key={forms[0]!.into?.studyUid ?? 'new'} items={forms} into={forms[0]!.into} />
      )}
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
function Panel({ items, flow }: { items: readonly Item[]; flow: Flow }) {
  const { t, language } = useText();
  const sum = summary(items);
  const busy = sum.finished + sum.forms < sum.total;
  // The list unfolds by itself only when there is something to look at.
  const [unfolded, setOpen] = useState<boolean | null>(null);
  const open = unfolded ?? (sum.problems > 0 || sum.missing.length > 0);
  // A panel that has nothing to say any more goes by itself.
  const quiet = !busy && !open && sum.forms === 0;
  useEffect(() => {
    if (!quiet) return;
    const timer = setTimeout(() => forget(items), QUIET_MS);
    return () => clearTimeout(timer);
  }, [quiet, items]);
  const secondsLeft = useRate(sum, busy && flow === 'running');
  // Problems first: they are what a person has to look at.
  const shown = [...items.filter(isProblem), ...items.filter((item) => !isProblem(item)).toReversed()].slice(
    0,
    SHOWN,
  );
  const said = busy
    ? t('upload.progress', { done: number(sum.finished, language), total: number(sum.total, language) })
    : t('upload.done', { count: sum.stored });
  const more = [
    busy && flow !== 'running' && t(`upload.flow.${flow}`),
    busy && flow === 'running' && secondsLeft !== null && timeLeft(secondsLeft),
    busy && sum.stored > 0 && t('upload.done', { count: sum.stored }),
    sum.duplicates > 0 && t('upload.duplicates', { count: sum.duplicates }),
    sum.ignored > 0 && t('upload.ignored', { count: sum.ignored }),
    sum.missing.length > 0 && t('upload.missing', { count: sum.missing.length }),
    sum.problems > 0 && t('upload.problems', { count: sum.problems }),
  ].filter((text) => text !== false);
  const warns = sum.problems > 0 || sum.missing.length > 0 || (busy && flow !== 'running');
  function timeLeft(seconds: number): string {
    return seconds < 90
      ? t('upload.secondsLeft', { count: Math.max(1, Math.round(seconds)) })
      : t('upload.minutesLeft', { count: Math.round(seconds / 60) });
  }
  return (
    <section className="uploads" aria-label={t('upload.title')}>
      <header>
        <div className="grow">
          {/* Only the ends are spoken, not every file. */}
          <b role={busy ? undefined : 'status'}>{said}</b>
          {more.length > 0 && (
            <div className={`small ${warns ? 'some-problems' : 'muted'}`}>{more.join(' · ')}</div>
          )}
        </div>
        {busy && (
          <>
            <button
              type="button"
              className="btn ghost icon"
              aria-label={flow === 'running' ? t('upload.pause') : t('upload.resume')}
              title={flow === 'running' ? t('upload.pause') : t('upload.resume')}
              onClick={flow === 'running' ? pause : resume}
            >
              {flow === 'running' ? <Pause size={16} aria-hidden /> : <Play size={16} aria-hidden />}
            </button>
            <button
              type="button"
              className="btn ghost icon"
              aria-label={t('upload.cancel')}
              title={t('upload.cancel')}
              onClick={cancel}
            >
              <X size={16} aria-hidden />
            </button>
          </>
        )}
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
            onClick={() => forget(items.filter(({ state }) => state.kind !== 'form'))}
          >
            <X size={16} aria-hidden />
          </button>
        )}
      </header>
      {busy && (
        <progress max={sum.bytes || 1} value={sum.sent} aria-label={t('upload.title')}>
          {Math.round((sum.sent / (sum.bytes || 1)) * 100)}
        </progress>
      )}
      {open && (
        <ul>
          {sum.missing.slice(0, SHOWN).map((path) => (
            <li key={path} className="problem">
              <span className="upload-name" dir="auto" title={path}>
                {path}
              </span>
              <span className="upload-state">{t('upload.missingState')}</span>
            </li>
          ))}
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
      <span className="faint small nowrap">{bytes(item.size, language)}</span>
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
      case 'form':
        return t('upload.form');
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
            return t('upload.form');
        }
    }
  }
}
