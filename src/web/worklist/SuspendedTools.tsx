/** Tools that were taken away from readers: everyone who works in the list is told. */
import { OctagonPause } from 'lucide-react';
import { Link } from 'wouter';
import type { ModelView } from '../../doors/api/contract.ts';
import { useRoles } from '../queries.ts';
import { useText } from '../text.ts';

export function SuspendedTools({ models }: { models: readonly ModelView[] | undefined }) {
  const { t, say } = useText();
  const roles = useRoles();
  const judges = roles.has('admin') || roles.has('reader') || roles.has('evidence');
  const suspended = models?.filter(({ stage, removed }) => stage === 'suspended' && !removed) ?? [];
  return suspended.map(({ manifest }) => (
    <div key={manifest.id} className="callout stop wl-suspended" role="status">
      <OctagonPause size={18} aria-hidden="true" />
      <span className="grow">
        {t('worklist.suspended', { tool: `${say(manifest.name)} ${manifest.version}` })}
      </span>
      {judges && <Link href="/evidence">{t('worklist.suspendedWhy')}</Link>}
    </div>
  ));
}
