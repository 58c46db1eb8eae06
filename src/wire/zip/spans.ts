/** Ranges that may not overlap. Archives are written front to back, so nearly every one is added at the end. */
export class Spans {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** Whether [start, end) overlaps none of those before; it is then one of them. */
  add(start: number, end: number): boolean {
    const starts = this.#starts;
    const ends = this.#ends;
    let low = 0;
    let high = starts.length;
    if (high > 0 && starts[high - 1]! < start) low = high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! < start) low = middle + 1;
      else high = middle;
    }
    if ((low > 0 && ends[low - 1]! > start) || (low < starts.length && starts[low]! < end)) return false;
    // What touches the one before grows it: a whole archive in order is one range.
    if (low > 0 && ends[low - 1] === start) ends[low - 1] = end;
    else if (low === starts.length) {
      starts.push(start);
      ends.push(end);
    } else {
      starts.splice(low, 0, start);
      ends.splice(low, 0, end);
    }
    return true;
  }
}
