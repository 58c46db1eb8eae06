/** Whether a package computes here what it computed at its maker's. */
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import { differences, readGolden, runCase } from '../golden.ts';
import type { Golden } from '../golden.ts';
import type { ModelPackage } from '../package.ts';
import { createRunner } from '../runner/runner.ts';
import type { RunnerOptions } from '../runner/runner.ts';
import type { CheckResult } from '../types.ts';

/**
 * Runs the golden cases in a process of their own.
 *
 * @throws NegatoscopeError `model-golden` (422) when there are no golden cases that can be read
 */
export async function checkPackage(
  pack: ModelPackage,
  options: Omit<RunnerOptions, 'model'> = {},
): Promise<CheckResult> {
  let golden: Golden;
  try {
    golden = await readGolden(pack);
  } catch (cause) {
    throw new NegatoscopeError(
      'model-golden',
      `The golden cases of ${pack.manifest.id} (${pack.manifest.golden}) cannot be read: ${reasonOf(cause)}`,
      { status: 422, details: { model: pack.manifest.id }, cause },
    );
  }
  const runner = createRunner({ ...options, model: pack });
  try {
    const cases: CheckResult['cases'] = [];
    for (const each of golden.cases) {
      const detail = await runCase(runner, each).then(
        (seen) => differences(each, seen, golden.tolerance).join('; '),
        (error: unknown) => reasonOf(error),
      );
      cases.push({ name: each.name, ok: detail === '', detail: detail || `score ${each.score}` });
    }
    return { ok: cases.every((each) => each.ok), cases };
  } finally {
    await runner.close();
  }
}
