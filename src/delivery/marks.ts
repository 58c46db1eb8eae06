/** What the reader marked, as DICOM objects: measurements (TID 1500), key images (TID 2010) and how these were shown (GSPS). */
import { personName, shortText, sr, uidOfUuid, type DicomJson } from '../dicom/index.ts';
import { keyObjects } from '../dicom/build/keyObjects.ts';
import { presentationState, type Drawing } from '../dicom/build/presentationState.ts';
import { aspectRatioOf, calibrationOf, type Point } from '../measure/calibration.ts';
import { frameOf } from '../measure/geometry.ts';
import { groupOf, itemsIn, numberIn, numbersIn, textIn, type Header } from '../measure/header.ts';
import type { Mark, Quantity, Unit } from '../measure/marks.ts';
import { labelLines } from '../measure/words.ts';
import type { DocumentKind, ReportRecord } from '../reading/types.ts';
import { equipmentOf, organisationOf, studyOf } from './head.ts';
import { documentUid, seriesUid } from './uids.ts';

const SERIES_NUMBER = { measurements: 9102, keys: 9103, presentation: 9104 } as const;

const UNITS: Readonly<Record<Unit, sr.Code>> = {
  mm: sr.UCUM('mm', 'millimeter'),
  px: sr.UCUM('{pixels}', 'pixels'),
  mm2: sr.UCUM('mm2', 'square millimeter'),
  px2: sr.UCUM('{pixels}', 'pixels'),
  deg: sr.UCUM('deg', 'degree'),
  '1': sr.UCUM('1', 'no units'),
  HU: sr.UCUM("[hnsf'U]", 'Hounsfield unit'),
  '': sr.UCUM('1', 'no units'),
};
const LENGTH = sr.SCT('410668003', 'Length');
const ATTENUATION = sr.DCM('112031', 'Attenuation Coefficient');
const PIXEL_VALUE = sr.LOCAL('pixel-value', 'Value of pixels');
const CONCEPTS: Readonly<Record<Quantity['name'], sr.Code>> = {
  length: LENGTH,
  angle: sr.SCT('1483009', 'Angle'),
  ratio: sr.LOCAL('ctr', 'Cardiothoracic ratio'),
  heart: sr.LOCAL('heart-width', 'Transverse diameter of heart'),
  thorax: sr.LOCAL('thorax-width', 'Internal transverse diameter of thorax'),
  area: sr.SCT('42798000', 'Area'),
  mean: PIXEL_VALUE,
  sd: PIXEL_VALUE,
  min: PIXEL_VALUE,
  max: PIXEL_VALUE,
  value: PIXEL_VALUE,
};
const COBB = sr.SCT('285285000', 'Cobb angle');
/** What each group is about, and its name for people. */
const GROUPS: Readonly<Record<Exclude<Mark['kind'], 'key'>, readonly [name: string, finding: sr.Code]>> = {
  length: ['Length', LENGTH],
  angle: ['Angle', CONCEPTS.angle],
  cobb: ['Cobb angle', COBB],
  ctr: ['Cardiothoracic ratio', CONCEPTS.ratio],
  ellipse: ['Ellipse', sr.LOCAL('roi', 'Region of interest')],
  rectangle: ['Rectangle', sr.LOCAL('roi', 'Region of interest')],
  probe: ['Value', sr.LOCAL('probe', 'Value at a point')],
  arrow: ['Arrow', sr.LOCAL('annotation', 'Annotation')],
  text: ['Text', sr.LOCAL('annotation', 'Annotation')],
};
/** Said in the object, too: a length at the detector is not the object's. */
const CALIBRATIONS: Readonly<Partial<Record<Mark['calibration'], string>>> = {
  detector: 'At the plane of the detector: the object is smaller.',
  estimated: 'Corrected by the Estimated Radiographic Magnification Factor of the header.',
  none: 'Not calibrated: lengths and areas in pixels.',
};

const KINDS_WITH_REGION = new Set<Mark['kind']>(['ellipse', 'rectangle']);

const boxOf = ([a, b]: readonly Point[]) => {
  const { left, top, right, bottom } = frameOf(a!, b!);
  return { x: left, y: top, width: right - left, height: bottom - top };
};

type Images = ReadonlyMap<string, sr.ImageReference & { frameCount: number }>;
const referenceOf = (mark: Mark, images: Images): sr.ImageReference | undefined => {
  const found = images.get(mark.sopInstanceUid);
  if (!found) return undefined;
  const { frameCount, ...reference } = found;
  return frameCount > 1 ? { ...reference, frames: [mark.frame] } : reference;
};

/** The points that a quantity was taken between. */
function pointsOf(mark: Mark, name: Quantity['name']): readonly Point[] {
  if (mark.kind !== 'ctr') return mark.points;
  return name === 'heart' ? mark.points.slice(0, 2) : name === 'thorax' ? mark.points.slice(2) : mark.points;
}

function measurementsOf(
  mark: Mark,
  number: number,
  image: sr.ImageReference,
  reader: string,
): sr.MeasurementGroup {
  const [name, finding] = GROUPS[mark.kind as Exclude<Mark['kind'], 'key'>];
  const region = KINDS_WITH_REGION.has(mark.kind);
  const measurements = mark.quantities.map((each): sr.Measurement => {
    const concept = mark.kind === 'cobb' && each.name === 'angle' ? COBB : CONCEPTS[each.name];
    return {
      concept: each.unit === 'HU' ? ATTENUATION : concept,
      value: each.value,
      unit: UNITS[each.unit],
      ...(each.name in sr.DERIVATION
        ? { derivation: sr.DERIVATION[each.name as keyof typeof sr.DERIVATION] }
        : {}),
      ...(region
        ? {}
        : {
            from: {
              image,
              graphic: mark.kind === 'probe' ? ('POINT' as const) : ('POLYLINE' as const),
              points: pointsOf(mark, each.name),
            },
          }),
    };
  });
  const annotation = mark.kind === 'arrow' || mark.kind === 'text';
  const note = CALIBRATIONS[mark.calibration];
  const lengths = mark.quantities.some(({ unit }) => ['mm', 'px', 'mm2', 'px2'].includes(unit));
  return {
    trackingId: `${name} ${number}`,
    trackingUid: uidOfUuid(mark.id),
    finding,
    decidedBy: reader,
    observedAt: new Date(mark.at),
    ...(region
      ? {
          region: {
            image,
            ...(mark.kind === 'ellipse' ? { ellipse: boxOf(mark.points) } : { box: boxOf(mark.points) }),
          },
        }
      : annotation
        ? { region: { image, place: mark.points } }
        : {}),
    measurements,
    ...(mark.text || (note && lengths)
      ? { comment: [mark.text, note && lengths ? note : null].filter(Boolean).join('\n') }
      : {}),
  };
}

/** How graphics of a presentation state draw a mark. */
function drawingOf(mark: Mark, language: 'fr' | 'en'): Drawing {
  const { kind, points } = mark;
  const line = (...ends: readonly Point[]) => ({ type: 'POLYLINE' as const, points: ends });
  const text = labelLines(mark, language).join('\n');
  const [a, b, c, d] = points as [Point, Point, Point, Point];
  const anchor = points.at(-1) ?? [0, 0];
  switch (kind) {
    case 'cobb':
    case 'ctr':
      return { graphics: [line(a, b), line(c, d)], text, anchor };
    case 'rectangle':
      return { graphics: [line(a, [b[0], a[1]], b, [a[0], b[1]], a)], text, anchor };
    case 'ellipse':
      return { graphics: [{ type: 'ELLIPSE', points: sr.ellipseEnds(boxOf(points)) }], text, anchor };
    case 'arrow':
      return { graphics: [line(...points), ...arrowHead(a, b)], text, anchor };
    case 'probe':
      return { graphics: [{ type: 'POINT', points }], text, anchor };
    case 'text':
      return { graphics: [], text, anchor };
    default:
      return { graphics: [line(...points)], text, anchor };
  }
}
/** Two short lines at the tip, a quarter of the shaft long at most. */
function arrowHead(tip: Point, tail: Point): { type: 'POLYLINE'; points: Point[] }[] {
  const [dx, dy] = [tail[0] - tip[0], tail[1] - tip[1]];
  const length = Math.hypot(dx, dy);
  if (length === 0) return [];
  const size = Math.min(length / 4, 20) / length;
  return [0.45, -0.45].map((turn) => ({
    type: 'POLYLINE',
    points: [
      tip,
      [
        tip[0] + size * (dx * Math.cos(turn) - dy * Math.sin(turn)),
        tip[1] + size * (dx * Math.sin(turn) + dy * Math.cos(turn)),
      ],
    ],
  }));
}

/** An image of the report with what a presentation state has to know of it. */
export interface MarkedImage {
  sopInstanceUid: string;
  frames: number;
  /** DICOM JSON without bulk data. */
  header: Header;
}

export interface MarkDocument {
  kind: DocumentKind;
  json: DicomJson;
}

/**
 * The objects that a signed report's marks make, none where there are none. Pure: the same report gives the same objects.
 * `images`: those that bear marks, with their headers.
 */
export function markDocuments(
  record: ReportRecord,
  images: readonly MarkedImage[],
  version: string,
): MarkDocument[] {
  const marks = record.marks ?? [];
  const { language } = record.fields;
  const french = language === 'fr';
  const frames = new Map(images.map((image) => [image.sopInstanceUid, image.frames]));
  const references: Images = new Map(
    record.images.map((image) => [
      image.sopInstanceUid,
      { ...image, studyUid: record.studyUid, frameCount: frames.get(image.sopInstanceUid) ?? 1 },
    ]),
  );
  const at = new Date(record.signedAt);
  const reader = personName(record.reader.name);
  const organisation = organisationOf(record);
  const common = {
    study: studyOf(record),
    equipment: equipmentOf(record, version),
    at,
    timeZone: record.timeZone,
  };
  const named = (kind: DocumentKind, place: keyof typeof SERIES_NUMBER, description: string) => ({
    seriesDescription: shortText(description),
    seriesNumber: SERIES_NUMBER[place],
    sopInstanceUid: documentUid(record.id, kind, 0),
    seriesInstanceUid: seriesUid(record.id, kind),
  });
  const seen = marks.flatMap((mark) => {
    const image = referenceOf(mark, references);
    return image ? [{ mark, image }] : [];
  });
  const measured = seen.filter(({ mark }) => mark.kind !== 'key');
  const keys = seen.filter(({ mark }) => mark.kind === 'key');
  const documents: MarkDocument[] = [];

  if (measured.length > 0) {
    const count = new Map<string, number>();
    documents.push({
      kind: 'measurements',
      json: sr.measurementReport({
        ...common,
        ...named('measurements', 'measurements', french ? 'Mesures et annotations' : 'Measurements'),
        language,
        observers: [{ person: reader, organisation }],
        verification: { name: reader, organisation, at },
        images: [...new Map(measured.map(({ image }) => [image.sopInstanceUid, image])).values()].map(
          ({ frames: _one, ...image }) => image,
        ),
        groups: measured.map(({ mark, image }) => {
          const number = (count.get(mark.kind) ?? 0) + 1;
          count.set(mark.kind, number);
          return measurementsOf(mark, number, image, reader);
        }),
      }),
    });
  }
  if (keys.length > 0)
    documents.push({
      kind: 'keys',
      json: keyObjects({
        ...common,
        ...named('keys', 'keys', french ? 'Images clés' : 'Key images'),
        language,
        observer: { person: reader, organisation },
        images: keys.map(({ image }) => image),
        description: french ? 'Images clés du compte rendu' : 'Key images of the report',
      }),
    });

  keys.forEach(({ mark, image }, index) => {
    const of = images.find(({ sopInstanceUid }) => sopInstanceUid === mark.sopInstanceUid);
    const form = of && greyscaleOf(of.header, mark.frame);
    if (!form || !mark.presentation) return;
    const { voi, ...taken } = form;
    const kind = `presentation-${index + 1}` as const;
    const drawn = measured.filter(
      (each) => each.mark.sopInstanceUid === mark.sopInstanceUid && each.mark.frame === mark.frame,
    );
    documents.push({
      kind,
      json: presentationState({
        ...common,
        ...named(kind, 'presentation', french ? 'Images clés, telles que montrées' : 'Key images as shown'),
        ...taken,
        ...mark.presentation,
        window: mark.presentation.window && { ...mark.presentation.window, ...voi },
        image,
        drawings: drawn.map((each) => drawingOf(each.mark, language)),
        creator: reader,
        instanceNumber: index + 1,
      }),
    });
  });
  return documents;
}

/**
 * What a presentation state takes over from a greyscale image. Undefined for colour, and where the modality transformation is a
 * table: a presentation state would have to repeat it. Undefined, too, where the image has a VOI LUT: the window that was seen is
 * over what comes out of that table, and a presentation state has either of both, not one after the other (PS3.3 C.11.8).
 */
function greyscaleOf(header: Header, frame: number) {
  const photometric = (textIn(header, '00280004') ?? '').trim();
  const rows = numberIn(header, '00280010');
  const columns = numberIn(header, '00280011');
  if (!photometric.startsWith('MONOCHROME') || !rows || !columns || header['00283000']) return undefined;
  const voi = groupOf(header, '00289132', frame) ?? header;
  if (itemsIn(voi, '00283010').length > 0) return undefined;
  const rescale = groupOf(header, '00289145', frame) ?? header;
  const slope = numberIn(rescale, '00281053');
  const { kind, row, column } = calibrationOf(header, frame);
  return {
    rows,
    columns,
    monochrome1: photometric === 'MONOCHROME1',
    spacing: kind === 'none' ? null : { row, column },
    aspectRatio: aspectRatioOf(header),
    rescale:
      slope === undefined
        ? null
        : { slope, intercept: numberIn(rescale, '00281052') ?? 0, type: textIn(rescale, '00281054') ?? '' },
    voi: functionOf(voi),
  };
}
/**
 * By which VOI LUT Function the page shows windows of an image, those of the reader's hand, too: that of the header; LINEAR_EXACT
 * where the header has no window, and the page begins with one from the smallest value to the largest.
 */
function functionOf(voi: Header): { function?: 'LINEAR_EXACT' | 'SIGMOID' } {
  const widths = numbersIn(voi, '00281051');
  if (!numbersIn(voi, '00281050').some((_centre, i) => widths[i]! > 0)) return { function: 'LINEAR_EXACT' };
  const told = (['LINEAR_EXACT', 'SIGMOID'] as const).find((each) => each === textIn(voi, '00281056'));
  return told ? { function: told } : {};
}
