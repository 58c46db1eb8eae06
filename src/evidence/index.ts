import type { Assist } from '../assist/types.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/types.ts';
import { createFacts, type Range } from './facts.ts';
import { figuresOf } from './figures.ts';
import { createGates, type Validated } from './gates/index.ts';
import type { Monitoring } from './monitoring.ts';
import { createStages } from './stages.ts';
import { createTurnaround } from './turnaround/index.ts';
import type { Evidence, EvidenceSummary } from './types.ts';

export { createLabelling } from './labelling/index.ts';
export { createMeasures } from './measures/index.ts';
export { createReferences } from './reference/index.ts';
export { createExports } from './exports/index.ts';
export { createMonthly } from './report/index.ts';
export { createClaimCards } from './claims/index.ts';
export { createOverview, lookOf } from './overview/index.ts';
export { evidenceMigrations } from './migrations.ts';
export { REJECT_REASONS, STAGES } from './types.ts';
export type * from './types.ts';
export type * from './gates/types.ts';
export type { Validated } from './gates/index.ts';

const CACHED = 64;

/**
 * Stages of tools, and what the signed reports say of them. `start` begins to consume the events of the reading room; stages
 * can be read and set without it.
 */
export function createEvidence(deps: {
  store: Store;
  assist: Pick<Assist, 'model'>;
  /** IANA name; days and hours of the page are the site's. */
  timeZone: string;
  /** Finished validation studies of a tool: those that a protocol names as its source. */
  validated?: (modelId: string) => Promise<Validated[]>;
  now?: () => number;
  log?: Log;
}): Evidence & { start(): Promise<void> } {
  const { store, assist, timeZone, now = Date.now } = deps;
  const stages = createStages({ store, assist, now, gate: (...of) => gate(...of) });
  const facts = createFacts(store, (tx, rows) => told(tx, rows));
  const { gates, gate, told, start } = createGates({
    store,
    assist,
    now,
    log: deps.log,
    validated: deps.validated ?? (async () => []),
    stage: stages.stage,
    resumedAt: stages.resumedAt,
    suspend: stages.suspend,
    seq: facts.seq,
    cells: facts.cells,
  });
  const turnaround = createTurnaround({ store, timeZone });
  /** Key: model, range and the last event that changed facts. Oldest first. */
  const cache = new Map<string, EvidenceSummary>();
  /** Of each version, with the last event that changed facts. */
  const watched = new Map<string, { lastSeq: number; monitoring: Monitoring }>();

  async function cardOf(modelId: string): Promise<EvidenceSummary['card']> {
    const manifest = (await assist.model(modelId))?.manifest;
    const all = manifest?.operatingPoints[manifest.defaultOperatingPoint]?.measured.find(
      ({ region }) => region === '',
    );
    if (!all) return null;
    const { sensitivity, specificity, positives, negatives } = all;
    return { sensitivity, specificity, positives, negatives };
  }

  async function watching(modelId: string, version: string): Promise<Monitoring> {
    const lastSeq = await facts.seq();
    const key = JSON.stringify([modelId, version]);
    const known = watched.get(key);
    if (known?.lastSeq === lastSeq) return known.monitoring;
    const monitoring = await facts.monitoring(modelId, version);
    watched.set(key, { lastSeq, monitoring });
    return monitoring;
  }

  async function summary(modelId: string, range: Range = {}): Promise<EvidenceSummary> {
    // Read before the facts: newer facts than the number says are replaced once the number has moved.
    const [lastSeq, revision] = await Promise.all([facts.seq(), facts.revision()]);
    const key = JSON.stringify([modelId, range.from ?? null, range.to ?? null, revision]);
    const cached = cache.get(key);
    if (cached) return cached;
    const [cells, turnaround, card] = await Promise.all([
      facts.cells(modelId, range),
      facts.turnaround(modelId, range),
      cardOf(modelId),
    ]);
    const { n, median, q1, q3 } = turnaround;
    const fresh: EvidenceSummary = {
      modelId,
      from: range.from ?? null,
      to: range.to ?? null,
      timeZone,
      lastSeq,
      ...figuresOf(cells),
      turnaround: { n, medianMs: median, q1Ms: q1, q3Ms: q3 },
      card,
    };
    cache.set(key, fresh);
    if (cache.size > CACHED) cache.delete(cache.keys().next().value!);
    return fresh;
  }

  return {
    stage: stages.stage,
    acts: stages.acts,
    setStage: stages.setStage,
    gates,
    summary,
    turnaround: turnaround.of,
    async monitoring(modelId) {
      const version = (await assist.model(modelId))?.manifest.version ?? '';
      const [watched, { since }] = await Promise.all([
        watching(modelId, version),
        stages.stage(modelId, version),
      ]);
      return { modelId, version, decidedAt: since, ...watched };
    },
    async cases(modelId, figure, range = {}) {
      return facts.rows(modelId, figure, range);
    },
    async start() {
      await facts.start();
      turnaround.start();
      start();
    },
  };
}
