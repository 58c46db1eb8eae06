/** One line of a comparison; `--json` prints them as they are. */
export interface Line {
  readonly suite: string;
  readonly work: string;
  /** Median over the rounds. */
  readonly ours: number;
  readonly peer: number;
  readonly peerName: string;
  readonly unit: string;
  /** How many times better ours is: of a rate ours / peer, of what is to be small peer / ours. */
  readonly ratio: number;
  readonly goal: number;
  readonly met: boolean;
}

export interface SuiteOptions {
  /** Instances, of the viewer slices; each suite has its own default. */
  readonly count: number | undefined;
  readonly rounds: number;
  /** The suite's second size, where it has one. */
  readonly large: boolean;
  /** Only works whose name contains this. */
  readonly only: string;
  /** On PostgreSQL, where the suite asks the database. */
  readonly postgres: boolean;
  /** A folder that is filled once and used again; one of its own, removed afterwards, without it. */
  readonly data: string | undefined;
  /** What is being done, for a person who waits. */
  readonly say: (text: string) => void;
}
export type Suite = (options: SuiteOptions) => AsyncIterable<Line>;
