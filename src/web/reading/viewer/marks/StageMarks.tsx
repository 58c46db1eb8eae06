/** Marks on the image that the stage shows: the reader's own, those of signed reports, those of other systems. */
import { useState } from 'react';
import type { Mark, MarkKind } from '../../../../doors/api/contract.ts';
import type { Point } from '../../../../measure/calibration.ts';
import { useText } from '../../../text.ts';
import { refOf } from '../loading/imageId.ts';
import type { View } from '../viewport/Stage.tsx';
import { MarkLayer, type StandingMark } from './MarkLayer.tsx';
import { measured } from './measured.ts';
import type { Marks } from './useMarks.ts';

export type PlacedStandingMark = StandingMark & Pick<Mark, 'sopInstanceUid' | 'frame'>;

const newId = () => crypto.randomUUID();

export function StageMarks(props: {
  now: View;
  marks: Marks;
  standing: readonly PlacedStandingMark[];
  tool: MarkKind | null;
  selected: string | null;
  onSelect: (id: string | null) => void;
}) {
  const { now, marks } = props;
  const { sopInstanceUid, frame } = refOf(now.imageId);
  const here = <M extends Pick<Mark, 'sopInstanceUid' | 'frame'>>(list: readonly M[]) =>
    list.filter((mark) => mark.sopInstanceUid === sopInstanceUid && mark.frame === frame);
  const own = here(marks.marks).filter(({ kind }) => kind !== 'key');
  /** The note whose words are being typed. */
  const [writing, setWriting] = useState<string | null>(null);
  const written = own.find(({ id }) => id === writing);

  const drawn = (tool: MarkKind, points: Point[]) => {
    // An arrow without a shaft is a place: the words stand there alone.
    const [a, b] = points;
    const short = tool === 'arrow' && a && b && Math.hypot(a[0] - b[0], a[1] - b[1]) * now.mapping.scale < 8;
    const kind = short ? 'text' : tool;
    const mark = measured(now.imageId, kind, short ? [a] : points, {
      id: newId(),
      text: null,
      presentation: null,
    });
    if (!mark) return;
    marks.put(mark);
    props.onSelect(mark.id);
    if (kind === 'arrow' || kind === 'text') setWriting(mark.id);
  };
  const change = (mark: Mark, points: Point[]) => {
    const next = measured(now.imageId, mark.kind, points, mark);
    if (next) marks.put(next);
  };
  const write = (text: string) => {
    setWriting(null);
    if (!written) return;
    const words = text.trim();
    // A note without words says nothing.
    if (words === '' && written.kind === 'text') marks.remove(written.id);
    else if (words !== (written.text ?? '')) marks.put({ ...written, text: words || null, at: Date.now() });
  };
  return (
    <>
      <MarkLayer
        mapping={now.mapping}
        marks={own}
        standing={here(props.standing)}
        selected={props.selected}
        onSelect={props.onSelect}
        tool={props.tool}
        onDrawn={drawn}
        onChange={change}
        onRemove={(id) => {
          marks.remove(id);
          props.onSelect(null);
        }}
        onText={(mark) => setWriting(mark.id)}
        preview={(kind, points, text) =>
          measured(now.imageId, kind, points, { id: '', text, presentation: null }, true)
        }
      />
      {written && (
        <Words
          key={written.id}
          at={now.mapping.toStage(...written.points.at(-1)!)}
          text={written.text ?? ''}
          onDone={write}
        />
      )}
    </>
  );
}

function Words(props: { at: readonly [number, number]; text: string; onDone: (text: string) => void }) {
  const { t } = useText();
  const [text, setText] = useState(props.text);
  return (
    <form
      className="mark-words"
      style={{
        left: `clamp(4px, ${props.at[0]}px, 100% - 232px)`,
        top: `clamp(4px, ${props.at[1]}px, 100% - 48px)`,
      }}
      onSubmit={(event) => {
        event.preventDefault();
        props.onDone(text);
      }}
    >
      <input
        className="input"
        autoFocus
        maxLength={200}
        value={text}
        aria-label={t('marks.words')}
        placeholder={t('marks.words')}
        onChange={(event) => setText(event.target.value)}
        onBlur={() => props.onDone(text)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          props.onDone(props.text);
        }}
      />
    </form>
  );
}
