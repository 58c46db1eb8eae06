/** The screen locks when nobody touches it; PIN or password opens it again and everything is as it was. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { LockKeyhole } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { FormEvent } from 'react';
import type { Me } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { keys, rememberMe } from '../queries.ts';
import { failureText, useText } from '../text.ts';
import { TextField } from '../ui/fields.tsx';
import { Logo } from './Logo.tsx';

const ACTIVITY_KEY = 'negatoscope.activity';
const ACTS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const;

/** Several tabs are one person: the newest act in any of them counts. */
function lastActivity(own: number): number {
  try {
    return Math.max(own, Number(localStorage.getItem(ACTIVITY_KEY) ?? 0));
  } catch {
    return own;
  }
}

/** Locks after `idleLockMs` without an act of the person. */
export function useIdleLock(me: Me): void {
  const client = useQueryClient();
  useEffect(() => {
    if (me.locked) return;
    let own = Date.now();
    let written = 0;
    const acted = () => {
      own = Date.now();
      if (own - written < 5000) return;
      written = own;
      try {
        localStorage.setItem(ACTIVITY_KEY, String(own));
      } catch {
        // Storage is switched off: this tab alone counts.
      }
    };
    acted();
    for (const act of ACTS) addEventListener(act, acted, { passive: true });
    const timer = setInterval(
      () => {
        if (Date.now() - lastActivity(own) < me.idleLockMs) return;
        client.setQueryData<Me | null>(keys.me, (present) =>
          present ? { ...present, locked: true } : present,
        );
        // The screen is locked even when the server cannot be told.
        void api('/lock', { method: 'POST' }).catch(() => {});
      },
      Math.min(5000, me.idleLockMs / 4),
    );
    return () => {
      clearInterval(timer);
      for (const act of ACTS) removeEventListener(act, acted);
    };
  }, [me.locked, me.idleLockMs, client]);
}

export function LockScreen({ name }: { name: string | null }) {
  const { t } = useText();
  const client = useQueryClient();
  const [secret, setSecret] = useState('');
  const unlock = useMutation({
    mutationFn: () => api<Me>('/unlock', { method: 'POST', body: { secret }, quiet: true }),
    onSuccess: (me) => {
      rememberMe(me);
      client.setQueryData(keys.me, me);
      void client.invalidateQueries();
    },
    onError: () => setSecret(''),
  });
  const leave = useMutation({
    mutationFn: () => api('/logout', { method: 'POST', quiet: true }),
    onSettled: () => {
      rememberMe(null);
      location.replace('/');
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (secret) unlock.mutate();
  };
  return (
    <div className="entry" data-locked>
      <form className="entry-card" onSubmit={submit} aria-labelledby="lock-title">
        <Logo />
        <div className="stack">
          <h1 id="lock-title">
            <LockKeyhole size={20} aria-hidden /> {t('lock.title')}
          </h1>
          <p className="muted">{name ? t('lock.text', { name }) : t('lock.textNoName')}</p>
        </div>
        <TextField
          label={t('lock.secret')}
          type="password"
          autoComplete="off"
          autoFocus
          value={secret}
          onChange={(event) => setSecret(event.target.value)}
          error={unlock.isError ? failureText(t, unlock.error) : undefined}
        />
        <button className="btn primary big" disabled={!secret || unlock.isPending}>
          {t('lock.unlock')}
        </button>
        <button type="button" className="btn ghost" onClick={() => leave.mutate()}>
          {t('lock.other')}
        </button>
      </form>
    </div>
  );
}
