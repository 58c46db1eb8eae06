/** A client of the worklist of AI work: UPS-RS, WADO-RS and STOW-RS (PS3.18 chapters 10 and 11), with a token. */
import { setTimeout as pause } from 'node:timers/promises';
import { dateTime, outputItems } from '../../assist/ups/dataset.ts';
import { codeItem, LOCAL } from '../../dicom/build/srContent.ts';
import { dataset, type DicomJson, jsonItems, jsonString, TAG } from '../../dicom/index.ts';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import { multipartWriter } from '../../wire/multipart.ts';

const JSON_TYPE = 'application/dicom+json';
/** Without an answer in this time the request is taken for lost; a large image over a slow line is still on its way. */
const REQUEST_MS = 120_000;
/** For as long the server may be away (a restart, a cable) before the work is given up: its lease is over by then. */
const PATIENCE_MS = 90_000;

export interface WorkItem {
  readonly uid: string;
  readonly model: string;
  readonly version: string;
  readonly weights: string;
  readonly run: string;
  readonly studyUid: string;
  readonly images: readonly { sopInstanceUid: string; sopClassUid: string; seriesUid: string }[];
}

export interface Reference {
  readonly seriesUid: string;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
}

/** The server refused: the claim is gone, or what was sent cannot be used. Not tried again. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface WorkClient {
  /** What waits, the most urgent first. */
  waiting(): Promise<WorkItem[]>;
  /** False when somebody else was first. */
  claim(item: WorkItem, transactionUid: string): Promise<boolean>;
  progress(item: WorkItem, transactionUid: string, percent: number): Promise<void>;
  file(item: WorkItem, sopInstanceUid: string): Promise<Uint8Array>;
  metadata(item: WorkItem, sopInstanceUid: string): Promise<DicomJson>;
  /** Stores it unless it is there: an earlier claim of the run may have come so far. */
  store(item: WorkItem, object: Reference & { bytes: Uint8Array }): Promise<void>;
  complete(
    item: WorkItem,
    transactionUid: string,
    done: { startedAt: number; endedAt: number; output: readonly Reference[] },
  ): Promise<void>;
  giveUp(item: WorkItem, transactionUid: string, reason: string, code?: string): Promise<void>;
}

/** Read leniently: an item that does not say what it wants is not for us. */
export function itemOf(json: DicomJson): WorkItem {
  const parameters = new Map(
    jsonItems(json, TAG.ScheduledProcessingParametersSequence).map((item) => [
      jsonString(jsonItems(item, TAG.ConceptNameCodeSequence)[0] ?? {}, TAG.CodeValue) ?? '',
      jsonString(item, TAG.TextValue) ?? '',
    ]),
  );
  return {
    uid: jsonString(json, TAG.SOPInstanceUID) ?? '',
    model: parameters.get('model') ?? '',
    version: parameters.get('model-version') ?? '',
    weights: parameters.get('weights-sha256') ?? '',
    run: parameters.get('run') ?? '',
    studyUid: jsonString(json, TAG.StudyInstanceUID) ?? '',
    images: jsonItems(json, TAG.InputInformationSequence).flatMap((series) =>
      jsonItems(series, TAG.ReferencedSOPSequence).map((reference) => ({
        seriesUid: jsonString(series, TAG.SeriesInstanceUID) ?? '',
        sopClassUid: jsonString(reference, TAG.ReferencedSOPClassUID) ?? '',
        sopInstanceUid: jsonString(reference, TAG.ReferencedSOPInstanceUID) ?? '',
      })),
    ),
  };
}

/**
 * @param server address of the program, as people open it: `https://host:8043`
 * @param patienceMs how long a request is repeated while the server is away
 */
export function createClient(
  server: string,
  token: string,
  signal: AbortSignal,
  patienceMs = PATIENCE_MS,
): WorkClient {
  const base = `${server.replace(/\/+$/, '')}/dicom-web`;

  /** Repeats what the network lost; what the server refused it does not. Every request here may be made twice. */
  async function ask(
    method: string,
    path: string,
    options: { accept?: string; type?: string; body?: Uint8Array | string; allow?: readonly number[] } = {},
  ): Promise<Response> {
    const { accept = JSON_TYPE, type, body, allow = [] } = options;
    const end = Date.now() + patienceMs;
    for (let wait = 250; ; wait = Math.min(5000, wait * 2)) {
      let why: string;
      try {
        const response = await fetch(base + path, {
          method,
          headers: { authorization: `Bearer ${token}`, accept, ...(type ? { 'content-type': type } : {}) },
          signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
          ...(body === undefined ? {} : { body: body as BodyInit }),
        });
        if (response.ok || allow.includes(response.status)) return response;
        const said = (await response.text()).slice(0, 300);
        if (response.status < 500 && response.status !== 429)
          throw new Refused(response.status, `${method} ${response.status}: ${messageOf(said)}`);
        why = `${response.status}`;
      } catch (error) {
        if (error instanceof Refused || signal.aborted) throw error;
        why = reasonOf((error as Error).cause ?? error);
      }
      if (Date.now() + wait > end)
        throw new NegatoscopeError('server-away', `The server does not answer: ${why}`, { status: 503 });
      await pause(wait, undefined, { signal });
    }
  }
  const send = async (method: string, path: string, json: DicomJson): Promise<void> => {
    const response = await ask(method, path, { type: JSON_TYPE, body: JSON.stringify([json]) });
    await response.arrayBuffer();
  };
  const instance = (item: WorkItem, sopInstanceUid: string): string => {
    const seriesUid = item.images.find((image) => image.sopInstanceUid === sopInstanceUid)?.seriesUid;
    return `/studies/${item.studyUid}/series/${seriesUid}/instances/${sopInstanceUid}`;
  };
  const update = (item: WorkItem, transactionUid: string, json: DicomJson): Promise<void> =>
    send('POST', `/workitems/${item.uid}?transaction-uid=${transactionUid}`, json);
  const state = (item: WorkItem, transactionUid: string, value: string): Promise<void> =>
    send(
      'PUT',
      `/workitems/${item.uid}/state`,
      dataset({ TransactionUID: transactionUid, ProcedureStepState: value }),
    );

  return {
    async waiting() {
      const response = await ask('GET', '/workitems?ProcedureStepState=SCHEDULED&limit=100');
      if (response.status === 204) return [];
      return ((await response.json()) as DicomJson[]).map(itemOf);
    },

    async claim(item, transactionUid) {
      try {
        await state(item, transactionUid, 'IN PROGRESS');
        return true;
      } catch (error) {
        if (!(error instanceof Refused) || (error.status !== 409 && error.status !== 404)) throw error;
        // It may be ours: the answer to a first try can be lost on its way. The lock tells.
        return update(item, transactionUid, dataset({})).then(
          () => true,
          (other: unknown) => {
            if (other instanceof Refused) return false;
            throw other;
          },
        );
      }
    },

    progress: (item, transactionUid, percent) =>
      update(
        item,
        transactionUid,
        dataset({
          ProcedureStepProgressInformationSequence: [{ ProcedureStepProgress: String(Math.round(percent)) }],
        }),
      ),

    async file(item, sopInstanceUid) {
      const accept = 'application/dicom; transfer-syntax=*';
      const response = await ask('GET', instance(item, sopInstanceUid), { accept });
      return new Uint8Array(await response.arrayBuffer());
    },

    async metadata(item, sopInstanceUid) {
      const response = await ask('GET', `${instance(item, sopInstanceUid)}/metadata`);
      return ((await response.json()) as DicomJson[])[0] ?? {};
    },

    async store(item, { bytes, seriesUid, sopInstanceUid }) {
      const there = `/studies/${item.studyUid}/series/${seriesUid}/instances/${sopInstanceUid}/metadata`;
      const found = await ask('GET', there, { allow: [404] });
      await found.arrayBuffer();
      if (found.ok) return;
      const writer = multipartWriter();
      const body = Buffer.concat([
        writer.part({ 'Content-Type': 'application/dicom' }),
        bytes,
        writer.end(),
      ] as Uint8Array[]);
      const path = `/studies/${item.studyUid}?workitem=${item.uid}`;
      const type = writer.contentType('application/dicom');
      const response = await ask('POST', path, { type, body });
      await response.arrayBuffer();
    },

    async complete(item, transactionUid, { startedAt, endedAt, output }) {
      const performed = dataset({
        UnifiedProcedureStepPerformedProcedureSequence: [
          {
            PerformedProcedureStepStartDateTime: dateTime(startedAt),
            PerformedProcedureStepEndDateTime: dateTime(endedAt),
            OutputInformationSequence: outputItems(item.studyUid, output),
          },
        ],
      });
      await update(item, transactionUid, performed);
      await state(item, transactionUid, 'COMPLETED');
    },

    async giveUp(item, transactionUid, reason, code) {
      await update(
        item,
        transactionUid,
        dataset({
          ProcedureStepProgressInformationSequence: [
            {
              ReasonForCancellation: reason.slice(0, 300),
              ...(code === undefined
                ? {}
                : {
                    ProcedureStepDiscontinuationReasonCodeSequence: [codeItem(LOCAL(code, reason))],
                  }),
            },
          ],
        }),
      );
      await state(item, transactionUid, 'CANCELED');
    },
  };
}

function messageOf(body: string): string {
  try {
    return (JSON.parse(body) as { error?: { message?: string } }).error?.message ?? body;
  } catch {
    return body;
  }
}
