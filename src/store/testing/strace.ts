/** One system call: `began` and `ended` are positions in the trace, so calls of several threads can be put in order. */
export interface Call {
  readonly name: string;
  /** Arguments and result as strace prints them; with `-y` file descriptors carry their path. */
  readonly text: string;
  readonly began: number;
  readonly ended: number;
}

const WHOLE = /^(\d+)\s+(\w+)\((.*)$/;
const RESUMED = /^(\d+)\s+<\.\.\. (\w+) resumed>(.*)$/;
const UNFINISHED = '<unfinished ...>';

/** Reads the output of `strace -f -o`. */
export function parseTrace(trace: string): Call[] {
  const calls: Call[] = [];
  const open = new Map<string, { name: string; text: string; began: number }>();
  for (const [at, line] of trace.split('\n').entries()) {
    const resumed = RESUMED.exec(line);
    if (resumed) {
      const [, pid, , rest] = resumed;
      const begun = open.get(pid!);
      if (begun) calls.push({ ...begun, text: begun.text + rest, ended: at });
      open.delete(pid!);
      continue;
    }
    const whole = WHOLE.exec(line);
    if (!whole) continue;
    const [, pid, name, text] = whole as unknown as [string, string, string, string];
    if (text.endsWith(UNFINISHED))
      open.set(pid, { name, text: text.slice(0, -UNFINISHED.length), began: at });
    else calls.push({ name, text, began: at, ended: at });
  }
  return calls.sort((a, b) => a.began - b.began);
}
