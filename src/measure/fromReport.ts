/**
 * Marks out of a measurement report (TID 1500), one's own or of another system, from the DICOM JSON of the object. Groups whose
 * points are on an image come back; what is kept in three dimensions, or by segmentations alone, is left to who shows those.
 */
import type { Point } from './calibration.ts';
import { itemsIn, numberIn, numbersIn, textIn, type Header } from './header.ts';
import { POINTS, type MarkKind, type Quantity, type Unit } from './marks.ts';

export interface ReportedMark {
  /** '' where the report names none. */
  trackingUid: string;
  /** For people: Tracking Identifier, or what was found. */
  name: string;
  kind: MarkKind | 'polyline';
  sopInstanceUid: string;
  frame: number;
  points: Point[];
  text: string | null;
  quantities: Quantity[];
  /** As the report names it, PN; '' where it does not. */
  by: string;
  /** ms UTC; null where the report does not say. */
  at: number | null;
}

interface Coded {
  value: string;
  meaning: string;
}
const codeIn = (item: Header, tag: string): Coded => {
  const [entry] = itemsIn(item, tag);
  return {
    value: (entry && (textIn(entry, '00080100') ?? textIn(entry, '00080119'))) ?? '',
    meaning: (entry && textIn(entry, '00080104')) ?? '',
  };
};
const conceptOf = (item: Header): Coded => codeIn(item, '0040A043');
const typeOf = (item: Header): string => textIn(item, '0040A040') ?? '';
const childrenOf = (item: Header): readonly Header[] => itemsIn(item, '0040A730');

function* descendants(item: Header): Generator<Header> {
  for (const child of childrenOf(item)) {
    yield child;
    yield* descendants(child);
  }
}

/** UCUM (CID 7460, 7461) → the page's unit, and by how much that is more. */
const UNITS: ReadonlyMap<string, readonly [unit: Unit, factor: number]> = new Map([
  ['mm', ['mm', 1]],
  ['um', ['mm', 1e-3]],
  ['cm', ['mm', 10]],
  ['m', ['mm', 1000]],
  ['mm2', ['mm2', 1]],
  ['um2', ['mm2', 1e-6]],
  ['cm2', ['mm2', 100]],
  ['{pixels}', ['px', 1]],
  ['{pixel}', ['px', 1]],
  ['deg', ['deg', 1]],
  ['rad', ['deg', 180 / Math.PI]],
  ["[hnsf'U]", ['HU', 1]],
  ['1', ['1', 1]],
  ['%', ['1', 0.01]],
]);
const LENGTHS: readonly Unit[] = ['mm', 'px'];
/** In which units of the page a quantity can be; of the others, values of pixels, in any or none. */
const UNITS_OF: Readonly<Partial<Record<Quantity['name'], readonly Unit[]>>> = {
  length: LENGTHS,
  heart: LENGTHS,
  thorax: LENGTHS,
  area: ['mm2', 'px2'],
  angle: ['deg'],
  ratio: ['1'],
};
/** Concept → quantity; older reports use SNOMED RT (PS3.16 annex L). */
const NAMES: Readonly<Record<string, Quantity['name']>> = {
  '410668003': 'length',
  'G-D7FE': 'length',
  '1483009': 'angle',
  '285285000': 'angle',
  'G-A166': 'area',
  '42798000': 'area',
  ctr: 'ratio',
  'heart-width': 'heart',
  'thorax-width': 'thorax',
};
const DERIVATIONS: Readonly<Record<string, Quantity['name']>> = {
  '373098007': 'mean',
  'R-00317': 'mean',
  '386136009': 'sd',
  'R-10047': 'sd',
  '255605001': 'min',
  'R-404FB': 'min',
  '56851009': 'max',
  'G-A437': 'max',
};

/** Undefined for what has no value, or no unit that its kind can have. */
function quantityOf(item: Header): Quantity | undefined {
  const [measured] = itemsIn(item, '0040A300');
  const value = measured && numberIn(measured, '0040A30A');
  if (!measured || value === undefined) return undefined;
  const concept = conceptOf(item).value;
  const derivation = childrenOf(item).find((child) => conceptOf(child).value === '121401');
  const derived = derivation ? codeIn(derivation, '0040A168').value : concept;
  const name = DERIVATIONS[derived] ?? NAMES[concept] ?? 'value';
  const [told, factor] = UNITS.get(codeIn(measured, '004008EA').value) ?? [];
  const unit = name === 'area' && told === 'px' ? 'px2' : told;
  const wanted = UNITS_OF[name];
  if (!wanted)
    return unit && unit !== '1' ? { name, value: value * factor!, unit } : { name, value, unit: '' };
  // Without its unit a length would be read as one in mm.
  return unit && wanted.includes(unit) ? { name, value: value * factor!, unit } : undefined;
}

/** DT with an offset: PS3.5 6.2. Without one the time of day is nobody's. */
function instantOf(text: string | undefined): number | null {
  const parts = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?(?:\.\d+)?([+-]\d{2})(\d{2})$/.exec(text ?? '');
  if (!parts) return null;
  const [, year, month, day, hour, minute, second = '00', offset, rest] = parts;
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${offset}:${rest}`);
  return Number.isFinite(at) ? at : null;
}

interface Graphic {
  type: string;
  points: Point[];
  sopInstanceUid: string;
  frame: number;
}
function graphicOf(item: Header): Graphic | undefined {
  const data = numbersIn(item, '00700022');
  const image = childrenOf(item).find((child) => typeOf(child) === 'IMAGE');
  const [reference] = image ? itemsIn(image, '00081199') : [];
  const sopInstanceUid = reference && textIn(reference, '00081155');
  if (!sopInstanceUid || data.length < 2 || data.length % 2) return undefined;
  return {
    type: textIn(item, '00700023') ?? '',
    points: Array.from({ length: data.length / 2 }, (_, i): Point => [data[2 * i]!, data[2 * i + 1]!]),
    sopInstanceUid,
    frame: numberIn(reference!, '00081160') ?? 1,
  };
}

const boundsOf = (points: readonly Point[]): Point[] => {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return [
    [Math.min(...xs), Math.min(...ys)],
    [Math.max(...xs), Math.max(...ys)],
  ];
};
const near = (a: number, b: number) => Math.abs(a - b) < 0.01;
function isRectangle(points: readonly Point[]): boolean {
  if (points.length !== 5 || !near(points[0]![0], points[4]![0]) || !near(points[0]![1], points[4]![1]))
    return false;
  return [0, 1, 2, 3].every((i) => {
    const [ax, ay] = points[i]!;
    const [bx, by] = points[i + 1]!;
    return near(ax, bx) || near(ay, by);
  });
}
/** The ends of the axes lie on the rows and columns of the image. */
const isUpright = ([a, b, c, d]: readonly Point[]): boolean =>
  (near(a![1], b![1]) && near(c![0], d![0])) || (near(a![0], b![0]) && near(c![1], d![1]));

/** What kind of mark the concept and the points make; any other open or closed line is shown as a line. */
function shapeOf(
  finding: string,
  quantities: readonly Quantity[],
  { type, points }: Graphic,
): { kind: ReportedMark['kind']; points: Point[] } {
  const has = (name: Quantity['name']) => quantities.some((each) => each.name === name);
  const exact = (kind: MarkKind) => (points.length === POINTS[kind] ? { kind, points } : undefined);
  const line = { kind: 'polyline' as const, points };
  if (type === 'ELLIPSE' && points.length === 4 && isUpright(points))
    return { kind: 'ellipse', points: boundsOf(points) };
  if (type === 'POINT') return { kind: finding === 'annotation' ? 'text' : 'probe', points };
  if (type !== 'POLYLINE' && type !== 'MULTIPOINT') return line;
  if (finding === 'annotation') return exact('arrow') ?? line;
  if (has('ratio')) return exact('ctr') ?? line;
  if (has('angle')) return exact('angle') ?? exact('cobb') ?? line;
  if (isRectangle(points)) return { kind: 'rectangle', points: boundsOf(points) };
  if (has('length')) return exact('length') ?? line;
  return line;
}

function markOf(group: Header, by: string): ReportedMark[] {
  const children = childrenOf(group);
  const child = (code: string) => children.find((each) => conceptOf(each).value === code);
  const finding = child('121071');
  const found = finding ? codeIn(finding, '0040A168') : { value: '', meaning: '' };
  const quantities = children
    .filter((each) => typeOf(each) === 'NUM')
    .flatMap((each) => quantityOf(each) ?? []);
  const graphics = [...descendants(group)]
    .filter((each) => typeOf(each) === 'SCOORD')
    .flatMap((each) => graphicOf(each) ?? []);
  if (graphics.length === 0) return [];
  // Parts of one figure are drawn once: the longest of them holds the others (a ratio and its two widths).
  const whole = graphics.toSorted((a, b) => b.points.length - a.points.length);
  const places = quantities.some(({ name }) => name === 'ratio')
    ? whole.slice(0, 1)
    : [...new Map(graphics.map((each) => [JSON.stringify(each), each])).values()];
  const person = child('121008');
  const name = person?.['0040A123']?.Value?.[0] as { Alphabetic?: string } | undefined;
  const tracking = child('112039');
  const uid = child('112040');
  const comment = child('121106');
  return places.map((graphic) => ({
    trackingUid: (uid && textIn(uid, '0040A124')) ?? '',
    name: (tracking && textIn(tracking, '0040A160')) || found.meaning,
    ...shapeOf(found.value, quantities, graphic),
    sopInstanceUid: graphic.sopInstanceUid,
    frame: graphic.frame,
    text: ((comment && textIn(comment, '0040A160')) || '').replace(/\r\n/g, '\n') || null,
    quantities,
    by: name?.Alphabetic ?? by,
    at: instantOf(textIn(group, '0040A032')),
  }));
}

/** Empty for a document of another template, or without anything on an image. */
export function marksOfReport(document: Header): ReportedMark[] {
  const isPerson = (item: Header) => conceptOf(item).value === '121008';
  const observer = childrenOf(document).find(isPerson)?.['0040A123']?.Value?.[0] as
    { Alphabetic?: string } | undefined;
  return [...descendants(document)]
    .filter((item) => typeOf(item) === 'CONTAINER' && conceptOf(item).value === '125007')
    .flatMap((group) => markOf(group, observer?.Alphabetic ?? ''));
}
