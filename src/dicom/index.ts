/** The bytes room: data sets as byte views and DICOM JSON. Touches no disk, network or database. */
export * from './age.ts';
/** `sr.measurementReport(…)`: short names such as `text` and `image` stay in a name space of their own. */
export * as sr from './build/sr.ts';
export * from './builder.ts';
export { charsetOf, encodeText, type Charset } from './charset.ts';
export * from './dictionary.ts';
export * from './errors.ts';
export * from './frames.ts';
export * from './json.ts';
export * from './parse.ts';
export { littleEndian, rewrite, type RewriteOptions } from './rewrite.ts';
export * from './text.ts';
export { type TextAttribute, textSetEncoder } from './textset.ts';
export type * from './types.ts';
export * from './sopClasses.ts';
export * from './uid.ts';
export * from './uids.ts';
export { TEXT_VRS } from './view.ts';
export {
  decimalString,
  encodeElements,
  encodeDataSet,
  type EncodeOptions,
  fileMeta,
  isPart10,
  type FileMeta,
  header as elementHeader,
  IMPLEMENTATION_CLASS_UID,
  IMPLEMENTATION_VERSION_NAME,
  itemHeader,
  UNDEFINED_LENGTH,
  UTF8,
  writePart10,
} from './write.ts';
export * from './xml.ts';
export * from './xmlRead.ts';
