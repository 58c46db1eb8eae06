/** What is said in the corners of an image: which one it is, how it is shown, and where its lengths come from. */
import { text } from '../loading/dicomweb.ts';
import type { StudyView } from '../../../../doors/api/contract.ts';
import { examTitle, orCode, useText } from '../../../text.ts';
import type { ShownImage } from '../../stacks/useStacks.ts';
import type { View } from '../viewport/Stage.tsx';
import type { PaneShown } from './usePanes.ts';

export function Corners(props: {
  now: View;
  view: StudyView;
  pane: PaneShown;
  /** The image, where it belongs to this exam: that of an earlier one is told of above it. */
  image: ShownImage | undefined;
}) {
  const { t, language } = useText();
  const { now, pane, image } = props;
  const place = image
    ? [
        examTitle(t, props.view.study),
        orCode(t, 'viewPosition', image.instance.viewPosition),
        image.instance.laterality ? orCode(t, 'laterality', image.instance.laterality) : '',
      ]
        .filter(Boolean)
        .join(' · ')
    : '';
  const figure = (value: number, digits = 0) =>
    new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
  const at = pane.images.indexOf(now.imageId);
  return (
    <>
      <div className="corner tl">
        {place && (
          <>
            {place}
            <br />
          </>
        )}
        {text(now.loaded.metadata, '00080060')}
        {at >= 0 && ` · ${at + 1}/${pane.images.length}`}
      </div>
      <div className="corner tr num">
        {t('viewer.window', { width: figure(now.width), centre: figure(now.centre) })}
        <br />× {figure(now.mapping.scale, 2)}
      </div>
      <div className="corner bl">
        {t(`viewer.spacing.${now.loaded.spacing.kind}`)}
        {image?.instance.photo && (
          <>
            <br />
            {t('viewer.photo')}
          </>
        )}
      </div>
    </>
  );
}
