/** Asking another archive, and ordering what one wants here. */
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import type { FormEvent } from 'react';
import { Link } from 'wouter';
import type { PullRow, QueryForm, RemoteStudy, Text } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { dicomDate, dicomTime, personName } from '../format.ts';
import { keys, useRoles } from '../queries.ts';
import { Listed } from '../settings/Listed.tsx';
import { useAction } from '../settings/useAction.ts';
import { failureText, useText } from '../text.ts';
import { SelectField, TextField } from '../ui/fields.tsx';
import { ask } from './ask.ts';
import { useRemotes } from './useRemotes.ts';

const PAGE = 50;
const MODALITIES = ['CR', 'CT', 'DX', 'MG', 'MR', 'NM', 'PT', 'US', 'XA'];
type Ending = 'all' | 'more' | 'stopped' | { text: string };

export function Find() {
  const { t } = useText();
  const roles = useRoles();
  const remotes = useRemotes();
  return (
    <Listed query={remotes}>
      {(all) => {
        const archives = all.filter(({ enabled, queryFrom }) => enabled && queryFrom);
        if (archives.length > 0) return <Asking archives={archives} />;
        return (
          <p className="muted">
            {t('find.noArchive')}{' '}
            {roles.has('admin') && <Link href="/settings/remotes">{t('settings.remotes')}</Link>}
          </p>
        );
      }}
    </Listed>
  );
}

const plain = (date: string) => date.replaceAll('-', '');

function Asking({ archives }: { archives: readonly { id: string; name: string }[] }) {
  const { t, say } = useText();
  const client = useQueryClient();
  const [remoteId, setRemoteId] = useState(archives[0]!.id);
  const [form, setForm] = useState({
    patientName: '',
    patientId: '',
    from: '',
    to: '',
    modality: '',
    accession: '',
  });
  const [found, setFound] = useState<readonly RemoteStudy[] | null>(null);
  const [ending, setEnding] = useState<Ending | null>(null);
  const [page, setPage] = useState(0);
  const [ordered, setOrdered] = useState<ReadonlySet<string>>(new Set());
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const set = (part: Partial<typeof form>) => setForm((present) => ({ ...present, ...part }));

  const search = async (event: FormEvent) => {
    event.preventDefault();
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    const studies: RemoteStudy[] = [];
    setFound([]);
    setEnding(null);
    setPage(0);
    setOrdered(new Set());
    const wanted: QueryForm = { ...form, from: plain(form.from), to: plain(form.to) };
    let shown = 0;
    try {
      for await (const line of ask(remoteId, wanted, controller.signal)) {
        if ('study' in line) {
          studies.push(line.study);
          if (performance.now() - shown < 100) continue;
          shown = performance.now();
          setFound([...studies]);
        } else {
          setFound([...studies]);
          setEnding(line.end === 'failed' ? { text: say((line as { text: Text }).text) } : line.end);
        }
      }
    } catch (error) {
      // A newer search has the word.
      if (running.current !== controller) return;
      setFound([...studies]);
      setEnding(controller.signal.aborted ? 'stopped' : { text: failureText(t, error) });
    }
  };
  const fetchAll = useAction({
    run: (studies: readonly RemoteStudy[]) =>
      api<PullRow[]>(`/remotes/${remoteId}/pulls`, {
        method: 'POST',
        body: {
          studies: studies.map(({ studyUid, patientName, patientId, studyDate, description }) => ({
            studyUid,
            patientName,
            patientId,
            studyDate,
            description,
          })),
        },
      }),
    refresh: [keys.pulls],
    done: (rows) => {
      setOrdered((before) => new Set([...before, ...rows.map(({ studyUid }) => studyUid)]));
      void client.invalidateQueries({ queryKey: keys.worklist });
      return t('find.ordered', { count: rows.length });
    },
  });
  const busy = found !== null && ending === null;
  const rows = found?.slice(page * PAGE, (page + 1) * PAGE) ?? [];
  const pages = Math.ceil((found?.length ?? 0) / PAGE);
  return (
    <>
      <form className="find-form" onSubmit={(event) => void search(event)}>
        <SelectField
          label={t('find.where')}
          value={remoteId}
          onChange={(event) => setRemoteId(event.target.value)}
        >
          {archives.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </SelectField>
        <TextField
          label={t('find.name')}
          dir="auto"
          value={form.patientName}
          onChange={(event) => set({ patientName: event.target.value })}
        />
        <TextField
          label={t('find.id')}
          value={form.patientId}
          onChange={(event) => set({ patientId: event.target.value })}
        />
        <TextField
          label={t('find.from')}
          type="date"
          value={form.from}
          onChange={(event) => set({ from: event.target.value })}
        />
        <TextField
          label={t('find.to')}
          type="date"
          value={form.to}
          onChange={(event) => set({ to: event.target.value })}
        />
        <SelectField
          label={t('find.modality')}
          value={form.modality}
          onChange={(event) => set({ modality: event.target.value })}
        >
          <option value="">{t('find.any')}</option>
          {MODALITIES.map((code) => (
            <option key={code}>{code}</option>
          ))}
        </SelectField>
        <TextField
          label={t('find.accession')}
          value={form.accession}
          onChange={(event) => set({ accession: event.target.value })}
        />
        <span className="rowline">
          {busy ? (
            <button type="button" className="btn" onClick={() => running.current?.abort()}>
              {t('find.stop')}
            </button>
          ) : (
            <button className="btn primary">{t('find.search')}</button>
          )}
        </span>
      </form>
      <p role="status" className={typeof ending === 'object' && ending ? 'form-error' : 'muted'}>
        {busy && t('find.searching', { count: found.length })}
        {ending === 'all' &&
          (found!.length === 0 ? t('find.nothing') : t('find.found', { count: found!.length }))}
        {ending === 'more' && t('find.more', { count: found!.length })}
        {ending === 'stopped' && t('find.stopped', { count: found?.length ?? 0 })}
        {typeof ending === 'object' && ending?.text}
      </p>
      {rows.length > 0 && (
        <ul className="list">
          {rows.map((study) => (
            <Found
              key={study.studyUid}
              study={study}
              ordered={ordered.has(study.studyUid)}
              busy={fetchAll.isPending}
              onFetch={() => fetchAll.mutate([study])}
            />
          ))}
        </ul>
      )}
      {pages > 1 && (
        <nav className="rowline" aria-label={t('find.pages')}>
          <button type="button" className="btn" disabled={page === 0} onClick={() => setPage(page - 1)}>
            {t('find.before')}
          </button>
          <span className="num muted">{t('find.page', { page: page + 1, pages })}</span>
          <button
            type="button"
            className="btn"
            disabled={page + 1 >= pages}
            onClick={() => setPage(page + 1)}
          >
            {t('find.after')}
          </button>
        </nav>
      )}
    </>
  );
}

function Found(props: { study: RemoteStudy; ordered: boolean; busy: boolean; onFetch: () => void }) {
  const { t, language } = useText();
  const { study } = props;
  const name = personName(study.patientName) || t('patient.unnamed');
  const when = [dicomDate(study.studyDate, language), dicomTime(study.studyTime)].filter(Boolean).join(' ');
  const count = study.instances === null ? '' : t('exam.images', { count: study.instances });
  return (
    <li>
      <div>
        <b>
          <bdi>{name}</bdi>
        </b>
        <small className="num">
          {[dicomDate(study.birthDate, language), study.patientId].filter(Boolean).join(' · ')}
        </small>
        <small dir="auto" className="num">
          {[when, study.description, study.modalities.join(', '), count, study.accession]
            .filter(Boolean)
            .join(' · ')}
        </small>
      </div>
      <span className="rowline">
        {study.here && (
          <Link href={`/read/${study.studyUid}`} className="chip ok">
            {t('find.here')}
          </Link>
        )}
        {props.ordered ? (
          <Link href="/exchange/pulls" className="btn">
            {t('find.follow')}
          </Link>
        ) : (
          <button
            type="button"
            className="btn"
            aria-label={t('find.fetchNamed', { name })}
            disabled={props.busy}
            onClick={props.onFetch}
          >
            {study.here ? t('find.complete') : t('find.fetch')}
          </button>
        )}
      </span>
    </li>
  );
}
