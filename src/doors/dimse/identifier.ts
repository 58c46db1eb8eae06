/** Identifiers of queries and retrievals: PS3.4 C.2 and C.4. */
import { type DataSet, DEFLATED_LE, EXPLICIT_LE, IMPLICIT_LE, parseDataSet, TAG } from '../../dicom/index.ts';
import {
  type Answer,
  type ContextVerdict,
  type Operation,
  type ProposedContext,
  STATUS,
} from '../../wire/index.ts';

export const PATIENT_ROOT = '1.2.840.10008.5.1.4.1.2.1';
export const STUDY_ROOT = '1.2.840.10008.5.1.4.1.2.2';

export type QueryLevel = 'PATIENT' | 'STUDY' | 'SERIES' | 'IMAGE';
const LEVELS: readonly string[] = ['PATIENT', 'STUDY', 'SERIES', 'IMAGE'];

/** One that is longer is an attack or a mistake; 10,000 UIDs fit. */
const MAX_BYTES = 1024 * 1024;
/** Sequences in sequences. */
const MAX_DEPTH = 8;

/** How identifiers can be written: big endian is retired, and compressed syntaxes are for pixels. */
const PLAIN: readonly string[] = [EXPLICIT_LE, IMPLICIT_LE, DEFLATED_LE];
/** The first of these that is proposed. */
export function acceptPlain({ transferSyntaxes }: ProposedContext): ContextVerdict {
  const transferSyntax = transferSyntaxes.find((uid) => PLAIN.includes(uid));
  return transferSyntax ? { transferSyntax } : 'transfer-syntaxes-not-supported';
}

/** Ends an operation with a status. */
export class Refusal extends Error {
  readonly answer: Answer;
  constructor(status: number, comment: string) {
    super(comment);
    this.answer = { status, comment };
  }
}

export interface Identifier {
  readonly level: QueryLevel;
  readonly dataset: DataSet;
  /** Values of Specific Character Set. */
  readonly charset: readonly string[];
}

/** A data set that is no instance: small, and held. @throws Refusal 0xC000 */
export async function readDataSet(
  data: Operation['data'],
  transferSyntax: string,
  maxBytes = MAX_BYTES,
): Promise<DataSet> {
  if (!data) throw new Refusal(STATUS.cannotUnderstand, 'No data set');
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of data) {
    size += part.length;
    if (size > maxBytes) throw new Refusal(STATUS.cannotUnderstand, 'The data set is too long');
    parts.push(Uint8Array.from(part));
  }
  try {
    return parseDataSet(Buffer.concat(parts), transferSyntax, {
      maxDepth: MAX_DEPTH,
      maxInflated: maxBytes,
    });
  } catch {
    throw new Refusal(STATUS.cannotUnderstand, 'The data set cannot be read');
  }
}

/** @throws Refusal 0xA900, 0xC000 */
export async function readIdentifier({ data, context }: Operation): Promise<Identifier> {
  const dataset = await readDataSet(data, context.transferSyntax);
  const level = dataset.string(TAG.QueryRetrieveLevel)?.toUpperCase() ?? '';
  const patients = context.abstractSyntax.startsWith(PATIENT_ROOT);
  if (!LEVELS.includes(level) || (level === 'PATIENT' && !patients)) {
    throw new Refusal(
      STATUS.dataSetDoesNotMatchSopClass,
      'Query/Retrieve Level is missing or not of this model',
    );
  }
  return {
    level: level as QueryLevel,
    dataset,
    charset: dataset.strings(TAG.SpecificCharacterSet),
  };
}
