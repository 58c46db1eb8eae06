/** The images of a case in the viewer of the reading page, with the frames that are drawn on them. */
import { useMemo, useRef, useState } from 'react';
import type { Box, CaseToLabel, Finding, LabelBox } from '../../doors/api/contract.ts';
import { useKeys } from '../keys.ts';
import { OverlayPlanes } from '../reading/objects/Overlays.tsx';
import { EdgeLetters } from '../reading/stacks/EdgeLetters.tsx';
import { Thumbs } from '../reading/stacks/Thumbs.tsx';
import { useStacks } from '../reading/stacks/useStacks.ts';
import { middle } from '../reading/viewer/boxes.ts';
import { imageIdOf, refOf } from '../reading/viewer/loading/imageId.ts';
import { StackProgress } from '../reading/viewer/loading/StackProgress.tsx';
import { DrawSheet, Marks, rectangle } from '../reading/viewer/Marks.tsx';
import { ToolBar } from '../reading/viewer/Tools.tsx';
import type { ToolName } from '../reading/viewer/tools/bindings.ts';
import { useLongPress } from '../reading/viewer/tools/longPress.ts';
import { Stage, type StageHandle, type View } from '../reading/viewer/viewport/Stage.tsx';
import { orCode, useText } from '../text.ts';
import { usePhone } from '../ui/Dialog.tsx';

/** A frame while it is worked on. */
export interface Drawn extends LabelBox {
  id: string;
}
/** Of the readings between which somebody settles: instead of names. */
export const letterOf = (reading: number): string => 'AB'[reading] ?? String(reading + 1);

export function Light(props: {
  of: CaseToLabel;
  boxes: readonly Drawn[];
  selected: string | null;
  drawing: boolean;
  onSelect: (id: string | null) => void;
  onAdd: (box: LabelBox) => void;
  onChange: (id: string, box: Box) => void;
  onDrawing: (on: boolean) => void;
}) {
  const { t } = useText();
  const { of, boxes, selected, drawing } = props;
  const phone = usePhone();
  const groups = useStacks(of);
  const images = useMemo(() => groups.flatMap(({ shown }) => shown), [groups]);
  const [index, setIndex] = useState(0);
  const [tool, setTool] = useState<ToolName>(() => (phone && images.length > 1 ? 'scroll' : 'window'));
  const [inverted, setInverted] = useState(false);
  const stage = useRef<StageHandle>(null);
  const view = useRef<View | null>(null);
  const light = useRef<HTMLDivElement>(null);
  useLongPress(light, tool);
  const at = Math.min(index, Math.max(0, images.length - 1));
  const group = groups.find(({ start, shown }) => at >= start && at < start + shown.length);
  const imageIds = useMemo(() => group?.shown.map(({ ref, frame }) => imageIdOf(ref, frame)) ?? [], [group]);
  const step = (by: number) => setIndex(Math.min(images.length - 1, Math.max(0, at + by)));
  const acts = {
    invert: () => {
      stage.current?.invert();
      setInverted((on) => !on);
    },
    rotate: () => stage.current?.rotate(),
    flip: () => stage.current?.flip(),
    reset: () => stage.current?.reset(),
    trueSize: null,
    capture: null,
    print: null,
    secondWindow: null,
    keyImage: null,
  };
  /** Without a pointer: the frame stands in the middle and is moved with arrows. */
  const place = () => {
    const now = view.current;
    if (!drawing || !now) return;
    props.onAdd({ sopInstanceUid: refOf(now.imageId).sopInstanceUid, box: middle(now.mapping) });
    requestAnimationFrame(() => light.current?.querySelector<SVGElement>('.mark.editing .frame')?.focus());
  };
  useKeys([
    ...(['window', 'zoom', 'pan', 'magnify'] as const).map((name) => ({
      keys: [{ window: 'w', zoom: 'z', pan: 'p', magnify: 'm' }[name]],
      label: t(`viewer.tool.${name}`),
      run: () => setTool(name),
    })),
    { keys: ['i'], label: t('viewer.invert'), run: acts.invert },
    { keys: ['y'], label: t('viewer.rotate'), run: acts.rotate },
    { keys: ['j'], label: t('viewer.flip'), run: acts.flip },
    { keys: ['r', 'f'], label: t('viewer.reset'), run: acts.reset },
    { keys: ['v'], label: t('viewer.nextWindow'), run: () => stage.current?.nextWindow() },
    { keys: ['ArrowRight', 'ArrowDown'], label: t('keys.nextImage'), run: () => step(1) },
    { keys: ['ArrowLeft', 'ArrowUp'], label: t('keys.previousImage'), run: () => step(-1) },
    ...(drawing ? [{ keys: [' '], label: t('label.keys.place'), run: place }] : []),
  ]);
  const layersOf = (now: View) => {
    view.current = now;
    const { sopInstanceUid } = refOf(now.imageId);
    const here = boxes.filter((each) => each.sopInstanceUid === sopInstanceUid);
    const editing = here.find(({ id }) => id === selected);
    return (
      <>
        <Readings of={of} now={now} sopInstanceUid={sopInstanceUid} />
        <Marks
          mapping={now.mapping}
          findings={here.map((each) => asFinding(each, boxes.indexOf(each) + 1))}
          selected={selected}
          onSelect={props.onSelect}
          heat={null}
          editing={editing?.box ?? null}
          onEdit={(box) => editing && props.onChange(editing.id, box)}
        />
        {drawing && (
          <DrawSheet
            key={now.imageId}
            mapping={now.mapping}
            onBox={(box) => props.onAdd({ sopInstanceUid, box })}
            onCancel={() => props.onDrawing(false)}
          />
        )}
      </>
    );
  };
  const current = images[at];
  return (
    <>
      <nav className="thumbs" aria-label={t('viewer.images')}>
        <Thumbs
          groups={groups}
          keyImages={NONE}
          objects={[]}
          index={at}
          document={null}
          onIndex={setIndex}
          onDocument={() => undefined}
        />
      </nav>
      <div className="light" ref={light}>
        {images.length === 0 && <p className="stage-note">{t('viewer.noImages')}</p>}
        {group && (
          <div className="panes" data-layout="1x1">
            <div className="pane">
              <Stage
                key={of.study.studyUid}
                ref={stage}
                imageIds={imageIds}
                index={at - group.start}
                onIndex={(next) => setIndex(group.start + next)}
                tool={tool}
              >
                {(now) => (
                  <>
                    {layersOf(now)}
                    <EdgeLetters now={now} />
                    <OverlayPlanes now={now} />
                    <div className="corner tl">
                      {[
                        orCode(t, 'viewPosition', current?.instance.viewPosition ?? ''),
                        current?.instance.laterality && orCode(t, 'laterality', current.instance.laterality),
                        images.length > 1 && `${at + 1}/${images.length}`,
                      ]
                        .filter(Boolean)
                        .join(' · ') || current?.series.modality}
                    </div>
                  </>
                )}
              </Stage>
            </div>
          </div>
        )}
        {group && <StackProgress imageIds={imageIds} index={at - group.start} />}
        <ToolBar
          tool={tool}
          onTool={setTool}
          measures={false}
          scrolls={imageIds.length > 1}
          inverted={inverted}
          acts={acts}
          windows={[]}
          layout={null}
          link={null}
          ai={null}
        />
      </div>
    </>
  );
}
const NONE: ReadonlySet<string> = new Set();

/** A frame as the marks of the reading page draw it: a person's, blue and solid. */
const asFinding = ({ id, sopInstanceUid, box }: Drawn, number: number): Finding => ({
  id,
  by: 'reader',
  modelId: null,
  sopInstanceUid,
  number,
  label: 'label',
  places: [],
  score: null,
  decision: 'accepted',
  box,
  text: null,
  decidedAt: null,
});

/** What two readers drew, by letter: for who settles between them. */
function Readings(props: { of: CaseToLabel; now: View; sopInstanceUid: string }) {
  const { mapping } = props.now;
  return (
    <svg className="marks">
      {props.of.readings.flatMap(({ boxes }, i) =>
        boxes
          .filter((each) => each.sopInstanceUid === props.sopInstanceUid)
          .map(({ box }, j) => {
            const area = rectangle(box, mapping);
            return (
              <g key={`${i} ${j}`} className="reading-of">
                <rect {...area} rx={4} />
                <text x={area.x + 6} y={area.y + 16}>
                  {letterOf(i)}
                </text>
              </g>
            );
          }),
      )}
    </svg>
  );
}
