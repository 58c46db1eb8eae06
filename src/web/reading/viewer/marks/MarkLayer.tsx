/**
 * What the reader draws: blue and solid. Points are placed with mouse, pen or finger on the image, or stand in its middle at a key
 * and are moved with arrows. Marks of a signed report and of other systems stand there, too, and do not move.
 */
import { useEffect, useRef, useState } from 'react';
import type { KeyboardEvent, PointerEvent } from 'react';
import type { Point } from '../../../../measure/calibration.ts';
import { POINTS, type Mark, type MarkKind } from '../../../../measure/marks.ts';
import { labelLines } from '../../../../measure/words.ts';
import { useText } from '../../../text.ts';
import type { Mapping } from '../viewport/Stage.tsx';
import { linesOf, moved, nudged, pressed, released, shownPoints, type Drawing } from './drawing.ts';

/** A mark that only stands there. */
export type StandingMark = Pick<Mark, 'id' | 'points' | 'quantities' | 'calibration' | 'text'> & {
  kind: MarkKind | 'polyline';
  /** Whose it is, where it is not the reader's own. */
  by: string | null;
};

/** CSS pixels: what a hand shakes; one press of an arrow, and with Shift. */
const SHAKE = 4;
const STEP = 1;
const LONG_STEP = 10;
const ARROWS: Readonly<Record<string, readonly [number, number] | undefined>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export interface MarkLayerProps {
  mapping: Mapping;
  marks: readonly Mark[];
  standing: readonly StandingMark[];
  selected: string | null;
  onSelect: (id: string | null) => void;
  /** The kind that the next stroke on the image makes; null: strokes belong to the other tools. */
  tool: MarkKind | null;
  onDrawn: (kind: MarkKind, points: Point[]) => void;
  onChange: (mark: Mark, points: Point[]) => void;
  onRemove: (id: string) => void;
  onText: (mark: Mark) => void;
  /** What a mark of these points says, while it moves. */
  preview: (kind: MarkKind, points: Point[], text: string | null) => Mark | undefined;
}

export function MarkLayer(props: MarkLayerProps) {
  const { mapping, marks, selected } = props;
  const { t, language } = useText();
  const root = useRef<SVGSVGElement>(null);
  const [drawing, setDrawing] = useState<Drawing | null>(null);
  const [dragged, setDragged] = useState<{ id: string; points: Point[] } | null>(null);
  const latest = useRef({ props, drawing });
  latest.current = { props, drawing };

  // Strokes are heard on the image itself, below this layer: wheel, other buttons and two fingers keep their use.
  useEffect(() => {
    const canvas = root.current?.closest('.stage')?.querySelector<HTMLElement>('.canvas');
    if (!canvas || !props.tool) return;
    setDrawing(null);
    let start: readonly [number, number] | null = null;
    const set = (next: Drawing | null) => {
      latest.current.drawing = next;
      setDrawing(next);
    };
    const at = (event: globalThis.PointerEvent): Point => {
      const host = canvas.getBoundingClientRect();
      const { mapping: present } = latest.current.props;
      const [x, y] = present.toImage(event.clientX - host.left, event.clientY - host.top);
      return [Math.min(present.columns, Math.max(0, x)), Math.min(present.rows, Math.max(0, y))];
    };
    const down = (event: globalThis.PointerEvent) => {
      if (!event.isPrimary) {
        // A second finger zooms: what the first one had begun was not meant.
        start = null;
        set(null);
        return;
      }
      if (event.button !== 0) return;
      start = [event.clientX, event.clientY];
      set(pressed(latest.current.drawing, latest.current.props.tool!, at(event)));
    };
    const move = (event: globalThis.PointerEvent) => {
      const present = latest.current.drawing;
      if (event.isPrimary && present?.floating) set(moved(present, at(event)));
    };
    const up = (event: globalThis.PointerEvent) => {
      const present = latest.current.drawing;
      if (!event.isPrimary || !start || !present) return;
      const far = Math.hypot(event.clientX - start[0], event.clientY - start[1]) > SHAKE;
      start = null;
      const next = released(present, at(event), far);
      if ('drawing' in next) set(next.drawing);
      else {
        set(null);
        latest.current.props.onDrawn(present.kind, next.done);
      }
    };
    const cancel = () => {
      start = null;
      set(null);
    };
    canvas.addEventListener('pointerdown', down);
    window.addEventListener('pointermove', move);
    window.addEventListener('pointerup', up);
    window.addEventListener('pointercancel', cancel);
    return () => {
      canvas.removeEventListener('pointerdown', down);
      window.removeEventListener('pointermove', move);
      window.removeEventListener('pointerup', up);
      window.removeEventListener('pointercancel', cancel);
    };
  }, [props.tool]);

  // Escape leaves the drawing that has begun, before it leaves anything else.
  useEffect(() => {
    if (!drawing) return;
    const leave = (event: globalThis.KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      setDrawing(null);
    };
    window.addEventListener('keydown', leave, true);
    return () => window.removeEventListener('keydown', leave, true);
  }, [drawing !== null]);

  const change = (mark: Mark, points: Point[]) => {
    setDragged(null);
    props.onChange(mark, points);
  };
  const ghost = drawing && props.preview(drawing.kind, padded(drawing), null);
  return (
    <svg className="marks measures" ref={root}>
      {props.standing.map((mark) => (
        <g key={mark.id} className={`measure ${mark.by === null ? 'signed' : 'other'}`}>
          <Shape kind={mark.kind} points={mark.points} mapping={mapping} />
          <Label
            lines={[
              ...labelLines({ ...mark, kind: mark.kind === 'polyline' ? 'length' : mark.kind }, language),
              ...(mark.by ? [mark.by] : []),
            ]}
            points={mark.points}
            mapping={mapping}
          />
        </g>
      ))}
      {marks.map((mark) => {
        const points = dragged?.id === mark.id ? dragged.points : mark.points;
        const shown = dragged?.id === mark.id ? (props.preview(mark.kind, points, mark.text) ?? mark) : mark;
        return (
          <Own
            key={mark.id}
            mark={shown}
            stored={mark}
            points={points}
            mapping={mapping}
            selected={mark.id === selected}
            silent={drawing !== null || (props.tool !== null && mark.id !== selected)}
            label={t('marks.named', {
              name: t(`marks.kind.${mark.kind}`),
              text: labelLines(mark, language).join(', '),
            })}
            pointLabel={(number) => t('marks.point', { number, count: POINTS[mark.kind] })}
            onSelect={() => props.onSelect(mark.id)}
            onDrag={(next) => setDragged(next && { id: mark.id, points: next })}
            onChange={(next) => change(mark, next)}
            onRemove={() => props.onRemove(mark.id)}
            onText={() => props.onText(mark)}
          />
        );
      })}
      {drawing && (
        <g className="measure drawing">
          <Shape kind={drawing.kind} points={shownPoints(drawing)} mapping={mapping} />
          {shownPoints(drawing).map((point, i) => (
            <Dot key={i} at={mapping.toStage(...point)} />
          ))}
          {ghost && shownPoints(drawing).length === POINTS[drawing.kind] && (
            <Label lines={labelLines(ghost, language)} points={shownPoints(drawing)} mapping={mapping} />
          )}
        </g>
      )}
    </svg>
  );
}

/** All points that the kind has, those to come on top of the last: for what it says so far. */
function padded(drawing: Drawing): Point[] {
  const points = shownPoints(drawing);
  return Array.from({ length: POINTS[drawing.kind] }, (_, i) => points[Math.min(i, points.length - 1)]!);
}

function Dot({ at: [x, y] }: { at: readonly [number, number] }) {
  return <circle className="dot" cx={x} cy={y} r={3} />;
}

function Shape({
  kind,
  points,
  mapping,
}: {
  kind: MarkKind | 'polyline';
  points: readonly Point[];
  mapping: Mapping;
}) {
  const at = points.map(([x, y]) => mapping.toStage(x, y));
  const [a, b] = at;
  if (!a) return null;
  if (kind === 'probe') return <path className="line" d={`M${a[0] - 8} ${a[1]}h16M${a[0]} ${a[1] - 8}v16`} />;
  if (kind === 'text') return <Dot at={a} />;
  if (!b) return null;
  if (kind === 'ellipse' || kind === 'rectangle') {
    const frame = { x: Math.min(a[0], b[0]), y: Math.min(a[1], b[1]) };
    const [width, height] = [Math.abs(a[0] - b[0]), Math.abs(a[1] - b[1])];
    return kind === 'rectangle' ? (
      <rect className="line" {...frame} width={width} height={height} />
    ) : (
      <ellipse
        className="line"
        cx={frame.x + width / 2}
        cy={frame.y + height / 2}
        rx={width / 2}
        ry={height / 2}
      />
    );
  }
  const path = linesOf(kind, at.length)
    .map((line) => line.map((i, n) => `${n ? 'L' : 'M'}${at[i]![0]} ${at[i]![1]}`).join(''))
    .join('');
  return (
    <>
      <path className="line" d={path} />
      {kind === 'arrow' && <path className="tip" d={tipOf(a, b)} />}
    </>
  );
}

/** A filled tip, 10 px long, at the first point. */
function tipOf([x, y]: readonly [number, number], [tx, ty]: readonly [number, number]): string {
  const length = Math.hypot(tx - x, ty - y) || 1;
  const [ux, uy] = [(tx - x) / length, (ty - y) / length];
  const [bx, by] = [x + ux * 11, y + uy * 11];
  return `M${x} ${y}L${bx - uy * 4.5} ${by + ux * 4.5}L${bx + uy * 4.5} ${by - ux * 4.5}Z`;
}

/** Beside the point furthest to the right, inside the stage. */
function Label({
  lines,
  points,
  mapping,
}: {
  lines: readonly string[];
  points: readonly Point[];
  mapping: Mapping;
}) {
  if (lines.length === 0) return null;
  const at = points.map(([x, y]) => mapping.toStage(x, y));
  const [x, y] = at.reduce((best, each) => (each[0] > best[0] ? each : best));
  return (
    <text className="say" x={x + 10} y={y + 4}>
      {lines.map((line, i) => (
        <tspan key={i} x={x + 10} dy={i === 0 ? 0 : 15}>
          {line}
        </tspan>
      ))}
    </text>
  );
}

function Own(props: {
  mark: Mark;
  /** As it was before it was dragged. */
  stored: Mark;
  points: Point[];
  mapping: Mapping;
  selected: boolean;
  /** Deaf to the pointer: another mark is being drawn. */
  silent: boolean;
  label: string;
  pointLabel: (number: number) => string;
  onSelect: () => void;
  /** Null: it was given up. */
  onDrag: (points: Point[] | null) => void;
  onChange: (points: Point[]) => void;
  onRemove: () => void;
  onText: () => void;
}) {
  const { mark, stored, points, mapping, selected } = props;
  const { language } = useText();
  const from = useRef<{ which: number | 'all'; at: Point; last: Point[] } | null>(null);
  const imageAt = (event: PointerEvent<SVGElement>): Point => {
    const host = event.currentTarget.ownerSVGElement!.getBoundingClientRect();
    return mapping.toImage(event.clientX - host.left, event.clientY - host.top);
  };
  const grab = (which: number | 'all') => ({
    onPointerDown(event: PointerEvent<SVGElement>) {
      if (event.button !== 0) return;
      event.stopPropagation();
      event.currentTarget.setPointerCapture(event.pointerId);
      props.onSelect();
      from.current = { which, at: imageAt(event), last: stored.points };
    },
    onPointerMove(event: PointerEvent<SVGElement>) {
      const start = from.current;
      if (!start) return;
      const [x, y] = imageAt(event);
      start.last = nudged(stored.points, start.which, x - start.at[0], y - start.at[1], mapping);
      props.onDrag(start.last);
    },
    onPointerUp() {
      const start = from.current;
      from.current = null;
      if (start && start.last !== stored.points) props.onChange(start.last);
    },
    onPointerCancel() {
      from.current = null;
      props.onDrag(null);
    },
  });
  const onKeyDown = (which: number | 'all') => (event: KeyboardEvent<SVGElement>) => {
    const step = ARROWS[event.key];
    if (step) {
      const size = event.shiftKey ? LONG_STEP : STEP;
      // Along the screen, however the image is turned.
      const [ox, oy] = mapping.toImage(0, 0);
      const [px, py] = mapping.toImage(step[0] * size, step[1] * size);
      props.onChange(nudged(stored.points, which, px - ox, py - oy, mapping));
    } else if (event.key === 'Delete' || event.key === 'Backspace') props.onRemove();
    else if (event.key === 'Enter') props.onText();
    else return;
    event.preventDefault();
    // The page's own keys wait: its arrows change the image.
    event.stopPropagation();
  };
  return (
    <g className="measure own" data-kind={mark.kind} data-selected={selected || undefined}>
      <g
        className={props.silent ? 'silent' : 'hold'}
        tabIndex={0}
        role="button"
        aria-label={props.label}
        aria-pressed={selected}
        onFocus={props.onSelect}
        onKeyDown={onKeyDown('all')}
        onDoubleClick={props.onText}
        {...grab('all')}
      >
        <g className="wide">
          <Shape kind={mark.kind} points={points} mapping={mapping} />
        </g>
        <Shape kind={mark.kind} points={points} mapping={mapping} />
        <Label lines={labelLines(mark, language)} points={points} mapping={mapping} />
      </g>
      {selected &&
        points.map((point, i) => {
          const [x, y] = mapping.toStage(...point);
          return (
            <g
              key={i}
              className={props.silent ? 'silent' : 'grip'}
              tabIndex={0}
              role="button"
              aria-label={props.pointLabel(i + 1)}
              onKeyDown={onKeyDown(i)}
              {...grab(i)}
            >
              <circle className="reach" cx={x} cy={y} r={16} />
              <circle className="knob" cx={x} cy={y} r={5} />
            </g>
          );
        })}
    </g>
  );
}
