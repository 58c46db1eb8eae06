/** An archive made to measure: many studies of few images, some of many, spread over years and patients as in a hospital. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { AskedJobs, record } from '../src/archive/record.ts';
import type { ArchiveTables } from '../src/archive/tables.ts';
import { arrival, type MadeRow } from '../src/archive/testing.ts';
import { type DicomJson, parseDicom, toJson, writePart10 } from '../src/dicom/index.ts';
import { migrations } from '../src/open.ts';
import { createStore, type Store } from '../src/store/index.ts';
import type { Instance } from './data.ts';

/** Instances of a series; studies in all: 2,210 of 20,000 instances. */
const LONG = { slices: 500, share: 1 / 550 };
const MIDDLE = { slices: 50, share: 1 / 20 };
const FAMILY =
  'Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefèvre Leroy Roux David Bertrand Morel Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Muller Lefebvre Faure André'.split(
    ' ',
  );
const GIVEN = 'Marie Jean Anaïs Paul Claire Louis Zoé Hugo Léa Émile Jeanne Luc Nina Marc Eva Léon'.split(
  ' ',
);
const TEMPLATE = new URL('../../shared/dicom/ct/ct-3slice_01.dcm', import.meta.url);

/** Always the same for the same text: 0 to 1. */
const chance = (text: string): number => createHash('md5').update(text).digest().readUInt32BE() / 2 ** 32;
const pick = <T>(from: readonly T[], text: string): T => from[Math.floor(chance(text) * from.length)]!;

export interface MadeStudy {
  readonly study: string;
  readonly patientId: string;
  readonly patientName: string;
  readonly accession: string;
  readonly studyDate: string;
  readonly series: readonly { readonly series: string; readonly modality: string; readonly slices: number }[];
}

/** `count` studies of about nine instances each over ten years. */
export function madeStudies(count: number): MadeStudy[] {
  return Array.from({ length: count }, (_, i) => {
    const key = `study ${i}`;
    const patient = `patient ${Math.floor((chance(key) * count) / 2)}`;
    const study = `2.25.9${String(i).padStart(12, '0')}`;
    const share = (i % 550) / 550;
    const long = share < LONG.share;
    const middle = !long && i % 20 === 1;
    const slices = long
      ? [LONG.slices]
      : middle
        ? [MIDDLE.slices, MIDDLE.slices]
        : i % 3 === 0
          ? [2, 2]
          : [1 + (i % 5)];
    const day = new Date(Date.UTC(2016, 0, 1 + Math.floor(chance(`${key} day`) * 3650)));
    return {
      study,
      patientId: patient.replace('patient ', 'P'),
      patientName: `${pick(FAMILY, patient)}${chance(`${patient} twin`) < 0.9 ? String.fromCharCode(97 + Math.floor(chance(`${patient} letter`) * 26)) : ''}^${pick(GIVEN, `${patient} given`)}`,
      accession: `ACC${String(i).padStart(7, '0')}`,
      studyDate: day.toISOString().slice(0, 10).replaceAll('-', ''),
      series: slices.map((n, e) => ({
        series: `${study}.${e + 1}`,
        modality: long || middle ? 'CT' : pick(['DX', 'CR', 'US', 'MR'], `${key} modality`),
        slices: n,
      })),
    };
  });
}

export interface MadeInstance extends MadeRow {
  number: number;
}
export function* instancesOf(studies: readonly MadeStudy[]): Generator<MadeInstance> {
  for (const made of studies) {
    for (const [e, { series, modality, slices }] of made.series.entries()) {
      for (let n = 1; n <= slices; n++) {
        yield {
          study: made.study,
          series,
          sop: `${series}.${n}`,
          patientId: made.patientId,
          patientName: made.patientName,
          accession: made.accession,
          studyDate: made.studyDate,
          studyTime: '101500',
          modality,
          description: 'Thorax abdomen pelvis',
          seriesNumber: e + 1,
          number: n,
        };
      }
    }
  }
}

const one = (vr: string, value: unknown) => ({ vr, Value: [value] });
/** The header of a real CT slice, about a hundred attributes, with the instance's own values. */
function headerMaker(): (made: MadeInstance) => DicomJson {
  const template = toJson(parseDicom(readFileSync(TEMPLATE)).dataset, { bulkDataUri: () => '' });
  delete template['7FE00010'];
  return (made) =>
    ({
      ...template,
      '00080005': one('CS', 'ISO_IR 192'),
      '00080018': one('UI', made.sop),
      '00080020': one('DA', made.studyDate),
      '00080030': one('TM', made.studyTime),
      '00080050': one('SH', made.accession),
      '00080060': one('CS', made.modality),
      '00081030': one('LO', made.description),
      '00100010': one('PN', { Alphabetic: made.patientName }),
      '00100020': one('LO', made.patientId),
      '0020000D': one('UI', made.study),
      '0020000E': one('UI', made.series),
      '00200011': one('IS', made.seriesNumber),
      '00200013': one('IS', made.number),
    }) as DicomJson;
}

const AT_ONCE = 2000;
function* groupsOf<T>(items: Iterable<T>): Generator<T[]> {
  let group: T[] = [];
  for (const item of items) {
    group.push(item);
    if (group.length < AT_ONCE) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

// Nobody is told: the other rooms have nothing to do with these.
const quiet = { jobs: { enqueue: async () => undefined }, events: { append: async () => undefined } };
/** Rows as ingest writes them, without files. */
export const index = (store: Store, arrivals: Parameters<typeof record>[2]): Promise<unknown> =>
  store.write<ArchiveTables, unknown>((tx) =>
    record(tx, quiet as never, arrivals, {
      now: Date.now(),
      silenceMs: 1,
      inboxMs: 1,
      asked: new AskedJobs(),
    }),
  );

/**
 * Writes the instances to the index of an installation that does not run, by the function that ingest writes with; there are
 * no files behind them. `headers`: of which studies the headers are kept; the others have an empty one.
 */
export async function loadIndex(
  dir: string,
  studies: readonly MadeStudy[],
  headers: (study: string) => boolean,
  say: (text: string) => void,
): Promise<void> {
  const store = await createStore({ dir, migrations });
  const headerOf = headerMaker();
  let done = 0;
  try {
    for (const group of groupsOf(instancesOf(studies))) {
      const arrivals = group.map((made) => {
        if (!headers(made.study)) return arrival(made);
        const bulk = { vr: 'OW', BulkDataURI: 'bulkdata/7FE00010' };
        return arrival({ ...made, json: JSON.stringify({ ...headerOf(made), '7FE00010': bulk }) });
      });
      await index(store, arrivals);
      done += group.length;
      if (done % 50_000 < AT_ONCE) say(`${done} instances in the index …`);
    }
  } finally {
    await store.close();
  }
}

/** The same as files to send: the header and 16 pixels. */
export function* filesOf(studies: readonly MadeStudy[]): Generator<Instance[]> {
  const headerOf = headerMaker();
  for (const group of groupsOf(instancesOf(studies))) {
    yield group.map((made) => {
      const json: DicomJson = {
        ...headerOf(made),
        '00280010': one('US', 4),
        '00280011': one('US', 4),
        '7FE00010': { vr: 'OW', Binary: new Uint8Array(32) },
      } as DicomJson;
      const bytes = Buffer.from(writePart10({ json }));
      const { datasetOffset, dataset, transferSyntax } = parseDicom(bytes);
      return {
        bytes,
        dataset: bytes.subarray(datasetOffset),
        sopClassUid: dataset.string(0x00080016)!,
        sopInstanceUid: made.sop,
        transferSyntax,
      };
    });
  }
}
