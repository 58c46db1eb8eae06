export { createValidation, RESULT_FILES } from './studies.ts';
export { validatedAt } from './served.ts';
export type * from './studies.ts';
export { validationMigrations } from './tables.ts';
export type * from './types.ts';
