/** In which order the images of a stack are fetched. Pure. */

/** Images ahead for one behind: a person goes on in the direction they have been going. */
const AHEAD = 3;

/**
 * Indexes from the image in view outwards, itself first: `ahead` in the direction of reading for each one behind it.
 * @param direction 1 or -1; @returns at most `limit` of the `count` indexes
 */
export function readingOrder(count: number, index: number, direction: 1 | -1, limit = count): number[] {
  const order: number[] = [];
  const add = (at: number): boolean => {
    const within = at >= 0 && at < count;
    if (within) order.push(at);
    return within;
  };
  add(index);
  let ahead = 1;
  let behind = 1;
  for (let more = true; more && order.length < limit;) {
    more = false;
    for (let i = 0; i < AHEAD; i++) if (add(index + direction * ahead++)) more = true;
    if (add(index - direction * behind++)) more = true;
  }
  return order.slice(0, limit);
}
