/** The name that an image has inside the page: `negatoscope:STUDY/SERIES/INSTANCE/FRAME`. */
import type { InstanceRef } from './dicomweb.ts';

export const SCHEME = 'negatoscope';

export const imageIdOf = (ref: InstanceRef, frame = 1): string =>
  `${SCHEME}:${ref.studyUid}/${ref.seriesUid}/${ref.sopInstanceUid}/${frame}`;
export function refOf(imageId: string): InstanceRef & { frame: number } {
  const [studyUid, seriesUid, sopInstanceUid, frame] = imageId.slice(SCHEME.length + 1).split('/');
  return {
    studyUid: studyUid!,
    seriesUid: seriesUid!,
    sopInstanceUid: sopInstanceUid!,
    frame: Number(frame),
  };
}
