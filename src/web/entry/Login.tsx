/** Sign in. The address stays, so that a link to a study opens it afterwards. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { FormEvent } from 'react';
import type { Me } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { keys, rememberMe } from '../queries.ts';
import { Logo } from '../shell/Logo.tsx';
import { failureText, useText } from '../text.ts';
import { TextField } from '../ui/fields.tsx';
import { LanguageSwitch } from './LanguageSwitch.tsx';
import './entry.css';

export default function Login() {
  const { t } = useText();
  const client = useQueryClient();
  const [login, setLogin] = useState('');
  const [password, setPassword] = useState('');
  const signIn = useMutation({
    mutationFn: () => api<Me>('/login', { method: 'POST', body: { login, password }, quiet: true }),
    onSuccess: (me) => {
      // Another person may see other things: nothing that was loaded before is kept.
      client.removeQueries({ predicate: ({ queryKey: [first] }) => first !== 'me' && first !== 'status' });
      rememberMe(me);
      client.setQueryData(keys.me, me);
      void client.invalidateQueries({ queryKey: keys.status });
    },
    onError: () => setPassword(''),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (login && password) signIn.mutate();
  };
  return (
    <main className="entry">
      <form className="entry-card" onSubmit={submit}>
        <div className="entry-head">
          <Logo />
          <LanguageSwitch />
        </div>
        <h1>{t('login.title')}</h1>
        {signIn.isError && (
          <p className="form-error" role="alert">
            {failureText(t, signIn.error)}
          </p>
        )}
        <TextField
          label={t('login.login')}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          value={login}
          onChange={(event) => setLogin(event.target.value)}
        />
        <TextField
          label={t('login.password')}
          type="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <button className="btn primary big" disabled={signIn.isPending}>
          {t('login.submit')}
        </button>
        <p className="faint small">{t('login.notice')}</p>
      </form>
    </main>
  );
}
