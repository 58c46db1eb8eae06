/**
 * Golden cases of a model package: generated patterns with the outputs recorded from the model, so that a package can be
 * checked on any machine without images of people. `golden.json` is described in docs/models.md.
 */
import { goldenVolume } from './goldenVolume.ts';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { ModelPackage } from './package.ts';
import { packageFile } from './packageFiles.ts';
import type { GreyPlane } from './preprocess.ts';
import type { ImageResult, VolumeResult } from './runner/messages.ts';
import type { Runner } from './runner/runner.ts';

const goldenSchema = z.strictObject({
  tolerance: z.strictObject({
    inputMean: z.number(),
    inputStd: z.number(),
    score: z.number(),
    heatmapMax: z.number(),
    /** Cells by which the hottest cell may move. */
    heatmapCell: z.number(),
    /** Pixels by which the edges of a box may move. */
    box: z.number().optional(),
    /** Pixels or voxels by which the size of a segment may differ. */
    pixels: z.number().optional(),
    /** By which a measurement may differ, in its unit. */
    measurement: z.number().optional(),
  }),
  cases: z
    .array(
      z.strictObject({
        name: z.string(),
        pattern: z.strictObject({
          seed: z.int().positive(),
          columns: z.int().positive(),
          rows: z.int().positive(),
          /** Stored range of the pattern: 255 like 8 bit, 4095 like 12 bit. */
          max: z.number().positive(),
          /** Slices of a volume pattern: for tools that take volumes. */
          slices: z.int().positive().optional(),
        }),
        inputMean: z.number(),
        inputStd: z.number(),
        score: z.number(),
        /** What tools with several outputs gave: `score.LABEL`, `box.N.x`, `pixels.LABEL`, `measurement.KEY`. */
        figures: z.record(z.string(), z.number()).optional(),
        heatmapMax: z.number().optional(),
        heatmapRow: z.int().optional(),
        heatmapColumn: z.int().optional(),
      }),
    )
    .min(1),
});
export type Golden = z.infer<typeof goldenSchema>;
export type GoldenCase = Golden['cases'][number];
type Observed = Omit<GoldenCase, 'name' | 'pattern'>;

export const readGolden = async (model: ModelPackage): Promise<Golden> =>
  goldenSchema.parse(JSON.parse(await readFile(await packageFile(model.dir, model.manifest.golden), 'utf8')));

/** Marsaglia's xorshift32: integers of 32 bits, equal on every machine (doi 10.18637/jss.v008.i14). Uniform in [0, 1). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

/**
 * A pattern like bright shafts with denser rims on a soft background, one of them crossed by a dark gap, and noise.
 * Only + − × ÷ and √ (exact in IEEE 754) on a seeded generator: the same values everywhere. No anatomy is meant.
 */
export function goldenPattern({ seed, columns, rows, max }: GoldenCase['pattern']): GreyPlane {
  const next = uniform(seed);
  const tilt = next() * 0.3 - 0.15;
  const shafts = Array.from({ length: 2 + Math.floor(next() * 2) }, (_, k) => ({
    centre: 0.3 + 0.22 * k + 0.05 * next(),
    half: 0.04 + 0.03 * next(),
  }));
  const gap = { shaft: Math.floor(next() * shafts.length), at: 0.35 + 0.3 * next(), slope: next() - 0.5 };
  const values = new Float32Array(rows * columns);
  for (let y = 0; y < rows; y += 1) {
    const v = y / rows;
    for (let x = 0; x < columns; x += 1) {
      const u = x / columns;
      const across = u - 0.5 - tilt * (v - 0.5);
      let grey = 0.05 + Math.max(0, 0.3 - across * across * 2.5);
      shafts.forEach(({ centre, half }, k) => {
        const d = (u - centre - tilt * (v - 0.5)) / (half * (1 + 2 * (v - 0.5) * (v - 0.5)));
        if (d * d >= 1) return;
        const rim = 1 / (0.15 + Math.sqrt(1 - d * d));
        const open = k === gap.shaft && Math.abs(v - gap.at - gap.slope * (u - centre)) < 0.006;
        grey += open ? 0.02 : 0.2 + 0.05 * rim;
      });
      grey += (next() - 0.5) * 0.02;
      values[y * columns + x] = Math.min(1, Math.max(0, grey)) * max;
    }
  }
  return { rows, columns, values, range: [0, max] };
}

const round = (x: number): number => Math.round(x * 1e6) / 1e6;
/** Boxes of a case that are compared. */
const MOST_BOXES = 5;

/** A case through the model: its pattern, or its volume of slices. */
export async function runCase(runner: Runner, { pattern }: Pick<GoldenCase, 'pattern'>): Promise<Observed> {
  if (pattern.slices === undefined)
    return observe(await runner.analyse({ kind: 'grey', plane: goldenPattern(pattern) }));
  const slices = goldenVolume({ ...pattern, slices: pattern.slices }, uniform(pattern.seed));
  return observeVolume(await runner.analyseVolume(slices.map((slice) => () => slice)));
}

const observeVolume = ({ input, voxels }: VolumeResult): Observed => ({
  inputMean: round(input.mean),
  inputStd: round(input.std),
  score: 0,
  figures: Object.fromEntries(Object.entries(voxels).map(([label, n]) => [`pixels.${label}`, n])),
});

function figuresOf(result: ImageResult): Record<string, number> | undefined {
  const { scores, boxes, segmentation, measurements } = result;
  if (!scores && !boxes && !segmentation && !measurements) return undefined;
  const named = (prefix: string, values: Readonly<Record<string, number>> = {}): [string, number][] =>
    Object.entries(values).map(([name, value]) => [`${prefix}.${name}`, round(value)]);
  return Object.fromEntries([
    ...named('score', scores),
    ...(boxes ?? [])
      .slice(0, MOST_BOXES)
      .flatMap(
        ({ score, box }, i) =>
          [[`score.box-${i}`, round(score)], ...named(`box.${i}`, { ...box })] as [string, number][],
      ),
    ...(segmentation?.segments ?? []).map(({ label, pixels }): [string, number] => [
      `pixels.${label}`,
      pixels,
    ]),
    ...named('measurement', measurements),
  ]);
}

/** What a result says of a case, in the numbers that golden.json holds. */
export function observe(result: ImageResult): Observed {
  const figures = figuresOf(result);
  const seen: Observed = {
    inputMean: round(result.input.mean),
    inputStd: round(result.input.std),
    score: round(result.score),
    ...(figures && { figures }),
  };
  if (!result.grid) return seen;
  const { values, columns } = result.grid;
  let hottest = 0;
  for (let i = 1; i < values.length; i += 1) if (values[i]! > values[hottest]!) hottest = i;
  return {
    ...seen,
    heatmapMax: round(values[hottest]!),
    heatmapRow: Math.floor(hottest / columns),
    heatmapColumn: hottest % columns,
  };
}

/** The differences beyond the tolerance, as words with both numbers; empty when there are none. */
export function differences(expected: Observed, seen: Observed, tolerance: Golden['tolerance']): string[] {
  const limits = {
    inputMean: tolerance.inputMean,
    inputStd: tolerance.inputStd,
    score: tolerance.score,
    heatmapMax: tolerance.heatmapMax,
    heatmapRow: tolerance.heatmapCell,
    heatmapColumn: tolerance.heatmapCell,
  };
  const beyond = (
    name: string,
    want: number | undefined,
    got: number | undefined,
    limit: number,
  ): string[] => {
    if (want === undefined) return [];
    const near = got !== undefined && Math.abs(got - want) <= limit;
    return near ? [] : [`${name} ${got ?? 'missing'}, expected ${want} ± ${limit}`];
  };
  const plain = (Object.keys(limits) as (keyof typeof limits)[]).flatMap((name) =>
    beyond(name, expected[name], seen[name], limits[name]),
  );
  const kinds: Record<string, number> = {
    score: tolerance.score,
    box: tolerance.box ?? 1,
    pixels: tolerance.pixels ?? 0,
    measurement: tolerance.measurement ?? 0,
  };
  const figures = Object.entries(expected.figures ?? {}).flatMap(([name, want]) =>
    beyond(name, want, seen.figures?.[name], kinds[name.split('.')[0]!] ?? 0),
  );
  return [...plain, ...figures];
}
