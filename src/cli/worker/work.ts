/**
 * A worker: does AI work that waits on a server elsewhere, with the models that lie here. It holds nothing: whatever ends it, the
 * lease of what it had claimed runs out and somebody else does it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { createRunner } from '../../assist/runner/runner.ts';
import type { Runner } from '../../assist/runner/runner.ts';
import type { ModelPackage } from '../../assist/package.ts';
import { resultDocuments } from '../../assist/result.ts';
import { imagesOf } from '../../assist/resultParts.ts';
import { work } from '../../assist/work.ts';
import { newUid } from '../../dicom/index.ts';
import { reasonOf } from '../../errors.ts';
import { VERSION } from '../../version.ts';
import { Refused, type WorkClient, type WorkItem } from './client.ts';

const POLL_MS = 2_000;
/** Well within the lease of a claim. */
const BEAT_MS = 15_000;

export interface WorkerOptions {
  readonly client: WorkClient;
  readonly models: readonly ModelPackage[];
  /** Items at once, each in a process of its own. */
  readonly processes: number;
  readonly timeZone: string;
  /** A line for whoever watches: never a patient. */
  say(line: string): void;
  /** No further item is begun; those that were are ended. */
  readonly stopping: AbortSignal;
  readonly pollMs?: number;
  readonly beatMs?: number;
}

/** Works until `stopping`. Rejects when the server does not know the token (401, 403). */
export async function runWorker(options: WorkerOptions): Promise<void> {
  const { client, models, processes, say, stopping, pollMs = POLL_MS } = options;
  const fits = (item: WorkItem): ModelPackage | undefined =>
    models.find(
      ({ manifest }) =>
        manifest.id === item.model &&
        manifest.version === item.version &&
        manifest.weights.sha256 === item.weights,
    );
  /** Looked at and not to be had, for a while: somebody else's, or to be tried again later. */
  const passed = new Map<string, number>();
  const told = new Set<string>();

  async function next(): Promise<
    { item: WorkItem; model: ModelPackage; transactionUid: string } | undefined
  > {
    for (const item of await client.waiting()) {
      if (stopping.aborted) return undefined;
      const model = fits(item);
      const name = `${item.model} ${item.version}`;
      if (!model) {
        if (!told.has(name)) say(`left to others: ${name}, whose package is not here`);
        told.add(name);
        continue;
      }
      if ((passed.get(item.uid) ?? 0) > Date.now()) continue;
      const transactionUid = newUid();
      if (await client.claim(item, transactionUid)) return { item, model, transactionUid };
      passed.set(item.uid, Date.now() + pollMs);
    }
    for (const [uid, until] of passed) if (until < Date.now()) passed.delete(uid);
    return undefined;
  }

  async function slot(): Promise<void> {
    const runners = new Map<string, Runner>();
    const runnerOf = (model: ModelPackage): Runner => {
      const { id } = model.manifest;
      const runner = runners.get(id) ?? createRunner({ model });
      runners.set(id, runner);
      return runner;
    };
    try {
      while (!stopping.aborted) {
        let got;
        try {
          got = await next();
        } catch (error) {
          if (error instanceof Refused && [401, 403].includes(error.status)) throw error;
          if (!stopping.aborted) say(`the worklist cannot be asked: ${reasonOf(error)}`);
        }
        if (got) await perform(options, got, runnerOf(got.model));
        else await pause(pollMs, undefined, { signal: stopping }).catch(() => undefined);
      }
    } finally {
      for (const runner of runners.values()) await runner.close();
    }
  }
  const slots = Array.from({ length: Math.max(1, processes) }, () => slot());
  await Promise.all(slots);
}

/** One item from its claim to its end. Never throws: the worst is that its lease runs out. */
async function perform(
  { client, say, timeZone, beatMs = BEAT_MS }: WorkerOptions,
  { item, model, transactionUid }: { item: WorkItem; model: ModelPackage; transactionUid: string },
  runner: Runner,
): Promise<void> {
  const startedAt = Date.now();
  const lost = new AbortController();
  let seen = 0;
  const beat = setInterval(() => {
    client.progress(item, transactionUid, (100 * seen) / Math.max(1, item.images.length)).catch((error) => {
      // Taken over, or cancelled: whatever comes of it here is for nobody.
      if (error instanceof Refused) lost.abort(error);
    });
  }, beatMs);
  const took = (): string => `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
  const name = `${item.model} ${item.version}, item ${item.uid}`;
  try {
    const inputs = item.images.map(({ sopInstanceUid }) => ({
      sopInstanceUid,
      read: async () => {
        const file = await client.file(item, sopInstanceUid);
        seen += 1;
        return file;
      },
    }));
    const outcome = await work(model.manifest, runner, inputs, { signal: lost.signal });
    if ('notRun' in outcome) {
      await client.giveUp(item, transactionUid, 'No image could be decoded', outcome.notRun);
      say(`${name}: no image could be decoded, ${took()}`);
      return;
    }
    const endedAt = Date.now();
    const documents = resultDocuments({
      runId: item.run,
      studyUid: item.studyUid,
      result: outcome,
      manifest: model.manifest,
      softwareVersion: VERSION,
      at: new Date(endedAt),
      timeZone,
      study: await client.metadata(item, imagesOf(outcome)[0]!),
      instances: new Map(item.images.map((image) => [image.sopInstanceUid, image])),
    });
    for (const document of documents) await client.store(item, document);
    await client.complete(item, transactionUid, { startedAt, endedAt, output: documents });
    say(`${name}: done, ${item.images.length} images, ${took()}`);
  } catch (error) {
    const reason = lost.signal.aborted ? reasonOf(lost.signal.reason) : reasonOf(error);
    say(`${name}: given up after ${took()}: ${reason}`);
    if (!lost.signal.aborted) await client.giveUp(item, transactionUid, reason).catch(() => undefined);
  } finally {
    clearInterval(beat);
  }
}
