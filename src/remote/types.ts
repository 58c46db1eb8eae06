import type { Principal } from '../people/types.ts';

/** What another system is for; it may be several. */
export interface Uses {
  /** We send studies and reports to it. */
  readonly sendTo: boolean;
  /** We ask it for studies and fetch them. */
  readonly queryFrom: boolean;
  /** Whoever asks us by C-MOVE may name it as the destination. */
  readonly moveTo: boolean;
}

export interface RemoteForm extends Uses {
  /** As people call it; one of its kind. */
  readonly name: string;
  /** Called AE title: 1 to 16 characters (PS3.5 6.2 AE). */
  readonly aeTitle: string;
  /** Name or address. */
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /**
   * With TLS: certificates that are trusted for this system, PEM; null: those that the computer trusts. May be the
   * system's own certificate, which then counts whatever name stands in it.
   */
  readonly ca: string | null;
  /** Our title towards it; null: the one of this installation. */
  readonly callingAe: string | null;
  /** Switched off: not called, and no destination. */
  readonly enabled: boolean;
}

export interface RemoteSystem extends RemoteForm {
  readonly id: string;
  readonly createdAt: number;
  readonly changedAt: number;
}

/**
 * Other systems: who they are and how they are reached.
 *
 * Events: `remote.system.added`, `remote.system.changed` (payload {fields: names}), `remote.system.removed`
 * (subject: id; payload {aeTitle}).
 */
export interface Remote {
  list(): Promise<RemoteSystem[]>;
  /** @throws `remote-unknown` (404) */
  get(id: string): Promise<RemoteSystem>;
  /** By name, else by AE title where only one has it. @throws `remote-unknown` (404) */
  find(nameOrTitle: string): Promise<RemoteSystem>;
  /** @throws `remote-form` naming the field, `remote-name-taken`, `remote-title-taken` (another move destination has it) */
  add(form: RemoteForm, by: Principal): Promise<RemoteSystem>;
  change(id: string, form: Partial<RemoteForm>, by: Principal): Promise<RemoteSystem>;
  remove(id: string, by: Principal): Promise<void>;
  /** Where a C-MOVE to this title leads: enabled, and allowed as a destination. Titles are compared without outer spaces. */
  destinationOf(aeTitle: string): Promise<RemoteSystem | undefined>;
}
