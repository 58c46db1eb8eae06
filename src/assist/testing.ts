/** For the tests of this room: the shared test data, read in place. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import type { Archive } from '../archive/types.ts';
import { parseCsv } from './csv.ts';
import { luma } from './preprocess.ts';
import type { GreyPlane } from './preprocess.ts';

export const shared = (path: string): string =>
  fileURLToPath(new URL(`../../../shared/${path}`, import.meta.url));
export const modelDir = (id: string): string => fileURLToPath(new URL(`../../models/${id}`, import.meta.url));

/** As if every instance lay beyond what a search gives unless it is told how many. */
export const beyondFirstPage = (archive: Archive): Archive => ({
  ...archive,
  findInstances: (query, sight) => archive.findInstances({ limit: 0, ...query }, sight),
});

/** An 8-bit JPEG or PNG as the reference implementation reads it: upright (EXIF), one plane, 0…255. */
export async function greyOfPhoto(path: string): Promise<GreyPlane> {
  const { data, info } = await sharp(path).rotate().raw().toBuffer({ resolveWithObject: true });
  const pixels = info.width * info.height;
  const values = info.channels === 1 ? Float32Array.from(data) : luma(data, pixels);
  return { rows: info.height, columns: info.width, values };
}

/** Rows of a CSV file as objects. */
export function readCsv(path: string): Record<string, string>[] {
  const { head, rows } = parseCsv(
    readFileSync(path, 'utf8'),
    (line, what) => new Error(`${path}, line ${line}: ${what}`),
  );
  return rows.map(({ fields }) => Object.fromEntries(head.map((name, i) => [name, fields[i] ?? ''])));
}
