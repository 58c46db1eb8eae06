/** Cornerstone, started once: the image loader of our own DICOMweb, its metadata, and the tools. */
import {
  cache,
  Enums,
  imageLoader,
  init as initCore,
  metaData,
  RenderingEngine,
  utilities,
  type Types,
} from '@cornerstonejs/core';
import {
  addTool,
  AngleTool,
  Enums as ToolEnums,
  init as initTools,
  LengthTool,
  PanTool,
  StackScrollTool,
  ToolGroupManager,
  WindowLevelTool,
  ZoomTool,
} from '@cornerstonejs/tools';
import {
  fetchBulk,
  fetchColour,
  fetchFrame,
  metadataOf,
  number,
  text,
  type InstanceRef,
  type Metadata,
} from './dicomweb.ts';
import {
  formOf,
  greyOf,
  isColour,
  lutOf,
  spacingOf,
  storedValues,
  type Spacing,
  type Window,
} from './pixels.ts';

export const SCHEME = 'negatoscope';
const CACHE_BYTES = 512 * 1024 * 1024;

/** What the page knows of an image once it is loaded. */
export interface Loaded {
  metadata: Metadata;
  presets: Window[];
  window: Window;
  spacing: Spacing;
}
const known = new Map<string, Loaded>();
export const loadedOf = (imageId: string): Loaded | undefined => known.get(imageId);

export const imageIdOf = (ref: InstanceRef, frame = 1): string =>
  `${SCHEME}:${ref.studyUid}/${ref.seriesUid}/${ref.sopInstanceUid}/${frame}`;
export function refOf(imageId: string): InstanceRef & { frame: number } {
  const [studyUid, seriesUid, sopInstanceUid, frame] = imageId.slice(SCHEME.length + 1).split('/');
  return {
    studyUid: studyUid!,
    seriesUid: seriesUid!,
    sopInstanceUid: sopInstanceUid!,
    frame: Number(frame),
  };
}

async function load(imageId: string, signal: AbortSignal): Promise<Types.IImage> {
  const ref = refOf(imageId);
  // Both at once: the pixels do not wait for the header.
  const frame = fetchFrameWhenGrey(ref, signal);
  const metadata = await metadataOf(ref);
  const form = formOf(metadata);
  const spacing = spacingOf(metadata);
  const common = {
    imageId,
    slope: 1,
    intercept: 0,
    voiLUTFunction:
      text(metadata, '00281056') === 'SIGMOID'
        ? Enums.VOILUTFunctionType.SAMPLED_SIGMOID
        : Enums.VOILUTFunctionType.LINEAR,
    columnPixelSpacing: spacing.kind === 'none' ? 1 : spacing.column,
    rowPixelSpacing: spacing.kind === 'none' ? 1 : spacing.row,
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
    const window = { centre: 127.5, width: 255 };
    known.set(imageId, { metadata, presets: [], window, spacing });
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
    lutOf(metadata, '00283010', bulk),
  ]);
  const grey = greyOf(storedValues(bytes, form), metadata, {
    ...(modality && { modality }),
    ...(voi && { voi }),
  });
  known.set(imageId, { metadata, presets: grey.presets, window: grey.window, spacing });
  return image({
    ...common,
    window: grey.window,
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
  const bytes = fetchFrame(ref, ref.frame, own.signal);
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
  voiLUTFunction: Enums.VOILUTFunctionType;
  getCanvas: never;
}): Types.IImage {
  const { values, rows, columns, parts, min, max, window, ...rest } = form;
  return {
    ...rest,
    minPixelValue: min,
    maxPixelValue: max,
    windowCenter: window.centre,
    windowWidth: window.width,
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

/** Everything Cornerstone asks of an image. Positions in space are left out: a projection has none that it could draw. */
function provide(type: string, imageId: string): unknown {
  if (typeof imageId !== 'string' || !imageId.startsWith(`${SCHEME}:`)) return undefined;
  const loaded = known.get(imageId);
  if (!loaded) return undefined;
  const { metadata, spacing, window } = loaded;
  const form = formOf(metadata);
  const row = spacing.kind === 'none' ? 1 : spacing.row;
  const column = spacing.kind === 'none' ? 1 : spacing.column;
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

export const TOOLS = {
  window: WindowLevelTool.toolName,
  zoom: ZoomTool.toolName,
  pan: PanTool.toolName,
  scroll: StackScrollTool.toolName,
  length: LengthTool.toolName,
  angle: AngleTool.toolName,
} as const;
export type ToolName = keyof typeof TOOLS;

let started: Promise<RenderingEngine> | undefined;
export const ENGINE = 'negatoscope';
export const TOOL_GROUP = 'negatoscope';

/** The rendering engine; the first call starts Cornerstone. */
export function engine(): Promise<RenderingEngine> {
  started ??= (async () => {
    initCore();
    initTools();
    cache.setMaxCacheSize(CACHE_BYTES);
    imageLoader.registerImageLoader(SCHEME, ((imageId: string) => {
      const controller = new AbortController();
      return {
        promise: load(imageId, controller.signal),
        cancelFn: () => controller.abort(),
        decache: () => known.delete(imageId),
      };
    }) as never);
    metaData.addProvider(provide, 10_000);
    for (const tool of [WindowLevelTool, ZoomTool, PanTool, StackScrollTool, LengthTool, AngleTool])
      addTool(tool);
    const group = ToolGroupManager.createToolGroup(TOOL_GROUP)!;
    for (const name of Object.values(TOOLS)) group.addTool(name);
    activate('window');
    return new RenderingEngine(ENGINE);
  })();
  return started;
}

const { MouseBindings } = ToolEnums;

/** Gives the main button (and one finger) to a tool; the middle one pans, the right one and two fingers zoom, the wheel scrolls. */
export function activate(tool: ToolName): void {
  const group = ToolGroupManager.getToolGroup(TOOL_GROUP);
  if (!group) return;
  for (const name of ['length', 'angle', 'window', 'scroll'] as const) group.setToolPassive(TOOLS[name]);
  group.setToolActive(TOOLS.pan, { bindings: [{ mouseButton: MouseBindings.Auxiliary }] });
  group.setToolActive(TOOLS.zoom, {
    bindings: [{ mouseButton: MouseBindings.Secondary }, { numTouchPoints: 2 }],
  });
  group.setToolActive(TOOLS.scroll, { bindings: [{ mouseButton: MouseBindings.Wheel }] });
  const primary = [{ mouseButton: MouseBindings.Primary }, { numTouchPoints: 1 }];
  if (tool === 'zoom')
    group.setToolActive(TOOLS.zoom, {
      bindings: [...primary, { mouseButton: MouseBindings.Secondary }, { numTouchPoints: 2 }],
    });
  else if (tool === 'pan')
    group.setToolActive(TOOLS.pan, { bindings: [...primary, { mouseButton: MouseBindings.Auxiliary }] });
  else if (tool === 'scroll')
    group.setToolActive(TOOLS.scroll, { bindings: [...primary, { mouseButton: MouseBindings.Wheel }] });
  else group.setToolActive(TOOLS[tool], { bindings: primary });
}

/** Puts images into the cache before they are asked for. Failures are met when they are. */
export function prefetch(imageIds: readonly string[]): void {
  void engine().then(() => {
    for (const imageId of imageIds) imageLoader.loadAndCacheImage(imageId).catch(() => undefined);
  });
}
