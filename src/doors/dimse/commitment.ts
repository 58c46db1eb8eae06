/**
 * Storage Commitment Push Model, PS3.4 J.3. As provider: the archive looks and keeps the promise, this tells of it. And what
 * others report on what we have asked of them.
 */
import type { Archive, CommitmentReport } from '../../archive/types.ts';
import { dataset as attributes, encodeDataSet, isUid, TAG } from '../../dicom/index.ts';
import {
  type Answer,
  associate,
  COMMAND,
  type CommandSet,
  DimseError,
  type Handler,
  type Operation,
  type Peer,
  type CommitmentResult,
  commitmentResult,
  type Service,
  STATUS,
  STORAGE_COMMITMENT,
  STORAGE_COMMITMENT_INSTANCE,
} from '../../wire/index.ts';
import { acceptPlain, readDataSet, Refusal } from './identifier.ts';
import type { RetrieveDependencies } from './retrieve.ts';

const EXPLICIT_OR_IMPLICIT = ['1.2.840.10008.1.2.1', '1.2.840.10008.1.2'];
/** Action Type ID of a request, PS3.4 J.3.2.1. */
const REQUEST = 1;
/** Event Type IDs, PS3.4 J.3.3.1: all are kept, or some are not. */
const COMPLETE = 1;
const FAILURES = 2;
/** Of a report, bytes: 1,000 instances are asked about at once, and some providers answer with more about each. */
const MAX_REPORT = 8 * 1024 * 1024;

type Dependencies = Pick<RetrieveDependencies, 'sight' | 'aeTitle' | 'destinationOf' | 'log'> & {
  readonly archive: Pick<Archive, 'commitment'>;
  /** A receiver of ours reports. False: we have not asked this. */
  readonly heard: (result: CommitmentResult) => Promise<boolean>;
};

export function createCommitmentService({
  archive,
  sight,
  aeTitle,
  destinationOf,
  log,
  heard,
}: Dependencies): Service {
  /** Associations that asked and are open still: they are told first. */
  const open = new Map<string, { peer: Peer; contextId: number; transferSyntax: string }>();

  async function act({ peer, context, command, data }: Operation) {
    if (command.RequestedSOPInstanceUID !== STORAGE_COMMITMENT_INSTANCE)
      throw new Refusal(STATUS.noSuchObjectInstance, 'Not the storage commitment instance');
    if (command.ActionTypeID !== REQUEST) throw new Refusal(STATUS.noSuchAction, 'Not a request');
    const dataset = await readDataSet(data, context.transferSyntax);
    const transactionUid = dataset.string(TAG.TransactionUID) ?? '';
    const references = dataset.items(TAG.ReferencedSOPSequence).map((item) => ({
      sopClassUid: item.string(TAG.ReferencedSOPClassUID) ?? '',
      sopInstanceUid: item.string(TAG.ReferencedSOPInstanceUID) ?? '',
    }));
    if (
      !isUid(transactionUid) ||
      references.length === 0 ||
      references.some((each) => each.sopInstanceUid === '')
    )
      throw new Refusal(STATUS.invalidArgumentValue, 'Transaction UID or references are missing');
    const association = crypto.randomUUID();
    if (!peer.ended.aborted) {
      open.set(association, { peer, contextId: context.id, transferSyntax: context.transferSyntax });
      peer.ended.addEventListener('abort', () => open.delete(association), { once: true });
    }
    await archive.commitment.request({ transactionUid, aeTitle: peer.callingAe, association, references });
    return { status: STATUS.success };
  }

  async function tell(report: CommitmentReport): Promise<void> {
    const eventTypeId = report.failed.length === 0 ? COMPLETE : FAILURES;
    const data = eventOf(report, aeTitle);
    const asker = open.get(report.association);
    if (asker) {
      try {
        await asker.peer.request(
          asker.contextId,
          {
            AffectedSOPClassUID: STORAGE_COMMITMENT,
            CommandField: COMMAND.eventReportRq,
            AffectedSOPInstanceUID: STORAGE_COMMITMENT_INSTANCE,
            EventTypeID: eventTypeId,
          },
          encodeDataSet(data, { transferSyntax: asker.transferSyntax }),
        );
        return;
      } catch (error) {
        if (!(error instanceof DimseError)) throw error; // it has gone meanwhile: an association of ours
      }
    }
    const destination = await destinationOf(report.aeTitle);
    if (!destination)
      throw new DimseError('dimse-unreachable', `No other system is known by the AE title ${report.aeTitle}`);
    const association = await associate({
      host: destination.host,
      port: destination.port,
      callingAe: destination.callingAe ?? aeTitle,
      calledAe: report.aeTitle,
      // We are the provider, and the requestor of the association all the same: PS3.4 J.3.3.
      contexts: [{ abstractSyntax: STORAGE_COMMITMENT, transferSyntaxes: EXPLICIT_OR_IMPLICIT, role: 'scp' }],
      ...(destination.tls ? { tls: destination.tls } : {}),
    });
    const { status } = await association.eventReport({
      sopClassUid: STORAGE_COMMITMENT,
      sopInstanceUid: STORAGE_COMMITMENT_INSTANCE,
      eventTypeId,
      data,
    });
    await association.release();
    if (status !== STATUS.success)
      log.info({ aeTitle: report.aeTitle, status }, 'storage commitment report refused');
  }

  /** N-EVENT-REPORT, PS3.4 J.3.3: answered with success once it is kept. */
  async function hear({ context, command, data }: Operation) {
    const dataset = await readDataSet(data, context.transferSyntax, MAX_REPORT);
    if (command.EventTypeID !== COMPLETE && command.EventTypeID !== FAILURES)
      throw new Refusal(STATUS.noSuchEventType, 'Not a report');
    if (!(await heard(commitmentResult(dataset))))
      throw new Refusal(STATUS.invalidArgumentValue, 'This transaction is not known here');
    return { status: STATUS.success };
  }

  /** Both operations answer with what they are about. */
  const answered =
    (act: (operation: Operation) => Promise<Answer>, about: (command: CommandSet) => CommandSet): Handler =>
    async (operation) => {
      const fields = {
        AffectedSOPClassUID: STORAGE_COMMITMENT,
        AffectedSOPInstanceUID: STORAGE_COMMITMENT_INSTANCE,
        ...about(operation.command),
      };
      try {
        return { ...(await act(operation)), fields };
      } catch (thrown) {
        if (thrown instanceof Refusal) return { ...thrown.answer, fields };
        throw thrown;
      }
    };

  archive.commitment.work(sight, tell);
  return {
    name: 'Storage Commitment',
    accepts: (context) => (context.abstractSyntax === STORAGE_COMMITMENT ? acceptPlain(context) : undefined),
    // Who reports to us is the provider, and the requestor all the same.
    peerMayProvide: true,
    handlers: {
      [COMMAND.actionRq]: answered(act, ({ ActionTypeID = REQUEST }) => ({ ActionTypeID })),
      [COMMAND.eventReportRq]: answered(hear, ({ EventTypeID = COMPLETE }) => ({ EventTypeID })),
    },
  };
}

/** PS3.4 table J.3-2. */
const eventOf = ({ transactionUid, committed, failed }: CommitmentReport, aeTitle: string) =>
  attributes({
    TransactionUID: transactionUid,
    RetrieveAETitle: aeTitle,
    ...(committed.length > 0
      ? {
          ReferencedSOPSequence: committed.map(({ sopClassUid, sopInstanceUid }) => ({
            ReferencedSOPClassUID: sopClassUid,
            ReferencedSOPInstanceUID: sopInstanceUid,
          })),
        }
      : {}),
    ...(failed.length > 0
      ? {
          FailedSOPSequence: failed.map(({ sopClassUid, sopInstanceUid, reason }) => ({
            ReferencedSOPClassUID: sopClassUid,
            ReferencedSOPInstanceUID: sopInstanceUid,
            FailureReason: reason,
          })),
        }
      : {}),
  });
