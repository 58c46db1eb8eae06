/**
 * The one way to `/api`: JSON or a file in, JSON out, the session cookie beside, `x-csrf` with every writing call, and an
 * `ApiFailure` with the server's code for whatever goes wrong. 401 and 423 are told to the shell, which shows the sign-in
 * page or the lock.
 */
import type { ApiError, Me } from '../doors/api/contract.ts';

export class ApiFailure extends Error {
  readonly code: string;
  readonly status: number;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(status: number, code: string, message: string, details: ApiFailure['details'] = {}) {
    super(message);
    this.name = 'ApiFailure';
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

let csrf = '';
/** Called with every `Me` that arrives. */
export const rememberCsrf = (me: Me | null): void => {
  csrf = me?.csrf ?? '';
};
export const csrfHeader = (): Record<string, string> => (csrf ? { 'x-csrf': csrf } : {});

type Gate = 'signed-out' | 'locked';
let gate: (what: Gate) => void = () => {};
/** The shell says what to do when the server answers 401 or 423. */
export const onGate = (listener: (what: Gate) => void): void => {
  gate = listener;
};

/** Browsers refuse a longer body (64 KiB, Fetch standard 4.6) with `keepalive`; a character may take three bytes. */
const MAX_KEEPALIVE = 20_000;

export interface ApiOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON; a file as it is, under its own type. */
  body?: unknown;
  signal?: AbortSignal;
  /** The call outlives the page that is being closed, unless its body is too long for that. */
  keepalive?: boolean;
  /** Wrong PIN or password while signing in, unlocking or signing an act: says nothing about the session. */
  quiet?: boolean;
}

const lengthOf = (sent: Blob | string | undefined): number =>
  sent instanceof Blob ? sent.size : (sent?.length ?? 0);

/** Calls `/api{path}`. Gives the JSON of the answer, or undefined for 204. Throws `ApiFailure`. */
export async function api<T>(path: string, options: ApiOptions = {}): Promise<T> {
  const { method = 'GET', body, signal, keepalive, quiet } = options;
  const sent = body === undefined || body instanceof Blob ? body : JSON.stringify(body);
  let response: Response;
  try {
    response = await fetch(`/api${path}`, {
      method,
      credentials: 'same-origin',
      headers: {
        accept: 'application/json',
        ...(sent === undefined
          ? {}
          : { 'content-type': sent instanceof Blob ? sent.type : 'application/json' }),
        ...(method === 'GET' ? {} : csrfHeader()),
      },
      ...(sent === undefined ? {} : { body: sent }),
      ...(signal ? { signal } : {}),
      ...(keepalive && lengthOf(sent) < MAX_KEEPALIVE ? { keepalive } : {}),
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiFailure(0, 'unreachable', 'The server does not answer.');
  }
  if (response.ok) {
    if (response.status === 204) return undefined as T;
    const text = await response.text();
    return (text ? JSON.parse(text) : undefined) as T;
  }
  const failure = await failureOf(response);
  if (!quiet && response.status === 401) gate('signed-out');
  if (response.status === 423) gate('locked');
  throw failure;
}

/** The failure that an unsuccessful answer describes; also for calls made without `api` (uploads, DICOMweb). */
export async function failureOf(response: Response): Promise<ApiFailure> {
  return failureFrom(response.status, await response.text().catch(() => ''));
}
export function failureFrom(status: number, text: string): ApiFailure {
  try {
    const { error } = JSON.parse(text) as ApiError;
    return new ApiFailure(status, error.code, error.message, error.details ?? {});
  } catch {
    return new ApiFailure(status, `http-${status}`, `The server answered ${status}.`);
  }
}
