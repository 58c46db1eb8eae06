/** What lies over an image by what objects say: segmentations, presentation states, the image's own overlay planes and shutter. */
import { useEffect, useId, useMemo, useRef, useState } from 'react';
import { bytesOf, number, numbers, type InstanceRef, type Metadata } from '../viewer/loading/dicomweb.ts';
import { fetchPixels } from '../viewer/loading/frame.ts';
import { refOf } from '../viewer/loading/imageId.ts';
import type { View } from '../viewer/viewport/Stage.tsx';
import { presentationOf, shuttersOf, type Graphic, type Presentation, type Shutter } from './presentation.ts';
import { framesOn, placeOn, segmentationOf, sharesOf } from './segmentation.ts';

export interface ShownSegmentation {
  ref: InstanceRef;
  metadata: Metadata;
  /** 0 to 1. */
  opacity: number;
  /** Numbers of segments that are not shown. */
  hidden: ReadonlySet<number>;
}

/** Frames of segmentations as they came; small, and asked for again with every scroll. */
const KEPT = 96;
const kept = new Map<string, Promise<Uint8Array>>();
function frameBytes(ref: InstanceRef, frame: number): Promise<Uint8Array> {
  const key = `${ref.sopInstanceUid}/${frame}`;
  const known = kept.get(key);
  if (known) return known;
  const bytes = fetchPixels(ref, frame, new AbortController().signal).then(
    (buffer) => new Uint8Array(buffer),
  );
  kept.set(key, bytes);
  bytes.catch(() => kept.delete(key));
  if (kept.size > KEPT) kept.delete(kept.keys().next().value!);
  return bytes;
}

type Affine = readonly [number, number, number, number, number, number];

/** CSS transform that lays a picture of pixels on the image, through `place` into the image's own pixels. */
function transformOf({ toStage }: View['mapping'], [a, b, c, d, e, f]: Affine): string {
  const [ox, oy] = toStage(0, 0);
  const x = toStage(1000, 0).map((value, i) => (value - [ox, oy][i]!) / 1000);
  const y = toStage(0, 1000).map((value, i) => (value - [ox, oy][i]!) / 1000);
  const on = (u: number, v: number) => [x[0]! * u + y[0]! * v, x[1]! * u + y[1]! * v] as const;
  const [across, down, at] = [on(a, b), on(c, d), on(e, f)];
  return `matrix(${[...across, ...down, ox + at[0], oy + at[1]].join(',')})`;
}

/** A canvas of the picture's own pixels, laid over the stage. */
function Laid(props: { picture: ImageData; transform: string; opacity: number; name: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { picture } = props;
  useEffect(() => canvas.current?.getContext('2d')!.putImageData(picture, 0, 0), [picture]);
  return (
    <canvas
      ref={canvas}
      className="laid"
      data-overlay={props.name}
      width={picture.width}
      height={picture.height}
      style={{ transform: props.transform, opacity: props.opacity }}
      aria-hidden
    />
  );
}

export function SegmentationLayer({ now, shown }: { now: View; shown: ShownSegmentation }) {
  const image = refOf(now.imageId);
  const { metadata } = shown;
  const segmentation = useMemo(() => segmentationOf(metadata), [metadata]);
  const [drawn, setDrawn] = useState<{ imageId: string; picture: ImageData; place: Affine } | null>(null);
  const hidden = [...shown.hidden].sort().join();
  useEffect(() => {
    let gone = false;
    const on = { metadata: now.loaded.metadata, sopInstanceUid: image.sopInstanceUid, frame: image.frame };
    const frames = framesOn(segmentation, on).filter(({ segment }) => !shown.hidden.has(segment));
    const place = frames[0] && placeOn(metadata, frames[0], on);
    if (!place) {
      setDrawn(null);
      return;
    }
    const draw = async () => {
      const picture = new ImageData(segmentation.columns, segmentation.rows);
      for (const { frame, segment } of frames) {
        const bytes = await frameBytes(shown.ref, frame);
        for (const each of segmentation.segments) {
          if (segmentation.type !== 'LABELMAP' && each.number !== segment) continue;
          if (shown.hidden.has(each.number)) continue;
          paint(picture, sharesOf(bytes, segmentation, each.number), each.colour);
        }
      }
      if (!gone) setDrawn({ imageId: now.imageId, picture, place });
    };
    // One that cannot be decoded leaves the image as it is; its tile and header stay.
    draw().catch(() => undefined);
    return () => {
      gone = true;
    };
  }, [now.imageId, segmentation, hidden]);
  if (drawn?.imageId !== now.imageId) return null;
  return (
    <Laid
      name={shown.ref.sopInstanceUid}
      picture={drawn.picture}
      transform={transformOf(now.mapping, drawn.place)}
      opacity={shown.opacity}
    />
  );
}

/** Over what is there already: the stronger share counts. */
function paint({ data }: ImageData, shares: Uint8Array, [red, green, blue]: readonly number[]): void {
  for (let i = 0, at = 0; i < shares.length; i++, at += 4) {
    if (shares[i]! <= data[at + 3]!) continue;
    data[at] = red!;
    data[at + 1] = green!;
    data[at + 2] = blue!;
    data[at + 3] = shares[i]!;
  }
}

const OVERLAY_GROUPS = Array.from({ length: 16 }, (_, i) => (0x6000 + 2 * i).toString(16).toUpperCase());

/** Overlay planes of the image itself (PS3.3 C.9.2), of groups 6000 to 601E; bits within the pixels (retired) are not read. */
export function OverlayPlanes({ now }: { now: View }) {
  const { metadata } = now.loaded;
  const { frame } = refOf(now.imageId);
  const [drawn, setDrawn] = useState<{
    metadata: Metadata;
    frame: number;
    planes: { group: string; picture: ImageData; place: Affine }[];
  } | null>(null);
  useEffect(() => {
    let gone = false;
    const groups = OVERLAY_GROUPS.filter((group) => metadata[`${group}3000`]);
    if (groups.length === 0) return;
    const load = async () => {
      const found = await Promise.all(groups.map((group) => planeOfGroup(metadata, group, frame)));
      if (!gone) setDrawn({ metadata, frame, planes: found.filter((plane) => plane !== undefined) });
    };
    load().catch(() => undefined);
    return () => {
      gone = true;
    };
  }, [metadata, frame]);
  if (drawn?.metadata !== metadata || drawn.frame !== frame) return null;
  return (
    <>
      {drawn.planes.map(({ group, picture, place }) => (
        <Laid
          key={group}
          name={group}
          picture={picture}
          transform={transformOf(now.mapping, place)}
          opacity={0.9}
        />
      ))}
    </>
  );
}

async function planeOfGroup(metadata: Metadata, group: string, frame: number) {
  const data = metadata[`${group}3000`];
  const rows = number(metadata, `${group}0010`);
  const columns = number(metadata, `${group}0011`);
  if (!data || !rows || !columns || rows * columns > 1 << 26) return undefined;
  const [top = 1, left = 1] = numbers(metadata, `${group}0050`);
  const index = frame - (number(metadata, `${group}0051`) ?? 1);
  const count = number(metadata, `${group}0015`) ?? 1;
  if (index < 0 || (count > 1 && index >= count)) return undefined;
  const bytes = await bytesOf(data);
  if (!bytes) return undefined;
  const picture = new ImageData(columns, rows);
  const first = count > 1 ? index * rows * columns : 0;
  for (let i = 0; i < rows * columns; i++) {
    const bit = first + i;
    if (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1) picture.data.set([255, 255, 255, 255], 4 * i);
  }
  return { group, picture, place: [1, 0, 0, 1, left - 1, top - 1] as const };
}

/** Graphics, texts and shutters of a presentation state; and the shutter that the image brings along. */
export function PresentationLayer({ now, metadata }: { now: View; metadata: Metadata | null }) {
  const image = refOf(now.imageId);
  const state = useMemo(
    () => metadata && presentationOf(metadata, image.sopInstanceUid, image.frame),
    [metadata, now.imageId],
  );
  const own = useMemo(() => shuttersOf(now.loaded.metadata), [now.loaded.metadata]);
  const shutters = state?.shutters.length ? state.shutters : own;
  if (!state && shutters.length === 0) return null;
  return (
    <svg className="presentation" aria-hidden data-presentation={state?.label}>
      <Shutters shutters={shutters} mapping={now.mapping} />
      {state && <Drawings state={state} mapping={now.mapping} />}
    </svg>
  );
}

function Shutters({ shutters, mapping }: { shutters: readonly Shutter[]; mapping: View['mapping'] }) {
  const mask = useId();
  if (shutters.length === 0) return null;
  const outline = (points: readonly (readonly [number, number])[]) =>
    points.map(([x, y]) => mapping.toStage(x, y).join(' ')).join(' ');
  const shapeOf = (shutter: Shutter): [number, number][] => {
    if (shutter.shape === 'polygon') return shutter.points;
    if (shutter.shape === 'rectangle') {
      const { left, right, top, bottom } = shutter;
      return [
        [left, top],
        [right, top],
        [right, bottom],
        [left, bottom],
      ];
    }
    return Array.from({ length: 72 }, (_, i): [number, number] => {
      const angle = (i * Math.PI) / 36;
      return [shutter.x + shutter.radius * Math.cos(angle), shutter.y + shutter.radius * Math.sin(angle)];
    });
  };
  // Outside of any of the shapes is covered: one cover for each.
  return (
    <>
      {shutters.map((shutter, i) => (
        <g key={i} className="shutter" data-shutter={shutter.shape}>
          <mask id={`${mask}-${i}`}>
            <rect width="100%" height="100%" fill="#fff" />
            <polygon points={outline(shapeOf(shutter))} fill="#000" />
          </mask>
          <rect width="100%" height="100%" mask={`url(#${mask}-${i})`} />
        </g>
      ))}
    </>
  );
}

function Drawings({ state, mapping }: { state: Presentation; mapping: View['mapping'] }) {
  const area = state.area ?? { left: 0, top: 0, right: mapping.columns - 1, bottom: mapping.rows - 1 };
  const corners = [mapping.toStage(area.left, area.top), mapping.toStage(area.right + 1, area.bottom + 1)];
  const xs = corners.map(([x]) => x).sort((a, b) => a - b);
  const ys = corners.map(([, y]) => y).sort((a, b) => a - b);
  /** DISPLAY: a share of the displayed area as it is turned on the screen (C.10.5.1.1). */
  const place = ([x, y]: readonly [number, number], display: boolean): [number, number] =>
    display ? [xs[0]! + x * (xs[1]! - xs[0]!), ys[0]! + y * (ys[1]! - ys[0]!)] : mapping.toStage(x, y);
  return (
    <>
      {state.graphics.map((graphic, i) => (
        <Drawing key={i} graphic={graphic} place={(point) => place(point, graphic.display)} />
      ))}
      {state.labels.map(({ text: words, at, anchor, display }, i) => {
        const [x, y] = place(at, display);
        const to = anchor && place(anchor, display);
        return (
          <g key={i}>
            {to && <line x1={x} y1={y} x2={to[0]} y2={to[1]} />}
            {words.split(/\r\n?|\n/).map((line, row) => (
              <text key={row} x={x} y={y + 14 + row * 17}>
                {line}
              </text>
            ))}
          </g>
        );
      })}
    </>
  );
}

function Drawing({
  graphic,
  place,
}: {
  graphic: Graphic;
  place: (point: readonly [number, number]) => [number, number];
}) {
  const points = graphic.points.map(place);
  const className = graphic.filled ? 'filled' : undefined;
  const [first, second] = points;
  switch (graphic.type) {
    case 'POINT':
      return <path d={`M${first![0] - 6} ${first![1]}h12M${first![0]} ${first![1] - 6}v12`} />;
    case 'CIRCLE':
      // Centre and a point of its edge (C.10.5.1.2).
      return second ? (
        <circle
          className={className}
          cx={first![0]}
          cy={first![1]}
          r={Math.hypot(second[0] - first![0], second[1] - first![1])}
        />
      ) : null;
    case 'ELLIPSE': {
      // The ends of the major and of the minor axis.
      const [a, b, c, d] = points;
      if (!a || !b || !c || !d) return null;
      const [cx, cy] = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
      const angle = (Math.atan2(b[1] - a[1], b[0] - a[0]) * 180) / Math.PI;
      return (
        <ellipse
          className={className}
          cx={cx}
          cy={cy}
          rx={Math.hypot(b[0] - a[0], b[1] - a[1]) / 2}
          ry={Math.hypot(d[0] - c[0], d[1] - c[1]) / 2}
          transform={`rotate(${angle} ${cx} ${cy})`}
        />
      );
    }
    default:
      return <polyline className={className} points={points.map((point) => point.join(' ')).join(' ')} />;
  }
}
