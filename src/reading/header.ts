import type { InstanceRow, StudyRow } from '../archive/types.ts';
import type { Language } from '../people/types.ts';

/** DICOM JSON Model (PS3.18 F.2) as `archive.metadata` gives it. Read here by hand: this room does not import `dicom/`. */
export type DicomJson = Record<string, { Value?: unknown[] }>;

const DOSE_AREA_PRODUCT = '0018115E'; // dGy·cm², PS3.3 C.8.7.10 and C.8.12.2
const EXPOSURE_INDEX = '00181411'; // PS3.3 C.8.11.3 (IEC 62494-1)
const TARGET_EXPOSURE_INDEX = '00181412';

const numberIn = (header: DicomJson, tag: string): number | undefined => {
  const value = Number(header[tag]?.Value?.[0]);
  return header[tag]?.Value?.[0] !== undefined && Number.isFinite(value) ? value : undefined;
};

function decimal(value: number, language: Language): string {
  return new Intl.NumberFormat(language === 'fr' ? 'fr-FR' : 'en-GB', { maximumSignificantDigits: 3 }).format(
    value,
  );
}

/**
 * Dose as the images' headers give it: the sum of Dose Area Product in dGy·cm², else Exposure Index, with where it comes
 * from. '' when no header says anything: nothing is estimated.
 */
export function doseLine(headers: readonly DicomJson[], language: Language): string {
  const products = headers
    .flatMap((header) => numberIn(header, DOSE_AREA_PRODUCT) ?? [])
    .filter((v) => v > 0);
  const fr = language === 'fr';
  if (products.length > 0) {
    const total = products.reduce((sum, value) => sum + value, 0);
    const of =
      products.length === headers.length
        ? ''
        : fr
          ? `, ${products.length} images sur ${headers.length}`
          : `, ${products.length} of ${headers.length} images`;
    const source = fr ? 'en-tête DICOM' : 'DICOM header';
    return `${fr ? 'PDS' : 'DAP'} ${decimal(total, language)} dGy·cm² (${source}${of})`;
  }
  const indices = headers.flatMap((header) => {
    const index = numberIn(header, EXPOSURE_INDEX);
    if (index === undefined || index <= 0) return [];
    const target = numberIn(header, TARGET_EXPOSURE_INDEX);
    return [
      decimal(index, language) + (target ? ` (${fr ? 'cible' : 'target'} ${decimal(target, language)})` : ''),
    ];
  });
  if (indices.length === 0) return '';
  const source = fr ? 'en-tête DICOM' : 'DICOM header';
  return `${fr ? "Indice d'exposition" : 'Exposure index'} ${indices.join(' ; ')} (${source})`;
}

const PARTS: Readonly<Record<string, { fr: string; en: string }>> = {
  HAND: { fr: 'main', en: 'hand' },
  FINGER: { fr: 'doigt', en: 'finger' },
  THUMB: { fr: 'pouce', en: 'thumb' },
  WRIST: { fr: 'poignet', en: 'wrist' },
  FOREARM: { fr: 'avant-bras', en: 'forearm' },
  RADIUS: { fr: 'radius', en: 'radius' },
  ULNA: { fr: 'ulna', en: 'ulna' },
  RADIUSULNA: { fr: 'radius et ulna', en: 'radius and ulna' },
  ELBOW: { fr: 'coude', en: 'elbow' },
  HUMERUS: { fr: 'humérus', en: 'humerus' },
  UPPERARM: { fr: 'bras', en: 'upper arm' },
  ARM: { fr: 'bras', en: 'arm' },
  SHOULDER: { fr: 'épaule', en: 'shoulder' },
  CLAVICLE: { fr: 'clavicule', en: 'clavicle' },
  HIP: { fr: 'hanche', en: 'hip' },
  PELVIS: { fr: 'bassin', en: 'pelvis' },
  FEMUR: { fr: 'fémur', en: 'femur' },
  THIGH: { fr: 'cuisse', en: 'thigh' },
  KNEE: { fr: 'genou', en: 'knee' },
  PATELLA: { fr: 'patella', en: 'patella' },
  LEG: { fr: 'jambe', en: 'leg' },
  LOWERLEG: { fr: 'jambe', en: 'lower leg' },
  TIBIA: { fr: 'tibia', en: 'tibia' },
  FIBULA: { fr: 'fibula', en: 'fibula' },
  TIBIAFIBULA: { fr: 'tibia et fibula', en: 'tibia and fibula' },
  ANKLE: { fr: 'cheville', en: 'ankle' },
  CALCANEUS: { fr: 'calcanéus', en: 'calcaneus' },
  FOOT: { fr: 'pied', en: 'foot' },
  TOE: { fr: 'orteil', en: 'toe' },
  CHEST: { fr: 'thorax', en: 'chest' },
  ABDOMEN: { fr: 'abdomen', en: 'abdomen' },
};
const MODALITIES: Readonly<Record<string, { fr: string; en: string }>> = {
  DX: { fr: 'Radiographie numérique', en: 'Digital radiography' },
  CR: { fr: 'Radiographie numérisée', en: 'Computed radiography' },
  CT: { fr: 'Scanner', en: 'CT' },
  MR: { fr: 'IRM', en: 'MRI' },
  US: { fr: 'Échographie', en: 'Ultrasound' },
  MG: { fr: 'Mammographie', en: 'Mammography' },
  OT: { fr: 'Image', en: 'Image' },
};
const SIDES: Readonly<Record<string, { fr: string; en: string }>> = {
  L: { fr: 'côté gauche', en: 'left side' },
  R: { fr: 'côté droit', en: 'right side' },
  B: { fr: 'bilatéral', en: 'bilateral' },
};
/** View Position (0018,5101), PS3.3 C.8.7.1.1.6. */
const VIEWS: Readonly<Record<string, { fr: string; en: string }>> = {
  AP: { fr: 'face (AP)', en: 'AP' },
  PA: { fr: 'face (PA)', en: 'PA' },
  LL: { fr: 'profil (LL)', en: 'lateral (LL)' },
  RL: { fr: 'profil (RL)', en: 'lateral (RL)' },
  LAT: { fr: 'profil', en: 'lateral' },
  LLO: { fr: 'oblique (LLO)', en: 'oblique (LLO)' },
  RLO: { fr: 'oblique (RLO)', en: 'oblique (RLO)' },
  LPO: { fr: 'oblique (LPO)', en: 'oblique (LPO)' },
  RPO: { fr: 'oblique (RPO)', en: 'oblique (RPO)' },
  LAO: { fr: 'oblique (LAO)', en: 'oblique (LAO)' },
  RAO: { fr: 'oblique (RAO)', en: 'oblique (RAO)' },
};
export const viewText = (view: string, language: Language): string => VIEWS[view]?.[language] ?? view;
export const sideText = (side: string, language: Language): string => SIDES[side]?.[language] ?? '';
export const partText = (part: string, language: Language): string =>
  PARTS[part]?.[language] ?? part.toLowerCase();

/**
 * A sentence on how the images were made, from facts of the header alone: kind, part of the body, side, number of images, views.
 * What the header does not say is left out.
 */
export function techniqueLine(
  study: Pick<StudyRow, 'modalities' | 'bodyParts' | 'laterality'>,
  images: readonly Pick<InstanceRow, 'viewPosition'>[],
  language: Language,
): string {
  if (images.length === 0) return '';
  const kind = study.modalities.map((modality) => MODALITIES[modality]?.[language] ?? modality).join(', ');
  const parts = study.bodyParts.map((part) => partText(part, language)).join(', ');
  const side = sideText(study.laterality, language);
  const views = [...new Set(images.map(({ viewPosition }) => viewPosition).filter((view) => view !== ''))]
    .map((view) => viewText(view, language))
    .join(', ');
  const count = images.length === 1 ? '1 image' : `${images.length} images`;
  const what = [kind, parts, side].filter((text) => text !== '').join(', ');
  return `${what}${language === 'fr' ? ' : ' : ': '}${count}${views ? `, ${views}` : ''}.`;
}
