/** The heat map as a picture to lay over the image. */
import sharp from 'sharp';

/** Violet is what a machine proposes, in both themes. Alpha grows with the value; below the floor nothing is drawn. */
const VIOLET = { r: 0xb9, g: 0x9a, b: 0xff };
const FLOOR = 0.08;
const MOST_OPAQUE = 200;

/** `cells`: 0…255, row major. PNG with alpha, one pixel a cell. */
export function heatmapPng(cells: Uint8Array, rows: number, columns: number): Promise<Buffer> {
  const pixels = Buffer.alloc(rows * columns * 4);
  for (let i = 0; i < rows * columns; i += 1) {
    const value = cells[i]! / 255;
    const alpha = value < FLOOR ? 0 : Math.min(1, (value - FLOOR) / (1 - FLOOR) + 0.1) * MOST_OPAQUE;
    pixels.writeUInt32BE(
      ((VIOLET.r << 24) | (VIOLET.g << 16) | (VIOLET.b << 8) | Math.round(alpha)) >>> 0,
      i * 4,
    );
  }
  return sharp(pixels, { raw: { width: columns, height: rows, channels: 4 } })
    .png({ compressionLevel: 9 })
    .toBuffer();
}
