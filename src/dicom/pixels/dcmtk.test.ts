/** Our pictures against DCMTK's: dcm2pnm and dcmj2pnm render the same files on their own. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { hasDcmtk } from '../dcmtk.ts';
import { parseDicom } from '../parse.ts';
import { isColour, rgb } from './colour.ts';
import { decodeFileFrame } from './file.ts';
import { greyBytes } from './greyscale.ts';

const root = fileURLToPath(new URL('../../../../shared/dicom/', import.meta.url));
const peer = '/usr/bin/dcmj2pnm';

/** A binary PGM or PPM of depth 8. */
function pnm(bytes: Buffer): Buffer {
  const head = /^P[56]\s+(?:#.*\n)?\s*\d+\s+\d+\s+255\s/.exec(bytes.subarray(0, 200).toString('latin1'));
  if (!head) throw new Error('not an 8-bit PNM');
  return bytes.subarray(head[0].length);
}

function peerPicture(path: string, ...options: string[]): Buffer {
  return pnm(
    execFileSync(peer, ['-q', '+op', ...options, root + path], {
      maxBuffer: 1 << 28,
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
}

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / a.length;
}

describe.skipIf(!hasDcmtk)('against dcmj2pnm', () => {
  const files: [path: string, options: string[], tolerance: number][] = [
    ['ct/CT-JPEGLosslessSV1.dcm', ['+Wi', '1'], 0.6],
    ['ct/ct-3slice_01.dcm', ['+Wi', '1'], 0.6],
    ['mr/brain_002.dcm', ['+Wm'], 0.6],
    ['radiographs/GH133.dcm', ['+Wi', '1'], 0.6],
    ['radiographs/RG2_JPLY_fixed.dcm', ['+Wi', '1'], 0.6],
    ['radiographs/CR-ModalitySequenceLUT.dcm', ['+Wm'], 0.6],
    ['overlays-luts-bits/vlut_04.dcm', ['+Wl', '1'], 0.6],
    ['overlays-luts-bits/mlut_18.dcm', ['+Wm'], 0.6],
    ['transfer-syntax-ct/CTImage_JPEGProcess10_12_1.2.840.10008.1.2.4.55.dcm', ['+Wi', '1'], 0.6],
    ['colour/TestPattern_Palette.dcm', [], 0.01],
    ['colour/TestPattern_Palette_16.dcm', [], 0.01],
    ['colour/TestPattern_RGB.dcm', [], 0.01],
    ['colour/SC_ybr_full_422_uncompressed.dcm', [], 0.6],
    ['colour/SC_ybr_full_uncompressed.dcm', [], 0.6],
    ['colour/SC_rgb_16bit.dcm', [], 0.6],
    ['colour/SC_jpeg_no_color_transform.dcm', [], 1],
    ['colour/SC_rgb_dcmtk_p_ebp_cr.dcm', [], 1],
    ['colour/SC_rgb_dcmtk_p_ebp_cyp_s4.dcm', [], 1],
    ['colour/TestPattern_JPEG-Baseline_YBRFull.dcm', [], 1],
    ['ultrasound/ybrFull-RLE.dcm', [], 0.6],
    ['ultrasound/examples_palette.dcm', [], 0.01],
    ['ultrasound/OBXXXX1A_rle_2frame.dcm', [], 0.01],
    ['ultrasound/JPEGExtended_3s_1f_u_08_08.dcm', [], 1],
  ];
  test.each(files)('%s', async (path, options, tolerance) => {
    const file = parseDicom(readFileSync(root + path));
    const frame = await decodeFileFrame(file);
    const ours = isColour(frame) ? rgb(frame, file.dataset) : greyBytes(frame, file.dataset);
    expect(meanDifference(ours, peerPicture(path, ...options))).toBeLessThan(tolerance);
  });
});
