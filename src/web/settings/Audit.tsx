/** Everything that was done, newest first, and the proof that nothing of it was changed. */
import { useInfiniteQuery, useMutation, useQuery } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import { ShieldAlert, ShieldCheck } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import type { AuditRow, AuditVerdict, CorrectedField, Person } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { dateTime, personName } from '../format.ts';
import { keys } from '../queries.ts';
import { failureText, orCode, sided, useText } from '../text.ts';
import { SelectField, TextField } from '../ui/fields.tsx';
import { RowsSkeleton } from '../ui/Skeleton.tsx';

const PAGE = 100;
/** What a person may ask for; the rest is seen in the whole. */
const KINDS = [
  'people.login',
  'people.login.failed',
  'people.logout',
  'people.person.added',
  'people.person.changed',
  'people.secret.changed',
  'people.session.revoked',
  'people.token.added',
  'people.token.revoked',
  'archive.study.complete',
  'archive.patient.corrected',
  'archive.quarantined',
  'archive.folder.added',
  'archive.folder.changed',
  'archive.folder.removed',
  'archive.ae.knocked',
  'archive.ae.admitted',
  'assist.run.finished',
  'reading.claimed',
  'reading.opinion',
  'reading.ai-shown',
  'reading.decided',
  'reading.report.signed',
  'reading.report.addendum',
  'reading.reopened',
  'evidence.stage.changed',
] as const;

export function Audit() {
  const { t } = useText();
  const [kind, setKind] = useState('');
  const [study, setStudy] = useState('');
  const [actor, setActor] = useState('');
  const people = useQuery({ queryKey: keys.users, queryFn: () => api<Person[]>('/users') });
  const rows = useInfiniteQuery({
    queryKey: [...keys.audit, kind, study, actor],
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) => {
      const asked = new URLSearchParams({ limit: String(PAGE) });
      if (pageParam) asked.set('before', String(pageParam));
      if (kind) asked.set('kind', kind);
      if (study.trim()) asked.set('study', study.trim());
      if (actor) asked.set('actor', actor);
      return api<AuditRow[]>(`/audit?${asked}`, { signal });
    },
    getNextPageParam: (page) => (page.length < PAGE ? undefined : page.at(-1)?.seq),
  });
  const all = rows.data?.pages.flat() ?? [];
  return (
    <>
      <p className="lead">{t('audit.lead')}</p>
      <Verify />
      <div className="filters-line">
        <SelectField label={t('audit.kind')} value={kind} onChange={(event) => setKind(event.target.value)}>
          <option value="">{t('audit.allKinds')}</option>
          {KINDS.map((code) => (
            <option key={code} value={code}>
              {t(`audit.event.${code}`)}
            </option>
          ))}
        </SelectField>
        <SelectField
          label={t('audit.actor')}
          value={actor}
          onChange={(event) => setActor(event.target.value)}
        >
          <option value="">{t('audit.everybody')}</option>
          {people.data?.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </SelectField>
        <TextField
          label={t('audit.study')}
          value={study}
          onChange={(event) => setStudy(event.target.value)}
        />
      </div>
      {rows.isPending ? (
        <RowsSkeleton rows={8} height={40} />
      ) : rows.isError ? (
        <p role="alert">{failureText(t, rows.error)}</p>
      ) : (
        <>
          {all.length === 0 && <p className="muted">{t('audit.none')}</p>}
          <ul className="audit-list">
            {all.map((row) => (
              <Line key={row.seq} row={row} />
            ))}
          </ul>
          {rows.hasNextPage && (
            <button
              type="button"
              className="btn"
              disabled={rows.isFetching}
              onClick={() => void rows.fetchNextPage()}
            >
              {t('action.more')}
            </button>
          )}
        </>
      )}
    </>
  );
}

/** A value as people write it. */
const shown = (field: CorrectedField, value: string): string =>
  (field === 'patientName' ? personName(value) : value) || '–';

/** Who: a person by name, the program itself, else as the log has it (a token, an AE title). */
const actorText = (t: TFunction, { actorName }: AuditRow): string =>
  actorName === null || actorName === 'system' ? t('audit.system') : actorName;

function Line({ row }: { row: AuditRow }) {
  const { t, language } = useText();
  const payload = row.payload && Object.keys(row.payload).length > 0 ? row.payload : null;
  const what = (
    <>
      {orCode(t, 'audit.event', row.kind)} <span className="muted">{actorText(t, row)}</span>
      {row.study && (
        <span className="audit-study">
          <bdi>{personName(row.study.patientName) || t('patient.unnamed')}</bdi> · {sided(t, row.study)}
        </span>
      )}
    </>
  );
  return (
    <li>
      <span className="faint num">{row.seq}</span>
      <span className="muted num">{dateTime(row.at, language)}</span>
      {payload || row.subject ? (
        <details>
          <summary>{what}</summary>
          {row.corrections.map(({ field, previous, value, reason }) => (
            <p key={field}>
              {t(`audit.field.${field}`)}{' '}
              <del>
                <bdi>{shown(field, previous)}</bdi>
              </del>{' '}
              →{' '}
              <ins>
                <bdi>{shown(field, value)}</bdi>
              </ins>
              <br />
              <span className="muted">{t('audit.reason', { reason })}</span>
            </p>
          ))}
          <pre className="mono">
            {row.kind}
            {row.subject ? `\n${row.subject}` : ''}
            {payload ? `\n${JSON.stringify(payload, null, 1)}` : ''}
          </pre>
          {row.studyUid && <Link href={`/read/${row.studyUid}`}>{t('preview.open')}</Link>}
        </details>
      ) : (
        <span className="audit-what">{what}</span>
      )}
    </li>
  );
}

function Verify() {
  const { t } = useText();
  const verify = useMutation({ mutationFn: () => api<AuditVerdict>('/audit/verify', { method: 'POST' }) });
  const verdict = verify.data;
  return (
    <section className="card">
      <p className="muted">{t('audit.chain')}</p>
      <button type="button" className="btn" disabled={verify.isPending} onClick={() => verify.mutate()}>
        {verify.isPending ? t('audit.verifying') : t('audit.verify')}
      </button>
      <div role="status">
        {verdict?.ok && (
          <p className="callout ok">
            <ShieldCheck size={18} aria-hidden /> {t('audit.intact', { count: verdict.events })}
          </p>
        )}
        {verdict && !verdict.ok && (
          <div className="callout stop">
            <ShieldAlert size={18} aria-hidden />
            <div>
              <b>{t('audit.broken', { seq: verdict.brokenAt ?? '?' })}</b>
              <p className="muted">{verdict.reason}</p>
              <p>{t('audit.brokenText')}</p>
            </div>
          </div>
        )}
        {verify.isError && <p className="form-error">{failureText(t, verify.error)}</p>}
      </div>
    </section>
  );
}
