/** What could not be taken in: the list, and one of them to look at, compare and decide on. */
import { useSearchParams } from 'wouter';
import { addCatalogue } from '../i18n/index.ts';
import { QuarantineDetail } from './QuarantineDetail.tsx';
import { QuarantineList } from './QuarantineList.tsx';
import en from './en.json' with { type: 'json' };
import fr from './fr.json' with { type: 'json' };

addCatalogue({ fr, en });

export function Quarantine() {
  const [query] = useSearchParams();
  const id = query.get('id');
  return id ? <QuarantineDetail key={id} id={id} /> : <QuarantineList />;
}
