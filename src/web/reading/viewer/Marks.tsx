/**
 * Findings on the image. What a machine proposes is violet and dashed; what a person drew or corrected is blue and solid;
 * accepted turns solid green with a tick, rejected thin, grey, dotted and struck through. Shape says it as much as colour.
 */
import { useRef, useState } from 'react';
import type { KeyboardEvent, PointerEvent } from 'react';
import type { Box, Finding } from '../../../doors/api/contract.ts';
import { useText } from '../../text.ts';
import { boxBetween, dragged, HANDLES, type Handle } from './boxes.ts';
import type { Mapping } from './viewport/Stage.tsx';

export type Look = 'ai' | 'accepted' | 'rejected' | 'human';
export const lookOf = (finding: Finding): Look =>
  finding.by === 'reader' || finding.decision === 'corrected'
    ? 'human'
    : finding.decision === 'accepted'
      ? 'accepted'
      : finding.decision === 'rejected'
        ? 'rejected'
        : 'ai';

/** The places to draw for a finding: the reader's own box, else the tool's suspected places. */
export const boxesOf = (finding: Finding): Box[] =>
  finding.box ? [finding.box] : finding.places.map(({ box }) => box);

/** `1`, or `1a`, `1b` … where a finding has several places. */
export const placeName = (finding: Finding, index: number): string =>
  `${finding.number}${!finding.box && finding.places.length > 1 ? String.fromCharCode(97 + (index % 26)) : ''}`;

/** Of a box of the image, on the stage as it lies now. */
export function rectangle(box: Box, mapping: Mapping) {
  const [x, y] = mapping.toStage(box.x, box.y);
  const [right, bottom] = mapping.toStage(box.x + box.width, box.y + box.height);
  return {
    x: Math.min(x, right),
    y: Math.min(y, bottom),
    width: Math.abs(right - x),
    height: Math.abs(bottom - y),
  };
}

const sameBox = (a: Box, b: Box): boolean =>
  a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;

export function Marks(props: {
  mapping: Mapping;
  findings: readonly Finding[];
  selected: string | null;
  onSelect: (id: string) => void;
  /** A heat map's picture over an area of the image. */
  heat: { url: string; box: Box } | null;
  /** The box being moved or resized. */
  editing: Box | null;
  onEdit: (box: Box) => void;
}) {
  const { mapping, findings, selected, heat, editing } = props;
  const heatArea = heat && rectangle(heat.box, mapping);
  return (
    <svg className="marks">
      {heatArea && <image className="heat" href={heat!.url} preserveAspectRatio="none" {...heatArea} />}
      {findings.flatMap((finding) =>
        boxesOf(finding).map((box, i) => {
          if (editing && finding.id === selected && (finding.box || sameBox(box, editing))) return null;
          const area = rectangle(box, mapping);
          const look = lookOf(finding);
          const choosable = editing !== null && finding.id === selected;
          return (
            <g
              key={`${finding.id}-${i}`}
              className={`mark ${look}${choosable ? ' choosable' : ''}`}
              data-selected={finding.id === selected || undefined}
              onPointerDown={() =>
                // While a finding is corrected, another of its suspected places can be taken instead.
                choosable ? props.onEdit(box) : props.onSelect(finding.id)
              }
            >
              <rect {...area} rx={4} />
              {look === 'rejected' && (
                <path d={`M${area.x} ${area.y + area.height}L${area.x + area.width} ${area.y}`} />
              )}
              <circle cx={area.x + area.width + 13} cy={area.y} r={11} />
              <text x={area.x + area.width + 13} y={area.y + 4} textAnchor="middle">
                {look === 'accepted' ? '✓' : placeName(finding, i)}
              </text>
            </g>
          );
        }),
      )}
      {editing && <Editable box={editing} mapping={mapping} onEdit={props.onEdit} />}
    </svg>
  );
}

/** One press of an arrow key, px on the screen. */
const KEY_STEP = 4;
const KEY_STEPS: Readonly<Record<string, readonly [number, number] | undefined>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Moved and sized with the pointer, or with arrow keys (with Shift: sized). */
function Editable({ box, mapping, onEdit }: { box: Box; mapping: Mapping; onEdit: (box: Box) => void }) {
  const start = useRef<{ handle: Handle; x: number; y: number; box: Box } | null>(null);
  const area = rectangle(box, mapping);
  const grab = (handle: Handle) => ({
    onPointerDown(event: PointerEvent<SVGElement>) {
      event.stopPropagation();
      event.currentTarget.setPointerCapture(event.pointerId);
      start.current = { handle, x: event.clientX, y: event.clientY, box };
    },
    onPointerMove(event: PointerEvent<SVGElement>) {
      const from = start.current;
      if (!from) return;
      const dx = (event.clientX - from.x) / mapping.scale;
      const dy = (event.clientY - from.y) / mapping.scale;
      onEdit(dragged(from.box, from.handle, dx, dy, mapping));
    },
    onPointerUp() {
      start.current = null;
    },
  });
  const place = (handle: string) => ({
    x: area.x + (handle.includes('w') ? 0 : handle.includes('e') ? area.width : area.width / 2),
    y: area.y + (handle.includes('n') ? 0 : handle.includes('s') ? area.height : area.height / 2),
  });
  const { t } = useText();
  const onKeyDown = (event: KeyboardEvent<SVGElement>) => {
    const step = KEY_STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const by = KEY_STEP / mapping.scale;
    onEdit(dragged(box, event.shiftKey ? 'se' : 'move', step[0] * by, step[1] * by, mapping));
  };
  return (
    <g className="mark human editing">
      <rect
        {...area}
        rx={4}
        {...grab('move')}
        className="frame"
        tabIndex={0}
        role="button"
        aria-label={t('findings.frame')}
        onKeyDown={onKeyDown}
      />
      {HANDLES.map((handle) => {
        const { x, y } = place(handle);
        return (
          <g key={handle} {...grab(handle)} style={{ cursor: `${handle}-resize` }}>
            <rect className="reach" x={x - 14} y={y - 14} width={28} height={28} />
            <rect className="handle" x={x - 4} y={y - 4} width={8} height={8} />
          </g>
        );
      })}
    </g>
  );
}

/** A sheet over the image on which a new box is drawn. */
export function DrawSheet(props: { mapping: Mapping; onBox: (box: Box) => void; onCancel: () => void }) {
  const { t } = useText();
  const from = useRef<[number, number] | null>(null);
  const [box, setBox] = useState<Box | null>(null);
  const at = (event: PointerEvent<HTMLElement>): [number, number] => {
    const host = event.currentTarget.getBoundingClientRect();
    return props.mapping.toImage(event.clientX - host.left, event.clientY - host.top);
  };
  return (
    <div
      className="draw"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        from.current = at(event);
      }}
      onPointerMove={(event) => {
        if (from.current) setBox(boxBetween(from.current, at(event), props.mapping));
      }}
      onPointerUp={(event) => {
        const drawn = from.current && boxBetween(from.current, at(event), props.mapping);
        from.current = null;
        if (drawn) props.onBox(drawn);
        else setBox(null);
      }}
    >
      <p className="stage-hint">{t('viewer.draw')}</p>
      {box && (
        <svg className="marks">
          <g className="mark human">
            <rect {...rectangle(box, props.mapping)} rx={4} />
          </g>
        </svg>
      )}
    </div>
  );
}
