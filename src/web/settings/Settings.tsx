/** Settings: a list of sections beside the chosen one; on a phone the list first. Only what the person may do is shown. */
import { ArrowLeft } from 'lucide-react';
import type { ComponentType } from 'react';
import { Link, Redirect } from 'wouter';
import type { Role } from '../../doors/api/contract.ts';
import { useRoles, useStatus } from '../queries.ts';
import { useText } from '../text.ts';
import { usePhone } from '../ui/Dialog.tsx';
import { Rules } from '../remote/Rules.tsx';
import { Systems } from '../remote/Systems.tsx';
import { Account } from './Account.tsx';
import { Audit } from './Audit.tsx';
import { Folders } from './Folders.tsx';
import { People } from './People.tsx';
import { Practice } from './Practice.tsx';
import { Quarantine } from './Quarantine.tsx';
import { Recycle } from './Recycle.tsx';
import { Senders } from './Senders.tsx';
import { System } from './System.tsx';
import { Tokens } from './Tokens.tsx';
import { Tools } from './Tools.tsx';
import { Validation } from '../validation/Validation.tsx';
import './settings.css';

interface Section {
  id: string;
  page: ComponentType;
  /** Any of these; null: everybody. */
  roles: readonly Role[] | null;
}
const SECTIONS = [
  { id: 'account', page: Account, roles: null },
  { id: 'practice', page: Practice, roles: ['admin'] },
  { id: 'people', page: People, roles: ['admin'] },
  { id: 'senders', page: Senders, roles: ['admin'] },
  { id: 'folders', page: Folders, roles: ['admin', 'technologist'] },
  { id: 'remotes', page: Systems, roles: ['admin'] },
  { id: 'rules', page: Rules, roles: ['admin'] },
  { id: 'quarantine', page: Quarantine, roles: ['admin', 'technologist'] },
  { id: 'recycle', page: Recycle, roles: ['admin'] },
  { id: 'tools', page: Tools, roles: ['admin', 'reader', 'evidence'] },
  { id: 'validation', page: Validation, roles: ['admin', 'evidence'] },
  { id: 'tokens', page: Tokens, roles: ['admin'] },
  { id: 'audit', page: Audit, roles: ['admin'] },
  { id: 'system', page: System, roles: ['admin'] },
] as const satisfies readonly Section[];

export default function Settings({ section }: { section?: string | undefined }) {
  const { t } = useText();
  const phone = usePhone();
  const roles = useRoles();
  const site = useStatus().data?.site;
  const mine = SECTIONS.filter(({ roles: any }) => any === null || any.some((role) => roles.has(role)));
  const counts: Partial<Record<string, number>> = {
    senders: site?.knocks ?? 0,
    quarantine: site?.quarantined ?? 0,
  };
  const chosen = mine.find(({ id }) => id === section);
  if (!chosen && (section !== undefined || !phone)) return <Redirect to="/settings/account" replace />;
  const Page = chosen?.page;
  return (
    <div className="settings">
      {(!phone || !Page) && (
        <nav className="filters" aria-label={t('nav.settings')}>
          <ul>
            {mine.map(({ id }) => (
              <li key={id}>
                <Link href={`/settings/${id}`} aria-current={id === section ? 'page' : undefined}>
                  <span>{t(`settings.${id}`)}</span>
                  {counts[id] ? <b data-some>{counts[id]}</b> : null}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
      )}
      {Page && (
        <div className="settings-page">
          {phone && (
            <Link href="/settings" className="btn ghost back">
              <ArrowLeft size={18} aria-hidden /> {t('nav.settings')}
            </Link>
          )}
          <h1>{t(`settings.${chosen.id}`)}</h1>
          <Page />
        </div>
      )}
    </div>
  );
}
