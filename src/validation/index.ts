export { createValidation, RESULT_FILES } from './studies.ts';
export type * from './studies.ts';
export { validationMigrations } from './tables.ts';
export type * from './types.ts';
