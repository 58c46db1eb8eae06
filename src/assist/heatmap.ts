/** The heat map as a picture to lay over the image. */

/** Violet is what a machine proposes, in both themes: deep where it is faint, light where it is strong. */
const DEEP = [0x6d, 0x42, 0xd8] as const;
const LIGHT = [0xe4, 0xd6, 0xff] as const;
/** Below it nothing is drawn. */
const FLOOR = 0.08;
const MOST_OPAQUE = 215;

/** `cells`: 0…255, row major. PNG with alpha, one pixel a cell. */
export async function heatmapPng(cells: Uint8Array, rows: number, columns: number): Promise<Buffer> {
  const pixels = Buffer.alloc(rows * columns * 4);
  for (let i = 0; i < rows * columns; i += 1) {
    const part = Math.max(0, (cells[i]! / 255 - FLOOR) / (1 - FLOOR));
    for (let c = 0; c < 3; c += 1) pixels[4 * i + c] = DEEP[c]! + part * (LIGHT[c]! - DEEP[c]!);
    pixels[4 * i + 3] = part ** 0.7 * MOST_OPAQUE;
  }
  const { default: sharp } = await import('sharp');
  return sharp(pixels, { raw: { width: columns, height: rows, channels: 4 } })
    .png({ compressionLevel: 9 })
    .toBuffer();
}
