/** PIN or password, whichever signs at this moment: after a time of idleness the PIN no longer does. */
import { useEffect, useState } from 'react';
import type { ReactNode } from 'react';
import { useMe } from '../queries.ts';
import { useText } from '../text.ts';
import { TextField } from './fields.tsx';

/** True while a PIN may sign. */
export function usePinUsable(): boolean {
  const { person, pinUsableUntil } = useMe();
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 15_000);
    return () => clearInterval(timer);
  }, []);
  return person.hasPin && pinUsableUntil !== null && pinUsableUntil > now;
}

export function SecretField(props: {
  value: string;
  onChange: (value: string) => void;
  error?: ReactNode;
  autoFocus?: boolean;
}) {
  const { t } = useText();
  const { person } = useMe();
  const pin = usePinUsable();
  const hint = pin ? t('secret.hintPin') : person.hasPin ? t('secret.hintIdle') : t('secret.hintNoPin');
  return (
    <TextField
      label={pin ? t('secret.pin') : t('secret.password')}
      hint={hint}
      error={props.error}
      type="password"
      autoComplete={pin ? 'off' : 'current-password'}
      value={props.value}
      onChange={(event) => props.onChange(event.target.value)}
      autoFocus={props.autoFocus}
      data-autofocus={props.autoFocus || undefined}
      required
    />
  );
}
