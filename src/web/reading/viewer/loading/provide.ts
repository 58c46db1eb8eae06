/** The metadata that Cornerstone asks of an image. */
import { Enums } from '@cornerstonejs/core';
import { number, text } from './dicomweb.ts';
import { SCHEME } from './imageId.ts';
import { known } from './loaded.ts';
import { formOf, isColour } from './pixels.ts';
import { drawable } from './voi.ts';

/** Everything Cornerstone asks of an image. Positions in space are left out: a projection has none that it could draw. */
export function provide(type: string, imageId: string): unknown {
  if (typeof imageId !== 'string' || !imageId.startsWith(`${SCHEME}:`)) return undefined;
  const loaded = known.get(imageId);
  if (!loaded) return undefined;
  const { metadata, spacing } = loaded;
  const window = drawable(loaded.window);
  const form = formOf(metadata);
  const { row, column } = spacing;
  switch (type) {
    case Enums.MetadataModules.IMAGE_PIXEL:
      return {
        bitsAllocated: isColour(form) ? 8 : form.bitsAllocated,
        bitsStored: isColour(form) ? 8 : form.bitsStored,
        highBit: (isColour(form) ? 8 : form.bitsStored) - 1,
        pixelRepresentation: form.signed ? 1 : 0,
        photometricInterpretation: isColour(form) ? 'RGB' : form.photometric,
        samplesPerPixel: isColour(form) ? 3 : 1,
        rows: form.rows,
        columns: form.columns,
      };
    case Enums.MetadataModules.IMAGE_PLANE:
      return {
        // Cornerstone takes defaults for pixels, whatever the spacing says.
        ...(spacing.kind === 'none' ? { usingDefaultValues: true } : {}),
        frameOfReferenceUID: text(metadata, '00200052') ?? imageId,
        rows: form.rows,
        columns: form.columns,
        imageOrientationPatient: [1, 0, 0, 0, 1, 0],
        rowCosines: [1, 0, 0],
        columnCosines: [0, 1, 0],
        imagePositionPatient: [0, 0, 0],
        pixelSpacing: [row, column],
        rowPixelSpacing: row,
        columnPixelSpacing: column,
      };
    case Enums.MetadataModules.GENERAL_SERIES:
      return { modality: text(metadata, '00080060'), seriesInstanceUID: text(metadata, '0020000E') };
    case Enums.MetadataModules.VOI_LUT:
      return { windowCenter: [window.centre], windowWidth: [window.width] };
    case Enums.MetadataModules.MODALITY_LUT:
      return { rescaleSlope: 1, rescaleIntercept: 0 };
    case Enums.MetadataModules.CALIBRATION:
      if (spacing.kind === 'calibrated') return undefined;
      return spacing.kind === 'none'
        ? { type: Enums.CalibrationTypes.UNCALIBRATED }
        : {
            type:
              spacing.kind === 'estimated' ? Enums.CalibrationTypes.ERMF : Enums.CalibrationTypes.PROJECTION,
            columnPixelSpacing: column,
            rowPixelSpacing: row,
          };
    case Enums.MetadataModules.CINE:
      return { frameTime: number(metadata, '00181063') };
    default:
      return undefined;
  }
}
