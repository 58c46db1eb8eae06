/** Where a command writes: the terminal, or a connection from another process of the same person. */
export interface Io {
  out(line: string): void;
  err(line: string): void;
  /** A line that replaces the one before it; only where somebody watches. */
  progress(line: string): void;
  /** Resolves once whoever reads has caught up: a million lines must not pile up in memory. */
  drained(): Promise<void>;
  /** Ctrl+C: end in order. */
  signal: AbortSignal;
}

/** Exit codes that scripts can rely on (after sysexits.h where it has one). */
export const EXIT = {
  ok: 0,
  /** The command ran and what it looked at is not right: files refused, audit broken, doctor found something. */
  notRight: 2,
  usage: 64,
  /** Input that is not there or cannot be used. */
  data: 65,
  /** Ended by Ctrl+C, in order (128 + SIGINT, as shells have it). */
  interrupted: 130,
  /** Something that is needed is not there: another process holds the data, a port is taken. */
  unavailable: 69,
  internal: 70,
  noPermission: 77,
  config: 78,
} as const;
