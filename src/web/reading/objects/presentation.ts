/** Softcopy presentation states: what is to be done with an image, PS3.3 A.33, C.10, C.11. Pure. */
import { items, number, numbers, text, type Metadata } from '../viewer/loading/dicomweb.ts';
import type { Window } from '../viewer/loading/voi.ts';

/** Points in pixels of the image from its upper left corner (x to the right), or as shares of the displayed area. */
export interface Graphic {
  type: 'POINT' | 'POLYLINE' | 'INTERPOLATED' | 'CIRCLE' | 'ELLIPSE';
  points: [x: number, y: number][];
  filled: boolean;
  display: boolean;
  layer: string;
}
export interface Label {
  text: string;
  /** Upper left corner of the text. */
  at: [x: number, y: number];
  /** From the text to what it names. */
  anchor: [x: number, y: number] | undefined;
  /** `at` and `anchor` are shares of the displayed area. */
  display: boolean;
  layer: string;
}
export type Shutter =
  | { shape: 'rectangle'; left: number; right: number; top: number; bottom: number }
  | { shape: 'circle'; x: number; y: number; radius: number }
  | { shape: 'polygon'; points: [x: number, y: number][] };

export interface Presentation {
  label: string;
  description: string;
  creator: string;
  window: Window | undefined;
  /** By Presentation LUT Shape, which stands in place of the image's Photometric Interpretation (PS3.4 N.2.1). */
  inverted: boolean;
  /** Degrees clockwise, then mirrored left to right (C.10.6). */
  rotation: 0 | 90 | 180 | 270;
  flipped: boolean;
  /** Pixels of the image, 1-based in the file and 0-based here, both corners included. */
  area: { left: number; top: number; right: number; bottom: number; mode: string } | undefined;
  graphics: Graphic[];
  labels: Label[];
  shutters: Shutter[];
}

/** The images that the state is for: instance to frames (empty: all of them). */
export function referencedBy(data: Metadata): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const series of items(data, '00081115'))
    for (const image of items(series, '00081140'))
      found.set(text(image, '00081155') ?? '', numbers(image, '00081160'));
  return found;
}

/** The images that an object is about: by its references of any sort, a segmentation's sources among them. */
export function imagesAbout(data: Metadata): Set<string> {
  const found = new Set<string>();
  const visit = (set: Metadata, depth: number) => {
    for (const [tag, attribute] of Object.entries(set)) {
      if (tag === '00081155') found.add(String(attribute.Value?.[0]));
      else if (attribute.vr === 'SQ' && depth < 16)
        for (const item of (attribute.Value ?? []) as Metadata[]) visit(item, depth + 1);
    }
  };
  visit(data, 0);
  return found;
}

/** Whether an item is for this frame: without images of its own it is for all that the state names. */
function isFor(item: Metadata, sopInstanceUid: string, frame: number): boolean {
  const images = items(item, '00081140');
  return (
    images.length === 0 ||
    images.some((image) => {
      const frames = numbers(image, '00081160');
      return text(image, '00081155') === sopInstanceUid && (!frames.length || frames.includes(frame));
    })
  );
}

/** What the state says of one frame; undefined when it is not for it. */
export function presentationOf(
  data: Metadata,
  sopInstanceUid: string,
  frame: number,
): Presentation | undefined {
  const frames = referencedBy(data).get(sopInstanceUid);
  if (!frames || (frames.length > 0 && !frames.includes(frame))) return undefined;
  const own = (tag: string) => items(data, tag).filter((item) => isFor(item, sopInstanceUid, frame));
  const annotations = own('00700001');
  const creator = data['00700084']?.Value?.[0];
  const turned = number(data, '00700042') ?? 0;
  return {
    label: text(data, '00700080') ?? '',
    description: text(data, '00700081') ?? '',
    creator:
      typeof creator === 'object' && creator ? String(Object.values(creator)[0]) : String(creator ?? ''),
    window: windowOf(own('00283110')[0]),
    inverted: text(data, '20500020') === 'INVERSE' || text(data, '20500020') === 'LIN OD',
    rotation: turned === 90 || turned === 180 || turned === 270 ? turned : 0,
    flipped: text(data, '00700041') === 'Y',
    area: areaOf(own('0070005A')[0]),
    graphics: annotations.flatMap((item) => items(item, '00700009').flatMap((each) => graphicOf(each, item))),
    labels: annotations.flatMap((item) => items(item, '00700008').flatMap((each) => labelOf(each, item))),
    shutters: shuttersOf(data),
  };
}

function windowOf(item: Metadata | undefined): Window | undefined {
  const centre = item && number(item, '00281050');
  const width = item && number(item, '00281051');
  if (centre === undefined || width === undefined || !(width > 0)) return undefined;
  const told = text(item!, '00281056');
  const name = (['LINEAR_EXACT', 'SIGMOID'] as const).find((each) => each === told);
  return { centre, width, ...(name && { function: name }) };
}

function areaOf(item: Metadata | undefined): Presentation['area'] {
  const [left, top] = item ? numbers(item, '00700052') : [];
  const [right, bottom] = item ? numbers(item, '00700053') : [];
  if (left === undefined || top === undefined || right === undefined || bottom === undefined)
    return undefined;
  return {
    left: Math.min(left, right) - 1,
    top: Math.min(top, bottom) - 1,
    right: Math.max(left, right) - 1,
    bottom: Math.max(top, bottom) - 1,
    mode: text(item!, '00700100') ?? 'SCALE TO FIT',
  };
}

const pairs = (values: readonly number[]): [number, number][] =>
  Array.from({ length: values.length >> 1 }, (_, i) => [values[2 * i]!, values[2 * i + 1]!]);
/** PIXEL counts from 0\\0 at the upper left corner of the first pixel (C.10.5.1.1); DISPLAY is a share of the area. */
const isDisplay = (item: Metadata, tag: string): boolean => text(item, tag) === 'DISPLAY';

const TYPES = new Set(['POINT', 'POLYLINE', 'INTERPOLATED', 'CIRCLE', 'ELLIPSE']);
function graphicOf(item: Metadata, above: Metadata): Graphic[] {
  const type = text(item, '00700023') ?? '';
  const points = pairs(numbers(item, '00700022'));
  if (!TYPES.has(type) || points.length === 0) return [];
  return [
    {
      type: type as Graphic['type'],
      points,
      filled: text(item, '00700024') === 'Y',
      display: isDisplay(item, '00700005'),
      layer: text(above, '00700002') ?? '',
    },
  ];
}

function labelOf(item: Metadata, above: Metadata): Label[] {
  const words = text(item, '00700006');
  const box = pairs(numbers(item, '00700010'))[0];
  const anchor = pairs(numbers(item, '00700014'))[0];
  const at = box ?? anchor;
  if (!words || !at) return [];
  const pointed = box && anchor && text(item, '00700015') !== 'N';
  return [
    {
      text: words,
      at,
      anchor: pointed ? anchor : undefined,
      display: isDisplay(item, box ? '00700003' : '00700004'),
      layer: text(above, '00700002') ?? '',
    },
  ];
}

/** Display Shutter (C.7.6.11): what lies outside of every shape is covered. Rows and columns count from 1. */
export function shuttersOf(data: Metadata): Shutter[] {
  const shapes = (data['00181600']?.Value ?? []).map(String);
  return shapes.flatMap((shape): Shutter[] => {
    if (shape === 'RECTANGULAR') {
      const [left, right, top, bottom] = ['00181602', '00181604', '00181606', '00181608'].map((tag) =>
        number(data, tag),
      );
      if (left === undefined || right === undefined || top === undefined || bottom === undefined) return [];
      return [{ shape: 'rectangle', left: left - 1, right, top: top - 1, bottom }];
    }
    if (shape === 'CIRCULAR') {
      const [row, column] = numbers(data, '00181610');
      const radius = number(data, '00181612');
      if (row === undefined || column === undefined || !radius) return [];
      return [{ shape: 'circle', x: column - 0.5, y: row - 0.5, radius }];
    }
    if (shape === 'POLYGONAL') {
      const points = pairs(numbers(data, '00181620')).map(([row, column]): [number, number] => [
        column - 0.5,
        row - 0.5,
      ]);
      return points.length >= 3 ? [{ shape: 'polygon', points }] : [];
    }
    return [];
  });
}
