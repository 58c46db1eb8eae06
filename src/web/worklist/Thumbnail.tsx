/** A rendered image of a study on black; an empty plate while there is none. */
import { useEffect, useState } from 'react';

export function Thumbnail(props: {
  studyUid: string;
  of: { seriesUid: string; sopInstanceUid: string } | null;
  /** px of the server's rendering, the longer edge. */
  size: number;
  className: string;
  alt?: string;
}) {
  const { studyUid, of, size, className, alt = '' } = props;
  const url = of
    ? `/dicom-web/studies/${studyUid}/series/${of.seriesUid}/instances/${of.sopInstanceUid}/thumbnail?viewport=${size},${size}`
    : null;
  const [failed, setFailed] = useState(false);
  useEffect(() => setFailed(false), [url]);
  return (
    <span className={className}>
      {url && !failed && (
        <img src={url} alt={alt} loading="lazy" decoding="async" onError={() => setFailed(true)} />
      )}
    </span>
  );
}
