/**
 * What a model said, kept beside the results as it comes: an interrupted study goes on, and one with another table of labels
 * does not ask again. A line a score; a line that was torn by a crash is left out and asked again.
 */
import { createHash } from 'node:crypto';
import { appendFile, readFile } from 'node:fs/promises';
import type { ModelPackage } from '../assist/package.ts';
import type { Answer } from './types.ts';

/** Changes whenever the code between the file and the network does so that scores can differ. */
const PREPARATION = 1;

/** What a score depends on: the weights, how the manifest has images prepared and outputs read, the label, and the bytes of the image. */
export function keyOf({ manifest }: ModelPackage, label: string): (imageSha256: string) => string {
  const { weights, input, outputs } = manifest;
  const model = JSON.stringify([PREPARATION, weights.sha256, input, outputs, label]);
  return (imageSha256) => createHash('sha256').update(`${model}\n${imageSha256}`).digest('hex');
}

export interface Scores {
  get(key: string): Answer | undefined;
  /** Resolves once it is written. */
  put(key: string, answer: Answer): Promise<void>;
}

export async function openScores(path: string): Promise<Scores> {
  const kept = new Map<string, Answer>();
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  for (const line of text.split('\n')) {
    const read = answerOf(line);
    if (read) kept.set(read.key, read.answer);
  }
  // The rest of a torn line must not swallow the next one.
  let before = text === '' || text.endsWith('\n') ? '' : '\n';
  let queue: Promise<unknown> = Promise.resolve();
  return {
    get: (key) => kept.get(key),
    put(key, answer) {
      const written = queue.then(async () => {
        await appendFile(path, `${before}${JSON.stringify({ key, ...answer })}\n`);
        before = '';
        kept.set(key, answer);
      });
      queue = written.catch(() => undefined);
      return written;
    },
  };
}

function answerOf(line: string): { key: string; answer: Answer } | undefined {
  try {
    const { key, score, marks, seconds } = JSON.parse(line) as Answer & { key: string };
    return typeof key === 'string' && Number.isFinite(score)
      ? { key, answer: { score, marks, seconds } }
      : undefined;
  } catch {
    return undefined;
  }
}
