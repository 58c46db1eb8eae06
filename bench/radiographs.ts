/** Radiographs as large as those of a modern detector. */
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { newUid, parseDicom, TAG, toJson, writePart10, type DicomJson } from '../src/dicom/index.ts';
import { decodeFileFrame } from '../src/dicom/pixels/index.ts';
import type { Instance } from './data.ts';

const DX_FILE = new URL('../../shared/radiographs/dicom/DX01_FOOT_AP_1604.dcm', import.meta.url);
const DX_SIDE = 2236;

/** A patient made for a measurement: the name is the Patient ID and the Accession Number, too. */
export const named = (name: string): DicomJson =>
  ({
    '00080050': { vr: 'SH', Value: [name] },
    '00100010': { vr: 'PN', Value: [{ Alphabetic: name }] },
    '00100020': { vr: 'LO', Value: [name] },
  }) as DicomJson;

/** A radiograph of 10 MB: a real one scaled up, with the grain of a detector, 12 bits in 16. `count` of them, in one study; or with `patients` in one study for each name. */
export async function radiographs(
  count: number,
  patients?: readonly string[],
  grain = 1,
): Promise<Instance[]> {
  const file = parseDicom(readFileSync(DX_FILE));
  const frame = await decodeFileFrame(file);
  const grey = Buffer.from(
    Uint8Array.from(frame.data, (value) => (frame.bitsStored > 8 ? value >> (frame.bitsStored - 8) : value)),
  );
  const scaled = await sharp(grey, { raw: { width: frame.columns, height: frame.rows, channels: 1 } })
    .resize(DX_SIDE, DX_SIDE, { fit: 'fill' })
    .toColourspace('b-w')
    .raw()
    .toBuffer();
  /** Another grain for each. */
  const grainy = (grain: number): Uint8Array => {
    const pixels = new Uint16Array(scaled.length);
    let seed = grain;
    for (let i = 0; i < pixels.length; i++) {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      pixels[i] = Math.min(4095, scaled[i]! * 16 + ((seed >> 16) % 16));
    }
    return new Uint8Array(pixels.buffer);
  };
  const first = grainy(grain);
  // A child's, so that no AI tool sets to work beside the measurement.
  const { '7FE00010': _, '00100030': __, ...adult } = toJson(file.dataset);
  const header = { ...adult, '00101010': { vr: 'AS', Value: ['010Y'] } };
  const together = newUid();
  return Array.from({ length: count }, (_, i) => {
    const sopInstanceUid = newUid();
    const patient = patients?.[i];
    const study = patient === undefined ? together : newUid();
    const json = {
      ...header,
      ...(patient === undefined ? {} : named(patient)),
      '00080018': { vr: 'UI', Value: [sopInstanceUid] },
      '0020000D': { vr: 'UI', Value: [study] },
      '0020000E': { vr: 'UI', Value: [`${study}.1`] },
      '00280004': { vr: 'CS', Value: ['MONOCHROME2'] },
      '00280010': { vr: 'US', Value: [DX_SIDE] },
      '00280011': { vr: 'US', Value: [DX_SIDE] },
      '00280100': { vr: 'US', Value: [16] },
      '00280101': { vr: 'US', Value: [12] },
      '00280102': { vr: 'US', Value: [11] },
      '00280103': { vr: 'US', Value: [0] },
      '00281050': { vr: 'DS', Value: [2048] },
      '00281051': { vr: 'DS', Value: [4096] },
      '7FE00010': { vr: 'OW', Binary: patient === undefined ? first : grainy(grain + i) },
    };
    const bytes = writePart10({ json });
    const { datasetOffset, transferSyntax } = parseDicom(bytes);
    const sopClassUid = file.dataset.string(TAG.SOPClassUID)!;
    return { bytes, dataset: bytes.subarray(datasetOffset), sopClassUid, sopInstanceUid, transferSyntax };
  });
}
