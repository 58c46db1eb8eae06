/** Step 1 of every model's pre-processing: a stored DICOM file to grey values. */
import { TAG } from '../../dicom/dictionary.ts';
import { parseHeader } from '../../dicom/parse.ts';
import { decodeFileFrame, greyscale } from '../../dicom/pixels/index.ts';
import type { DataSet, DicomFile } from '../../dicom/types.ts';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import type { GreyPlane } from '../preprocess.ts';
import type { ImageInput } from '../types.ts';
import type { SliceGeometry } from '../volume/geometry.ts';

/**
 * Upright, bone bright. Stored value → modality → VOI (the first window or LUT), MONOCHROME1 inverted, padding dark; nothing is
 * rounded. For `intensity: window` the modality's output, without the header's window.
 * Throws `pixels-undecodable` for whatever is wrong with the file.
 */
export const greyOfDicom = (bytes: Uint8Array, intensity?: ImageInput['intensity']): Promise<GreyPlane> =>
  undecodable(async () => {
    const file = parseHeader(bytes, { complete: true });
    const voi = intensity?.kind === 'window' ? ({ voi: 'none' } as const) : {};
    const grey = greyscale(await decodeFileFrame(file), file.dataset, { withoutVoi: 'identity', ...voi });
    return {
      rows: grey.rows,
      columns: grey.columns,
      values: grey.data,
      ...(intensity?.kind === 'voi' && { range: [grey.min, grey.max] as const }),
    };
  });

export interface Slice {
  /** The modality's output (HU for CT), padding as its smallest value. */
  readonly values: Float32Array;
  readonly place: SliceGeometry;
}

/** One image of a volume. Throws `pixels-undecodable`, or `volume-geometry` when the header does not say where it lies. */
export async function sliceOfDicom(bytes: Uint8Array): Promise<Slice> {
  const [file, grey] = await undecodable(async () => {
    const parsed: DicomFile = parseHeader(bytes, { complete: true });
    return [parsed, greyscale(await decodeFileFrame(parsed), parsed.dataset, { voi: 'none' })];
  });
  return { values: grey.data, place: placeOf(file.dataset, grey.rows, grey.columns) };
}

function placeOf(dataset: DataSet, rows: number, columns: number): SliceGeometry {
  const orientation = dataset.numbers(TAG.ImageOrientationPatient);
  const position = dataset.numbers(TAG.ImagePositionPatient);
  const spacing = dataset.numbers(TAG.PixelSpacing);
  const known = (values: readonly number[], count: number): boolean =>
    values.length === count && values.every(Number.isFinite);
  if (!known(orientation, 6) || !known(position, 3) || !known(spacing, 2) || spacing.some((x) => x <= 0))
    throw new NegatoscopeError('volume-geometry', 'The header does not say where the image lies', {
      status: 422,
    });
  return {
    rows,
    columns,
    orientation,
    position: position as [number, number, number],
    spacing: spacing as [number, number],
    thickness: dataset.number(TAG.SliceThickness) ?? null,
    frameOfReferenceUid: dataset.string(TAG.FrameOfReferenceUID) ?? '',
  };
}

async function undecodable<T>(decode: () => Promise<T>): Promise<T> {
  try {
    return await decode();
  } catch (error) {
    if (error instanceof NegatoscopeError && error.code === 'pixels-undecodable') throw error;
    throw new NegatoscopeError('pixels-undecodable', reasonOf(error), { cause: error });
  }
}
