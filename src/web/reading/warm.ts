/** What is made ready for reading while the list is looked at. */
import type { StudyView } from '../../doors/api/contract.ts';
import { imageIdOf } from './viewer/loading/imageId.ts';
import { prefetch } from './viewer/loading/prefetch.ts';
import { engine } from './viewer/viewport/engine.ts';

/** Starts what draws: its code has come already, and its contexts take a moment. */
export const warmUp = (): void => void engine().catch(() => undefined);

/** The image with which a study opens. */
export function warmStudy(view: StudyView): void {
  const series = view.series.find(({ instances }) => instances.some(({ rows }) => rows));
  const instance = series?.instances.find(({ rows }) => rows);
  if (!series || !instance) return;
  const { studyUid } = view.study;
  const { seriesUid } = series;
  prefetch([imageIdOf({ studyUid, seriesUid, sopInstanceUid: instance.sopInstanceUid })]);
}
