/**
 * The reader's marks of a study: shown at once, sent in the order they were made, taken back and made again with undo and redo.
 * Who only looks may measure, too; then nothing is kept.
 */
import { notifyManager, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Mark, MarkForm, StudyView } from '../../../../doors/api/contract.ts';
import { PIXEL_QUANTITIES, type PixelQuantity } from '../../../../measure/marks.ts';
import { api } from '../../../api.ts';
import { keys } from '../../../queries.ts';
import { notify } from '../../../shell/notices.tsx';
import { failureText, useText } from '../../../text.ts';

/** Null: there is none under this id. */
type State = Mark | null;
interface Step {
  id: string;
  before: State;
  after: State;
}

const formOf = (mark: Mark): MarkForm => ({
  kind: mark.kind,
  sopInstanceUid: mark.sopInstanceUid,
  frame: mark.frame,
  points: mark.points,
  text: mark.text,
  pixels: mark.quantities.filter(({ name }) => PIXEL_QUANTITIES.includes(name as PixelQuantity)),
  presentation: mark.presentation,
});

/** Every window of this browser that shows the same study, this one as well: it hears its own word by another channel of the name. */
const CHANNEL = 'negatoscope.marks';

export function useMarks(studyUid: string, view: StudyView, editable: boolean) {
  const { t } = useText();
  const client = useQueryClient();
  const key = keys.study(studyUid);
  /** What the server does not know yet, or never will. */
  const [pending, setPending] = useState<ReadonlyMap<string, State>>(new Map());
  const done = useRef<Step[]>([]);
  const undone = useRef<Step[]>([]);
  const [, showSteps] = useState(0);
  const queue = useRef<Promise<void>>(Promise.resolve());

  useEffect(() => {
    const channel = new BroadcastChannel(CHANNEL);
    channel.onmessage = ({ data }) => {
      if (data === studyUid) void client.invalidateQueries({ queryKey: key });
    };
    return () => channel.close();
  }, [studyUid]);

  const marks = useMemo(() => {
    const shown = view.marks.flatMap((mark) => {
      const changed = pending.get(mark.id);
      return changed === null ? [] : [changed ?? mark];
    });
    const known = new Set(view.marks.map(({ id }) => id));
    for (const [id, mark] of pending) if (mark && !known.has(id)) shown.push(mark);
    return shown;
  }, [view.marks, pending]);

  const apply = useCallback(
    (id: string, state: State) => {
      setPending((present) => new Map(present).set(id, state));
      if (!editable) return;
      const path = `/studies/${encodeURIComponent(studyUid)}/marks/${id}`;
      const settle = (kept: State | undefined) => {
        if (kept !== undefined)
          client.setQueryData<StudyView>(key, (present) => {
            if (!present) return present;
            const others = present.marks.filter((each) => each.id !== id);
            const at = present.marks.findIndex((each) => each.id === id);
            const next = kept === null ? others : at < 0 ? [...others, kept] : present.marks.with(at, kept);
            return { ...present, marks: next };
          });
        // Behind the word of the new view, which comes by the same way: in between the mark would be nowhere, and what is typed into it lost.
        notifyManager.schedule(() =>
          setPending((present) => {
            // Changed again meanwhile: that is still on its way.
            if (present.get(id) !== state) return present;
            const next = new Map(present);
            next.delete(id);
            return next;
          }),
        );
      };
      queue.current = queue.current.then(async () => {
        try {
          if (state === null) {
            await api(path, { method: 'DELETE', keepalive: true });
            settle(null);
          } else settle(await api<Mark>(path, { method: 'PUT', body: formOf(state), keepalive: true }));
          const channel = new BroadcastChannel(CHANNEL);
          channel.postMessage(studyUid);
          channel.close();
        } catch (error) {
          settle(undefined);
          notify({ kind: 'error', text: failureText(t, error) });
          void client.invalidateQueries({ queryKey: key });
        }
      });
    },
    [editable, studyUid, t],
  );

  const stateOf = (id: string): State => marks.find((each) => each.id === id) ?? null;
  const act = (id: string, after: State) => {
    const before = stateOf(id);
    if (before === null && after === null) return;
    done.current.push({ id, before, after });
    undone.current = [];
    showSteps((count) => count + 1);
    apply(id, after);
  };
  const walk = (from: typeof done, to: typeof done, which: 'before' | 'after') => {
    const step = from.current.pop();
    if (!step) return;
    to.current.push(step);
    showSteps((count) => count + 1);
    apply(step.id, step[which]);
  };

  return {
    marks,
    /** Nothing of what is drawn is kept: somebody else reads, or the report is signed. */
    kept: editable,
    put: (mark: Mark) => act(mark.id, mark),
    remove: (id: string) => act(id, null),
    undo: () => walk(done, undone, 'before'),
    redo: () => walk(undone, done, 'after'),
    canUndo: done.current.length > 0,
    canRedo: undone.current.length > 0,
    /** Resolves when everything is with the server. */
    flush: () => queue.current,
  };
}
export type Marks = ReturnType<typeof useMarks>;
