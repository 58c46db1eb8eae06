/** What is shown when nothing else can be: says what happened and what to do. */
import { useQueryClient } from '@tanstack/react-query';
import { Component } from 'react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { i18next } from '../i18n/index.ts';
import { useText } from '../text.ts';
import { Logo } from './Logo.tsx';

export function Unreachable() {
  const { t } = useText();
  const client = useQueryClient();
  return (
    <main className="entry">
      <div className="entry-card" role="alert">
        <Logo />
        <h1>{t('unreachable.title')}</h1>
        <p className="muted">{t('unreachable.text')}</p>
        <button type="button" className="btn primary big" onClick={() => void client.refetchQueries()}>
          {t('action.retry')}
        </button>
      </div>
    </main>
  );
}
export function NotFound() {
  const { t } = useText();
  return (
    <div className="page">
      <h1>{t('notFound.title')}</h1>
      <p className="muted">{t('notFound.text')}</p>
      <p>
        <Link href="/" className="btn">
          {t('nav.worklist')}
        </Link>
      </p>
    </div>
  );
}

/** Keeps one broken page from taking the others with it. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };
  static getDerivedStateFromError() {
    return { broken: true };
  }
  override render() {
    if (!this.state.broken) return this.props.children;
    const t = i18next.t.bind(i18next);
    return (
      <main className="entry">
        <div className="entry-card" role="alert">
          <Logo />
          <h1>{t('broken.title')}</h1>
          <p className="muted">{t('broken.text')}</p>
          <button type="button" className="btn primary big" onClick={() => location.reload()}>
            {t('action.reload')}
          </button>
        </div>
      </main>
    );
  }
}
