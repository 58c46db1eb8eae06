import type { Principal } from '../../people/types.ts';
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

/** `partial`: ended, some instances were not taken. */
export type ForwardState = 'waiting' | 'running' | 'done' | 'partial' | 'failed' | 'cancelled';
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
  readonly state: ForwardState;
  readonly total: number | null;
  readonly sent: number;
  readonly failed: readonly ForwardFailure[];
  /** Why it waits or did not end well. */
  readonly text: Text | null;
  readonly nextAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/**
 * What leaves to other systems: by rule and by hand. Each is repeated with growing pauses until the receiver has taken it; an
 * instance that a receiver has taken is not sent to it again, unless a person asks.
 *
 * Events: `delivery.rule.added`, `.changed`, `.removed` (subject: id); `delivery.forward.asked`, `.cancelled`, `.ended`
 * (subject: id; payload {state, total, sent}); `delivery.report.stored` (subject: id of the report).
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
  start(): void;
}
