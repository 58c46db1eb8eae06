/** Between this archive and others: look for studies elsewhere, fetch them, see what goes out. */
import { Link } from 'wouter';
import { useText } from '../text.ts';
import '../settings/settings.css';
import { Find } from './Find.tsx';
import './remote.css';
import './texts.ts';
import { Forwards, Pulls } from './Transfers.tsx';

const TABS = ['find', 'pulls', 'forwards'] as const;

export default function Exchange({ tab }: { tab?: string | undefined }) {
  const { t } = useText();
  const chosen = TABS.find((each) => each === tab) ?? 'find';
  return (
    <div className="exchange">
      <h1>{t('nav.exchange')}</h1>
      <nav className="seg" aria-label={t('nav.exchange')}>
        {TABS.map((each) => (
          <Link key={each} href={`/exchange/${each}`} aria-current={each === chosen ? 'page' : undefined}>
            {t(`exchange.${each}`)}
          </Link>
        ))}
      </nav>
      {chosen === 'find' && <Find />}
      {chosen === 'pulls' && <Pulls />}
      {chosen === 'forwards' && <Forwards />}
    </div>
  );
}
