import type { AeRow } from '../archive/types.ts';
import type { Principal } from '../people/types.ts';
import type { TlsFailure, TlsOptions, WebService } from '../wire/index.ts';
import type { TransferState } from './transfers.ts';

/** What another system is for; it may be several. */
export interface Uses {
  /** We send studies and reports to it. */
  readonly sendTo: boolean;
  /** We ask it for studies and fetch them. */
  readonly queryFrom: boolean;
  /** Whoever asks us by C-MOVE may name it as the destination. */
  readonly moveTo: boolean;
}

/** `dimse`: the DICOM network (PS3.7); `dicomweb`: web services (PS3.18). */
export const KINDS = ['dimse', 'dicomweb'] as const;
export type Kind = (typeof KINDS)[number];
/** How we prove to a web service who we are. */
export const WEB_AUTHS = ['none', 'basic', 'bearer'] as const;
export type WebAuth = (typeof WEB_AUTHS)[number];

export interface RemoteForm extends Uses {
  /** As people call it; one of its kind. */
  readonly name: string;
  readonly kind: Kind;
  /** DICOMweb: root of the service, `https://pacs.example/dicom-web`; empty for `dimse`. */
  readonly url: string;
  readonly auth: WebAuth;
  /** User name of Basic. */
  readonly user: string;
  /** Called AE title: 1 to 16 characters (PS3.5 6.2 AE); of DICOMweb empty, as host and port follow from the URL. */
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
  /**
   * With TLS: what we show to a system that asks who we are. `own`: a certificate that the authority of this installation
   * signs and renews; `given`: one that came from elsewhere, with its key.
   */
  readonly identity: Identity;
  /** The one that was given, with those between it and its authority, PEM. */
  readonly certificate: string | null;
  /** What is sent there counts as delivered once it has confirmed to keep it: storage commitment, PS3.4 J. */
  readonly commitment: boolean;
  /** Our title towards it; null: the one of this installation. */
  readonly callingAe: string | null;
  /** Switched off: not called, and no destination. */
  readonly enabled: boolean;
}

export const IDENTITIES = ['none', 'own', 'given'] as const;
export type Identity = (typeof IDENTITIES)[number];

/** Written and used, never read back. A change without one leaves it as it is. */
export interface RemoteSecrets {
  /** Of the given certificate, PEM without a password. */
  readonly key: string | null;
  /** DICOMweb: password of Basic, or the Bearer token. */
  readonly secret: string | null;
}

/** What is not said is as in `BLANK`. */
export type NewRemote = Pick<RemoteForm, 'name'> & Partial<RemoteForm & RemoteSecrets>;
export type RemoteChange = Partial<RemoteForm & RemoteSecrets>;

export interface RemoteSystem extends RemoteForm {
  readonly id: string;
  /** There is a key. */
  readonly hasKey: boolean;
  /** There is a password or token. */
  readonly hasSecret: boolean;
  readonly createdAt: number;
  readonly changedAt: number;
}

export interface Text {
  readonly fr: string;
  readonly en: string;
}

/** How we are reached ourselves. */
export interface Here {
  readonly aeTitle: string;
  readonly port: number;
  /** The DICOM port is open beyond this computer. */
  readonly network: boolean;
}

/** How to associate with a system. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly calledAe: string;
  readonly callingAe: string;
  readonly tls?: TlsOptions;
}

/** How our echo went. What each means to a person stands in words.ts. */
export type ThereCode =
  | 'ok'
  | 'no-verification'
  | 'name'
  | 'refused'
  | 'silent'
  | 'no-route'
  | 'calling-ae'
  | 'called-ae'
  | 'busy'
  | 'rejected'
  | 'tls-wanted'
  | TlsFailure
  | 'tls-client-expired'
  | 'not-dicom'
  | 'no-answer'
  | 'closed'
  | 'echo-refused'
  | 'web-credentials'
  | 'web-forbidden'
  | 'web-path'
  | 'web-moved'
  | 'web-other'
  | 'web-busy'
  | 'web-fails'
  | 'broken';
/** Whether they may reach us. */
export type HereCode = AeRow['state'] | 'never' | 'local-only';

export interface Trial {
  readonly there: {
    readonly code: ThereCode;
    readonly ok: boolean;
    readonly ms: number;
    readonly text: Text;
  };
  /** `lastAt`: when they last came by and were turned away. Null for DICOMweb: it answers, and never comes by itself. */
  readonly here: {
    readonly code: HereCode;
    readonly ok: boolean;
    readonly lastAt?: number;
    readonly text: Text;
  } | null;
}

/** What to look for; empty and absent fields match everything. */
export interface QueryForm {
  readonly patientName?: string;
  readonly patientId?: string;
  /** Study dates, YYYYMMDD. */
  readonly from?: string;
  readonly to?: string;
  readonly modality?: string;
  readonly accession?: string;
  readonly studyUid?: string;
}
export interface RemoteStudy {
  readonly studyUid: string;
  readonly patientName: string;
  readonly patientId: string;
  readonly birthDate: string;
  readonly sex: string;
  readonly studyDate: string;
  readonly studyTime: string;
  readonly accession: string;
  readonly description: string;
  readonly modalities: readonly string[];
  /** As the other system counts; null where it does not say. */
  readonly instances: number | null;
  /** Something of it is in our archive. */
  readonly here: boolean;
}
export interface RemoteInstance {
  readonly sopInstanceUid: string;
  readonly seriesUid: string;
  /** Empty where the other system does not say. */
  readonly sopClassUid: string;
}

export interface PullFailure {
  readonly sopInstanceUid: string;
  /** `not-sent`, or why the archive did not keep it. */
  readonly reason: string;
}
export interface PullRow {
  readonly id: string;
  readonly remoteId: string;
  readonly remoteName: string;
  readonly studyUid: string;
  readonly patientName: string;
  readonly patientId: string;
  readonly studyDate: string;
  readonly description: string;
  readonly state: TransferState;
  readonly via: 'move' | 'get' | 'here' | null;
  readonly total: number | null;
  readonly received: number;
  readonly failed: readonly PullFailure[];
  /** Why it waits, or did not end well; null while all is well. */
  readonly text: Text | null;
  readonly byName: string;
  /** When it is tried again. */
  readonly nextAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}
/** A study to fetch, with what its row in the answer said. */
export type PullOrder = Pick<
  RemoteStudy,
  'studyUid' | 'patientName' | 'patientId' | 'studyDate' | 'description'
>;

/**
 * Other systems: who they are and how they are reached.
 *
 * Events: `remote.system.added`, `remote.system.changed` (payload {fields: names}), `remote.system.removed`
 * (subject: id; payload {aeTitle}); `remote.pull.asked`, `remote.pull.cancelled`, `remote.pull.ended` (subject: id of the
 * pull; payload {state, total, received}).
 */
export interface Remote extends Systems {
  /** How to associate with it. @throws `remote-own-expired` (409): the certificate that we would show is no longer valid */
  address(system: RemoteSystem): Promise<Address>;
  /** How to reach its web services. @throws `remote-own-expired` */
  web(system: RemoteSystem): Promise<WebService>;
  /** The certificate of our own authority, PEM: what another system has to trust so that it trusts us (`identity` `own`). */
  ownAuthority(): Promise<string>;
  /** Echo there, and whether they may come here. Never throws for what the network does. @throws `remote-unknown` */
  tryOut(id: string): Promise<Trial>;
  /**
   * Studies that match, as they come, at most `limit`. Ending the loop cancels at the other system.
   * @throws DimseError when it cannot be asked; `words.ts` says what that means
   */
  query(id: string, form: QueryForm, signal: AbortSignal): AsyncGenerator<RemoteStudy, void, undefined>;
  /** What an error of a query or a transfer means to a person. */
  explain(error: unknown, system: RemoteSystem): Promise<Text>;
  /** Fetches studies: durable, each once while it is under way. */
  pull(id: string, orders: readonly PullOrder[], by: Principal): Promise<PullRow[]>;
  /** Newest first. */
  pulls(limit?: number): Promise<PullRow[]>;
  /** What it waits for is tried at once; what ended without everything begins again. */
  pullAgain(pullId: string, by: Principal): Promise<void>;
  cancelPull(pullId: string, by: Principal): Promise<void>;
  /** Begins to work on what was asked for. */
  start(): void;
}

/** The table. */
export interface Systems {
  list(): Promise<RemoteSystem[]>;
  /** @throws `remote-unknown` (404) */
  get(id: string): Promise<RemoteSystem>;
  /** By name, else by AE title where only one has it. @throws `remote-unknown` (404) */
  find(nameOrTitle: string): Promise<RemoteSystem>;
  /** @throws `remote-form` naming the field, `remote-name-taken`, `remote-title-taken` (another move destination has it) */
  add(form: NewRemote, by: Principal): Promise<RemoteSystem>;
  change(id: string, form: RemoteChange, by: Principal): Promise<RemoteSystem>;
  remove(id: string, by: Principal): Promise<void>;
  /** Where a C-MOVE to this title leads: enabled, and allowed as a destination. Titles are compared without outer spaces. */
  destinationOf(aeTitle: string): Promise<RemoteSystem | undefined>;
}
