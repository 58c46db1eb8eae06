import type { Principal } from '../../people/types.ts';
import type { CommitmentResult } from '../../wire/index.ts';
import type { TransferState } from '../../remote/transfers.ts';
import type { Text } from '../../remote/types.ts';

/** `ai`: results of tools in the stage routine; those of any other stage never leave. */
export const PARTS = ['images', 'report', 'ai'] as const;
export type Part = (typeof PARTS)[number];

/** `complete`: no image has come for a while; `signed`: a report or an addendum; `ai`: a tool has finished. */
export const OCCASIONS = ['complete', 'signed', 'ai'] as const;
export type Occasion = (typeof OCCASIONS)[number];

export interface RuleForm {
  readonly name: string;
  readonly remoteId: string;
  readonly occasion: Occasion;
  readonly parts: readonly Part[];
  /** All that are given have to hold; empty: any. Modality and body part of one of the series, AE title of a sender. */
  readonly modality: string;
  readonly bodyPart: string;
  readonly sourceAe: string;
  readonly enabled: boolean;
}
export interface Rule extends RuleForm {
  readonly id: string;
}

export interface ForwardFailure {
  readonly sopInstanceUid: string;
  readonly text: Text;
}
export interface Forward {
  readonly id: string;
  readonly remoteId: string;
  readonly remoteName: string;
  readonly studyUid: string;
  /** As corrected; empty where the study is no longer here. */
  readonly patientName: string;
  readonly parts: readonly Part[];
  /** Of the rule; null: sent by hand. */
  readonly ruleName: string | null;
  readonly byName: string;
  readonly state: TransferState;
  readonly total: number | null;
  readonly sent: number;
  /** Of these, confirmed by the receiver to be kept; null where it is not asked. */
  readonly committed: number | null;
  readonly failed: readonly ForwardFailure[];
  /** Why it waits or did not end well. */
  readonly text: Text | null;
  readonly nextAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/**
 * What leaves to other systems: by rule and by hand. Each is repeated with growing pauses until the receiver has taken it, and
 * has confirmed to keep it where that is asked of it (PS3.4 J); what it says it has not is sent again. An instance that a
 * receiver has taken is not sent to it again otherwise, unless a person asks.
 *
 * Events: `delivery.rule.added`, `.changed`, `.removed` (subject: id); `delivery.forward.asked`, `.cancelled`, `.ended`
 * (subject: id; payload of the end {state, total, sent} and, where it is asked for, committed); `delivery.report.stored` (subject: id of the report).
 */
export interface Forwarding {
  rules(): Promise<Rule[]>;
  /** @throws `rule-form` naming the field, `remote-unknown` */
  addRule(form: RuleForm, by: Principal): Promise<Rule>;
  changeRule(id: string, form: Partial<RuleForm>, by: Principal): Promise<Rule>;
  removeRule(id: string, by: Principal): Promise<void>;
  /** Sends a study by hand. @throws `study-not-found`, `remote-unknown`, `remote-not-for-sending` */
  send(studyUid: string, remoteId: string, parts: readonly Part[], by: Principal): Promise<Forward>;
  /** Newest first. */
  list(limit?: number): Promise<Forward[]>;
  /** At once what waits; what has ended begins again, with what was taken before. */
  again(id: string, by: Principal): Promise<void>;
  cancel(id: string, by: Principal): Promise<void>;
  /** A receiver has reported on a storage commitment. False: nobody here has asked for this transaction. */
  heardCommitment(result: CommitmentResult): Promise<boolean>;
  start(): void;
}
