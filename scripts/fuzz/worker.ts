/** Feeds a target with inputs from `from` on; tells where it is before each batch, so that the parent knows what hung or crashed. */
import { input } from './mutate.ts';
import { isRefusal, TARGETS } from './targets.ts';

const [name = '', seed = '', from = '', until = ''] = process.argv.slice(2);
const target = TARGETS[name]!;
const seeds = target.seeds();
const BATCH = 200;
let refused = 0;
for (let n = Number(from); n < Number(until); n++) {
  if (n % BATCH === 0 || n === Number(from))
    process.send!({ at: n, rss: process.memoryUsage.rss(), refused });
  const bytes = input(seeds, Number(seed), n);
  const began = performance.now();
  try {
    await target.feed(bytes);
  } catch (thrown) {
    if (isRefusal(thrown)) refused += 1;
    else process.send!({ crash: n, error: String((thrown as Error)?.stack ?? thrown) });
  }
  const ms = performance.now() - began;
  if (ms > 1000) process.send!({ slow: n, ms });
}
process.send!({ at: Number(until), rss: process.memoryUsage.rss(), refused, done: true });
process.disconnect();
