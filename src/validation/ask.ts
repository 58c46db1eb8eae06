/** The one place where a study meets the runner of models. */
import type { ModelPackage } from '../assist/package.ts';
import { createRunner } from '../assist/runner/runner.ts';
import { NegatoscopeError, reasonOf } from '../errors.ts';
import { formOf, greyOfPicture } from './picture.ts';
import { answerOf } from './target.ts';
import type { Answer } from './types.ts';

export interface Asker {
  /** @throws NegatoscopeError as the runner does */
  ask(bytes: Uint8Array, signal?: AbortSignal): Promise<Answer>;
  close(): Promise<void>;
}

/** A process of the model, one image at a time. DICOM is decoded there, by the code that decodes it in the archive's runs. */
export function createAsker(model: ModelPackage, label: string): Asker {
  const runner = createRunner({ model, threads: 1 });
  return {
    async ask(bytes, signal) {
      const began = performance.now();
      const work =
        formOf(bytes) === 'dicom'
          ? ({ kind: 'dicom', file: bytes } as const)
          : ({ kind: 'grey', plane: await greyOfPicture(bytes) } as const);
      const result = await runner.analyse(work, signal);
      const seconds = Math.round(performance.now() - began) / 1000;
      return { ...answerOf(model.manifest, label, result), seconds };
    },
    close: () => runner.close(),
  };
}

/** Errors after which no image can be analysed: the study ends with them. */
const FATAL = new Set(['aborted', 'model-weights', 'model-manifest']);
/** The process ended: another is started, and the image asked once more. */
const AGAIN = new Set(['model-process']);

export type Outcome =
  { readonly answer: Answer } | { readonly failed: 'unreadable' | 'model-failed'; readonly detail: string };

/** @throws NegatoscopeError `aborted`, `model-weights` */
export async function outcomeOf(asker: Asker, bytes: Uint8Array, signal?: AbortSignal): Promise<Outcome> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return { answer: await asker.ask(bytes, signal) };
    } catch (error) {
      const code = error instanceof NegatoscopeError ? error.code : 'model-error';
      if (FATAL.has(code) || signal?.aborted) throw error;
      if (AGAIN.has(code) && attempt === 1) continue;
      return {
        failed: code === 'pixels-undecodable' ? 'unreadable' : 'model-failed',
        detail: `${code}: ${reasonOf(error)}`.slice(0, 300),
      };
    }
  }
}
