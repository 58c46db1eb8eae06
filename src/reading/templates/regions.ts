/** Regions of the templates, in the order of the body, with the defined terms of Body Part Examined (PS3.16 Annex L) they fit. */
export const REGIONS = {
  hand: ['HAND', 'FINGER', 'THUMB'],
  wrist: ['WRIST'],
  forearm: ['FOREARM', 'RADIUS', 'ULNA', 'RADIUSULNA'],
  elbow: ['ELBOW'],
  shoulder: ['SHOULDER', 'CLAVICLE', 'SCAPULA', 'HUMERUS', 'UPPERARM', 'ARM'],
  hip: ['HIP', 'PELVIS'],
  femur: ['FEMUR', 'THIGH'],
  knee: ['KNEE', 'PATELLA'],
  leg: ['LEG', 'LOWERLEG', 'TIBIA', 'FIBULA', 'TIBIAFIBULA'],
  ankle: ['ANKLE', 'CALCANEUS'],
  foot: ['FOOT', 'TOE'],
  generic: [],
} as const satisfies Record<string, readonly string[]>;
export type Region = keyof typeof REGIONS;

/** Texts of one region: the normal report, and the headings of a free one. */
export interface RegionTexts {
  name: string;
  findings: readonly string[];
  conclusion: string;
  headings: readonly string[];
}
