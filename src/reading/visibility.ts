import type { StageState } from '../evidence/types.ts';
import type { Principal } from '../people/types.ts';
import type { AiView } from './types.ts';

/** What the rule asks about one run and one person. */
export interface Question {
  stage: Pick<StageState, 'stage' | 'readers' | 'blindFirst'>;
  /** The run was there when a report of the study was signed, or its signatory has seen that it came late. */
  signed: boolean;
  /** The person has given an own conclusion to this tool in this round. */
  opinion: boolean;
}

/**
 * The rule of visibility: why a person may not see a run; null when they may. After the signature everyone; before it readers
 * alone, from the stage pilot on, there only those named, and after their own conclusion where that is asked for first.
 * Who answers for evidence alone stands outside of it: `seesEverything`.
 */
export function hiddenFrom(
  person: Pick<Principal, 'personId' | 'roles'> | null,
  question: Question,
): AiView['hidden'] {
  if (question.signed) return null;
  const { stage, readers, blindFirst } = question.stage;
  if (stage !== 'pilot' && stage !== 'routine') return 'stage';
  if (!person?.personId || !person.roles.has('reader')) return 'stage';
  if (stage === 'pilot' && !readers.includes(person.personId)) return 'not-named';
  if (blindFirst && !question.opinion) return 'opinion-first';
  return null;
}

/**
 * The role `evidence` sees every run at any time. A person who also reads does not: a conclusion counts as given blind, so the
 * reader's rule holds for them at every door.
 */
export const seesEverything = (principal: Pick<Principal, 'personId' | 'roles'> | null): boolean =>
  principal !== null &&
  principal.roles.has('evidence') &&
  (principal.personId === null || !principal.roles.has('reader'));
