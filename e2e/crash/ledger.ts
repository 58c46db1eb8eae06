/** What the program has promised so far, as those know who were answered. */

/** Where an instance has to be: asked for by every door, in the recycle bin, or nowhere. */
export type Place = 'here' | 'bin' | 'gone';

export interface Kept {
  readonly sop: string;
  readonly series: string;
  readonly study: string;
  /** SHA-256 of the data set; C-STORE has no more than that. */
  readonly dataSha: string;
  /** SHA-256 of the whole file once its bytes were compared. */
  fileSha?: string;
  place: Place;
}

/** A change of several instances at once that was asked for; without an answer it happened whole or not at all. */
export interface Change {
  readonly sops: readonly string[];
  readonly from: Place;
  readonly to: Place;
}

export interface Binned {
  readonly id: string;
  readonly sops: readonly string[];
}

export class Ledger {
  readonly kept = new Map<string, Kept>();
  /** Sent, not answered: may be there, whole, or not. */
  readonly unanswered = new Map<string, Kept>();
  readonly changes: Change[] = [];
  readonly bin: Binned[] = [];
  /** Study → description that has to be shown, and one that was asked for and not answered. */
  readonly described = new Map<string, { now: string; perhaps?: string }>();
  /** Study → report that was signed. */
  readonly signed = new Map<string, string>();
  /** What was answered, by kind. */
  readonly counts = new Map<string, number>();
  /** How often anything was. */
  answers = 0;

  count(what: string, n = 1): void {
    this.answers += 1;
    this.counts.set(what, (this.counts.get(what) ?? 0) + n);
  }

  /** Instances of a study that have to be where everybody asks. */
  here(study: string): Kept[] {
    return [...this.kept.values()].filter((each) => each.study === study && each.place === 'here');
  }

  move(sops: readonly string[], to: Place): void {
    for (const sop of sops) this.kept.get(sop)!.place = to;
  }
}
