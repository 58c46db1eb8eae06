/**
 * A volume like a head: a bright shell, a grey layer and a white core with two dark hollows, and noise. Only + − × ÷ on a seeded
 * generator: the same values everywhere. No anatomy is meant. Axial slices, 1 mm, from the feet to the head.
 */
import type { SliceWork } from './runner/messages.ts';

type Slice = Extract<SliceWork, { kind: 'values' }>;

export function goldenVolume(
  { columns, rows, slices, max }: { columns: number; rows: number; slices: number; max: number },
  next: () => number,
): Slice[] {
  const fold = 4 + Math.floor(next() * 4);
  const shift = next() * 0.04 - 0.02;
  return Array.from({ length: slices }, (_, k): Slice => {
    const values = new Float32Array(rows * columns);
    const w = (2 * k) / slices - 1;
    for (let j = 0; j < rows; j += 1) {
      const v = (2 * j) / rows - 1;
      for (let i = 0; i < columns; i += 1) {
        const u = (2 * i) / columns - 1 + shift;
        // Squared distance from the middle; the folds make the layers uneven.
        const d = u * u * 1.35 + v * v * 1.05 + w * w * 1.35;
        const wave = 0.03 * triangle(fold * (u + 1)) * triangle(fold * (v + 1));
        let grey = 0;
        if (d < 0.95) grey = d > 0.82 ? 0.8 : d > 0.72 ? 0.1 : d + wave > 0.5 ? 0.42 : 0.62;
        const hollow = (Math.abs(u) - 0.14) * (Math.abs(u) - 0.14) * 30 + v * v * 8 + w * w * 12;
        if (hollow < 1) grey = 0.12;
        grey += d < 0.95 ? (next() - 0.5) * 0.04 : 0;
        values[j * columns + i] = Math.floor(Math.min(1, Math.max(0, grey)) * max);
      }
    }
    return {
      kind: 'values',
      values,
      place: {
        rows,
        columns,
        orientation: [1, 0, 0, 0, 1, 0],
        position: [-columns / 2, -rows / 2, k - slices / 2],
        spacing: [1, 1],
        thickness: 1,
        frameOfReferenceUid: '2.25.1',
      },
    };
  });
}

/** Between −1 and 1 and back, with period 2. */
const triangle = (x: number): number => 1 - 2 * Math.abs(x - 2 * Math.floor(x / 2) - 1);
