/**
 * What a Structured Report of measurements says: TID 1500 of PS3.16, read leniently, for such a report comes from anyone. Pure.
 * Measurement groups (TID 1410, 1411, 1501) are found wherever they stand; what cannot be understood is left out and named.
 *
 *     const { groups, algorithms, problems } = readMeasurementReport(json);
 */
import type { Code } from './build/srContent.ts';
import { TAG } from './dictionary.ts';
import { hexTag } from './errors.ts';
import { jsonItems, jsonString } from './json.ts';
import type { DicomJson, Tag } from './types.ts';
import { isUid } from './uid.ts';

/** Deeper content is not looked at: no template of PS3.16 comes near. */
const MAX_DEPTH = 32;
const MAX_ITEMS = 50_000;
const MAX_POINTS = 10_000;
const TEXT_LENGTH = 1024;

export interface ReadReference {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  /** Frame numbers from 1; none: all. */
  readonly frames: readonly number[];
  /** Segment numbers, where a segmentation is referred to. */
  readonly segments: readonly number[];
}

export interface ReadRegion {
  /** PS3.3 C.18.6.1.1; `SCOORD3D` in the patient's coordinates has no image. */
  readonly type: 'POINT' | 'MULTIPOINT' | 'POLYLINE' | 'CIRCLE' | 'ELLIPSE';
  /** [column, row] in pixels of the image, the top left corner at 0, 0. */
  readonly points: readonly (readonly [number, number])[];
  /** What it covers, pixels. */
  readonly box: { x: number; y: number; width: number; height: number };
  readonly image: ReadReference | undefined;
}

export interface ReadAlgorithm {
  readonly name: string;
  readonly version: string;
  readonly manufacturer: string;
  readonly parameters: readonly string[];
}

export interface ReadMeasurement {
  readonly concept: Code;
  readonly value: number;
  readonly unit: Code | undefined;
}

export interface ReadGroup {
  readonly trackingId: string;
  readonly trackingUid: string;
  readonly finding: Code | undefined;
  readonly site: Code | undefined;
  readonly regions: readonly ReadRegion[];
  /** Images that it was seen on, beside those of its regions. */
  readonly images: readonly ReadReference[];
  readonly measurements: readonly ReadMeasurement[];
  readonly evaluations: readonly { readonly concept: Code; readonly value: Code | string }[];
  /** Of the group, else of the report. */
  readonly algorithm: ReadAlgorithm | undefined;
  readonly comment: string;
}

/** Why something of it is not there: `region-3d` and `region-segment` (places that are no pixels of an image), `number` (not a
 * number), `region` (points that cannot be used), `too-deep`, `too-large`. */
export type ReadProblem = 'region-3d' | 'region-segment' | 'number' | 'region' | 'too-deep' | 'too-large';

export interface ReadReport {
  /** Concept of the root: (126000, DCM, "Imaging Measurement Report") for TID 1500. */
  readonly title: Code | undefined;
  readonly groups: readonly ReadGroup[];
  /** For the study as a whole. */
  readonly evaluations: readonly { readonly concept: Code; readonly value: Code | string }[];
  readonly algorithms: readonly ReadAlgorithm[];
  /** Devices that observed (TID 1004): name, maker, model. */
  readonly devices: readonly {
    readonly name: string;
    readonly manufacturer: string;
    readonly model: string;
  }[];
  /** A person observed (TID 1003). */
  readonly byPerson: boolean;
  readonly problems: readonly ReadProblem[];
}

const CONCEPT = {
  group: '125007',
  trackingId: '112039',
  trackingUid: '112040',
  finding: '121071',
  algorithmName: '111001',
  algorithmVersion: '111003',
  algorithmManufacturer: '122405',
  algorithmParameters: '111002',
  site: '363698007',
  siteSrt: 'G-C0E3',
  comment: '121106',
  deviceName: '121013',
  deviceManufacturer: '121014',
  deviceModel: '121015',
  observerType: '121005',
  person: '121006',
} as const;

const words = (json: DicomJson, tag: Tag): string => (jsonString(json, tag) ?? '').slice(0, TEXT_LENGTH);

export function codeOf(item: DicomJson | undefined): Code | undefined {
  if (!item) return undefined;
  const value =
    jsonString(item, TAG.CodeValue) ??
    jsonString(item, TAG.LongCodeValue) ??
    jsonString(item, TAG.URNCodeValue);
  const meaning = words(item, TAG.CodeMeaning);
  if (value === undefined && meaning === '') return undefined;
  return { value: (value ?? '').slice(0, 128), scheme: words(item, TAG.CodingSchemeDesignator), meaning };
}

const typeOf = (item: DicomJson): string => jsonString(item, TAG.ValueType) ?? '';
const conceptOf = (item: DicomJson): Code | undefined =>
  codeOf(jsonItems(item, TAG.ConceptNameCodeSequence)[0]);
const childrenOf = (item: DicomJson): DicomJson[] => jsonItems(item, TAG.ContentSequence);

const wholeNumbers = (json: DicomJson, tag: Tag): number[] =>
  (json[hexTag(tag)]?.Value ?? []).map(Number).filter((n) => Number.isInteger(n) && n > 0);

function referenceOf(item: DicomJson): ReadReference | undefined {
  const [reference] = jsonItems(item, TAG.ReferencedSOPSequence);
  const sopInstanceUid = reference && jsonString(reference, TAG.ReferencedSOPInstanceUID);
  if (!reference || !sopInstanceUid || !isUid(sopInstanceUid)) return undefined;
  return {
    sopClassUid: jsonString(reference, TAG.ReferencedSOPClassUID) ?? '',
    sopInstanceUid,
    frames: wholeNumbers(reference, TAG.ReferencedFrameNumber),
    segments: wholeNumbers(reference, TAG.ReferencedSegmentNumber),
  };
}

const REGION_TYPES = new Set(['POINT', 'MULTIPOINT', 'POLYLINE', 'CIRCLE', 'ELLIPSE']);

function regionOf(item: DicomJson): ReadRegion | undefined {
  const type = jsonString(item, TAG.GraphicType) ?? '';
  const data = (item[hexTag(TAG.GraphicData)]?.Value ?? []).map(Number);
  if (!REGION_TYPES.has(type) || data.length < 2 || data.length % 2 !== 0 || data.length > 2 * MAX_POINTS)
    return undefined;
  if (!data.every((n) => Number.isFinite(n) && Math.abs(n) < 1e7)) return undefined;
  const points: [number, number][] = [];
  for (let at = 0; at < data.length; at += 2) points.push([data[at]!, data[at + 1]!]);
  const box =
    type === 'CIRCLE' ? circleBox(points) : type === 'ELLIPSE' ? ellipseBox(points) : bounds(points);
  if (!box) return undefined;
  const image = childrenOf(item)
    .filter((child) => typeOf(child) === 'IMAGE')
    .map(referenceOf)
    .find((each) => each !== undefined);
  return { type: type as ReadRegion['type'], points, box, image };
}

function bounds(points: readonly (readonly [number, number])[]): ReadRegion['box'] {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** The centre and a point of the circle: PS3.3 C.18.6.1.2. */
function circleBox(points: readonly (readonly [number, number])[]): ReadRegion['box'] | undefined {
  const [centre, on] = points;
  if (!centre || !on) return undefined;
  const radius = Math.hypot(on[0] - centre[0], on[1] - centre[1]);
  return { x: centre[0] - radius, y: centre[1] - radius, width: 2 * radius, height: 2 * radius };
}

/** The ends of the two axes: PS3.3 C.18.6.1.2. The box of an ellipse with half axes u and v is √(u²+v²) in each direction. */
function ellipseBox(points: readonly (readonly [number, number])[]): ReadRegion['box'] | undefined {
  const [a, b, c, d] = points;
  if (!a || !b || !c || !d) return undefined;
  const [x, y] = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const half = [
    Math.hypot((b[0] - a[0]) / 2, (d[0] - c[0]) / 2),
    Math.hypot((b[1] - a[1]) / 2, (d[1] - c[1]) / 2),
  ];
  return { x: x - half[0]!, y: y - half[1]!, width: 2 * half[0]!, height: 2 * half[1]! };
}

/** Never throws, whatever the content. */
export function readMeasurementReport(json: DicomJson): ReadReport {
  const problems = new Set<ReadProblem>();
  const groups: ReadGroup[] = [];
  const algorithms: ReadAlgorithm[] = [];
  const devices: { name: string; manufacturer: string; model: string }[] = [];
  const evaluations: ReadReport['evaluations'][number][] = [];
  let byPerson = false;
  let left = MAX_ITEMS;

  /** Depth first, each item once; `into` of an item is false when what is in it is told by the visitor itself. */
  function walk(items: readonly DicomJson[], visit: (item: DicomJson) => boolean, depth: number): void {
    if (depth > MAX_DEPTH) {
      if (items.length > 0) problems.add('too-deep');
      return;
    }
    for (const item of items) {
      if (--left < 0) {
        problems.add('too-large');
        return;
      }
      if (visit(item)) walk(childrenOf(item), visit, depth + 1);
    }
  }

  function group(
    container: DicomJson,
    depth: number,
  ): Omit<ReadGroup, 'algorithm'> & { own?: ReadAlgorithm } {
    let [trackingId, trackingUid, comment] = ['', '', ''];
    let finding: Code | undefined;
    let site: Code | undefined;
    const regions: ReadRegion[] = [];
    const images: ReadReference[] = [];
    const measurements: ReadMeasurement[] = [];
    const found: ReadGroup['evaluations'][number][] = [];
    const reader = algorithmReader();
    walk(
      childrenOf(container),
      (item) => {
        const concept = conceptOf(item);
        if (reader.take(item, concept)) return true;
        switch (typeOf(item)) {
          case 'TEXT':
            if (concept?.value === CONCEPT.trackingId) trackingId = words(item, TAG.TextValue);
            else if (concept?.value === CONCEPT.comment) comment = words(item, TAG.TextValue);
            else if (concept) found.push({ concept, value: words(item, TAG.TextValue) });
            return true;
          case 'UIDREF':
            if (concept?.value === CONCEPT.trackingUid) trackingUid = words(item, TAG.UID);
            return true;
          case 'CODE': {
            const value = codeOf(jsonItems(item, TAG.ConceptCodeSequence)[0]);
            if (!value || !concept) return true;
            if (concept.value === CONCEPT.finding) finding ??= value;
            else if (concept.value === CONCEPT.site || concept.value === CONCEPT.siteSrt) site ??= value;
            else found.push({ concept, value });
            return true;
          }
          case 'NUM': {
            const [measured] = jsonItems(item, TAG.MeasuredValueSequence);
            const text = measured && jsonString(measured, TAG.NumericValue);
            const value = Number(text);
            if (text === undefined || !Number.isFinite(value)) problems.add('number');
            else if (concept)
              measurements.push({
                concept,
                value,
                unit: codeOf(jsonItems(measured!, TAG.MeasurementUnitsCodeSequence)[0]),
              });
            return true;
          }
          case 'SCOORD': {
            const region = regionOf(item);
            if (region) regions.push(region);
            else problems.add('region');
            return false; // its image is the region's
          }
          case 'SCOORD3D':
            problems.add('region-3d');
            return false;
          case 'IMAGE': {
            const reference = referenceOf(item);
            if (reference?.segments.length) problems.add('region-segment');
            else if (reference) images.push(reference);
            return true;
          }
          default:
            return true;
        }
      },
      depth + 1,
    );
    const [own] = reader.algorithms;
    return { trackingId, trackingUid, finding, site, regions, images, measurements, evaluations: found, comment, ...(own ? { own } : {}) }; // prettier-ignore
  }

  const pending: (Omit<ReadGroup, 'algorithm'> & { own?: ReadAlgorithm })[] = [];
  const reader = algorithmReader();
  walk(
    childrenOf(json),
    (item) => {
      const type = typeOf(item);
      const concept = conceptOf(item);
      if (type === 'CONTAINER' && concept?.value === CONCEPT.group) {
        // Its depth is not known here: its own content is counted from the top, which is less than what is left.
        pending.push(group(item, 0));
        return false;
      }
      if (reader.take(item, concept)) return true;
      if (type === 'TEXT' && concept) {
        const value = words(item, TAG.TextValue);
        if (concept.value === CONCEPT.deviceName) devices.push({ name: value, manufacturer: '', model: '' });
        else if (concept.value === CONCEPT.deviceManufacturer && devices.length > 0)
          devices.at(-1)!.manufacturer = value;
        else if (concept.value === CONCEPT.deviceModel && devices.length > 0) devices.at(-1)!.model = value;
        else evaluations.push({ concept, value });
      }
      if (type === 'CODE' && concept) {
        const value = codeOf(jsonItems(item, TAG.ConceptCodeSequence)[0]);
        if (concept.value === CONCEPT.observerType) byPerson ||= value?.value === CONCEPT.person;
        else if (value && jsonString(item, TAG.RelationshipType) === 'CONTAINS')
          evaluations.push({ concept, value });
      }
      return true;
    },
    1,
  );
  algorithms.push(...reader.algorithms);
  for (const { own, ...rest } of pending) groups.push({ ...rest, algorithm: own ?? algorithms[0] });
  for (const { algorithm } of groups)
    if (
      algorithm &&
      !algorithms.some((each) => each.name === algorithm.name && each.version === algorithm.version)
    )
      algorithms.push(algorithm);
  return {
    title: conceptOf(json),
    groups,
    evaluations,
    algorithms,
    devices,
    byPerson,
    problems: [...problems],
  };
}

/** TID 4019: the name begins an algorithm, what follows it belongs to it. */
function algorithmReader() {
  const algorithms: { name: string; version: string; manufacturer: string; parameters: string[] }[] = [];
  return {
    algorithms: algorithms as readonly ReadAlgorithm[],
    take(item: DicomJson, concept: Code | undefined): boolean {
      if (typeOf(item) !== 'TEXT' || concept === undefined) return false;
      const value = words(item, TAG.TextValue);
      const last = algorithms.at(-1);
      switch (concept.value) {
        case CONCEPT.algorithmName:
          algorithms.push({ name: value, version: '', manufacturer: '', parameters: [] });
          return true;
        case CONCEPT.algorithmVersion:
          if (last) last.version = value;
          return true;
        case CONCEPT.algorithmManufacturer:
          if (last) last.manufacturer = value;
          return true;
        case CONCEPT.algorithmParameters:
          last?.parameters.push(value);
          return true;
        default:
          return false;
      }
    },
  };
}
