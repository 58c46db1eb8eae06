/** Whether a tool has fallen below a safety limit of its protocol. Pure. */
import { WORSE } from '../monitoring.ts';
import { cusum, eProcess } from '../sequential.ts';
import type { Breach, SafetyLimit } from './types.ts';

/**
 * Where a limit stands after the cases so far.
 *
 * @param failures in order: true where the tool was wrong
 * @returns `crossed` once it ever reached what it had to; what came after does not take it back
 */
export function standOf(
  safety: SafetyLimit,
  failures: readonly boolean[],
): Pick<Breach, 'cases' | 'failures' | 'value' | 'needed'> & { crossed: boolean } {
  const accepted = 1 - safety.limit;
  const path =
    safety.rule === 'e-process'
      ? eProcess(failures, accepted)
      : cusum(failures, { accepted, ratio: WORSE, budget: safety.budget }).path;
  const needed = safety.rule === 'e-process' ? 1 / safety.alpha : Math.log(safety.budget);
  const at = path.findIndex((value) => value >= needed);
  const crossed = at >= 0;
  const counted = crossed ? failures.slice(0, at + 1) : failures;
  return {
    crossed,
    cases: counted.length,
    failures: counted.filter(Boolean).length,
    value: (crossed ? path[at] : path.at(-1)) ?? (safety.rule === 'e-process' ? 1 : 0),
    needed,
  };
}
