import { NegatoscopeError } from '../errors.ts';

/** Provider-initiated reasons of A-ABORT: PS3.8 table 9-26. */
export const ABORT_REASON = {
  notSpecified: 0,
  unrecognizedPdu: 1,
  unexpectedPdu: 2,
  unrecognizedParameter: 4,
  unexpectedParameter: 5,
  invalidParameter: 6,
} as const;
export type AbortReason = (typeof ABORT_REASON)[keyof typeof ABORT_REASON];

/**
 * Why an association ended other than by release.
 *
 * | code | |
 * |---|---|
 * | `dimse-pdu` | the peer sent bytes that are no PDU, or not the one allowed here; `abortReason` is what it is told |
 * | `dimse-command` | a command set that cannot be read |
 * | `dimse-timeout` | the peer was silent for too long |
 * | `dimse-aborted` | the peer sent A-ABORT |
 * | `dimse-closed` | the connection was closed or reset |
 * | `dimse-rejected` | A-ASSOCIATE-RJ; details `result`, `source`, `reason` as PS3.8 table 9-21 |
 * | `dimse-no-context` | no accepted presentation context for this SOP class and transfer syntax |
 * | `dimse-unreachable` | no connection to the peer; details `reason` as in connect.ts |
 * | `dimse-tls-wanted` | the peer speaks TLS alone at this port |
 * | `dimse-status` | the peer could not do it; details `status`, `comment` |
 * | `dimse-cancelled` | we gave it up |
 * | `dimse-busy` | a second C-GET on one association |
 */
export class DimseError extends NegatoscopeError {
  readonly abortReason: AbortReason;

  constructor(
    code: string,
    message: string,
    options: {
      abortReason?: AbortReason;
      details?: Record<string, string | number | boolean>;
      cause?: unknown;
    } = {},
  ) {
    super(code, message, { status: 502, details: options.details ?? {}, cause: options.cause });
    this.name = 'DimseError';
    this.abortReason = options.abortReason ?? ABORT_REASON.notSpecified;
  }
}

export const pduError = (
  message: string,
  abortReason: AbortReason = ABORT_REASON.invalidParameter,
): DimseError => new DimseError('dimse-pdu', message, { abortReason });
