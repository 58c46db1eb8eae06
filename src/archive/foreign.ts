/**
 * Objects that came by any door and are the work of an algorithm elsewhere. Who interprets them is told of each; from the moment
 * of its arrival such an object belongs to a run, so that whoever may not see the run does not see it.
 */
import { toJson, type DicomFile, type DicomJson } from '../dicom/index.ts';
import type { Intaken } from './intake.ts';
import { MAX_HEADER, readHeader, type Source } from './source.ts';
import type { IngestOptions } from './types.ts';

export interface Foreign {
  /** SOP classes that are looked into. */
  readonly sopClasses: ReadonlySet<string>;
  /** The run that it belongs to; undefined when it is no work of an algorithm. Pure. */
  runOf(object: DicomJson): string | undefined;
  /** Kind of the job that is put for each, with its SOP Instance UID as the key. */
  readonly job: string;
}

/** What the options become for an object that nobody said anything of. */
export async function withForeign(
  foreign: Foreign | undefined,
  options: IngestOptions,
  found: { readonly uids: { readonly sopClassUid: string }; readonly dataset: DicomFile['dataset'] },
  taken: Pick<Intaken, 'header' | 'size'>,
  source: Source,
): Promise<IngestOptions> {
  if (!foreign || options.kind !== undefined || !foreign.sopClasses.has(found.uids.sopClassUid))
    return options;
  // What says who made it may stand behind a long value: then all of it is read.
  const whole =
    taken.header?.stoppedAt && taken.size <= MAX_HEADER
      ? (await readHeader(source, Infinity)).dataset
      : found.dataset;
  const aiRunId = foreign.runOf(toJson(whole, { bulkDataUri: (path) => path }));
  return aiRunId === undefined ? options : { ...options, kind: 'ai', aiRunId, followUp: foreign.job };
}
