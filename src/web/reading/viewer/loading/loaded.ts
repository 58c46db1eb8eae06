/** What the page knows of the images it has loaded. */
import type { Metadata } from './dicomweb.ts';
import type { Calibration } from '../../../../measure/calibration.ts';
import type { Window } from './pixels.ts';

/** What the page knows of an image once it is loaded. */
export interface Loaded {
  metadata: Metadata;
  presets: Window[];
  window: Window;
  spacing: Calibration;
  /** The values are those after a VOI LUT: what is shown, not what was measured (PS3.3 C.11.2). */
  throughVoi: boolean;
}
/** By image id; an entry goes with the image when the cache lets go of it. */
export const known = new Map<string, Loaded>();
export const loadedOf = (imageId: string): Loaded | undefined => known.get(imageId);
