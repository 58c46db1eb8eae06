/**
 * DICOM network as provider (docs/conformance.md). Thin: an association is allowed by the archive's list of AE titles, an
 * instance goes to `archive.ingest`, the outcome becomes a status; questions go to `archive.find…`, instances leave by
 * `archive.outgoing`.
 */
import { SEES_NO_AI } from '../../archive/index.ts';
import type { Archive, IngestOutcome } from '../../archive/types.ts';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import { createDimseServer, STATUS, storage, verification } from '../../wire/index.ts';
import type {
  Caller,
  CallerVerdict,
  CommitmentResult,
  DimseServer,
  DimseServerOptions,
  Receipt,
  ServerTls,
  StoreAnswer,
} from '../../wire/index.ts';
import { FAILURE } from '../failure.ts';
import { createCommitmentService } from './commitment.ts';
import { findService } from './find.ts';
import { acceptForReturn, type Destination, getService, moveService } from './retrieve.ts';

export type { Destination } from './retrieve.ts';

export interface DimseDoorOptions {
  readonly archive: Archive;
  /** Shown to people; a sender may call us by any title. */
  readonly aeTitle: string;
  readonly host: string;
  /** 0 picks a free one: see `port`. */
  readonly port: number;
  readonly log: NonNullable<DimseServerOptions['log']>;
  /** Where a C-MOVE to this title leads; unknown titles are refused with 0xA801. */
  readonly destinationOf: (aeTitle: string) => Promise<Destination | undefined>;
  /** What a receiver of ours reports on storage commitment; false: nobody here has asked for it. */
  readonly heardCommitment: (result: CommitmentResult) => Promise<boolean>;
  /** DIMSE over TLS at a port of its own. */
  readonly tls?: ServerTls & { readonly port: number };
  readonly maxAssociations?: number;
  readonly limits?: DimseServerOptions['limits'];
}

export interface DimseDoor {
  /** Rejects with the system's error (EADDRINUSE, EACCES). */
  start(): Promise<void>;
  /** The port it listens on, once started. */
  readonly port: number;
  /** The port for TLS, if there is one. */
  readonly tlsPort: number | undefined;
  /** Lets what is being received finish, for some seconds. */
  close(): Promise<void>;
}

/** What the sender is told. The comment holds codes alone: details could quote the data set. */
export function answerTo(outcome: IngestOutcome): StoreAnswer {
  switch (outcome.status) {
    case 'stored':
    case 'duplicate':
      return { status: STATUS.success };
    case 'quarantined':
      return { status: FAILURE[outcome.reason], comment: `Kept in quarantine: ${outcome.reason}` };
    case 'refused':
      return { status: FAILURE[outcome.reason], comment: `Refused: ${outcome.reason}` };
  }
}

export function createDimseDoor(options: DimseDoorOptions): DimseDoor {
  const { archive, aeTitle, host, log, destinationOf } = options;
  // Who asks is a machine: results of AI are for readers, and a report says what of them was accepted.
  const asking = { archive, aeTitle, sight: SEES_NO_AI, destinationOf, log };
  const services = [
    verification(),
    findService(asking),
    getService(asking),
    moveService(asking),
    createCommitmentService({ ...asking, heard: options.heardCommitment }),
    storage({
      accept: acceptForReturn,
      peerMayProvide: true,
      async onStore({ sopClassUid, sopInstanceUid, transferSyntax, callingAe, address }, body) {
        const network = { sopClassUid, sopInstanceUid, transferSyntax, callingAe };
        return answerTo(await archive.ingest(body, { door: 'dimse', from: callingAe, address }, { network }));
      },
    }),
  ];
  const onReceipt = (receipt: Receipt): void => {
    archive.receipts
      .keep(receipt)
      .catch((error: unknown) => log.error({ reason: reasonOf(error) }, 'receipt not kept'));
  };
  let servers: DimseServer[] = [];
  let port = options.port;
  let tlsPort = options.tls?.port;

  const acceptCaller = async ({ callingAe, address }: Caller): Promise<CallerVerdict> => {
    if (await archive.ae.isKnown(callingAe, address)) return 'accept';
    try {
      await archive.ae.knock(callingAe, address);
    } catch (error) {
      // A title that is none cannot be let in either.
      log.info({ reason: reasonOf(error) }, 'knock not kept');
    }
    return 'calling-ae-not-recognized';
  };

  return {
    async start() {
      if (servers.length > 0)
        throw new NegatoscopeError('started-twice', 'The DICOM door is open already.', { status: 500 });
      const open = (tls?: ServerTls): DimseServer => {
        const server = createDimseServer({
          acceptCaller,
          services,
          onReceipt,
          log,
          ...(options.maxAssociations === undefined ? {} : { maxAssociations: options.maxAssociations }),
          ...(options.limits ? { limits: options.limits } : {}),
          ...(tls ? { tls } : {}),
        });
        servers.push(server);
        return server;
      };
      ({ port } = await open().listen(options.port, host));
      if (options.tls) {
        const { port: wanted, ...tls } = options.tls;
        tlsPort = (await open(tls).listen(wanted, host)).port;
      }
      log.info({ aeTitle, host, port, ...(tlsPort === undefined ? {} : { tlsPort }) }, 'DICOM door open');
    },
    get port() {
      return port;
    },
    get tlsPort() {
      return tlsPort;
    },
    async close() {
      const closing = servers;
      servers = [];
      await Promise.all(closing.map((server) => server.close()));
    },
  };
}
