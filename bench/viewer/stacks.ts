/** CT of many slices: three neighbouring real slices again and again, each with its own UID, number and position. */
import { readFileSync } from 'node:fs';
import { type DicomJson, newUid, parseDicom, TAG, toJson, writePart10 } from '../../src/dicom/index.ts';
import type { Instance } from '../data.ts';
import { named } from '../radiographs.ts';

const TEMPLATES = ['01', '02', '03'].map(
  (n) => new URL(`../../../shared/dicom/ct/ct-3slice_${n}.dcm`, import.meta.url),
);
/** Distance of slices, mm. */
const APART = 1;

const one = (vr: string, value: unknown) => ({ vr, Value: [value] });

/** One study of one series, as a scanner sends it: 512 × 512, 16 bits. A child's, so that no AI tool sets to work. */
export function* stack(patient: string, slices: number): Generator<Instance> {
  const study = newUid();
  const series = newUid();
  const place = newUid();
  const templates = TEMPLATES.map((file) => {
    const { dataset } = parseDicom(readFileSync(file));
    const json = toJson(dataset);
    const pixels = { vr: 'OW', Binary: dataset.bytes(TAG.PixelData)! };
    return { json, pixels, sopClassUid: dataset.string(TAG.SOPClassUID)! };
  });
  for (let i = 0; i < slices; i++) {
    const { json, pixels, sopClassUid } = templates[i % templates.length]!;
    const [x, y] = (json['00200032']?.Value ?? [0, 0]) as number[];
    const sopInstanceUid = newUid();
    const { '00100030': _, ...rest } = json;
    const bytes = Buffer.from(
      writePart10({
        json: {
          ...rest,
          ...named(patient),
          '00080018': one('UI', sopInstanceUid),
          '00101010': one('AS', '010Y'),
          '0020000D': one('UI', study),
          '0020000E': one('UI', series),
          '00200052': one('UI', place),
          '00200013': one('IS', i + 1),
          '00200032': { vr: 'DS', Value: [x, y, -APART * i] },
          '00201041': one('DS', -APART * i),
          '7FE00010': pixels,
        } as DicomJson,
      }),
    );
    const { datasetOffset, transferSyntax } = parseDicom(bytes);
    yield { bytes, dataset: bytes.subarray(datasetOffset), sopClassUid, sopInstanceUid, transferSyntax };
  }
}
