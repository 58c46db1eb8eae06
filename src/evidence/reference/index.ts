/**
 * What is so: the reference standard of each study, from whatever source, with its rank. Follow-up is entered and imported here;
 * conclusions come from the reading facts, readings and decisions from the labelling queues.
 *
 * @example
 * const references = createReferences({ store, assist, archive });
 * await references.enter(studyUid, { modelId: 'fracture', method: 'cross-sectional', answer: 'yes', days: 9, withAi: false }, reader);
 */
export { createReferences, type ReferenceDeps } from './entries.ts';
export { referenceMigrations } from './tables.ts';
export type * from './types.ts';
