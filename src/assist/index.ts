export { createAssist } from './assist.ts';
export type { AssistOptions } from './assist.ts';
export { assistMigrations } from './tables.ts';
export type * from './types.ts';
export { knownResults } from './runs.ts';
