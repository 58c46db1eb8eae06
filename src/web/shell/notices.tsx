/** Short notices at the foot of the screen; announced to screen readers. Errors stay until they are closed. */
import { Check, Info, TriangleAlert, X } from 'lucide-react';
import { useSyncExternalStore } from 'react';
import { useText } from '../text.ts';

export interface Notice {
  kind: 'ok' | 'error' | 'info';
  text: string;
  action?: { label: string; run: () => void };
}
type Held = Notice & { id: number };
const STAY_MS = 5000;
/** With something to press. */
const STAY_WITH_ACTION_MS = 8000;

let held: readonly Held[] = [];
let count = 0;
const listeners = new Set<() => void>();
const set = (next: readonly Held[]) => {
  held = next;
  for (const listener of listeners) listener();
};
export const dismiss = (id: number): void => set(held.filter((notice) => notice.id !== id));

/** Shows a notice and gives its id. The same text is not shown twice at once. */
export function notify(notice: Notice): number {
  const same = held.find(({ text }) => text === notice.text);
  if (same) return same.id;
  const id = ++count;
  set([...held.slice(-3), { ...notice, id }]);
  if (notice.kind !== 'error') setTimeout(() => dismiss(id), notice.action ? STAY_WITH_ACTION_MS : STAY_MS);
  return id;
}

const ICONS = { ok: Check, info: Info, error: TriangleAlert } as const;
function Icon({ kind }: Pick<Notice, 'kind'>) {
  const Of = ICONS[kind];
  return <Of size={18} aria-hidden />;
}

export function Notices() {
  const { t } = useText();
  const notices = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => held,
  );
  return (
    <div className="notices" role="region" aria-label={t('notices.label')} aria-live="polite">
      {notices.map(({ id, kind, text, action }) => (
        <div key={id} className={`notice ${kind}`} role={kind === 'error' ? 'alert' : undefined}>
          <Icon kind={kind} />
          <span className="grow">{text}</span>
          {action && (
            <button
              type="button"
              className="btn ghost"
              onClick={() => {
                dismiss(id);
                action.run();
              }}
            >
              {action.label}
            </button>
          )}
          <button
            type="button"
            className="btn ghost icon"
            aria-label={t('action.close')}
            onClick={() => dismiss(id)}
          >
            <X size={16} aria-hidden />
          </button>
        </div>
      ))}
    </div>
  );
}
