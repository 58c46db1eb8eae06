/** What came of one association: the proof for whoever asks a sender and a receiver where an image went. */
import { COMMAND, STATUS } from './command.ts';
import type { CommandSet } from './command.ts';
import { CONTEXT_RESULT } from './pdu.ts';
import type { AnsweredContext, AssociateReject, AssociateRequest, ProposedContext } from './pdu.ts';
import type { Caller } from './policy.ts';
import type { Answer } from './service.ts';

/** `released` by the peer; `broken`: aborted, timed out, cut; `gave-way` to another while idle; `stopped` with the program. */
export type Outcome = 'open' | 'released' | 'rejected' | 'broken' | 'gave-way' | 'stopped';

export interface Receipt extends Caller {
  readonly id: string;
  readonly tls: boolean;
  /** ms UTC. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: Outcome;
  /** Why it was rejected (`result/source/reason` of PS3.8 table 9-21) or broke (a code of `DimseError`). */
  readonly reason: string;
  /** What the peer calls its software. */
  readonly implementation: string;
  /** Presentation contexts: what was proposed, and what came of it (`CONTEXT_RESULT`). */
  readonly contexts: readonly { readonly abstractSyntax: string; readonly result: number }[];
  /** Final answers by command and status: `'C-STORE 0000' → 12`. */
  readonly answers: Readonly<Record<string, number>>;
  /** Instances that were refused, the first of them. */
  readonly refused: readonly {
    readonly sopInstanceUid: string;
    readonly status: number;
    readonly comment: string;
  }[];
}

/** More are counted in `answers` and not listed. */
const MAX_REFUSED = 100;
/** Kinds of answers: a hostile peer makes no more. */
const MAX_ANSWERS = 64;

const NAMES = new Map<number, string>([
  [COMMAND.storeRq, 'C-STORE'],
  [COMMAND.echoRq, 'C-ECHO'],
  [COMMAND.findRq, 'C-FIND'],
  [COMMAND.getRq, 'C-GET'],
  [COMMAND.moveRq, 'C-MOVE'],
  [COMMAND.actionRq, 'N-ACTION'],
]);

const hex = (status: number): string => status.toString(16).toUpperCase().padStart(4, '0');
/** AE titles and names as they may be shown and kept: printable ASCII. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 64);

export function createReceipt(address: string, tls: boolean) {
  const startedAt = Date.now();
  const id = crypto.randomUUID();
  let caller: Caller = { callingAe: '', calledAe: '', address };
  let implementation = '';
  let outcome: Outcome = 'open';
  let reason = '';
  let associated = false;
  let contexts: Receipt['contexts'] = [];
  const answers = new Map<string, number>();
  const refused: Receipt['refused'][number][] = [];
  let performedCount = 0;

  return {
    asked(by: Caller, request: AssociateRequest): void {
      caller = { ...by, callingAe: printable(by.callingAe), calledAe: printable(by.calledAe) };
      implementation = printable(request.user.implementationVersion || request.user.implementationClassUid);
    },
    refused(refusal: AssociateReject): void {
      outcome = 'rejected';
      reason = `${refusal.result}/${refusal.source}/${refusal.reason}`;
    },
    answered(proposed: readonly ProposedContext[], given: readonly AnsweredContext[]): void {
      associated = true;
      const known = new Map<string, number>();
      proposed.forEach(({ abstractSyntax }, i) => {
        const result = given[i]?.result ?? CONTEXT_RESULT.noReason;
        // A class that was accepted in one transfer syntax was accepted.
        known.set(abstractSyntax, Math.min(result, known.get(abstractSyntax) ?? result));
      });
      contexts = [...known].map(([abstractSyntax, result]) => ({
        abstractSyntax: printable(abstractSyntax),
        result,
      }));
    },
    performed(command: CommandSet & { CommandField: number }, { status, comment = '' }: Answer): void {
      performedCount++;
      const key = `${NAMES.get(command.CommandField) ?? 'other'} ${hex(status)}`;
      if (answers.has(key) || answers.size < MAX_ANSWERS) answers.set(key, (answers.get(key) ?? 0) + 1);
      if (command.CommandField !== COMMAND.storeRq || status === STATUS.success) return;
      if (refused.length >= MAX_REFUSED) return;
      refused.push({
        sopInstanceUid: printable(command.AffectedSOPInstanceUID ?? ''),
        status,
        comment: printable(comment),
      });
    },
    /** The first end counts. */
    ended(how: Exclude<Outcome, 'open' | 'rejected'>, why = ''): void {
      if (outcome !== 'open') return;
      outcome = how;
      reason = why;
    },
    /** It came as far as a question that can be told of. */
    get associated() {
      return associated;
    },
    get refusal() {
      return outcome === 'rejected';
    },
    get performedCount() {
      return performedCount;
    },
    get stored() {
      return answers.get('C-STORE 0000') ?? 0;
    },
    now: (): Receipt => ({
      ...caller,
      id,
      tls,
      startedAt,
      endedAt: Date.now(),
      outcome,
      reason,
      implementation,
      contexts,
      answers: Object.fromEntries(answers),
      refused: [...refused],
    }),
  };
}
