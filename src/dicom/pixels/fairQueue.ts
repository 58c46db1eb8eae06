/** Tasks of several owners, in the order each gave them, the owners in turn: who asks for a thousand holds up nobody. */
export interface FairQueue<T> {
  readonly size: number;
  push(owner: string, task: T): void;
  /** Of the owner whose turn it is. */
  shift(): T | undefined;
}

export function createFairQueue<T>(): FairQueue<T> {
  const waiting = new Map<string, T[]>(); // the next owner first
  let size = 0;
  return {
    get size() {
      return size;
    },
    push(owner, task) {
      size++;
      const own = waiting.get(owner);
      if (own) own.push(task);
      else waiting.set(owner, [task]);
    },
    shift() {
      for (const [owner, own] of waiting) {
        const task = own.shift();
        waiting.delete(owner);
        if (own.length > 0) waiting.set(owner, own);
        size--;
        return task;
      }
      return undefined;
    },
  };
}
