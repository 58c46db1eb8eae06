/** The reading page. */
import { useQuery } from '@tanstack/react-query';
import { ArrowLeft } from 'lucide-react';
import { Link } from 'wouter';
import type { StudyView } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { personName } from '../format.ts';
import { keys } from '../queries.ts';
import { examTitle, failureText, sexAge, useText } from '../text.ts';
import { PageSkeleton } from '../ui/Skeleton.tsx';

export default function ReadingPage({ studyUid }: { studyUid: string }) {
  const { t } = useText();
  const view = useQuery({
    queryKey: keys.study(studyUid),
    queryFn: () => api<StudyView>(`/studies/${encodeURIComponent(studyUid)}`),
  });
  if (view.isPending) return <PageSkeleton />;
  return (
    <main className="page">
      <p>
        <Link href="/" className="btn ghost">
          <ArrowLeft size={16} aria-hidden /> {t('nav.worklist')}
        </Link>
      </p>
      {view.isError ? (
        <p role="alert">{failureText(t, view.error)}</p>
      ) : (
        <>
          <h1>
            <bdi>{personName(view.data.study.patientName)}</bdi>
          </h1>
          <p className="muted">
            {sexAge(t, view.data.study)} · {examTitle(t, view.data.study)}
          </p>
        </>
      )}
    </main>
  );
}
