/**
 * Grayscale Softcopy Presentation State (PS3.3 A.33.1) of one image: window, inversion, rotation, and what was drawn on it.
 * Colour images want another object with a colour profile (A.33.2), which is not made here.
 */
import { dataset, type Attributes } from '../builder.ts';
import { SOP_CLASS } from '../sopClasses.ts';
import type { DicomJson } from '../types.ts';
import { dicomTime, type ImageReference } from './srContent.ts';
import { headOf, type MadeObject } from './srDocument.ts';

type Points = readonly (readonly [number, number])[];
/** What is drawn: points in pixels, origin at the corner of the first pixel (PS3.3 C.10.5.1.2). */
export interface Drawing {
  graphics: readonly { type: 'POINT' | 'POLYLINE' | 'ELLIPSE'; points: Points }[];
  text: string | null;
  /** Where the text points at. */
  anchor: readonly [number, number];
}

export interface PresentationState extends MadeObject {
  image: ImageReference;
  rows: number;
  columns: number;
  /** mm; null where it is not known. */
  spacing: { row: number; column: number } | null;
  /** Pixel Aspect Ratio of the image, for where there is no spacing. */
  aspectRatio: readonly [vertical: number, horizontal: number];
  /** Modality transformation of the image: PS3.3 C.11.1. */
  rescale: { slope: number; intercept: number; type: string } | null;
  monochrome1: boolean;
  /** `function`: VOI LUT Function, LINEAR where it is absent. */
  window: { centre: number; width: number; function?: 'LINEAR_EXACT' | 'SIGMOID' } | null;
  inverted: boolean;
  /** Degrees clockwise. */
  rotation: 0 | 90 | 180 | 270;
  /** Left to right, after the rotation. */
  flipped: boolean;
  drawings: readonly Drawing[];
  creator: string;
  instanceNumber: number;
}

const LAYER = 'READER';

export function presentationState(state: PresentationState): DicomJson {
  const { date, time } = dicomTime(state.at, state.timeZone);
  const reference = {
    ReferencedSOPClassUID: state.image.sopClassUid,
    ReferencedSOPInstanceUID: state.image.sopInstanceUid,
    ReferencedFrameNumber: state.image.frames,
  };
  const turned = state.rotation !== 0 || state.flipped;
  const [topLeft, bottomRight] = shownCorners(state);
  return dataset({
    ...headOf(state, 'PR', SOP_CLASS.GrayscaleSoftcopyPresentationStateStorage),
    // Wanted empty where nobody says that the part has two sides.
    Laterality: '',
    InstanceNumber: state.instanceNumber,
    ContentLabel: 'KEY_IMAGE',
    ContentDescription: state.seriesDescription ?? '',
    PresentationCreationDate: date,
    PresentationCreationTime: time,
    ContentCreatorName: state.creator,
    ReferencedSeriesSequence: [
      { SeriesInstanceUID: state.image.seriesUid, ReferencedImageSequence: [reference] },
    ],
    DisplayedAreaSelectionSequence: [
      {
        DisplayedAreaTopLeftHandCorner: topLeft,
        DisplayedAreaBottomRightHandCorner: bottomRight,
        PresentationSizeMode: 'SCALE TO FIT',
        ...(state.spacing
          ? { PresentationPixelSpacing: [state.spacing.row, state.spacing.column] }
          : { PresentationPixelAspectRatio: state.aspectRatio }),
      },
    ],
    ...(turned ? { ImageRotation: state.rotation, ImageHorizontalFlip: state.flipped ? 'Y' : 'N' } : {}),
    ...(state.rescale
      ? {
          RescaleIntercept: state.rescale.intercept,
          RescaleSlope: state.rescale.slope,
          RescaleType: state.rescale.type || 'US',
        }
      : {}),
    ...(state.window
      ? {
          SoftcopyVOILUTSequence: [
            {
              WindowCenter: state.window.centre,
              WindowWidth: state.window.width,
              VOILUTFunction: state.window.function,
            },
          ],
        }
      : {}),
    // It stands in place of the photometric interpretation: MONOCHROME1 is shown as it should be by the inverse.
    PresentationLUTShape: state.inverted !== state.monochrome1 ? 'INVERSE' : 'IDENTITY',
    ...(state.drawings.length
      ? {
          GraphicAnnotationSequence: [
            {
              GraphicLayer: LAYER,
              ...objects(state.drawings),
            },
          ],
          GraphicLayerSequence: [
            {
              GraphicLayer: LAYER,
              GraphicLayerOrder: 1,
              GraphicLayerRecommendedDisplayGrayscaleValue: 65535,
            },
          ],
        }
      : {}),
  });
}

function objects(drawings: readonly Drawing[]): Attributes {
  const texts = drawings.filter(({ text }) => text !== null && text !== '');
  const graphics = drawings.flatMap((each) => each.graphics);
  return {
    TextObjectSequence: texts.length
      ? texts.map(({ text, anchor }) => ({
          AnchorPointAnnotationUnits: 'PIXEL',
          UnformattedTextValue: text!.replace(/\r?\n/g, '\r\n'),
          AnchorPoint: anchor,
          AnchorPointVisibility: 'N',
        }))
      : undefined,
    GraphicObjectSequence: graphics.length
      ? graphics.map(({ type, points }) => ({
          GraphicAnnotationUnits: 'PIXEL',
          GraphicDimensions: 2,
          NumberOfGraphicPoints: points.length,
          GraphicData: points.flat(),
          GraphicType: type,
          // Closed shapes alone are filled or not: PS3.3 table C.10-5.
          GraphicFilled: type === 'ELLIPSE' || (type === 'POLYLINE' && isClosed(points)) ? 'N' : undefined,
        }))
      : undefined,
  };
}

function isClosed(points: Points): boolean {
  const [first, last] = [points[0], points.at(-1)];
  return points.length > 1 && first![0] === last![0] && first![1] === last![1];
}

/** Pixels of the image (from 1) that are shown at the top left and at the bottom right: PS3.3 C.10.4. */
export function shownCorners({
  rows,
  columns,
  rotation,
  flipped,
}: Pick<PresentationState, 'rows' | 'columns' | 'rotation' | 'flipped'>): [
  [number, number],
  [number, number],
] {
  const corners: [number, number][] = [
    [1, 1],
    [columns, 1],
    [columns, rows],
    [1, rows],
  ];
  // Turned clockwise by a quarter, what was at the bottom left is at the top left.
  const turns = rotation / 90;
  const shown = [0, 1, 2, 3].map((place) => corners[(place - turns + 4) % 4]!);
  const [left, right] = [shown[0]!, shown[1]!];
  return flipped ? [right, shown[3]!] : [left, shown[2]!];
}
