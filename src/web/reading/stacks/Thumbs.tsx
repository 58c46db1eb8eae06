/** The study at a glance: a thumbnail for each view or stack, and everything that is no image by its name. */
import {
  Activity,
  Bookmark,
  Box,
  FileText,
  Film,
  Move3d,
  Presentation,
  ScrollText,
  Shapes,
  Target,
  type LucideIcon,
} from 'lucide-react';
import { orCode, useText } from '../../text.ts';
import type { Kind } from '../objects/kinds.ts';
import { objectTitle, type StudyObject } from '../objects/list.ts';
import { thumbnailUrl } from '../viewer/loading/dicomweb.ts';
import { eachAlone, type Group, type ShownImage } from './useStacks.ts';

const ICONS: Readonly<Record<Kind, LucideIcon>> = {
  image: Box,
  video: Film,
  pdf: FileText,
  sr: ScrollText,
  keys: Bookmark,
  presentation: Presentation,
  segmentation: Shapes,
  rt: Target,
  waveform: Activity,
  registration: Move3d,
  raw: Box,
  other: Box,
};

export function Thumbs(props: {
  groups: readonly Group[];
  objects: readonly StudyObject[];
  /** Of all images of the study; null while a document is read. */
  index: number | null;
  /** `INSTANCE FRAME` of the images that a reader marked as key. */
  keyImages: ReadonlySet<string>;
  document: string | null;
  onIndex: (index: number) => void;
  onDocument: (sopInstanceUid: string) => void;
}) {
  const { t } = useText();
  const { groups, objects, index } = props;
  const marked = ({ ref, frame }: ShownImage) => props.keyImages.has(`${ref.sopInstanceUid} ${frame}`);
  const bookmark = <Bookmark className="key" size={16} role="img" aria-label={t('marks.kind.key')} />;
  const nameOf = ({ instance, series }: ShownImage, i: number) =>
    orCode(t, 'viewPosition', instance.viewPosition) || series.modality || String(i + 1);
  return (
    <>
      {groups.flatMap((group) => {
        const within = index !== null && index >= group.start && index < group.start + group.shown.length;
        if (eachAlone(group))
          return group.shown.map((image, i) => (
            <button
              key={`${image.ref.sopInstanceUid}-${image.frame}`}
              type="button"
              aria-current={index === group.start + i || undefined}
              onClick={() => props.onIndex(group.start + i)}
            >
              <img src={thumbnailUrl(image.ref)} alt="" width={64} height={64} loading="lazy" />
              {marked(image) && bookmark}
              <small>{nameOf(image, group.start + i)}</small>
            </button>
          ));
        const middle = group.shown[Math.floor((group.shown.length - 1) / 2)];
        if (!middle) return [];
        const name = group.series.description || group.series.modality;
        return [
          <button
            key={group.key}
            type="button"
            className="stack"
            title={name}
            aria-current={within || undefined}
            onClick={() => !within && props.onIndex(group.start)}
          >
            <img src={thumbnailUrl(middle.ref)} alt="" width={64} height={64} loading="lazy" />
            {group.shown.some(marked) && bookmark}
            <small>
              <bdi>{group.localizer ? t('stacks.localizer') : name}</bdi> ·{' '}
              <span className="num">{group.shown.length}</span>
            </small>
          </button>,
        ];
      })}
      {objects.map((object) => {
        const Icon = ICONS[object.kind];
        const uid = object.ref.sopInstanceUid;
        return (
          <button
            key={uid}
            type="button"
            className="object-tile"
            data-kind={object.kind}
            title={objectTitle(t, object)}
            aria-current={props.document === uid || undefined}
            onClick={() => props.onDocument(uid)}
          >
            <span className="tile">
              <Icon size={22} aria-hidden />
            </span>
            <small>{t(`kind.${object.kind}`)}</small>
          </button>
        );
      })}
    </>
  );
}
