import type { Sight } from '../../archive/types.ts';
import type { DicomJson } from '../../dicom/types.ts';
import type { Principal } from '../../people/types.ts';

/** PS3.4 CC.1.1. */
export type ItemState = 'SCHEDULED' | 'IN PROGRESS' | 'COMPLETED' | 'CANCELED';

/** Something of a work item changed; the change is durable. */
export interface ItemChange {
  readonly uid: string;
  readonly type: 'state' | 'progress' | 'cancel-requested';
}

/** PS3.4 CC.2.3: the well-known UIDs of the two worklists. */
export const WORKLIST = '1.2.840.10008.5.1.4.34.5';
export const FILTERED_WORKLIST = '1.2.840.10008.5.1.4.34.5.1';

export interface Asker {
  readonly by: Principal;
  /** What of AI they may see. */
  readonly sight: Sight;
  /** Base of DICOMweb, as they reach it: `https://host/dicom-web`. */
  readonly base: string;
}

/**
 * The worklist of AI work (PS3.18 chapter 11, PS3.4 Annex CC). Throws NegatoscopeError, each with the status of PS3.18:
 * `workitem-not-found` (404); `transaction-uid-missing`, `transaction-uid-wrong` (400); `workitem-state` (409) and
 * `workitem-over` (400) for what its state does not allow; `workitem-unclaimed` (409); `workitem-incomplete` (409) for an end
 * without its results; `workitem-attributes` (400).
 */
export interface Ups {
  /** Items from `offset` on, the most urgent first, as this principal sees them. `states`: only these. */
  find(
    page: { states?: readonly ItemState[]; limit: number; offset: number },
    asker: Asker,
  ): Promise<DicomJson[]>;
  item(uid: string, asker: Asker): Promise<DicomJson>;
  /** `ignored`: attributes that are not taken were among the changes. */
  update(
    uid: string,
    changes: DicomJson,
    transactionUid: string | undefined,
    by: Principal,
  ): Promise<{ ignored: boolean }>;
  /** `already`: it was in this state before, and nothing changed. */
  changeState(
    uid: string,
    change: { state: string | undefined; transactionUid: string | undefined },
    by: Principal,
  ): Promise<{ already: boolean }>;
  requestCancel(uid: string, reason: string | undefined, by: Principal): Promise<{ already: boolean }>;
  subscribe(
    aeTitle: string,
    resource: string,
    filter: Readonly<Record<string, string>> | undefined,
    by: Principal,
  ): Promise<void>;
  unsubscribe(aeTitle: string, resource: string, by: Principal): Promise<void>;
  suspend(aeTitle: string, resource: string, by: Principal): Promise<void>;
  /** May this principal listen under this AE title? */
  mayListen(aeTitle: string, by: Principal): Promise<boolean>;
  /**
   * Event reports for the subscribers of `aeTitle`. `matches` tells whether an item passes the keys of a filtered worklist. Gives
   * the function that ends it.
   */
  listen(
    aeTitle: string,
    asker: Asker,
    matches: (item: DicomJson, filter: Readonly<Record<string, string>>) => boolean,
    send: (report: DicomJson) => void,
  ): () => void;
  /** Whether a worker may read an instance: an image of an item that it holds, or a result of its own. */
  mayRead(sopInstanceUid: string, by: Principal): Promise<boolean>;
  /**
   * The run that what a worker sends belongs to: that of the item it holds in this study. `workitem` names the item where it
   * holds several. Throws `workitem-not-held` (409).
   */
  runOfSent(
    place: { studyUid: string; workitem?: string | undefined },
    by: Principal,
  ): Promise<{ runId: string; modelId: string }>;
  /** Looks for claims whose lease ran out, from now on. */
  start(): void;
  stop(): void;
}
