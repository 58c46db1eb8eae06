export { openFolder } from './folder.ts';
export { runStudy } from './study.ts';
export type * from './types.ts';
