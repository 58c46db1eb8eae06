/** What is made ready for reading while the list, or another study, is looked at. */
import { openingImages, type Stackable } from './stacks/useStacks.ts';
import { prefetch } from './viewer/loading/prefetch.ts';
import { engine } from './viewer/viewport/engine.ts';

/** Starts what draws: its code has come already, and its contexts take a moment. */
export const warmUp = (): void => void engine().catch(() => undefined);

/** The images with which a study opens. */
export const warmStudy = (view: Stackable, count = 1): void => prefetch(openingImages(view, count));
