/** Recording the golden cases of a package from its model. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCase } from './golden.ts';
import type { Golden } from './golden.ts';
import type { ModelPackage } from './package.ts';
import { createRunner } from './runner/runner.ts';

const PATTERNS: [string, Golden['cases'][number]['pattern']][] = [
  ['12 bit, upright', { seed: 1, columns: 900, rows: 1200, max: 4095 }],
  ['8 bit, wide, enlarged', { seed: 2, columns: 454, rows: 373, max: 255 }],
  ['14 bit, narrow', { seed: 7, columns: 300, rows: 900, max: 16383 }],
  ['14 bit, narrow, another', { seed: 15, columns: 300, rows: 900, max: 16383 }],
  ['14 bit, narrow, a third', { seed: 39, columns: 300, rows: 900, max: 16383 }],
];

const VOLUMES: typeof PATTERNS = [
  ['12 bit, 1 mm', { seed: 1, columns: 160, rows: 192, slices: 160, max: 4095 }],
];

/** Overwrites the golden file of the package. Throws what a runner throws. */
export async function recordGolden(model: ModelPackage): Promise<void> {
  const runner = createRunner({ model });
  try {
    const golden: Golden = {
      tolerance: { inputMean: 0.001, inputStd: 0.001, score: 0.01, heatmapMax: 0.01, heatmapCell: 1 },
      cases: [],
    };
    for (const [name, pattern] of model.manifest.input.kind === 'volume' ? VOLUMES : PATTERNS)
      golden.cases.push({ name, pattern, ...(await runCase(runner, { pattern })) });
    await writeFile(join(model.dir, model.manifest.golden), `${JSON.stringify(golden, null, 2)}\n`);
  } finally {
    await runner.close();
  }
}
