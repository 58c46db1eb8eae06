/**
 * A series as stacks that can be scrolled: what does not belong together is split (localizers, other planes, clips), what does is
 * put in the order of the body and, where one place was taken several times, by b-value, echo, phase or time. Pure.
 */
import { number, text, type Metadata } from '../viewer/loading/dicomweb.ts';
import {
  cross,
  DIMENSIONS,
  dimensionsOf,
  dot,
  framesOf,
  isLocalizer,
  planeOf,
  type Dimension,
  type FrameDimensions,
  type Plane,
  type Vector,
} from './frameData.ts';

export interface StackFrame {
  sopInstanceUid: string;
  /** 1-based. */
  frame: number;
}
/** A run of frames that went through the body once: one b-value, echo, phase or time. */
export interface Phase {
  /** Index of its first frame in the stack. */
  start: number;
  count: number;
  /** What tells it from the others: `{bValue: 1000}`. */
  values: FrameDimensions;
}
export interface Stack {
  /**
   * `volume`: parallel slices in the order of their positions; `clip`: one multi-frame instance in the order of time; `images`: all
   * else, by instance number.
   */
  kind: 'volume' | 'clip' | 'images';
  frames: StackFrame[];
  localizer: boolean;
  phases: Phase[];
  /** Distance of neighbouring slices in mm, where it is the same all along (1 %); null otherwise. */
  step: number | null;
}

interface Item extends StackFrame {
  data: Metadata;
  instance: number;
  plane: Plane | undefined;
  localizer: boolean;
}

/** Below this angle planes count as parallel: cos 1.8°. Slices of one block differ by rounding only. */
const PARALLEL = 0.9995;
/** mm; two positions closer than this are one. */
const SAME_PLACE = 0.01;

/**
 * @param series metadata of all image instances of a series, in any order
 * @returns its stacks, in the order in which they were taken
 */
export function stacksOf(series: readonly Metadata[]): Stack[] {
  const items = series.flatMap(itemsOf).sort(byNumber);
  const clips: Item[][] = [];
  const placed: Item[][] = [];
  const loose: Item[] = [];
  for (const item of items) {
    if (item.plane) {
      const group = placed.find(([first]) => belongs(first!, item));
      if (group) group.push(item);
      else placed.push([item]);
    } else if (framesOf(item.data) > 1) {
      const clip = clips.find(([first]) => first!.sopInstanceUid === item.sopInstanceUid);
      if (clip) clip.push(item);
      else clips.push([item]);
    } else loose.push(item);
  }
  const stacks = [
    ...rejoined(placed).map(volume),
    ...clips.map((group) => stack('clip', group)),
    ...[...Map.groupBy(loose, ({ data }) => text(data, '00280004')).values()].map((group) =>
      stack('images', group),
    ),
  ];
  const place = new Map(items.map((item, index) => [`${item.sopInstanceUid} ${item.frame}`, index]));
  const first = ({ frames }: Stack) =>
    Math.min(...frames.map(({ sopInstanceUid, frame }) => place.get(`${sopInstanceUid} ${frame}`)!));
  return stacks
    .map((each) => ({ each, at: first(each) }))
    .sort((a, b) => a.at - b.at)
    .map(({ each }) => each);
}

function itemsOf(data: Metadata): Item[] {
  const sopInstanceUid = text(data, '00080018') ?? '';
  const instance = number(data, '00200013') ?? Infinity;
  return Array.from({ length: framesOf(data) }, (_, i) => ({
    data,
    sopInstanceUid,
    frame: i + 1,
    instance,
    plane: planeOf(data, i + 1),
    localizer: isLocalizer(data, i + 1),
  }));
}

/** The order of last resort: Instance Number, the time of acquisition, the frame, the UID. */
function byNumber(a: Item, b: Item): number {
  if (a.instance !== b.instance) return a.instance < b.instance ? -1 : 1;
  if (a.sopInstanceUid === b.sopInstanceUid) return a.frame - b.frame;
  const [first, second] = [a, b].map(({ data, frame }) => dimensionsOf(data, frame).time ?? 0);
  if (first !== second) return Number(first) - Number(second);
  return a.sopInstanceUid < b.sopInstanceUid ? -1 : 1;
}

const normalOf = ({ row, column }: Plane): Vector => cross(row, column);

function belongs(first: Item, item: Item): boolean {
  const same = (tag: string) => text(first.data, tag) === text(item.data, tag);
  return (
    first.localizer === item.localizer &&
    dot(first.plane!.row, item.plane!.row) > PARALLEL &&
    dot(first.plane!.column, item.plane!.column) > PARALLEL &&
    same('00200052') && // Frame of Reference
    same('00280010') &&
    same('00280011') &&
    same('00280002') &&
    // One window and one inversion hold for a stack.
    same('00280004')
  );
}

/** A series in which every picture looks from elsewhere (radial slices, turning projections) is one thing to scroll. */
function rejoined(groups: Item[][]): Item[][] {
  const scans = groups.filter(([first]) => !first!.localizer);
  const single = scans.filter(({ length }) => length === 1);
  if (single.length < 4 || single.length < scans.length) return groups;
  return [...groups.filter(([first]) => first!.localizer), single.flat().sort(byNumber)];
}

function volume(group: Item[]): Stack {
  const [first] = group;
  if (group.length === 1 || group.some((item) => !belongs(first!, item))) return stack('images', group);
  const normal = normalOf(first!.plane!);
  const height = new Map(group.map((item) => [item, dot(item.plane!.position, normal)]));
  const levels = levelsOf(height);
  const places = new Set(levels.values()).size;
  if (places === 1) return stack('clip', inTime(group));
  // Slice numbers may run against the normal: the order is the body's, its sense the one in which the site numbered.
  const sense = senseOf(group, height);
  const byPlace = (a: Item, b: Item) => sense * (height.get(a)! - height.get(b)!);
  const dimensions = repeatedBy(group, (item) => levels.get(item)!);
  const step = stepOf(places, [...height.values()]);
  if (!dimensions) return { ...inPasses(group, levels, byPlace), step };
  const values = new Map(group.map((item) => [item, dimensionsOf(item.data, item.frame)]));
  const sorted = group.sort(
    (a, b) => compareBy(dimensions, values.get(a)!, values.get(b)!) || byPlace(a, b) || byNumber(a, b),
  );
  return { ...stack('volume', sorted, phasesOf(sorted, dimensions)), step };
}

/** A number for each place along the normal, the same for items within SAME_PLACE of each other. */
function levelsOf(height: ReadonlyMap<Item, number>): Map<Item, number> {
  const sorted = [...height].sort(([, a], [, b]) => a - b);
  const levels = new Map<Item, number>();
  let level = -1;
  let last = -Infinity;
  for (const [item, value] of sorted) {
    if (value - last > SAME_PLACE) level++;
    last = value;
    levels.set(item, level);
  }
  return levels;
}

/** 1 where instance numbers (or frames) grow along the normal, -1 where they fall. */
function senseOf(group: readonly Item[], height: ReadonlyMap<Item, number>): 1 | -1 {
  const numbered = [...group].sort(byNumber);
  let along = 0;
  for (let i = 1; i < numbered.length; i++)
    along += Math.sign(height.get(numbered[i]!)! - height.get(numbered[i - 1]!)!);
  return along < 0 ? -1 : 1;
}

/**
 * By what the frames of one place differ: as few dimensions as tell all of them apart, in the order of `DIMENSIONS`. Empty
 * when each place has one frame; undefined when nothing tells them apart. Where each slice has a value of its own (times mostly) it
 * is no dimension: nearly as many values as one place has frames there have to be.
 */
function repeatedBy(group: readonly Item[], levelOf: (item: Item) => number): Dimension[] | undefined {
  const values = new Map(group.map((item) => [item, dimensionsOf(item.data, item.frame)]));
  const count = (keyOf: (item: Item) => string | number) => {
    const counts = new Map<string | number, number>();
    for (const item of group) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
    return counts;
  };
  const repeats = Math.max(...count(levelOf).values());
  if (repeats === 1) return [];
  const keyOf = (by: readonly Dimension[]) => (item: Item) =>
    by.map((name) => values.get(item)![name] ?? '').join(' ');
  const distinct = (by: readonly Dimension[]) => count((item) => `${levelOf(item)} ${keyOf(by)(item)}`).size;
  const sensible = (by: readonly Dimension[]) => count(keyOf(by)).size <= 1.5 * repeats;
  const single = DIMENSIONS.find((name) => sensible([name]) && distinct([name]) === group.length);
  if (single) return [single];
  const chosen: Dimension[] = [];
  let best = distinct(chosen);
  for (const name of DIMENSIONS) {
    const next = [...chosen, name];
    const found = distinct(next);
    if (found <= best || !sensible(next)) continue;
    chosen.push(name);
    best = found;
    if (best === group.length) return chosen;
  }
  return undefined;
}

/** Nothing tells the frames of one place apart: the first of each place by number, then the second, and so on. */
function inPasses(
  group: Item[],
  levels: ReadonlyMap<Item, number>,
  byPlace: (a: Item, b: Item) => number,
): Stack {
  const seen = new Map<number, number>();
  const pass = new Map<Item, number>();
  for (const item of group.sort(byNumber)) {
    const level = levels.get(item)!;
    seen.set(level, (seen.get(level) ?? 0) + 1);
    pass.set(item, seen.get(level)!);
  }
  const sorted = group.sort((a, b) => pass.get(a)! - pass.get(b)! || byPlace(a, b));
  const phases: Phase[] = [];
  sorted.forEach((item, start) => {
    if (start > 0 && pass.get(item) === pass.get(sorted[start - 1]!)) phases.at(-1)!.count++;
    else phases.push({ start, count: 1, values: {} });
  });
  return stack('volume', sorted, phases);
}

const compare = (a: number | string | undefined, b: number | string | undefined): number =>
  typeof a === 'number' && typeof b === 'number'
    ? a - b
    : String(a ?? '') < String(b ?? '')
      ? -1
      : String(a ?? '') > String(b ?? '')
        ? 1
        : 0;
const compareBy = (names: readonly Dimension[], a: FrameDimensions, b: FrameDimensions): number => {
  for (const name of names) {
    const order = compare(a[name], b[name]);
    if (order !== 0) return order;
  }
  return 0;
};

/** One place, many moments. */
function inTime(group: Item[]): Item[] {
  const names = repeatedBy(group, () => 0);
  if (!names) return group.sort(byNumber);
  const values = new Map(group.map((item) => [item, dimensionsOf(item.data, item.frame)]));
  return group.sort((a, b) => compareBy(names, values.get(a)!, values.get(b)!) || byNumber(a, b));
}

function phasesOf(sorted: readonly Item[], names: readonly Dimension[]): Phase[] {
  const phases: Phase[] = [];
  let last: FrameDimensions | undefined;
  sorted.forEach((item, index) => {
    const own = dimensionsOf(item.data, item.frame);
    if (last && compareBy(names, last, own) === 0) phases.at(-1)!.count++;
    else {
      const values = Object.fromEntries(names.map((name) => [name, own[name]])) as FrameDimensions;
      phases.push({ start: index, count: 1, values });
    }
    last = own;
  });
  return phases;
}

function stepOf(levels: number, heights: readonly number[]): number | null {
  const sorted = [...heights].sort((a, b) => a - b);
  const mean = (sorted.at(-1)! - sorted[0]!) / (levels - 1);
  for (let i = 1; i < sorted.length; i++) {
    const gap = sorted[i]! - sorted[i - 1]!;
    if (gap > SAME_PLACE && Math.abs(gap - mean) > 0.01 * mean) return null;
  }
  return mean;
}

const stack = (kind: Stack['kind'], items: readonly Item[], phases?: Phase[]): Stack => ({
  kind,
  frames: items.map(({ sopInstanceUid, frame }) => ({ sopInstanceUid, frame })),
  localizer: items[0]!.localizer,
  phases: phases ?? [{ start: 0, count: items.length, values: {} }],
  step: null,
});
