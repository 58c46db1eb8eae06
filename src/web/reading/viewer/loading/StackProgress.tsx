/** Fetches the stack in view, and says how far that is: nothing while all is there. */
import { useEffect, useState, useSyncExternalStore } from 'react';
import { useText } from '../../../text.ts';
import { follow } from './prefetch.ts';
import { percentOf, progressOfStack, subscribe } from './progress.ts';

/** What is there sooner needs no word, ms. */
const PATIENCE_MS = 400;

export function StackProgress({ imageIds, index }: { imageIds: readonly string[]; index: number }) {
  const { t } = useText();
  useEffect(() => follow(imageIds, index), [imageIds, index]);
  useEffect(() => () => follow([], 0), []);
  const { ready, total } = useSyncExternalStore(subscribe, progressOfStack);
  const percent = useSyncExternalStore(subscribe, () => percentOf(imageIds[index] ?? ''));
  const waits = percent !== undefined || (total > 1 && ready < total);
  const [patient, setPatient] = useState(true);
  useEffect(() => {
    if (!waits) return setPatient(true);
    const timer = setTimeout(() => setPatient(false), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [waits]);
  if (!waits || patient) return null;
  const text =
    percent !== undefined
      ? t('viewer.progress.image', { percent })
      : t('viewer.progress.stack', { ready, total });
  return (
    <div
      className="stack-progress"
      role="progressbar"
      aria-label={t('viewer.progress.label')}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent ?? Math.floor((ready / total) * 100)}
      aria-valuetext={text}
    >
      <span style={{ inlineSize: `${percent ?? (ready / total) * 100}%` }} />
      <small className="num" aria-hidden>
        {text}
      </small>
    </div>
  );
}
