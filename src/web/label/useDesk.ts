/** The case at hand: answered, the next one is there at once, and what the server says comes behind. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Answer, CaseToLabel, Desk, LabelBox } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { notify } from '../shell/notices.tsx';
import { failureText, useText } from '../text.ts';
import { warmStudy } from '../reading/warm.ts';

/** First images of the case that comes next: fetched while this one is looked at. */
const AHEAD = 4;

export function useDesk(queueId: string) {
  const { t } = useText();
  const [desk, setDesk] = useState<Desk | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(true);
  const gone = useRef(false);
  const path = `/labelling/${encodeURIComponent(queueId)}`;

  const ask = useCallback(
    async (what: string, body?: unknown): Promise<void> => {
      setBusy(true);
      try {
        const next = await api<Desk>(`${path}/${what}`, { method: 'POST', body: body ?? {} });
        if (gone.current) return;
        setDesk(next);
        setFailure(null);
      } catch (error) {
        if (gone.current) return;
        if (what === 'next') setFailure(error);
        else {
          notify({ kind: 'error', text: failureText(t, error) });
          await ask('next');
        }
      } finally {
        if (!gone.current) setBusy(false);
      }
    },
    [path, t],
  );

  useEffect(() => {
    gone.current = false;
    void ask('next');
    return () => {
      gone.current = true;
      // What was at hand goes to others at once; should this not arrive, a quarter of an hour later.
      void api(`${path}/pause`, { method: 'POST', body: {}, keepalive: true, quiet: true }).catch(() => {});
    };
  }, [path]);

  const following = desk?.following;
  useEffect(() => {
    if (following) warmStudy(following, AHEAD);
  }, [following?.study.studyUid]);

  return {
    desk,
    failure,
    busy,
    retry: () => void ask('next'),
    answer(of: CaseToLabel, answer: Answer, boxes: LabelBox[]) {
      if (busy) return;
      // The next one at once: it was given with this one.
      setDesk((present) => present && { ...present, case: present.following, following: null });
      void ask('labels', { studyUid: of.study.studyUid, kind: of.kind, answer, boxes });
    },
    undo() {
      if (!busy) void ask('undo');
    },
  };
}
