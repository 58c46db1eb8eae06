/** The frame around the pages: bar above, on a phone a bar below too. */
import { ArrowLeftRight, ChartNoAxesCombined, LayoutList, Settings2 } from 'lucide-react';
import { useEffect } from 'react';
import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { useMe, useRoles } from '../queries.ts';
import { useText } from '../text.ts';
import { AvatarMenu } from './AvatarMenu.tsx';
import { Logo } from './Logo.tsx';
import { SearchBox } from './SearchBox.tsx';
import { StatusChip } from './StatusChip.tsx';

/** Who may look at a tool's figures. */
export const seesEvidence = (roles: ReadonlySet<string>): boolean =>
  roles.has('evidence') || roles.has('admin') || roles.has('reader');

/** Who may look for studies elsewhere, and send. */
export const exchanges = (roles: ReadonlySet<string>): boolean =>
  roles.has('admin') || roles.has('reader') || roles.has('technologist');

export function Shell({ children }: { children: ReactNode }) {
  const { t } = useText();
  const [path] = useLocation();
  const roles = useRoles();
  const { ownPassword } = useMe().person;
  const places = [
    {
      href: '/',
      label: t('nav.worklist'),
      short: t('nav.worklistShort'),
      icon: LayoutList,
      on: path === '/',
    },
    ...(seesEvidence(roles)
      ? [
          {
            href: '/evidence',
            label: t('nav.evidence'),
            short: t('nav.evidence'),
            icon: ChartNoAxesCombined,
            on: path.startsWith('/evidence'),
          },
        ]
      : []),
    ...(exchanges(roles)
      ? [
          {
            href: '/exchange',
            label: t('nav.exchange'),
            short: t('nav.exchange'),
            icon: ArrowLeftRight,
            on: path.startsWith('/exchange'),
          },
        ]
      : []),
    {
      href: '/settings',
      label: t('nav.settings'),
      short: t('nav.settings'),
      icon: Settings2,
      on: path.startsWith('/settings'),
    },
  ];
  const here = places.find(({ on }) => on)?.label;
  // A link of the bars that was followed keeps no key for itself: Enter opens what the page has selected.
  useEffect(() => {
    if (document.activeElement?.closest('.nav, .bottom, .home'))
      document.getElementById('content')?.focus({ preventScroll: true });
  }, [path]);
  useEffect(() => {
    document.title = here ? `${here} · Negatoscope` : 'Negatoscope';
  }, [here]);
  return (
    <div className="shell">
      <a className="skip" href="#content">
        {t('nav.skip')}
      </a>
      <header className="top">
        <Link href="/" className="home">
          <Logo />
        </Link>
        <nav className="nav" aria-label={t('nav.label')}>
          {places.map(({ href, label, on }) => (
            <Link key={href} href={href} aria-current={on ? 'page' : undefined}>
              {label}
            </Link>
          ))}
        </nav>
        <div className="grow" />
        {path === '/' && <SearchBox />}
        <StatusChip />
        <AvatarMenu />
      </header>
      <main id="content" tabIndex={-1}>
        {!ownPassword && path !== '/settings/account' && (
          <p className="own-password" role="status">
            {t('shell.ownPassword')} <Link href="/settings/account">{t('shell.choosePassword')}</Link>
          </p>
        )}
        {children}
      </main>
      <nav className="bottom" aria-label={t('nav.label')}>
        {places.map(({ href, short, icon: Icon, on }) => (
          <Link key={href} href={href} aria-current={on ? 'page' : undefined}>
            <Icon size={20} aria-hidden />
            <span>{short}</span>
          </Link>
        ))}
      </nav>
    </div>
  );
}
