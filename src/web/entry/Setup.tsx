/** First visit, by the one-time link: account, where it is used, and the plain notice. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { TriangleAlert } from 'lucide-react';
import { useState } from 'react';
import type { FormEvent } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import type { Me, SetupRequest, SiteStatus } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { keys, rememberMe } from '../queries.ts';
import { Logo } from '../shell/Logo.tsx';
import { failureText, useText } from '../text.ts';
import { Check, TextField } from '../ui/fields.tsx';
import { LanguageSwitch } from './LanguageSwitch.tsx';
import { choiceOf, isWhole, LOCAL, NetworkFields } from './NetworkFields.tsx';
import { proposeLogin } from './proposeLogin.ts';
import './entry.css';

const MIN_PASSWORD = 10;

export default function Setup() {
  const { t, language } = useText();
  const client = useQueryClient();
  const [, go] = useLocation();
  const [params] = useSearchParams();
  const token = params.get('token') ?? '';
  const [name, setName] = useState('');
  const [loginTyped, setLogin] = useState<string | null>(null);
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [alsoReader, setAlsoReader] = useState(true);
  const [pin, setPin] = useState('');
  const [siteName, setSiteName] = useState('');
  const [network, setNetwork] = useState(LOCAL);
  const [understood, setUnderstood] = useState(false);
  const [tried, setTried] = useState(false);
  const [elsewhere, setElsewhere] = useState<string | null>(null);
  const login = loginTyped ?? proposeLogin(name);

  const pinBad = alsoReader && pin !== '' && !/^\d{4,8}$/.test(pin);
  const missing = [
    name.trim() === '' && t('setup.name'),
    login === '' && t('setup.login'),
    password.length < MIN_PASSWORD && t('setup.password'),
    password !== again && t('setup.passwordAgain'),
    pinBad && t('setup.pinError'),
    !isWhole(network) && t('setup.certPath'),
    !understood && t('setup.notice'),
  ].filter((text) => text !== false);

  const start = useMutation({
    mutationFn: () => {
      const body: SetupRequest = {
        token,
        name: name.trim(),
        login,
        password,
        alsoReader,
        language,
        understood: true,
        ...choiceOf(network),
        ...(alsoReader && pin ? { pin } : {}),
        ...(siteName.trim() ? { siteName: siteName.trim() } : {}),
      };
      return api<Me>('/setup', { method: 'POST', body, quiet: true });
    },
    onSuccess: async (me) => {
      rememberMe(me);
      const status = await api<SiteStatus>('/status', { quiet: true }).catch(() => undefined);
      const url = status?.site?.webUrl;
      if (network.exposure === 'network' && url && new URL(url).origin !== location.origin) {
        setElsewhere(url);
        return;
      }
      client.setQueryData(keys.me, me);
      await client.invalidateQueries({ queryKey: keys.status });
      go('/', { replace: true });
    },
  });

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (missing.length === 0) start.mutate();
  };

  if (elsewhere) {
    return (
      <main className="entry">
        <div className="entry-card">
          <Logo />
          <h1>{t('setup.doneTitle')}</h1>
          <p>{t('setup.doneText')}</p>
          <p className="mono">{elsewhere}</p>
          {network.tls === 'own-ca' && (
            <p className="muted">
              {t('setup.doneCa')}{' '}
              <a href="/ca.crt" download>
                {t('system.trustFile')}
              </a>
            </p>
          )}
          <a className="btn primary big" href={elsewhere}>
            {t('setup.doneOpen')}
          </a>
        </div>
      </main>
    );
  }
  return (
    <main className="entry">
      <form className="entry-card setup" onSubmit={submit} noValidate>
        <div className="entry-head">
          <Logo />
          <LanguageSwitch />
        </div>
        <div>
          <h1>{t('setup.title')}</h1>
          <p className="lead">{t('setup.lead')}</p>
        </div>
        {!token && (
          <div className="callout warn" role="alert">
            <TriangleAlert size={18} aria-hidden />
            {t('setup.noToken')}
          </div>
        )}
        <section aria-labelledby="setup-account">
          <div>
            <h2 id="setup-account">
              <i aria-hidden="true">1</i>
              {t('setup.account')}
            </h2>
            <p className="muted">{t('setup.accountText')}</p>
          </div>
          <TextField
            label={t('setup.name')}
            placeholder={t('setup.namePlaceholder')}
            autoComplete="name"
            dir="auto"
            required
            value={name}
            onChange={(event) => setName(event.target.value)}
            autoFocus
          />
          <TextField
            label={t('setup.login')}
            hint={t('setup.loginHint')}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            value={login}
            onChange={(event) => setLogin(event.target.value.toLowerCase().replace(/[^a-z0-9._-]/g, ''))}
          />
          <div className="two">
            <TextField
              label={t('setup.password')}
              hint={t('setup.passwordHint')}
              type="password"
              autoComplete="new-password"
              required
              value={password}
              onChange={(event) => setPassword(event.target.value)}
              error={tried && password.length < MIN_PASSWORD ? t('setup.passwordHint') : undefined}
            />
            <TextField
              label={t('setup.passwordAgain')}
              type="password"
              autoComplete="new-password"
              required
              value={again}
              onChange={(event) => setAgain(event.target.value)}
              error={
                (tried || again.length >= password.length) && again !== password
                  ? t('setup.passwordDiffers')
                  : undefined
              }
            />
          </div>
          <Check
            label={t('setup.alsoReader')}
            hint={t('setup.alsoReaderHint')}
            checked={alsoReader}
            onChange={(event) => setAlsoReader(event.target.checked)}
          />
          {alsoReader && (
            <TextField
              label={t('setup.pin')}
              hint={t('setup.pinHint')}
              type="password"
              inputMode="numeric"
              autoComplete="off"
              maxLength={8}
              value={pin}
              onChange={(event) => setPin(event.target.value)}
              error={pinBad && (tried || /\D/.test(pin)) ? t('setup.pinError') : undefined}
            />
          )}
          <TextField
            label={t('setup.siteName')}
            hint={t('setup.siteNameHint')}
            autoComplete="organization"
            dir="auto"
            value={siteName}
            onChange={(event) => setSiteName(event.target.value)}
          />
        </section>
        <section aria-labelledby="setup-where">
          <h2 id="setup-where">
            <i aria-hidden="true">2</i>
            {t('setup.where')}
          </h2>
          <NetworkFields value={network} onChange={setNetwork} />
        </section>
        <section aria-labelledby="setup-notice">
          <h2 id="setup-notice">
            <i aria-hidden="true">3</i>
            {t('setup.notice')}
          </h2>
          <div className="callout warn">
            <TriangleAlert size={18} aria-hidden />
            <p>{t('setup.noticeText')}</p>
          </div>
          <Check
            label={t('setup.understood')}
            checked={understood}
            onChange={(event) => setUnderstood(event.target.checked)}
          />
        </section>
        {start.isError && (
          <p className="form-error" role="alert">
            {failureText(t, start.error)}
          </p>
        )}
        {tried && missing.length > 0 && (
          <p className="form-error" role="alert">
            {t('setup.missing', { what: missing.join(' · ') })}
          </p>
        )}
        <button className="btn primary big" disabled={start.isPending || !token}>
          {t('setup.submit')}
        </button>
      </form>
    </main>
  );
}
