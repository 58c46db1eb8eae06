/** Whose work an object is, where an algorithm elsewhere made it: IHE AI Results, PS3.16 TID 4019, PS3.3 C.8.20.2. Pure. */
import { createHash } from 'node:crypto';
import type { Foreign } from '../../archive/index.ts';
import { TAG } from '../../dicom/dictionary.ts';
import { jsonItems, jsonString } from '../../dicom/json.ts';
import { readMeasurementReport } from '../../dicom/srRead.ts';
import type { DicomJson } from '../../dicom/types.ts';

export const FOREIGN_JOB = 'assist.foreign';

const SEGMENTATIONS = new Set(['1.2.840.10008.5.1.4.1.1.66.4', '1.2.840.10008.5.1.4.1.1.66.7']);
/** Computer aided detection, by their class alone: mammography, chest, colon. */
const DETECTIONS = new Set(['50', '65', '69'].map((end) => `1.2.840.10008.5.1.4.1.1.88.${end}`));
/** Basic Text, Enhanced, Comprehensive, Comprehensive 3D, Extensible. */
const REPORTS = new Set(['11', '22', '33', '34', '35'].map((end) => `1.2.840.10008.5.1.4.1.1.88.${end}`));

export interface ForeignTool {
  /** Key of the tool: the same for all versions, never that of a package of ours. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly manufacturer: string;
}

/** The key says what it is to people, and its end tells apart what is written alike. */
function toolOf(name: string, version: string, manufacturer: string): ForeignTool {
  const slug = `${manufacturer} ${name}`
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  const digest = createHash('sha256').update(`${manufacturer}\0${name}`).digest('hex').slice(0, 8);
  return { id: `ext-${slug || 'tool'}-${digest}`, name, version, manufacturer };
}

const words = (json: DicomJson, tag: number): string => (jsonString(json, tag) ?? '').trim().slice(0, 64);

/** Undefined: nobody's but a person's, or nothing says that an algorithm made it. */
export function foreignToolOf(json: DicomJson): ForeignTool | undefined {
  const sopClass = jsonString(json, TAG.SOPClassUID) ?? '';
  const maker = words(json, TAG.Manufacturer);
  if (SEGMENTATIONS.has(sopClass)) {
    const segments = jsonItems(json, TAG.SegmentSequence);
    const automatic = segments.find((each) => jsonString(each, TAG.SegmentAlgorithmType) === 'AUTOMATIC');
    if (!automatic) return undefined;
    const [said] = jsonItems(automatic, TAG.SegmentationAlgorithmIdentificationSequence);
    const name = (said && words(said, TAG.AlgorithmName)) || words(automatic, TAG.SegmentAlgorithmName);
    return toolOf(
      name || words(json, TAG.ManufacturerModelName) || 'segmentation',
      (said && words(said, TAG.AlgorithmVersion)) || '',
      (said && words(said, TAG.AlgorithmSource)) || maker,
    );
  }
  const detection = DETECTIONS.has(sopClass);
  if (!detection && !REPORTS.has(sopClass)) return undefined;
  // A person answers for it: a report that quotes an algorithm is the person's.
  if (jsonString(json, TAG.VerificationFlag) === 'VERIFIED') return undefined;
  const { algorithms, byPerson } = readMeasurementReport(json);
  if (byPerson) return undefined;
  const [first] = algorithms;
  if (first)
    return toolOf(
      first.name.trim().slice(0, 64) || 'algorithm',
      first.version.trim().slice(0, 64),
      first.manufacturer.trim().slice(0, 64) || maker,
    );
  return detection ? toolOf(words(json, TAG.ManufacturerModelName) || 'detection', '', maker) : undefined;
}

/** What one tool said of one study is one run, however many objects it comes in. */
export const foreignRunOf = (tool: Pick<ForeignTool, 'id' | 'version'>, studyUid: string): string =>
  `foreign-${createHash('sha256').update(`${tool.id}\n${tool.version}\n${studyUid}`).digest('hex').slice(0, 32)}`;

/** The run of a tool that does not run here: that there is one says already that something came of it. */
export const isForeignRun = (runId: string): boolean => runId.startsWith('foreign-');

/** For the archive: from its arrival on such an object belongs to a run. */
export const foreignObjects: Foreign = {
  sopClasses: new Set([...SEGMENTATIONS, ...DETECTIONS, ...REPORTS]),
  runOf(json) {
    const tool = foreignToolOf(json);
    return tool && foreignRunOf(tool, jsonString(json, TAG.StudyInstanceUID) ?? '');
  },
  job: FOREIGN_JOB,
};
