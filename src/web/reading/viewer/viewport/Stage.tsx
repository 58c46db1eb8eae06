/** One image on black: Cornerstone's canvas, our marks above it, and where lengths come from. */
import { Enums, eventTarget, type Types } from '@cornerstonejs/core';
import { ToolGroupManager } from '@cornerstonejs/tools';
import { useEffect, useId, useImperativeHandle, useRef, useState } from 'react';
import type { ReactNode, Ref } from 'react';
import type { Presentation } from '../../../../doors/api/contract.ts';
import { useText } from '../../../text.ts';
import { turnOf } from '../tools/turn.ts';
import { Preview } from '../loading/Preview.tsx';
import { loadedOf, type Loaded } from '../loading/loaded.ts';
import { formOf } from '../loading/pixels.ts';
import { rangeOfWindow, windowOfRange, type Window } from '../loading/voi.ts';
import { activate, TOOL_GROUP, type ToolName } from '../tools/bindings.ts';
import { engine, ENGINE } from './engine.ts';

/** Between image pixels (x right, y down, origin at the corner) and CSS pixels on the stage. */
export interface Mapping {
  toStage(x: number, y: number): [number, number];
  toImage(x: number, y: number): [number, number];
  /** CSS pixels of one image pixel. */
  scale: number;
  columns: number;
  rows: number;
}
export interface StageHandle {
  reset(): void;
  invert(): void;
  /** A quarter clockwise. */
  rotate(): void;
  /** Left to right, as the image lies. */
  flip(): void;
  /** The next of the windows that the header proposes. */
  nextWindow(): void;
  setWindow(window: Window): void;
  /** Shows one image pixel as so many CSS pixels. */
  scaleTo(cssPixels: number): void;
  /** Window, inversion, turn and mirror of a presentation state (PS3.3 C.10.6, C.11.8). */
  present(state: PresentedAs): void;
}
export interface PresentedAs {
  window: Window | undefined;
  /** The smallest value is white; the image's Photometric Interpretation does not count any more (PS3.4 N.2.1). */
  inverted: boolean;
  /** Degrees clockwise; then mirrored left to right. */
  rotation: number;
  flipped: boolean;
}
interface View {
  imageId: string;
  mapping: Mapping;
  centre: number;
  width: number;
  inverted: boolean;
  /** How the image lies: turned clockwise, then flipped left to right. */
  turn: Pick<Presentation, 'rotation' | 'flipped'>;
  loaded: Loaded;
}

export function Stage(props: {
  imageIds: readonly string[];
  index: number;
  onIndex: (index: number) => void;
  tool: ToolName;
  ref?: Ref<StageHandle>;
  /** Corners and marks, drawn again whenever the image moves. */
  children: (view: View) => ReactNode;
}) {
  const { t } = useText();
  const { imageIds, index, onIndex, tool } = props;
  const element = useRef<HTMLDivElement>(null);
  const viewportId = `stage${useId()}`;
  const viewport = useRef<Types.IStackViewport | null>(null);
  const [view, setView] = useState<View | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const [slow, setSlow] = useState(false);
  const report = useRef(onIndex);
  report.current = onIndex;
  const ids = useRef(imageIds);
  ids.current = imageIds;
  const stack = imageIds.join(' ');

  useEffect(() => {
    const host = element.current!;
    let gone = false;
    let frame = 0;
    /** As last drawn: what filled the stage fills it also at another size. */
    let fitted = true;
    const refresh = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => {
        const present = viewport.current;
        if (!present || gone) return;
        const next = viewOf(present);
        if (!next) return;
        fitted = isFitted(next.mapping, host.clientWidth, host.clientHeight);
        setView(next);
      });
    };
    const turned = (event: Event) => {
      // By name: what comes late of another stack is none of this one.
      const place = ids.current.indexOf((event as CustomEvent<{ imageId: string }>).detail.imageId);
      if (place < 0) return;
      setFailed(null);
      report.current(place);
    };
    // Cornerstone tells of it by this alone where it draws with the GPU: its promises are kept all the same.
    const broken = (event: Event) => {
      const { imageId, error } = (event as CustomEvent<{ imageId: string; error: unknown }>).detail;
      const place = ids.current.indexOf(imageId);
      if (place < 0 || imageId !== viewport.current?.getCurrentImageId() || wasGivenUp(error)) return;
      setFailed(messageOf(error));
      report.current(place);
    };
    const events = [Enums.Events.IMAGE_RENDERED, Enums.Events.CAMERA_MODIFIED, Enums.Events.VOI_MODIFIED];
    for (const name of events) host.addEventListener(name, refresh);
    host.addEventListener(Enums.Events.STACK_NEW_IMAGE, turned);
    eventTarget.addEventListener(Enums.Events.IMAGE_LOAD_ERROR, broken);
    const sizes = new ResizeObserver(() => {
      if (!viewport.current) return;
      void engine().then((each) => {
        const present = viewport.current;
        if (gone || !present) return;
        const turn = fitted && present.getCurrentImageId() ? present.getViewPresentation() : null;
        each.resize(true, true);
        if (turn) {
          const { rotation, flipHorizontal } = turn;
          present.resetCamera();
          present.setViewPresentation({ ...present.getViewPresentation(), rotation, flipHorizontal });
          present.render();
        }
        refresh();
      });
    });
    void engine().then((each) => {
      if (gone) return;
      each.enableElement({
        viewportId,
        type: Enums.ViewportType.STACK,
        element: host,
        defaultOptions: { background: [0, 0, 0] },
      });
      viewport.current = each.getViewport(viewportId) as Types.IStackViewport;
      ToolGroupManager.getToolGroup(TOOL_GROUP)?.addViewport(viewportId, ENGINE);
      sizes.observe(host);
      setReady(true);
    });
    return () => {
      gone = true;
      cancelAnimationFrame(frame);
      sizes.disconnect();
      for (const name of events) host.removeEventListener(name, refresh);
      host.removeEventListener(Enums.Events.STACK_NEW_IMAGE, turned);
      eventTarget.removeEventListener(Enums.Events.IMAGE_LOAD_ERROR, broken);
      if (viewport.current) {
        viewport.current = null;
        ToolGroupManager.getToolGroup(TOOL_GROUP)?.removeViewports(ENGINE, viewportId);
        void engine().then((each) => each.disableElement(viewportId));
      }
    };
  }, []);
  const [ready, setReady] = useState(false);

  useEffect(() => {
    const present = viewport.current;
    if (!ready || !present || imageIds.length === 0) return;
    let late = false;
    setFailed(null);
    setView(null);
    const skeleton = setTimeout(() => setSlow(true), 300);
    present
      .setStack([...imageIds], Math.min(index, imageIds.length - 1))
      .then(() => {
        if (!late) present.render();
      })
      .catch((error: unknown) => {
        if (!late && !wasGivenUp(error)) setFailed(messageOf(error));
      })
      .finally(() => {
        clearTimeout(skeleton);
        setSlow(false);
      });
    return () => {
      late = true;
      clearTimeout(skeleton);
    };
    // The index is followed below; only another stack loads anew.
  }, [ready, stack]);

  useEffect(() => {
    const present = viewport.current;
    if (!ready || !present || !present.getImageIds().length || present.getCurrentImageIdIndex() === index)
      return;
    let late = false;
    setFailed(null);
    present.setImageIdIndex(index).catch((error: unknown) => {
      // What was given up on a jump, or fails behind it, is no longer in view.
      if (!late && !wasGivenUp(error)) setFailed(messageOf(error));
    });
    return () => {
      late = true;
    };
  }, [ready, index, stack]);

  useEffect(() => {
    if (ready) activate(tool);
  }, [ready, tool]);

  useImperativeHandle(props.ref, () => ({
    reset() {
      const present = viewport.current;
      const loaded = present && loadedOf(present.getCurrentImageId());
      if (!present || !loaded) return;
      // Not by resetProperties(): that gives back the curve of before it was inverted, and MONOCHROME1 would stand as its negative.
      present.setProperties({
        voiRange: rangeOfWindow(loaded.window),
        invert: formOf(loaded.metadata).photometric === 'MONOCHROME1',
      });
      present.resetCamera();
      present.render();
    },
    invert() {
      const present = viewport.current;
      if (!present) return;
      present.setProperties({ invert: !present.getProperties().invert });
      present.render();
    },
    nextWindow() {
      const present = viewport.current;
      const loaded = present && loadedOf(present.getCurrentImageId());
      if (!present || !loaded?.presets.length) return;
      const { voiRange } = present.getProperties();
      const at = loaded.presets.findIndex((preset) => {
        const range = rangeOfWindow(preset);
        return (
          voiRange &&
          Math.abs(range.lower - voiRange.lower) < 0.5 &&
          Math.abs(range.upper - voiRange.upper) < 0.5
        );
      });
      const next = loaded.presets[(at + 1) % loaded.presets.length]!;
      present.setProperties({ voiRange: rangeOfWindow(next) });
      present.render();
    },
    present({ window, inverted, rotation, flipped }) {
      const present = viewport.current;
      const loaded = present && loadedOf(present.getCurrentImageId());
      if (!present || !loaded) return;
      present.setProperties({ ...(window && { voiRange: rangeOfWindow(window) }), invert: inverted });
      present.resetCamera();
      present.setViewPresentation({
        ...present.getViewPresentation(),
        // Cornerstone mirrors first, the standard turns first.
        rotation: flipped ? (360 - rotation) % 360 : rotation,
        flipHorizontal: flipped,
      });
      present.render();
    },
    setWindow(window) {
      viewport.current?.setProperties({ voiRange: rangeOfWindow(window) });
      viewport.current?.render();
    },
    scaleTo(cssPixels) {
      const present = viewport.current;
      const now = present && viewOf(present);
      if (!now) return;
      present.setZoom((present.getZoom() * cssPixels) / now.mapping.scale);
      present.render();
    },
    rotate() {
      const present = viewport.current;
      if (!present) return;
      // As the eye sees it, flipped or not: Cornerstone rolls its camera.
      present.setViewPresentation({ rotation: ((present.getViewPresentation().rotation ?? 0) + 90) % 360 });
      present.render();
    },
    flip() {
      const present = viewport.current;
      if (!present) return;
      // Not by the view presentation: that only flips, and never back.
      present.setCamera({ flipHorizontal: !present.getCamera().flipHorizontal });
      present.render();
    },
  }));

  return (
    <div className="stage" data-ready={view !== null || undefined} data-image={view?.imageId}>
      <div
        ref={element}
        className="canvas"
        role="img"
        aria-label={t('viewer.image', { number: index + 1, count: imageIds.length })}
        onContextMenu={(event) => event.preventDefault()}
      />
      {view && !failed && props.children(view)}
      {!view && !failed && imageIds[index] && <Preview key={imageIds[index]} imageId={imageIds[index]} />}
      {!view && !failed && slow && <p className="stage-note">{t('viewer.loading')}</p>}
      {failed && (
        <p className="stage-note" role="alert">
          {t('viewer.failed')}
          <small>{failed}</small>
        </p>
      )}
    </div>
  );
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
/** On a jump: nobody waits for that image any more. */
const wasGivenUp = (error: unknown): boolean => (error as Error | null)?.name === 'AbortError';

/** Whether the image fills the stage, in the middle, as it does when it comes; to within a hundredth. */
function isFitted({ toStage, columns, rows }: Mapping, width: number, height: number): boolean {
  const corners = [toStage(0, 0), toStage(columns, 0), toStage(0, rows), toStage(columns, rows)];
  const [left, right] = [Math.min(...corners.map(([x]) => x)), Math.max(...corners.map(([x]) => x))];
  const [top, bottom] = [Math.min(...corners.map(([, y]) => y)), Math.max(...corners.map(([, y]) => y))];
  const filled = Math.max((right - left) / width, (bottom - top) / height);
  const away = Math.max(Math.abs(left + right - width) / width, Math.abs(top + bottom - height) / height);
  return Math.abs(filled - 1) < 0.01 && away < 0.01;
}

function viewOf(viewport: Types.IStackViewport): View | null {
  const imageId = viewport.getCurrentImageId();
  const loaded = imageId ? loadedOf(imageId) : undefined;
  const data = viewport.getImageData();
  if (!imageId || !loaded || !data) return null;
  const [columns, rows] = data.dimensions;
  const [dx, dy] = data.spacing;
  // The centre of the first pixel lies at the world's origin; its corner half a pixel before.
  const world = (x: number, y: number): Types.Point3 => [(x - 0.5) * dx!, (y - 0.5) * dy!, 0];
  const toStage = (x: number, y: number) => viewport.worldToCanvas(world(x, y)) as [number, number];
  const [ax, ay] = toStage(0, 0);
  const [bx, by] = toStage(1000, 0);
  const { voiRange, invert } = viewport.getProperties();
  const window = voiRange ? windowOfRange(voiRange, loaded.window.function) : loaded.window;
  return {
    imageId,
    loaded,
    centre: window.centre,
    width: window.width,
    // MONOCHROME1 is drawn inverted to look as it should: only the reader's own inversion counts.
    inverted: Boolean(invert) !== (formOf(loaded.metadata).photometric === 'MONOCHROME1'),
    turn: turnOf(toStage),
    mapping: {
      toStage,
      toImage(x, y) {
        const [wx, wy] = viewport.canvasToWorld([x, y]);
        return [wx / dx! + 0.5, wy / dy! + 0.5];
      },
      // The image may be turned.
      scale: Math.hypot(bx - ax, by - ay) / 1000,
      columns: columns!,
      rows: rows!,
    },
  };
}
export type { View };
