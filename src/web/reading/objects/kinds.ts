/** What an object is, for whoever looks at a study. Pure. */

export const KINDS = [
  'image',
  'video',
  'pdf',
  'sr',
  'keys',
  'presentation',
  'segmentation',
  'rt',
  'waveform',
  'registration',
  'raw',
  'other',
] as const;
export type Kind = (typeof KINDS)[number];

export interface ObjectHead {
  sopClassUid: string;
  /** Null: it has no pixels. */
  rows: number | null;
  transferSyntax: string;
}

/** MPEG-2, MPEG-4 AVC, HEVC: PS3.5 A.4.5 to A.4.8, fragmentable ones (A.4.13) too. */
const VIDEO = /^1\.2\.840\.10008\.1\.2\.4\.10[0-8](\.1)?$/;

/** PS3.4 table B.5-1, by the beginning of the UID; the first that fits. */
const CLASSES: readonly [begins: string, kind: Kind][] = [
  ['1.2.840.10008.5.1.4.1.1.88.59', 'keys'],
  ['1.2.840.10008.5.1.4.1.1.88.', 'sr'],
  ['1.2.840.10008.5.1.4.1.1.104.1', 'pdf'],
  ['1.2.840.10008.5.1.4.1.1.11.', 'presentation'],
  ['1.2.840.10008.5.1.4.1.1.66.1', 'registration'],
  ['1.2.840.10008.5.1.4.1.1.66.3', 'registration'],
  ['1.2.840.10008.5.1.4.1.1.66.4', 'segmentation'],
  ['1.2.840.10008.5.1.4.1.1.66.7', 'segmentation'],
  ['1.2.840.10008.5.1.4.1.1.66', 'raw'],
  ['1.2.840.10008.5.1.4.1.1.9.', 'waveform'],
  ['1.2.840.10008.5.1.4.1.1.481.', 'rt'],
];
/** They have pixels of their own that can be looked at: RT Image, RT Dose. */
const RT_IMAGES = new Set(['1.2.840.10008.5.1.4.1.1.481.1', '1.2.840.10008.5.1.4.1.1.481.2']);

export function kindOf({ sopClassUid, rows, transferSyntax }: ObjectHead): Kind {
  if (VIDEO.test(transferSyntax)) return 'video';
  if (RT_IMAGES.has(sopClassUid) && rows !== null) return 'image';
  const found = CLASSES.find(([begins]) =>
    begins.endsWith('.')
      ? sopClassUid.startsWith(begins)
      : sopClassUid === begins || sopClassUid.startsWith(`${begins}.`),
  );
  return found?.[1] ?? (rows === null ? 'other' : 'image');
}
