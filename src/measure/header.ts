/** Reading the DICOM JSON Model (PS3.18 F.2), as the page gets it over DICOMweb and the rooms get it from the archive. */

export interface HeaderAttribute {
  vr?: string;
  Value?: readonly unknown[];
}
export type Header = Readonly<Record<string, HeaderAttribute | undefined>>;

export const textIn = (header: Header, tag: string): string | undefined => {
  const value = header[tag]?.Value?.[0];
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;
};
/** Values that are no number count as absent, all of them: half a pair is worse than none. */
export const numbersIn = (header: Header, tag: string): number[] => {
  const values = (header[tag]?.Value ?? []).map((value) => (value === null ? NaN : Number(value)));
  return values.every(Number.isFinite) ? values : [];
};
export const numberIn = (header: Header, tag: string): number | undefined => numbersIn(header, tag)[0];
export const itemsIn = <H extends Header>(header: H, tag: string): readonly H[] =>
  (header[tag]?.Value ?? []) as readonly H[];

/** What an item of a functional group says of a frame (from 1): the frame's own, else the one all share (PS3.3 C.7.6.16). */
export function groupOf<H extends Header>(header: H, tag: string, frame: number): H | undefined {
  const own = itemsIn(header, '52009230')[frame - 1];
  const shared = itemsIn(header, '52009229')[0];
  return (own && itemsIn(own, tag)[0]) ?? (shared && itemsIn(shared, tag)[0]);
}
