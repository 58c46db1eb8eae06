/** Feeds a target with inputs from `from` on; tells where it is before each batch, so that the parent knows what hung or crashed. */
import { Mutator } from './mutate.ts';
import { isRefusal, TARGETS } from './targets.ts';

const [name = '', seed = '', from = '', until = '', seconds = ''] = process.argv.slice(2);
const target = TARGETS[name]!;
const inputs = new Mutator(target.seeds(), Number(seed));
const BATCH = 1000;
const SLOW_MS = 1000;
const MUCH = 600 * 1024 ** 2;

/** Garbage is swept by threads that may have to wait on a busy machine: what counts is what is left behind it. */
function resident(): number {
  if (process.memoryUsage.rss() > MUCH) globalThis.gc!();
  return process.memoryUsage.rss();
}

async function feed(n: number): Promise<unknown> {
  const bytes = inputs.input(n, target.tree);
  try {
    await target.feed(bytes);
    return undefined;
  } catch (thrown) {
    return thrown;
  }
}

// Most inputs are refused, and to write down where costs more than to refuse.
Error.stackTraceLimit = 0;
let refused = 0;
let n = Number(from);
const end = performance.now() + Number(seconds) * 1000;
for (; n < Number(until); n++) {
  const began = performance.now();
  if (n % BATCH === 0 || n === Number(from)) {
    process.send!({ at: n, rss: resident(), refused });
    if (began > end) break;
  }
  const thrown = await feed(n);
  if (performance.now() - began > SLOW_MS) {
    // On a busy machine anything may take a second: what counts is the processor's time.
    const before = process.cpuUsage();
    await feed(n);
    const ms = process.cpuUsage(before).user / 1000;
    if (ms > SLOW_MS) process.send!({ slow: n, ms });
  }
  if (thrown === undefined) continue;
  if (isRefusal(thrown)) {
    refused += 1;
    continue;
  }
  Error.stackTraceLimit = 20;
  const again = await feed(n);
  Error.stackTraceLimit = 0;
  process.send!({ crash: n, error: String((again as Error)?.stack ?? again) });
}
process.send!({ at: n, rss: resident(), refused, done: true });
process.disconnect();
