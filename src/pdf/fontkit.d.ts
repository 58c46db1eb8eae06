/** The part of fontkit (MIT, it comes with pdfkit) that is used here; the package has no types. */
declare module 'fontkit' {
  export function create(bytes: Uint8Array): { hasGlyphForCodePoint(codePoint: number): boolean };
}
