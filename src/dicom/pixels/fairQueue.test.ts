import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFairQueue } from './fairQueue.ts';

test('owners take turns, each in its own order, and nothing is lost', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.constantFrom('a', 'b', 'c')), { maxLength: 80 }), (steps) => {
      const queue = createFairQueue<{ owner: string; number: number }>();
      const given: Record<string, number> = {};
      const taken: Record<string, number> = {};
      let number = 0;
      const waitingOf = (owner: string) => (given[owner] ?? 0) - (taken[owner] ?? 0);
      for (const owner of steps) {
        if (owner !== null) {
          given[owner] = (given[owner] ?? 0) + 1;
          queue.push(owner, { owner, number: given[owner] });
          number++;
          continue;
        }
        const task = queue.shift();
        expect(task === undefined).toBe(number === 0);
        if (!task) continue;
        number--;
        taken[task.owner] = (taken[task.owner] ?? 0) + 1;
        expect(task.number).toBe(taken[task.owner]);
      }
      expect(queue.size).toBe(number);
      // From here on nobody gets a second turn before each other that waits had one.
      const owners = ['a', 'b', 'c'].filter((owner) => waitingOf(owner) > 0);
      const round = Array.from({ length: owners.length }, () => queue.shift()!.owner);
      expect(round.toSorted()).toEqual(owners);
    }),
  );
});
