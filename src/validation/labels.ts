/** `labels.csv`: which images, what is so on them, and into which groups they fall. Pure. */
import { createHash } from 'node:crypto';
import { textOf } from '../assist/csv.ts';
import { NegatoscopeError } from '../errors.ts';
import type { Rectangle } from '../evidence/froc.ts';
import { parseTable } from './csv.ts';

export interface LabelRow {
  /** File name, path within the folder, or SOP Instance UID. */
  readonly image: string;
  readonly line: number;
  /** Undefined where the field says neither 0 nor 1. */
  readonly positive: boolean | undefined;
  /** The field as it stands. */
  readonly given: string;
  /** Lesions, pixels of the upright image; undefined where the table has none for this image, or they cannot be read. */
  readonly boxes: readonly Rectangle[] | undefined;
  readonly boxesUnusable: boolean;
  /** One over the chance that this image was drawn; 1 without the column `weight`. */
  readonly weight: number;
  /** Value of each further column. */
  readonly groups: Readonly<Record<string, string>>;
}

export interface LabelSheet {
  readonly sha256: string;
  readonly labelColumn: string;
  readonly rows: readonly LabelRow[];
  /** Names of the further columns, in their order. */
  readonly groupColumns: readonly string[];
  readonly hasBoxes: boolean;
  readonly hasWeights: boolean;
}

const LISTED = 5;

/**
 * @param bytes the file: see `parseTable`
 * @throws NegatoscopeError `labels-csv`, `labels-column`, `labels-twice`, `labels-empty`, `labels-unusable`, `labels-weight`
 */
export function readLabels(bytes: Uint8Array, labelColumn = 'label'): LabelSheet {
  const { head, rows } = parseTable(textOf(bytes));
  for (const needed of ['image', labelColumn])
    if (!head.includes(needed))
      throw new NegatoscopeError(
        'labels-column',
        `The table of labels has no column "${needed}". It has: ${head.filter(Boolean).join(', ')}. ` +
          (needed === 'image' ? 'Name the column of the images "image".' : 'Choose one with --label-column.'),
        { details: { column: needed, columns: head.join(', ') } },
      );
  if (rows.length === 0)
    throw new NegatoscopeError('labels-empty', 'The table of labels has no row below its first line.');
  const hasBoxes = head.includes('boxes') && labelColumn !== 'boxes';
  // A labelling queue's `weight` says how many studies a row stands for: no group of its own.
  const groupColumns = head.filter(
    (name) => name !== '' && !['image', labelColumn, 'boxes', 'weight'].includes(name),
  );
  const hasWeights = head.includes('weight') && labelColumn !== 'weight';
  const place = new Map(head.map((name, i) => [name, i]));
  const read = rows.map(({ line, fields }): LabelRow => {
    const field = (name: string): string => fields[place.get(name)!] ?? '';
    const given = field(labelColumn).trim();
    const boxes = hasBoxes ? boxesOf(field('boxes')) : undefined;
    return {
      image: field('image'),
      line,
      given,
      positive: given === '1' ? true : given === '0' ? false : undefined,
      boxes: boxes === 'unusable' ? undefined : boxes,
      boxesUnusable: boxes === 'unusable',
      weight: hasWeights ? weightOf(field('weight'), line) : 1,
      groups: Object.fromEntries(groupColumns.map((name) => [name, field(name)])),
    };
  });
  refuseTwice(read);
  if (read.every(({ positive }) => positive === undefined))
    throw new NegatoscopeError(
      'labels-unusable',
      `The column "${labelColumn}" never says 0 or 1 (its first value is "${read[0]!.given.slice(0, 40)}"). Choose another with --label-column.`,
      { details: { column: labelColumn } },
    );
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { sha256, labelColumn, rows: read, groupColumns, hasBoxes, hasWeights };
}

function refuseTwice(rows: readonly LabelRow[]): void {
  const twice = [...Map.groupBy(rows, ({ image }) => image)].filter(([, of]) => of.length > 1);
  if (twice.length === 0) return;
  const named = twice
    .slice(0, LISTED)
    .map(([image, of]) => `"${image.slice(0, 80)}" (lines ${of.map(({ line }) => line).join(', ')})`)
    .join('; ');
  throw new NegatoscopeError(
    'labels-twice',
    `The table of labels names ${twice.length} image(s) more than once: ${named}${twice.length > LISTED ? ' …' : ''}. Keep one row for each.`,
    { details: { count: twice.length } },
  );
}

function weightOf(text: string, line: number): number {
  const weight = Number(text.trim().replace(',', '.'));
  if (text.trim() !== '' && Number.isFinite(weight) && weight > 0) return weight;
  throw new NegatoscopeError(
    'labels-weight',
    `The table of labels, line ${line}: the column "weight" has to be a number above 0 in every row. Name it otherwise if it is something else.`,
    { details: { line } },
  );
}

/** `[[x1, y1, x2, y2], …]`; an empty field is no statement. */
function boxesOf(text: string): Rectangle[] | undefined | 'unusable' {
  if (text.trim() === '') return undefined;
  try {
    const json: unknown = JSON.parse(text);
    if (!Array.isArray(json)) return 'unusable';
    return json.map((box: unknown): Rectangle => {
      if (!Array.isArray(box) || box.length !== 4 || !box.every((n) => Number.isFinite(n)))
        throw new TypeError('four numbers are needed');
      const [x1, y1, x2, y2] = box as [number, number, number, number];
      if (!(x1 < x2 && y1 < y2)) throw new TypeError('an empty box');
      return [x1, y1, x2, y2];
    });
  } catch {
    return 'unusable';
  }
}
