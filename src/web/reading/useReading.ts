/** One study being read: claimed while it is open, saved as it is written, every act sent at once. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import type {
  Answer,
  Box,
  Decision,
  Draft,
  Finding,
  ReportFields,
  StudyView,
  RejectReason,
} from '../../doors/api/contract.ts';
import { api, ApiFailure } from '../api.ts';
import { keys, useMe } from '../queries.ts';
import { notify } from '../shell/notices.tsx';
import { failureText, useText } from '../text.ts';
import { useUnsaved } from '../unsaved.ts';
import { leftBehind, withAccepted } from './accepted.ts';
import { shownFields } from './shownFields.ts';
import { useAtHand } from './useAtHand.ts';

const RENEW_MS = 60_000;
/** After the last key; and at the latest after so long, for who types without a pause. */
const SAVE_MS = 700;
const SAVE_AT_LATEST_MS = 3000;
const RETRY_MS = 5000;

const path = (studyUid: string) => `/studies/${encodeURIComponent(studyUid)}`;

/** Asks for a study before it is opened. */
export function usePrefetchStudy() {
  const client = useQueryClient();
  return useCallback(
    (studyUid: string) =>
      client.fetchQuery({
        queryKey: keys.study(studyUid),
        queryFn: () => api<StudyView>(path(studyUid)),
      }),
    [client],
  );
}

/** Of one study: the page is made anew (`key`) for another, so that no text or revision passes from one to the next. */
/** `claims`: false in a second window of the same reader, which looks on and leaves claiming to the first. */
export function useReading(studyUid: string, claims = true) {
  const { t } = useText();
  const client = useQueryClient();
  const me = useMe();
  const key = keys.study(studyUid);
  const view = useQuery({ queryKey: key, queryFn: () => api<StudyView>(path(studyUid)) });
  const isReader = me.person.roles.includes('reader');
  const open = view.data?.state !== 'signed';
  const claimable = claims && view.isSuccess && isReader && open;
  const mine = view.data?.claim?.mine === true;
  const refresh = useCallback(() => client.invalidateQueries({ queryKey: key }), [client, studyUid]);
  const complain = useCallback(
    (error: unknown) => {
      notify({ kind: 'error', text: failureText(t, error) });
      void refresh();
    },
    [t, refresh],
  );

  const draft = useDraft(studyUid, view.data, mine, refresh);
  const finish = useRef(draft.flush);
  finish.current = draft.flush;

  // Opening claims; the claim is renewed while the page is open and given back when it is left.
  useEffect(() => {
    if (!claimable) return;
    let held = false;
    let gone = false;
    const release = () =>
      void api(`${path(studyUid)}/claim`, { method: 'DELETE', keepalive: true }).catch(() => undefined);
    const closing = () => {
      if (held) void finish.current().then(release, release);
    };
    window.addEventListener('pagehide', closing);
    const claim = () =>
      api<StudyView>(`${path(studyUid)}/claim`, { method: 'POST' })
        .then((next) => {
          held = true;
          if (gone) release();
          else client.setQueryData(key, next);
        })
        .catch((error: unknown) => {
          // Somebody else reads it: the page shows who, and stays for looking.
          if (error instanceof ApiFailure && error.status === 409) void refresh();
        });
    void claim();
    const timer = setInterval(() => void claim(), RENEW_MS);
    return () => {
      gone = true;
      clearInterval(timer);
      window.removeEventListener('pagehide', closing);
      // What was typed last first: without a claim the server takes no text.
      if (held) void finish.current().then(release, release);
    };
  }, [claimable, studyUid]);

  const setView = (change: (present: StudyView) => StudyView) =>
    client.setQueryData<StudyView>(key, (present) => present && change(present));
  const replaceFinding = (next: Finding) =>
    setView((present) => ({
      ...present,
      findings: present.findings.some(({ id }) => id === next.id)
        ? present.findings.map((each) => (each.id === next.id ? next : each))
        : [...present.findings, next],
    }));

  const opinion = useMutation({
    mutationFn: (body: { modelId: string; answer: Answer }) =>
      api<StudyView>(`${path(studyUid)}/opinion`, { method: 'POST', body }),
    onSuccess: (next) => client.setQueryData(key, next),
    onError: complain,
  });
  const atHand = useAtHand();
  const decide = useMutation({
    mutationFn: ({
      id,
      ...body
    }: {
      id: string;
      decision: Decision | null;
      box?: Box | null;
      text?: string | null;
      reason?: RejectReason | null;
    }) =>
      api<Finding>(`/findings/${encodeURIComponent(id)}/decision`, {
        method: 'PUT',
        body: { ...body, ms: atHand.taken(id) },
      }),
    onMutate: ({ id, decision, box, reason = null }) => {
      const before = view.data?.findings.find((each) => each.id === id);
      if (before) replaceFinding({ ...before, decision, box: box === undefined ? before.box : box, reason });
      return before;
    },
    onSuccess: (next) => {
      replaceFinding(next);
      void refresh();
    },
    onError: (error, _body, before) => {
      if (before) replaceFinding(before);
      complain(error);
    },
  });
  const add = useMutation({
    mutationFn: (body: { sopInstanceUid: string; label: string; box: Box | null; text?: string }) =>
      api<Finding>(`${path(studyUid)}/findings`, { method: 'POST', body }),
    onSuccess: (next) => {
      replaceFinding(next);
      void refresh();
    },
    onError: complain,
  });
  const remove = useMutation({
    mutationFn: (id: string) => api(`/findings/${encodeURIComponent(id)}`, { method: 'DELETE' }),
    onSuccess: () => void refresh(),
    onError: complain,
  });

  return {
    view,
    mine,
    isReader,
    refresh,
    opinion,
    decide,
    atHand,
    add,
    remove,
    draft,
  };
}
export type ReadingState = ReturnType<typeof useReading>;

/**
 * The draft as it is typed. One save at a time, each on the revision that the last one gave; what is typed meanwhile goes
 * with the next. When somebody (another window) changed it in between, the server's text is shown and what was typed here
 * is kept beside it.
 */
function useDraft(
  studyUid: string,
  view: StudyView | undefined,
  mine: boolean,
  refresh: () => Promise<void>,
) {
  const { t } = useText();
  const [fields, setFields] = useState<ReportFields | null>(null);
  const [status, setStatus] = useState<'saved' | 'saving' | 'unsaved' | 'failed'>('saved');
  const revision = useRef(0);
  const dirty = useRef<Partial<ReportFields>>({});
  const sending = useRef<Partial<ReportFields>>({});
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  /** When the oldest text that waits was typed, ms. */
  const since = useRef(0);
  const flushNow = useRef<() => Promise<number>>(async () => 0);
  const changeNow = useRef<(next: Partial<ReportFields>) => void>(() => undefined);
  const saving = useRef<Promise<void> | null>(null);
  const told = useRef(false);
  const left = useRef(false);
  const stored = view?.draft;
  const shown = useRef<ReportFields | null>(null);
  shown.current = fields;

  // What the server has, under what is being typed.
  useEffect(() => {
    if (!stored || stored.revision < revision.current) return;
    revision.current = stored.revision;
    setFields(shownFields(stored.fields, sending.current, dirty.current));
  }, [stored]);

  // Lines for accepted findings join the text as they are decided, and leave it when the decision is taken back, as long as
  // the reader has not written them anew. Nothing else of the text is touched.
  const accepted = view?.acceptedText;
  const written = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (accepted === undefined) return;
    const before = written.current;
    written.current = accepted;
    if (before === undefined || before === accepted || !mine) return;
    const present = shown.current;
    if (!present) return;
    if (leftBehind(present.findings, before, accepted).length > 0)
      notify({ kind: 'info', text: t('report.leftBehind') });
    const findings = withAccepted(present.findings, before, accepted);
    if (findings !== present.findings) changeNow.current({ findings });
  }, [accepted, mine]);

  const flush = useCallback(async (): Promise<number> => {
    clearTimeout(timer.current);
    while (saving.current) await saving.current;
    const sent = dirty.current;
    if (Object.keys(sent).length === 0) return revision.current;
    dirty.current = {};
    sending.current = sent;
    setStatus('saving');
    saving.current = (async () => {
      try {
        const next = await api<Draft>(`${path(studyUid)}/draft`, {
          method: 'PUT',
          // The first save takes along what the page proposes (accepted findings, technique): what is seen is what is signed.
          body: {
            fields: revision.current === 0 ? { ...shown.current, ...sent } : sent,
            revision: revision.current,
          },
          keepalive: true,
        });
        revision.current = next.revision;
        told.current = false;
        setStatus(Object.keys(dirty.current).length ? 'unsaved' : 'saved');
        // What still keeps the report from being signed is the server's word.
        void refresh();
      } catch (error) {
        dirty.current = { ...sent, ...dirty.current };
        setStatus('failed');
        // Out of reach, locked, failing: tried again until it works. The first time is told.
        const passing =
          error instanceof ApiFailure && (error.status === 0 || error.status === 423 || error.status >= 500);
        if (passing && !left.current)
          timer.current = setTimeout(() => void flushNow.current().catch(() => undefined), RETRY_MS);
        if (!passing || !told.current) notify({ kind: 'error', text: failureText(t, error) });
        told.current = passing;
        if (error instanceof ApiFailure && error.code === 'draft-changed') await refresh();
        throw error;
      } finally {
        sending.current = {};
        saving.current = null;
      }
    })();
    await saving.current;
    return revision.current;
  }, [studyUid, t, refresh]);

  flushNow.current = flush;

  const change = useCallback(
    (next: Partial<ReportFields>) => {
      if (!mine) return;
      if (Object.keys(dirty.current).length === 0) since.current = Date.now();
      dirty.current = { ...dirty.current, ...next };
      setFields((present) => present && { ...present, ...next });
      setStatus('unsaved');
      clearTimeout(timer.current);
      const wait = Math.min(SAVE_MS, since.current + SAVE_AT_LATEST_MS - Date.now());
      timer.current = setTimeout(() => void flush().catch(() => undefined), Math.max(0, wait));
    },
    [mine, flush],
  );
  changeNow.current = change;
  useEffect(() => () => void flush().catch(() => undefined), [flush]);
  useUnsaved(flush);
  useEffect(() => {
    left.current = false;
    const warn = (event: BeforeUnloadEvent) => {
      if (!saving.current && Object.keys(dirty.current).length === 0) return;
      event.preventDefault();
      // Whatever the person answers: what was typed goes now.
      void flushNow.current().catch(() => undefined);
    };
    window.addEventListener('beforeunload', warn);
    return () => {
      left.current = true;
      clearTimeout(timer.current);
      window.removeEventListener('beforeunload', warn);
    };
  }, []);

  return { fields, status, change, flush, savedAt: stored?.savedAt ?? null };
}
