/** The selected exam beside the list: enough to decide whether to read it now. */
import { useQuery } from '@tanstack/react-query';
import { FilePenLine, Paperclip, Send, Trash2 } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import type { AiView, StudyView, WorklistRow } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { dateTime, dicomDate, dicomTime, personName } from '../format.ts';
import { keys, useRoles } from '../queries.ts';
import { aiText, sided, sexAge, useText } from '../text.ts';
import { enqueue } from '../upload/queue.ts';
import { useMayUpload } from '../upload/UploadLayer.tsx';
import { DeleteDialog } from './DeleteDialog.tsx';
import { SendDialog } from '../remote/SendDialog.tsx';
import { useRemotes } from '../remote/useRemotes.ts';
import { exchanges } from '../shell/Shell.tsx';
import { PatientDialog } from './PatientDialog.tsx';
import { Thumbnail } from './Thumbnail.tsx';

/** Who stays on an exam for so long is likely to open it: its first image is fetched. */
const LOOKED_AT_MS = 500;

interface Props {
  row: WorklistRow;
  modelName: (modelId: string) => string;
}

export function Preview({ row, modelName }: Props) {
  const { t, language } = useText();
  const roles = useRoles();
  const [correcting, setCorrecting] = useState(false);
  const mayUpload = useMayUpload();
  const files = useRef<HTMLInputElement>(null);
  const [deleting, setDeleting] = useState(false);
  const [sending, setSending] = useState(false);
  const receivers = (useRemotes(exchanges(roles)).data ?? []).filter(
    ({ enabled, sendTo }) => enabled && sendTo,
  );
  const { study } = row;
  const view = useQuery({
    queryKey: keys.study(study.studyUid),
    queryFn: ({ signal }) => api<StudyView>(`/studies/${encodeURIComponent(study.studyUid)}`, { signal }),
  });
  const opens = view.data;
  useEffect(() => {
    if (!opens || !roles.has('reader')) return;
    const timer = setTimeout(() => {
      void import('../reading/warm.ts').then(({ warmStudy }) => warmStudy(opens)).catch(() => undefined);
    }, LOOKED_AT_MS);
    return () => clearTimeout(timer);
  }, [opens?.study.studyUid]);
  const when = [dicomDate(study.studyDate, language), dicomTime(study.studyTime)].filter(Boolean).join(' ');
  const report = view.data?.reports.at(-1);
  const handler = roles.has('admin') || roles.has('technologist');
  return (
    <aside className="preview" aria-label={t('preview.label')}>
      <Thumbnail
        studyUid={study.studyUid}
        of={row.thumbnail}
        size={640}
        className="preview-image"
        alt={t('preview.image', { exam: sided(t, study) })}
      />
      <div>
        <h2>
          <bdi>{personName(study.patientName) || t('patient.unnamed')}</bdi>
        </h2>
        <p className="muted" dir="auto">
          {sided(t, study)}
        </p>
      </div>
      <dl className="facts">
        <dt>{t('preview.when')}</dt>
        <dd className="num">{when || dateTime(study.firstReceivedAt, language)}</dd>
        <dt>{t('preview.patient')}</dt>
        <dd className="num">
          {[sexAge(t, study), dicomDate(study.birthDate, language)].filter(Boolean).join(' · ') ||
            t('preview.unknown')}
        </dd>
        {study.patientId && (
          <>
            <dt>{t('preview.patientId')}</dt>
            <dd className="num">{study.patientId}</dd>
          </>
        )}
        {study.indication && (
          <>
            <dt>{t('preview.indication')}</dt>
            <dd dir="auto">{study.indication}</dd>
          </>
        )}
        <dt>{t('preview.priors')}</dt>
        <dd>
          {view.data && view.data.priors.length === 0 && (
            <span className="muted">{t('preview.noPriors')}</span>
          )}
          {view.data?.priors.slice(0, 3).map((prior) => (
            <Link key={prior.studyUid} href={`/read/${prior.studyUid}`} className="block">
              {sided(t, prior)}, <span className="num">{dicomDate(prior.studyDate, language)}</span>
            </Link>
          ))}
        </dd>
        {row.ai.map((status) => {
          const seen = view.data?.ai.find(({ status: { modelId } }) => modelId === status.modelId);
          return (
            <div key={status.modelId} className="contents">
              <dt>{t('worklist.ai')}</dt>
              <dd>
                <span className="ai-name">{modelName(status.modelId)}</span>
                <br />
                {aiText(t, status)}
                {seen && status.state === 'analysed' && <AiRule view={seen} />}
              </dd>
            </div>
          );
        })}
        {report && (
          <>
            <dt>{t('preview.report')}</dt>
            <dd>
              {t('preview.signed', { name: report.readerName, when: dateTime(report.signedAt, language) })}{' '}
              <a href={`/api/reports/${report.id}/pdf`} target="_blank" rel="noreferrer">
                PDF
              </a>
            </dd>
          </>
        )}
      </dl>
      <Link href={`/read/${study.studyUid}`} className="btn primary big">
        {roles.has('reader') && row.state !== 'signed' ? t('preview.read') : t('preview.open')} <kbd>⏎</kbd>
      </Link>
      {handler && (
        <button type="button" className="btn" onClick={() => setCorrecting(true)}>
          <FilePenLine size={16} aria-hidden /> {t('patient.correct')}
        </button>
      )}
      {mayUpload && (
        <>
          <button type="button" className="btn" onClick={() => files.current?.click()}>
            <Paperclip size={16} aria-hidden /> {t('attach.add')}
          </button>
          <input
            ref={files}
            type="file"
            multiple
            hidden
            accept=".pdf,.jpg,.jpeg,.png,.mp4,.m4v,.mov,.mpg,.mpeg"
            aria-label={t('attach.add')}
            onChange={({ currentTarget: input }) => {
              const picked = [...(input.files ?? [])].map((file) => ({ file, path: file.name }));
              input.value = '';
              void enqueue(picked, study);
            }}
          />
        </>
      )}
      {roles.has('admin') && (
        <button type="button" className="btn ghost" onClick={() => setDeleting(true)}>
          <Trash2 size={16} aria-hidden /> {t('delete.action')}
        </button>
      )}
      {deleting && <DeleteDialog study={study} onClose={() => setDeleting(false)} />}
      {receivers.length > 0 && (
        <button type="button" className="btn" onClick={() => setSending(true)}>
          <Send size={16} aria-hidden /> {t('preview.send')}
        </button>
      )}
      {sending && (
        <SendDialog studyUid={study.studyUid} receivers={receivers} onClose={() => setSending(false)} />
      )}
      {correcting && <PatientDialog study={study} onClose={() => setCorrecting(false)} />}
    </aside>
  );
}

/** "Pilot: your own conclusion first": how this tool's result will be shown, never what it is. */
function AiRule({ view }: { view: AiView }) {
  const { t } = useText();
  return (
    <span className="muted block">
      {view.hidden
        ? t(`ai.hidden.${view.hidden}`, { stage: t(`stage.${view.stage}`) })
        : t('ai.shown', { stage: t(`stage.${view.stage}`) })}
    </span>
  );
}
