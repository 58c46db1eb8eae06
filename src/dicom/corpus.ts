/** For tests: the public DICOM files beside the project, as their manifest lists them. */
import { readFileSync } from 'node:fs';

const folder = new URL('../../../shared/dicom/', import.meta.url);

/** One row of manifest.csv. */
export type CorpusEntry = Readonly<
  Record<
    | 'path'
    | 'sop_class_uid'
    | 'modality'
    | 'transfer_syntax'
    | 'ts_name'
    | 'rows'
    | 'cols'
    | 'frames'
    | 'bits_allocated'
    | 'bits_stored'
    | 'signed'
    | 'photometric'
    | 'patient_name'
    | 'expected'
    | 'frame0_min_max_mean',
    string
  >
>;

/** RFC 4180 without line breaks within fields. */
const fields = (line: string): string[] =>
  [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map((match) =>
    match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'),
  );

export function corpus(): CorpusEntry[] {
  const [header = '', ...lines] = readFileSync(new URL('manifest.csv', folder), 'utf8').trim().split(/\r?\n/);
  const names = fields(header);
  return lines.map((line) => {
    const values = fields(line);
    return Object.fromEntries(names.map((name, index) => [name, values[index] ?? ''])) as CorpusEntry;
  });
}

export const corpusFile = (path: string): Buffer => readFileSync(new URL(path, folder));
export const corpusPath = (path: string): URL => new URL(path, folder);
