/** `?` lists the keys that work on the present page. */
import { useState } from 'react';
import { useBindings, useKeys } from '../keys.ts';
import { useText } from '../text.ts';
import { Dialog } from '../ui/Dialog.tsx';

const SIGNS: Record<string, string> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Enter: '⏎',
  Escape: 'Esc',
  ' ': '␣',
};
/** `Ctrl+Enter` as a person reads it: "Ctrl ⏎". */
export function KeyName({ name }: { name: string }) {
  const parts = name === '+' ? ['+'] : name.split('+').map((part) => part || '+');
  return (
    <>
      {parts.map((part) => (
        <kbd key={part}>{SIGNS[part] ?? (part.length === 1 ? part.toUpperCase() : part)}</kbd>
      ))}
    </>
  );
}

export function KeysHelp() {
  const { t } = useText();
  const [opened, setOpened] = useState(false);
  useKeys([{ keys: ['?'], label: t('keys.help'), run: () => setOpened(true) }]);
  const bindings = useBindings();
  return (
    <Dialog opened={opened} onClose={() => setOpened(false)} title={t('keys.title')} width={420}>
      <dl className="keys-list">
        {bindings.map(({ keys, label }) => (
          <div key={`${keys.join(' ')} ${label}`}>
            <dt>{label}</dt>
            <dd>
              {keys.map((name, index) => (
                <span key={name}>
                  {index > 0 && <span className="faint"> {t('keys.or')} </span>}
                  <KeyName name={name} />
                </span>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <p className="muted small">{t('keys.note')}</p>
    </Dialog>
  );
}
