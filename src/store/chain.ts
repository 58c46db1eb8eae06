import { createHash } from 'node:crypto';
import type { EventTable } from './types.ts';

/** `prev_hash` of the first event. */
export const GENESIS = '0'.repeat(64);

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * Hash of a sealed event: SHA-256 of the JSON array of its fields in this order. JSON, because it says where a field ends and
 * tells null from the empty string.
 */
export const hashOf = (e: Omit<EventTable, 'payload' | 'hash'>): string =>
  sha256(
    JSON.stringify([
      e.prev_hash,
      e.seq,
      e.id,
      e.at,
      e.kind,
      e.study_uid,
      e.subject,
      e.actor,
      e.payload_digest,
    ]),
  );

export interface Anchor {
  readonly seq: number;
  readonly hash: string;
}
export interface ChainBreak {
  /** The first `seq` that is not as it was sealed. */
  readonly brokenAt: number;
  readonly reason: 'missing' | 'changed' | 'relinked' | 'payload' | 'truncated' | 'rewritten';
}

/** Walks sealed events in order; feed every row, then ask `end`. Pure: knows no database. */
export class ChainWalk {
  #seq = 0;
  #hash = GENESIS;
  readonly #anchors: readonly Anchor[];

  /** @param anchors positions noted elsewhere: what they name must still be there, with the same hash */
  constructor(anchors: readonly Anchor[] = []) {
    this.#anchors = anchors;
  }
  /** How many were in order so far. */
  get events(): number {
    return this.#seq;
  }
  next(event: EventTable): ChainBreak | undefined {
    const expected = this.#seq + 1;
    if (event.seq !== expected) return { brokenAt: expected, reason: 'missing' };
    if (event.prev_hash !== this.#hash) return { brokenAt: expected, reason: 'relinked' };
    if (hashOf(event) !== event.hash) return { brokenAt: expected, reason: 'changed' };
    if (event.payload !== null && sha256(event.payload) !== event.payload_digest) {
      return { brokenAt: expected, reason: 'payload' };
    }
    if (this.#anchors.some((a) => a.seq === expected && a.hash !== event.hash)) {
      return { brokenAt: expected, reason: 'rewritten' };
    }
    this.#seq = expected;
    this.#hash = event.hash;
    return undefined;
  }
  end(): ChainBreak | undefined {
    if (this.#anchors.every((a) => a.seq <= this.#seq)) return undefined;
    return { brokenAt: this.#seq + 1, reason: 'truncated' };
  }
}
