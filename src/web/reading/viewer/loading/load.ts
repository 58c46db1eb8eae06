/** From an image id to an image that Cornerstone draws. */
import { Enums, utilities, type Types } from '@cornerstonejs/core';
import { calibrationOf } from '../../../../measure/calibration.ts';
import { fetchBulk, fetchColour, metadataOf, type InstanceRef } from './dicomweb.ts';
import { fetchPixels } from './frame.ts';
import { refOf } from './imageId.ts';
import { known } from './loaded.ts';
import { drawable, wholeRange } from './voi.ts';
import { formOf, greyOf, isColour, lutOf, storedValues, type Window } from './pixels.ts';

export const FUNCTIONS = {
  LINEAR: Enums.VOILUTFunctionType.LINEAR,
  LINEAR_EXACT: Enums.VOILUTFunctionType.LINEAR_EXACT,
  SIGMOID: Enums.VOILUTFunctionType.SAMPLED_SIGMOID,
} as const;

/** Fetches frame and header at once; the header's values stay in `known`. */
export async function load(imageId: string, signal: AbortSignal): Promise<Types.IImage> {
  const ref = refOf(imageId);
  // Both at once: the pixels do not wait for the header.
  const frame = fetchFrameWhenGrey(ref, signal);
  const metadata = await metadataOf(ref);
  const form = formOf(metadata);
  const spacing = calibrationOf(metadata, ref.frame);
  const common = {
    imageId,
    slope: 1,
    intercept: 0,
    columnPixelSpacing: spacing.column,
    rowPixelSpacing: spacing.row,
    invert: form.photometric === 'MONOCHROME1',
    photometricInterpretation: isColour(form) ? 'RGB' : form.photometric,
    getCanvas: undefined as never,
  };
  if (isColour(form)) {
    frame.cancel();
    const picture = await fetchColour(ref, ref.frame, signal);
    const rgb = new Uint8ClampedArray(picture.width * picture.height * 3);
    for (let i = 0, j = 0; i < picture.data.length; i += 4) {
      rgb[j++] = picture.data[i]!;
      rgb[j++] = picture.data[i + 1]!;
      rgb[j++] = picture.data[i + 2]!;
    }
    const window = wholeRange(0, 255);
    known.set(imageId, { metadata, presets: [], window, spacing, throughVoi: false });
    return image({
      ...common,
      window,
      min: 0,
      max: 255,
      values: rgb,
      rows: picture.height,
      columns: picture.width,
      parts: 3,
    });
  }
  const bulk = (uri: string) => fetchBulk(uri, signal);
  const [bytes, modality, voi] = await Promise.all([
    frame.bytes,
    lutOf(metadata, '00283000', bulk),
    lutOf(metadata, '00283010', bulk, ref.frame),
  ]);
  const grey = greyOf(storedValues(bytes, form), metadata, {
    frame: ref.frame,
    ...(modality && { modality }),
    ...(voi && { voi }),
  });
  const { presets, window } = grey;
  known.set(imageId, { metadata, presets, window, spacing, throughVoi: voi !== undefined });
  return image({
    ...common,
    window,
    min: grey.min,
    max: grey.max,
    values: grey.values,
    rows: form.rows,
    columns: form.columns,
    parts: 1,
  });
}

/** Starts the frame's download; colour images cancel it and ask for the rendered frame. */
function fetchFrameWhenGrey(ref: InstanceRef & { frame: number }, signal: AbortSignal) {
  const own = new AbortController();
  signal.addEventListener('abort', () => own.abort(), { once: true });
  const bytes = fetchPixels(ref, ref.frame, own.signal);
  bytes.catch(() => undefined);
  return { bytes, cancel: () => own.abort() };
}

function image(form: {
  imageId: string;
  values: Types.PixelDataTypedArray;
  rows: number;
  columns: number;
  parts: number;
  min: number;
  max: number;
  window: Window;
  slope: number;
  intercept: number;
  columnPixelSpacing: number;
  rowPixelSpacing: number;
  invert: boolean;
  photometricInterpretation: string;
  getCanvas: never;
}): Types.IImage {
  const { values, rows, columns, parts, min, max, ...rest } = form;
  const window = drawable(form.window);
  return {
    ...rest,
    minPixelValue: min,
    maxPixelValue: max,
    windowCenter: window.centre,
    windowWidth: window.width,
    voiLUTFunction: FUNCTIONS[window.function ?? 'LINEAR'],
    rows,
    columns,
    height: rows,
    width: columns,
    color: parts === 3,
    rgba: false,
    numberOfComponents: parts,
    sizeInBytes: values.byteLength,
    dataType: values.constructor.name as Types.PixelDataTypedArrayString,
    getPixelData: () => values,
    preScale: { enabled: true, scaled: true, scalingParameters: { rescaleSlope: 1, rescaleIntercept: 0 } },
    voxelManager: utilities.VoxelManager.createImageVoxelManager({
      width: columns,
      height: rows,
      scalarData: values as Types.PixelDataTypedArray,
      numberOfComponents: parts,
    }) as never,
  };
}
