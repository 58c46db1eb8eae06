/** A Key Object Selection: why, by whom, and its images to be opened (PS3.3 A.35.4, PS3.16 TID 2010). */
import { useMemo } from 'react';
import { useText } from '../../text.ts';
import { thumbnailUrl, type InstanceRef, type Metadata } from '../viewer/loading/dicomweb.ts';
import { conceptName } from './concepts.ts';
import { imagesOf, srTree, type SrReference } from './sr.ts';

export function KeysView(props: {
  metadata: Metadata;
  openerOf: (reference: SrReference) => (() => void) | undefined;
  refOf: (sopInstanceUid: string) => InstanceRef | undefined;
}) {
  const { t, language } = useText();
  const root = useMemo(() => srTree(props.metadata), [props.metadata]);
  const images = useMemo(() => imagesOf(root), [root]);
  const words = root.children.filter(({ type, value }) => type === 'TEXT' && value);
  const known = images.flatMap((reference) => {
    const open = props.openerOf(reference);
    const ref = props.refOf(reference.sopInstanceUid);
    return open && ref ? [{ reference, open, ref }] : [];
  });
  return (
    <div className="keys">
      <h2>{root.name ? conceptName(root.name, language) : t('kind.keys')}</h2>
      {words.map(({ id, value }) => (
        <p key={id} className="sr-text">
          {value}
        </p>
      ))}
      <ul className="key-images">
        {known.map(({ reference, open, ref }, i) => (
          <li key={`${reference.sopInstanceUid}-${reference.frames.join()}`}>
            <button type="button" onClick={open}>
              <img src={thumbnailUrl(ref, 256)} alt="" width={128} height={128} loading="lazy" />
              <small>{t('objects.keyImage', { number: i + 1 })}</small>
            </button>
          </li>
        ))}
      </ul>
      {known.length < images.length && (
        <p className="faint">{t('objects.keysElsewhere', { count: images.length - known.length })}</p>
      )}
    </div>
  );
}
