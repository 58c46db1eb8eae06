/** One's own account: language and look, PIN, password, where one is signed in. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { FormEvent } from 'react';
import type { Language, Me, MePatch, SessionRow } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { dateTime } from '../format.ts';
import { keys, rememberMe, useMe } from '../queries.ts';
import { notify } from '../shell/notices.tsx';
import { failureText, useText } from '../text.ts';
import type { ThemeChoice } from '../theme.tsx';
import { Segmented, TextField } from '../ui/fields.tsx';
import { deviceOf } from './device.ts';
import { Listed } from './Listed.tsx';
import { useAction } from './useAction.ts';

function usePatch(done: string | null) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (patch: MePatch) => api<Me>('/me', { method: 'PATCH', body: patch, quiet: true }),
    onSuccess: (me) => {
      rememberMe(me);
      client.setQueryData(keys.me, me);
      if (done) notify({ kind: 'ok', text: done });
    },
  });
}

export function Account() {
  const { t, language } = useText();
  const me = useMe();
  const look = usePatch(null);
  return (
    <>
      <section className="card">
        <div>
          <h2>
            <bdi>{me.person.name}</bdi>
          </h2>
          <p className="muted">
            {me.person.login} · {me.person.roles.map((role) => t(`role.${role}`)).join(', ')}
          </p>
        </div>
        <dl className="facts">
          <dt>{t('account.language')}</dt>
          <dd>
            <Segmented<Language>
              label={t('account.language')}
              value={language}
              onChange={(value) => look.mutate({ language: value })}
              options={[
                { value: 'fr', label: <span lang="fr">Français</span> },
                { value: 'en', label: <span lang="en">English</span> },
              ]}
            />
          </dd>
          <dt>{t('account.theme')}</dt>
          <dd>
            <Segmented<ThemeChoice>
              label={t('account.theme')}
              value={me.theme}
              onChange={(theme) => look.mutate({ theme })}
              options={[
                { value: 'dark', label: t('account.theme.dark') },
                { value: 'light', label: t('account.theme.light') },
                { value: 'system', label: t('account.theme.system') },
              ]}
            />
          </dd>
        </dl>
        {look.isError && <p className="form-error">{failureText(t, look.error)}</p>}
      </section>
      {!me.person.ownPassword && <Password foreign />}
      {me.person.roles.includes('reader') && me.person.ownPassword && <Pin hasPin={me.person.hasPin} />}
      {me.person.ownPassword && <Password />}
      <Sessions />
    </>
  );
}

function Pin({ hasPin }: { hasPin: boolean }) {
  const { t } = useText();
  const [pin, setPin] = useState('');
  const [currentPassword, setPassword] = useState('');
  const patch = usePatch(t('account.pinSaved'));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    patch.mutate(
      { pin, currentPassword },
      {
        onSuccess: () => {
          setPin('');
          setPassword('');
        },
      },
    );
  };
  return (
    <section className="card">
      <div>
        <h2>{t('account.pin')}</h2>
        <p className="muted">{hasPin ? t('account.pinHas') : t('account.pinNone')}</p>
      </div>
      <form onSubmit={submit}>
        <TextField
          label={t('account.newPin')}
          hint={t('setup.pinHint')}
          type="password"
          inputMode="numeric"
          autoComplete="off"
          maxLength={8}
          value={pin}
          onChange={(event) => setPin(event.target.value.replace(/\D/g, ''))}
        />
        <TextField
          label={t('account.currentPassword')}
          type="password"
          autoComplete="current-password"
          value={currentPassword}
          onChange={(event) => setPassword(event.target.value)}
          error={patch.isError ? failureText(t, patch.error) : undefined}
        />
        <button className="btn" disabled={!/^\d{4,8}$/.test(pin) || !currentPassword || patch.isPending}>
          {hasPin ? t('account.changePin') : t('account.choosePin')}
        </button>
      </form>
    </section>
  );
}

function Password({ foreign = false }: { foreign?: boolean }) {
  const { t } = useText();
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [currentPassword, setCurrent] = useState('');
  const patch = usePatch(t('account.passwordSaved'));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    patch.mutate(
      { password, currentPassword },
      {
        onSuccess: () => {
          setPassword('');
          setAgain('');
          setCurrent('');
        },
      },
    );
  };
  return (
    <section className="card">
      <div>
        <h2>{t('setup.password')}</h2>
        {foreign && <p className="callout warn">{t('account.foreign')}</p>}
      </div>
      <form onSubmit={submit}>
        <TextField
          label={t('account.currentPassword')}
          type="password"
          autoComplete="current-password"
          value={currentPassword}
          onChange={(event) => setCurrent(event.target.value)}
          error={patch.isError ? failureText(t, patch.error) : undefined}
        />
        <TextField
          label={t('account.newPassword')}
          hint={t('setup.passwordHint')}
          type="password"
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <TextField
          label={t('setup.passwordAgain')}
          type="password"
          autoComplete="new-password"
          value={again}
          onChange={(event) => setAgain(event.target.value)}
          error={
            again.length >= password.length && again !== password ? t('setup.passwordDiffers') : undefined
          }
        />
        <button
          className="btn"
          disabled={password.length < 10 || password !== again || !currentPassword || patch.isPending}
        >
          {t('account.changePassword')}
        </button>
      </form>
    </section>
  );
}

function Sessions() {
  const { t, language } = useText();
  const sessions = useQuery({ queryKey: keys.sessions, queryFn: () => api<SessionRow[]>('/sessions') });
  const revoke = useAction({
    run: (id: string) => api(`/sessions/${id}`, { method: 'DELETE' }),
    refresh: [keys.sessions],
    done: () => t('sessions.revoked'),
  });
  return (
    <section className="card">
      <div>
        <h2>{t('sessions.title')}</h2>
        <p className="muted">{t('sessions.text')}</p>
      </div>
      <Listed query={sessions}>
        {(rows) => (
          <ul className="list">
            {rows.map((row) => (
              <li key={row.id}>
                <div>
                  <b>{deviceOf(row.userAgent) || t('sessions.unknownDevice')}</b>{' '}
                  {row.current && <span className="chip human">{t('sessions.current')}</span>}
                  <small className="num">
                    {row.address} · {t('sessions.lastSeen', { when: dateTime(row.lastSeenAt, language) })}
                  </small>
                </div>
                {!row.current && (
                  <button
                    type="button"
                    className="btn"
                    disabled={revoke.isPending}
                    onClick={() => revoke.mutate(row.id)}
                  >
                    {t('sessions.revoke')}
                  </button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Listed>
    </section>
  );
}
