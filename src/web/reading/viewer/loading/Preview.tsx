/** The server's picture of an image, named as a preview, until its full pixels are there. Another image is another preview. */
import { useEffect, useState } from 'react';
import { useText } from '../../../text.ts';
import { instanceUrl } from './dicomweb.ts';
import { refOf } from './imageId.ts';

/** Full pixels that are there sooner need none, and the server is spared drawing it; ms. */
const WAIT_MS = 250;
/** Px: enough for any screen at a glance, a few hundredths of a radiograph's bytes. */
const SIDE = 1024;

export function Preview({ imageId }: { imageId: string }) {
  const { t } = useText();
  const [due, setDue] = useState(false);
  const [there, setThere] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setDue(true), WAIT_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!due) return null;
  const ref = refOf(imageId);
  return (
    <>
      <img
        className="stage-preview"
        src={`${instanceUrl(ref)}/frames/${ref.frame}/rendered?viewport=${SIDE},${SIDE}`}
        alt=""
        hidden={!there}
        onLoad={() => setThere(true)}
      />
      {there && (
        <p className="stage-preview-label" role="status">
          {t('viewer.preview')}
        </p>
      )}
    </>
  );
}
