import type { Attributes } from '../builder.ts';

/** Body Part Examined → SNOMED CT: PS3.16 table L-1, what is photographed and filmed most. */
const REGIONS: Readonly<Record<string, readonly [code: string, meaning: string]>> = {
  ABDOMEN: ['113345001', 'Abdomen'],
  ANKLE: ['70258002', 'Ankle joint'],
  BRAIN: ['12738006', 'Brain'],
  BREAST: ['76752008', 'Breast'],
  CHEST: ['51185008', 'Chest'],
  CLAVICLE: ['51299004', 'Clavicle'],
  CSPINE: ['122494005', 'Cervical spine'],
  ELBOW: ['16953009', 'Elbow joint'],
  FEMUR: ['71341001', 'Femur'],
  FOOT: ['56459004', 'Foot'],
  FOREARM: ['14975008', 'Forearm'],
  HAND: ['85562004', 'Hand'],
  HIP: ['24136001', 'Hip joint'],
  HUMERUS: ['85050009', 'Humerus'],
  KNEE: ['72696002', 'Knee'],
  LEG: ['30021000', 'Lower leg'],
  LSPINE: ['122496007', 'Lumbar spine'],
  PELVIS: ['12921003', 'Pelvis'],
  RIB: ['113197003', 'Rib'],
  SHOULDER: ['16982005', 'Shoulder'],
  SKULL: ['89546000', 'Skull'],
  TSPINE: ['122495006', 'Thoracic spine'],
  WRIST: ['8205005', 'Wrist'],
};

/** Anatomic Region Sequence (PS3.3 10.5), which visible light images must have; no region in particular for what has no code. */
export function anatomicRegion(bodyPart: string): Attributes {
  const [code, meaning] = REGIONS[bodyPart.toUpperCase()] ?? ['91723000', 'Anatomical structure'];
  return {
    AnatomicRegionSequence: [{ CodeValue: code, CodingSchemeDesignator: 'SCT', CodeMeaning: meaning }],
  };
}
