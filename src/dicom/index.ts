/** The bytes room: data sets as byte views and DICOM JSON. Touches no disk, network or database. */
export * from './builder.ts';
export { charsetOf, type Charset } from './charset.ts';
export * from './dictionary.ts';
export * from './errors.ts';
export { fold } from './fold.ts';
export * from './json.ts';
export * from './parse.ts';
export type * from './types.ts';
export * from './uid.ts';
export * from './uids.ts';
export * from './write.ts';
