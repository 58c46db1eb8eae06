export { createAssist } from './assist.ts';
export type { AssistOptions } from './assist.ts';
export { foreignObjects, isForeignRun } from './foreign/tool.ts';
export { assistMigrations } from './tables.ts';
export type * from './types.ts';
export { knownResults } from './runs.ts';
export type * from './ups/types.ts';
export { FILTERED_WORKLIST, WORKLIST } from './ups/types.ts';
