/** Step 1 of every model's pre-processing: a stored DICOM file to grey values, upright, bone bright. */
import { parseHeader } from '../../dicom/parse.ts';
import { decodeFileFrame, greyscale } from '../../dicom/pixels/index.ts';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import type { GreyPlane } from '../preprocess.ts';

/**
 * Stored value → modality → VOI (the first window or LUT), MONOCHROME1 inverted, padding dark; nothing is rounded.
 * Throws `pixels-undecodable` for whatever is wrong with the file.
 */
export async function greyOfDicom(bytes: Uint8Array): Promise<GreyPlane> {
  try {
    const file = parseHeader(bytes, { complete: true });
    const grey = greyscale(await decodeFileFrame(file), file.dataset, { withoutVoi: 'identity' });
    return { rows: grey.rows, columns: grey.columns, values: grey.data };
  } catch (error) {
    if (error instanceof NegatoscopeError && error.code === 'pixels-undecodable') throw error;
    throw new NegatoscopeError('pixels-undecodable', reasonOf(error), { cause: error });
  }
}
