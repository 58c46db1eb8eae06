/**
 * The findings of a measurement report of an algorithm elsewhere: groups that stand on images of this study, as boxes in their
 * pixels, so that a physician accepts, corrects or rejects them like ours. What has no place on an image stays a document. Pure.
 */
import type { Code } from '../../dicom/build/srContent.ts';
import type { ReadGroup, ReadProblem, ReadReport } from '../../dicom/srRead.ts';
import type { AiFinding, Box, Text } from '../types.ts';

/** Why something of it is no finding: as the reader says, or `image-absent`, `frames`, `off-image`, `no-image`, `too-many`. */
export type Unmapped = ReadProblem | 'image-absent' | 'frames' | 'off-image' | 'no-image' | 'too-many';

export interface KnownImage {
  readonly sopInstanceUid: string;
  readonly rows: number;
  readonly columns: number;
  readonly frames: number;
}
export interface ForeignLabel {
  readonly text: Text;
  readonly code?: { value: string; scheme: string; meaning: string };
}
export interface ForeignFinding {
  readonly sopInstanceUid: string;
  readonly label: string;
  readonly score: number;
  readonly places: AiFinding['places'];
}
export interface Mapped {
  readonly findings: readonly ForeignFinding[];
  readonly labels: Readonly<Record<string, ForeignLabel>>;
  readonly unmapped: readonly Unmapped[];
}

const MAX_FINDINGS = 200;
/** A point is shown as a box of this side, pixels. */
const POINT_SIDE = 24;

export function mapReport(report: ReadReport, images: ReadonlyMap<string, KnownImage>): Mapped {
  const unmapped = new Set<Unmapped>(report.problems);
  const labels: Record<string, ForeignLabel> = {};
  const findings: ForeignFinding[] = [];
  for (const group of report.groups) {
    const places = new Map<string, Box[]>();
    const on = (uid: string, frames: readonly number[]): KnownImage | undefined => {
      const image = images.get(uid);
      if (!image) unmapped.add('image-absent');
      else if (image.frames > 1 || frames.some((frame) => frame !== 1)) unmapped.add('frames');
      else return image;
      return undefined;
    };
    for (const { image: reference, box } of group.regions) {
      // A region that says no image is on the one that the group is on.
      const where = reference ?? (group.images.length === 1 ? group.images[0] : undefined);
      if (!where) {
        unmapped.add('no-image');
        continue;
      }
      const image = on(where.sopInstanceUid, where.frames);
      const within = image && clipped(box, image);
      if (image && !within) unmapped.add('off-image');
      if (image && within)
        places.set(image.sopInstanceUid, [...(places.get(image.sopInstanceUid) ?? []), within]);
    }
    if (group.regions.length === 0)
      for (const { sopInstanceUid, frames } of group.images)
        if (on(sopInstanceUid, frames)) places.set(sopInstanceUid, []);
    if (places.size === 0) {
      if (group.regions.length === 0 && group.images.length === 0) unmapped.add('no-image');
      continue;
    }
    const [label, text] = labelOf(group);
    labels[label] ??= text;
    const score = scoreOf(group);
    for (const [sopInstanceUid, boxes] of places) {
      if (findings.length >= MAX_FINDINGS) {
        unmapped.add('too-many');
        break;
      }
      findings.push({ sopInstanceUid, label, score, places: boxes.map((box) => ({ box, peak: score })) });
    }
  }
  return { findings, labels, unmapped: [...unmapped] };
}

/** The part of it that lies on the image; undefined when none does. */
function clipped(box: Box, { rows, columns }: KnownImage): Box | undefined {
  const grow = (size: number): number => (size < POINT_SIDE ? (POINT_SIDE - size) / 2 : 0);
  const [dx, dy] = box.width < 1 && box.height < 1 ? [grow(box.width), grow(box.height)] : [0, 0];
  const left = Math.max(0, box.x - dx);
  const top = Math.max(0, box.y - dy);
  const right = Math.min(columns, box.x + box.width + dx);
  const bottom = Math.min(rows, box.y + box.height + dy);
  return right > left && bottom > top
    ? { x: left, y: top, width: right - left, height: bottom - top }
    : undefined;
}

/** The code of the finding, else the first qualitative one; without any the words of the group. */
function labelOf(group: ReadGroup): [string, ForeignLabel] {
  const qualitative = group.evaluations.find(({ value }) => typeof value !== 'string');
  const code = group.finding ?? (qualitative?.value as Code | undefined);
  const words = code?.meaning || group.comment || group.trackingId || 'Finding';
  const key = (code && code.value !== '' ? `${code.scheme}-${code.value}` : words)
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 56);
  const site = group.site?.meaning ? `, ${group.site.meaning}` : '';
  // As it was said, in whatever language: nothing is translated for another maker.
  const said = `${words}${group.finding ? site : ''}`.slice(0, 120);
  return [
    `ext-${key || 'finding'}`,
    { text: { fr: said, en: said }, ...(code && code.value !== '' ? { code } : {}) },
  ];
}

/** A probability or a score 0…1 among its measurements, also in per cent. One that says none counts as 1: it said so. */
function scoreOf({ measurements }: ReadGroup): number {
  for (const { value, unit } of measurements) {
    if (unit?.value === '%' && value >= 0 && value <= 100) return value / 100;
    if ((unit?.value === '1' || unit?.value.startsWith('{')) && value >= 0 && value <= 1) return value;
  }
  return 1;
}
