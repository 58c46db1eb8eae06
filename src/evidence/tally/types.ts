import type { Selectable } from 'kysely';
import type { ReadingFactTable } from '../tables.ts';

export type FactRow = Selectable<ReadingFactTable>;
/** One value of a tally's key; kept as JSON, so it comes back as it was. */
export type KeyPart = string | number | boolean | null;

/** What one fact adds to a tally: 1 and, for this key, up to `SUMS` whole numbers. */
export interface Entry {
  readonly key: readonly KeyPart[];
  readonly sums?: readonly number[];
}
/** Whole numbers that a tally can add up beside the count of facts. */
export const SUMS = 6;

/**
 * A count of facts by key, kept up to date with every event and asked for any period. Add one to `TALLIES`; it is counted anew
 * from the facts at the next start.
 */
export interface Tally {
  readonly name: string;
  /** Raise it when `entries` changes: what was counted before is thrown away then. */
  readonly version: number;
  /** None: the fact is not counted; several: under several keys. Must depend on the fact alone. */
  entries(fact: FactRow): readonly Entry[];
}

/** A line of a tally over a period. */
export interface Counted {
  readonly key: readonly KeyPart[];
  readonly modelVersion: string;
  readonly facts: number;
  readonly sums: readonly number[];
}

/**
 * A figure that depends on the order of the signatures: its facts are handed over one by one, for each version of a tool. What
 * it says of whole pages is kept, so that only the newest facts are gone through again. `State` and `Said` must survive JSON.
 */
export interface Fold<State, Said> {
  readonly name: string;
  /** Raise it when its result changes: pages of before are thrown away then. */
  readonly version: number;
  start(): State;
  /** Changes `state` and returns what this fact makes it say for good (an alarm, a full block), or nothing. */
  step(state: State, fact: FactRow): Said | undefined;
}
export interface Folded<State, Said> {
  readonly state: State;
  readonly said: readonly Said[];
}
