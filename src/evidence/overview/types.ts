import type { Text } from '../../assist/types.ts';
import type { Adjusted, NotComparable, Spread } from '../turnaround/types.ts';
import type { EvidenceSummary, FigureKey, Stage } from '../types.ts';

export type Watched = 'missed' | 'false-alarms' | 'scores';
/** What a person has to decide or do next about a tool; the first that holds. */
export type NextStep =
  /** Something changed since the last decision, and nobody has answered it. */
  | 'answer-alarm'
  | 'suspended'
  | 'retired'
  /** The gate out of this stage has said its word: a person decides. */
  | 'decide-pass'
  | 'decide-fail'
  /** The gate waits for cases. */
  | 'collect'
  /** Nothing was registered for this stage: no target, no gate. */
  | 'register'
  /** Without gates: too few conclusions given before AI was seen. */
  | 'label'
  | 'review';

/** What a gate says, as far as the overview shows it. */
export interface GateLook {
  verdict: 'pass' | 'fail' | 'not-yet' | 'no-protocol';
  targets: { measure: 'sensitivity' | 'specificity'; target: number; margin: number }[];
  /** Cases so far and wanted, of the hypothesis that wants most. */
  cases: { n: number; wanted: number } | null;
}

export interface OverviewRow {
  modelId: string;
  name: Text;
  version: string;
  regulatory: string;
  enabled: boolean;
  stage: Stage;
  /** Of the present stage; 0: nobody has decided yet. */
  since: number;
  decidedBy: string | null;
  studiesRead: number;
  accuracy: Pick<EvidenceSummary['accuracy'], 'sensitivity' | 'specificity'>;
  gate: GateLook | null;
  load: Pick<EvidenceSummary, 'marksPer100' | 'falseAlarmsPer100' | 'marks' | 'falseAlarms' | 'counted'>;
  drift: {
    /** `few`: nothing can be said yet of any of the three. */
    state: 'few' | 'steady' | 'alarm';
    alarms: { what: Watched; from: number; to: number }[];
  };
  turnaround: {
    /** Arrival to signature over the last `DAYS`. */
    spread: Spread;
    adjusted: Adjusted | null;
    why: NotComparable | null;
    /** Studies without marks wait longer for a reader than those with: low end of the interval above 0. */
    negativesWait: boolean;
  };
  next: NextStep;
}
export interface Overview {
  /** When it was made, ms UTC. */
  at: number;
  timeZone: string;
  /** Turnaround is of so many days. */
  days: number;
  from: number;
  rows: OverviewRow[];
  /** The worklist is ordered by priority and arrival alone: what AI found changes nothing in it. */
  worklistByAi: false;
}
export type { FigureKey };
