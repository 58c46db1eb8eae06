/**
 * How long a mark was the one at hand: selected, on a visible page, with somebody there. Told with the decision, so that the
 * evidence room can say what marks cost. Nothing is guessed: a mark that was decided on without having been at hand has no time.
 */

/** After the last sign of a person so much still counts: one looks without moving. */
export const IDLE_MS = 30_000;
/** The server takes no more, either. */
export const MOST_MS = 120_000;

export class AtHand {
  readonly #now: () => number;
  readonly #spent = new Map<string, number>();
  #id: string | null = null;
  #since = 0;
  #sign = 0;
  #visible = true;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }
  /** Adds up what has passed, no further than `IDLE_MS` beyond the last sign. */
  #settle(): void {
    const now = this.#now();
    if (this.#id !== null && this.#visible) {
      const until = Math.min(now, this.#sign + IDLE_MS);
      if (until > this.#since)
        this.#spent.set(this.#id, (this.#spent.get(this.#id) ?? 0) + until - this.#since);
    }
    this.#since = now;
  }
  /** Another mark is at hand, or none. */
  show(id: string | null): void {
    if (id === this.#id) return;
    this.#settle();
    this.#id = id;
    this.#sign = this.#now();
  }
  /** Somebody moved, typed or touched. */
  sign(): void {
    this.#settle();
    this.#sign = this.#now();
  }
  visible(visible: boolean): void {
    this.#settle();
    this.#visible = visible;
    this.#sign = this.#now();
  }
  /** ms; null: it was never at hand. */
  taken(id: string): number | null {
    this.#settle();
    const ms = this.#spent.get(id);
    return ms === undefined ? null : Math.min(MOST_MS, Math.round(ms));
  }
}
