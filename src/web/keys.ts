/**
 * The keyboard. Pages register what a key does while they are shown; `?` lists it. Single-letter keys are dead in text
 * fields, while a dialog is open, and for a moment after the patient changed, so that no key meant for one patient lands
 * on the next.
 */
import { useEffect, useRef, useSyncExternalStore } from 'react';

export const PATIENT_CHANGE_MS = 700;

export interface KeyBinding {
  /** `j`, `Enter`, `/`, `?`, `+`, `Ctrl+Enter` (⌘ on a Mac too), `Shift+ArrowLeft`. Several mean the same. */
  keys: readonly string[];
  /** Translated; shown in the list of keys. Empty: not listed. */
  label: string;
  run: (event: KeyboardEvent) => void;
  /** Also while a dialog is open. */
  inDialogs?: boolean;
  /** Not in a text field, though it is a chord: the field has its own use for it, as for Ctrl+Z. */
  outsideText?: boolean;
}

/** The name of the pressed key as bindings write it; pure. */
export function nameOf(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>,
): string {
  const single = event.key.length === 1;
  const parts: string[] = [];
  if (event.ctrlKey || event.metaKey) parts.push('Ctrl');
  if (event.altKey) parts.push('Alt');
  // For a character, Shift is part of how it is typed (`?`, `+`, and `/` on a French keyboard).
  if (event.shiftKey && !single) parts.push('Shift');
  parts.push(single ? event.key.toLowerCase() : event.key);
  return parts.join('+');
}

export interface KeyContext {
  /** The focus is in a text field. */
  typing: boolean;
  /** The focus is on a button or link, which has its own use for Enter and Space. */
  onControl: boolean;
  dialogOpen: boolean;
  msSincePatientChange: number;
  /** The key is held down and says it again. */
  repeated: boolean;
}
/** Whether a key of this name may act now; pure. */
export function mayAct(
  name: string,
  binding: Pick<KeyBinding, 'inDialogs' | 'outsideText'>,
  context: KeyContext,
): boolean {
  if (context.dialogOpen && !binding.inDialogs) return false;
  if (context.typing && binding.outsideText) return false;
  const chord = name.startsWith('Ctrl+') || name.startsWith('Alt+');
  if (context.typing && !chord && name !== 'Escape') return false;
  if (context.onControl && (name === 'Enter' || name === ' ')) return false;
  // A held letter would decide one finding after the other. Arrows and zoom may repeat.
  if (context.repeated && (chord || /^\p{L}$/u.test(name) || name === 'Enter' || name === 'Escape'))
    return false;
  if (!chord && name.length === 1 && context.msSincePatientChange < PATIENT_CHANGE_MS) return false;
  return true;
}

let patientChangedAt = -Infinity;
/** To be called whenever another patient's study comes on the screen. */
export const patientChanged = (): void => {
  patientChangedAt = performance.now();
};

type Live = { readonly current: readonly KeyBinding[] };
const registered: Live[] = [];
let snapshot: readonly Live[] = [];
const listeners = new Set<() => void>();
const changed = () => {
  snapshot = [...registered];
  for (const listener of listeners) listener();
};

/** Kinds of input that no text is typed into. */
const NO_TEXT = new Set([
  'checkbox',
  'radio',
  'button',
  'submit',
  'range',
  'color',
  'file',
  'image',
  'reset',
]);
/** Whether a dialog or a menu was open when the key went down: by the time we hear of it, its own Escape may have closed it. */
let dialogAtKey = false;
const LAYERS = '[role=dialog][aria-modal=true], [role=menu], [data-locked]';
if (typeof window !== 'undefined')
  window.addEventListener(
    'keydown',
    () => {
      dialogAtKey = document.querySelector(LAYERS) !== null;
    },
    true,
  );

/** Whether keys that are pressed there write something. */
export const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLInputElement && !NO_TEXT.has(target.type)));

function contextOf(event: KeyboardEvent): KeyContext {
  const target = event.target instanceof HTMLElement ? event.target : null;
  return {
    typing: isTyping(target),
    onControl: target?.closest('button, a[href], summary, [role=menuitem], input') != null,
    dialogOpen: dialogAtKey,
    msSincePatientChange: performance.now() - patientChangedAt,
    repeated: event.repeat,
  };
}

function onKeyDown(event: KeyboardEvent): void {
  // The light box prevents the browser's own use of keys; they are ours all the same.
  const inLight = event.target instanceof Element && event.target.closest('.stage') !== null;
  if ((event.defaultPrevented && !inLight) || event.isComposing) return;
  const name = nameOf(event);
  const context = contextOf(event);
  // The page registered last has the first word.
  for (const { current } of registered.toReversed()) {
    const binding = current.find(({ keys }) => keys.includes(name));
    if (!binding) continue;
    if (!mayAct(name, binding, context)) return;
    event.preventDefault();
    binding.run(event);
    return;
  }
}
if (typeof document !== 'undefined') document.addEventListener('keydown', onKeyDown);

/** Registers `bindings` while the component is mounted; the newest closures always run. */
export function useKeys(bindings: readonly KeyBinding[]): void {
  const latest = useRef(bindings);
  latest.current = bindings;
  useEffect(() => {
    registered.push(latest);
    changed();
    return () => {
      registered.splice(registered.indexOf(latest), 1);
      changed();
    };
  }, []);
}

/** Every binding that is registered now, page by page, the page first: for the list of keys. */
export function useBindings(): readonly KeyBinding[] {
  const all = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => snapshot,
  );
  return all.toReversed().flatMap(({ current }) => current.filter(({ label }) => label !== ''));
}
