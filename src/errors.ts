/**
 * Every error that a person or a machine client can meet: a code that never changes, the HTTP status that fits, and an
 * English sentence that says what to do. The web app translates by code (`errors.<code>` in its catalogues); `details`
 * fill the placeholders. Never put a patient's name in either: errors reach the log.
 */
export class NegatoscopeError extends Error {
  readonly code: string;
  readonly status: number;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(
    code: string,
    message: string,
    options: {
      status?: number;
      details?: Record<string, string | number | boolean>;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'NegatoscopeError';
    this.code = code;
    this.status = options.status ?? 400;
    this.details = options.details ?? {};
  }
}

/** The reason as text, whatever was thrown. */
export const reasonOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);

/** A stored file is no longer what it was: only a backup helps. */
export const blobMissing = (what: 'gone' | 'shorter', cause?: unknown): NegatoscopeError =>
  new NegatoscopeError(
    'blob-missing',
    `A stored file is ${what === 'gone' ? 'gone' : 'shorter than it was'}. Restore it from a backup.`,
    { status: 500, cause },
  );
