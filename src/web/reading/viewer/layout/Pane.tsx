/** One image of the layout: the stage, where it lies, and, beside the first, what it shows and of which exam. */
import type { TFunction } from 'i18next';
import { useLayoutEffect } from 'react';
import type { ReactNode, Ref } from 'react';
import { dicomDate } from '../../../format.ts';
import { examTitle, useText } from '../../../text.ts';
import { OverlayPlanes } from '../../objects/Overlays.tsx';
import { EdgeLetters } from '../../stacks/EdgeLetters.tsx';
import type { ToolName } from '../tools/bindings.ts';
import { Stage, type StageHandle, type View } from '../viewport/Stage.tsx';
import { Crossings } from './Crossings.tsx';
import type { Source } from './sources.ts';
import type { PaneShown } from './usePanes.ts';

export function Pane(props: {
  pane: PaneShown;
  tool: ToolName;
  /** The tools work on it. */
  active: boolean;
  /** It is marked as active: there are others. */
  several: boolean;
  sources: readonly Source[];
  ref: Ref<StageHandle>;
  onActive: () => void;
  onIndex: (index: number) => void;
  onSource: (key: string) => void;
  /** After the stage has drawn something else; null once it shows nothing. */
  onView: (view: View | null) => void;
  /** What lies over the image. */
  children: (view: View) => ReactNode;
}) {
  const { t, language } = useText();
  const { pane } = props;
  return (
    <div
      className="pane"
      data-active={(props.several && props.active) || undefined}
      onPointerDownCapture={props.onActive}
    >
      {pane.images.length > 0 && (
        <Stage
          // Anew for another source: nothing of one exam stands under the name of another while that loads.
          key={pane.source ?? 'first'}
          ref={props.ref}
          imageIds={pane.images}
          index={pane.index}
          onIndex={props.onIndex}
          tool={props.tool}
        >
          {(now) => (
            <>
              <Told now={now} active={props.active} onView={props.onView} />
              <Crossings now={now} plane={pane.plane} others={pane.others} />
              {props.children(now)}
              <EdgeLetters now={now} />
              <OverlayPlanes now={now} />
            </>
          )}
        </Stage>
      )}
      {pane.images.length === 0 && pane.failed && (
        <p className="stage-note" role="alert">
          {t('viewer.failed')}
          <small>{pane.failed}</small>
        </p>
      )}
      {pane.source !== null && (
        <div className="source">
          <SourceSelect sources={props.sources} value={pane.source} onChange={props.onSource} />
          {pane.prior && <strong className="of-prior">{priorName(t, language, pane.prior)}</strong>}
        </div>
      )}
    </div>
  );
}

/** That it is an earlier exam, which, and of when: it must never pass for the one that is read. */
export const priorName = (t: TFunction, language: string, prior: NonNullable<PaneShown['prior']>): string =>
  t('layout.prior', {
    exam: [examTitle(t, prior), dicomDate(prior.studyDate, language)].filter(Boolean).join(' · '),
  });

/**
 * Tells the page what the stage shows, and when it shows nothing any more: before anyone sees it, for a key that is pressed then
 * is for that image.
 */
function Told(props: { now: View; active: boolean; onView: (view: View | null) => void }) {
  const { now, active, onView } = props;
  useLayoutEffect(() => onView(now), [now, active]);
  useLayoutEffect(() => () => onView(null), []);
  return null;
}

function SourceSelect(props: { sources: readonly Source[]; value: string; onChange: (key: string) => void }) {
  const { t } = useText();
  const groups = Map.groupBy(props.sources, ({ group }) => group);
  return (
    <select
      aria-label={t('layout.source')}
      value={props.value}
      onChange={(event) => {
        props.onChange(event.target.value);
        // Keys are for the images again.
        event.target.blur();
      }}
    >
      {[...groups].map(([group, list]) => (
        <optgroup key={group} label={group}>
          {list.map(({ key, label }) => (
            <option key={key} value={key}>
              {label}
            </option>
          ))}
        </optgroup>
      ))}
    </select>
  );
}
