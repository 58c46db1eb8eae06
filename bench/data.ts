import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseDicom, TAG } from '../src/dicom/index.ts';

export interface Instance {
  /** The whole Part 10 file. */
  readonly bytes: Buffer;
  /** Without preamble and file meta information: a view. */
  readonly dataset: Buffer;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntax: string;
}

const SHARED = new URL('../../shared/', import.meta.url);
const FILES = {
  /** 512 × 512, 16 bit, 0.5 MB: the work of a CT scanner. */
  'ct-512': ['dicom/ct/ct-3slice_01.dcm', 'dicom/ct/ct-3slice_02.dcm', 'dicom/ct/ct-3slice_03.dcm'],
  /** 128 × 128, 38 KB. */
  'ct-128': ['dicom/ct/CT_small.dcm'],
  /** 64 × 64, 9 KB: where the cost for each instance shows. */
  'mr-64': ['dicom/transfer-syntax-mr/MR_small.dcm'],
  /** A shoulder, 13 MB: the work of a digital X-ray room. */
  dx: ['radiographs/dicom/DX08_SHOULDER_AP_2302.dcm'],
} as const;
export type DataName = keyof typeof FILES;

/** `count` instances of one new study: copies of real images in which the UIDs are new and everything else is as it was. */
export function instances(name: DataName, count: number): Instance[] {
  const templates = FILES[name].map((file) => readFileSync(new URL(file, SHARED)));
  const fresh = new Map<string, string>();
  const renewed = (uid: string, key: string): string => {
    if (!fresh.has(key)) fresh.set(key, newUidLike(uid));
    return fresh.get(key)!;
  };
  return Array.from({ length: count }, (_, i) => {
    const bytes = Buffer.from(templates[i % templates.length]!);
    const { dataset, datasetOffset, transferSyntax } = parseDicom(bytes);
    const sopClassUid = dataset.string(TAG.SOPClassUID)!;
    const replace = (tag: number, key: string): string => {
      const uid = dataset.string(tag)!;
      const next = renewed(uid, key);
      for (let at = bytes.indexOf(uid); at >= 0; at = bytes.indexOf(uid, at + uid.length))
        bytes.write(next, at, 'latin1');
      return next;
    };
    // The instance's UID first: in some files the others are its beginning.
    const sopInstanceUid = replace(TAG.SOPInstanceUID, `${i}`);
    replace(TAG.SeriesInstanceUID, 'series');
    replace(TAG.StudyInstanceUID, 'study');
    return { bytes, dataset: bytes.subarray(datasetOffset), sopClassUid, sopInstanceUid, transferSyntax };
  });
}

/** A UID of the same length, so that it can be written over the old one. */
function newUidLike(uid: string): string {
  const digits = (length: number) => Array.from({ length }, () => randomInt(1, 10)).join('');
  const length = uid.length - '2.25.'.length;
  return length <= 36 ? `2.25.${digits(length)}` : `2.25.${digits(35)}.${digits(length - 36)}`;
}
