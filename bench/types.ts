/** One line of a comparison; `--json` prints them as they are. */
export interface Line {
  readonly suite: string;
  readonly work: string;
  /** Median over the rounds. */
  readonly ours: number;
  readonly peer: number;
  readonly peerName: string;
  readonly unit: string;
  /** ours / peer; above 1 is better. */
  readonly ratio: number;
  readonly goal: number;
  readonly met: boolean;
}

export interface SuiteOptions {
  /** Instances; each suite has its own default. */
  readonly count: number | undefined;
  readonly rounds: number;
  /** The suite's second size, where it has one. */
  readonly large: boolean;
  /** Only works whose name contains this; undefined: all. */
  readonly only: string | undefined;
  /** What is being done, for a person who waits. */
  readonly say: (text: string) => void;
}
export type Suite = (options: SuiteOptions) => AsyncIterable<Line>;
