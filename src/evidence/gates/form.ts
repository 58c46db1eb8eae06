/** What a protocol has to say to be registered. Pure. */
import { NegatoscopeError } from '../../errors.ts';
import { canonicalJson, sha256Of, plainText } from '../../store/canonical.ts';
import { MINIMUM_CASES } from '../statistics.ts';
import type { ProtocolBody, ProtocolForm, SafetyLimit } from './types.ts';

/** More cases than any practice collects; above it a number is a slip of the hand. */
const MOST_CASES = 1_000_000;
const MOST_DAYS = 3650;
/** Entries of one list: more is a slip or an attack, not a protocol. */
const MOST = 20;

const invalid = (field: string, message: string) =>
  new NegatoscopeError('protocol-invalid', message, { details: { field } });

function demand(field: string, holds: boolean, message: string): void {
  if (!holds) throw invalid(field, message);
}
const rate = (field: string, value: number): void =>
  demand(field, value > 0 && value < 1, `${field}: a rate between 0 and 1 is needed.`);
const count = (field: string, value: number, least: number, most: number): void =>
  demand(
    field,
    Number.isInteger(value) && value >= least && value <= most,
    `${field}: a whole number from ${least} to ${most} is needed.`,
  );

/**
 * The protocol as it is signed, without anything that was not asked for.
 *
 * @throws NegatoscopeError `protocol-invalid` (400), `details.field` names what is wrong
 */
export function bodyOf(form: ProtocolForm, modelId: string, modelVersion: string): ProtocolBody {
  const reference = plainText(form.reference);
  demand('reference', reference.length >= 3 && reference.length <= 4000, 'Say what the truth is taken from.');
  for (const [name, list] of Object.entries({
    hypotheses: form.hypotheses,
    subgroups: form.subgroups,
    safety: form.safety,
  }))
    demand(name, list.length <= MOST, `At most ${MOST} ${name}.`);
  demand(
    'hypotheses',
    form.hypotheses.length > 0 || form.stage === 'routine',
    'A stage that a step leads out of needs at least one hypothesis.',
  );
  demand(
    'hypotheses',
    new Set(form.hypotheses.map(({ measure }) => measure)).size === form.hypotheses.length,
    'One hypothesis for each measure.',
  );
  demand(
    'source',
    form.source === 'readings' || (form.stage !== 'pilot' && form.stage !== 'routine'),
    'Pilot and routine are judged on what readers conclude before AI is seen.',
  );
  for (const each of form.hypotheses) {
    rate('target', each.target);
    demand('margin', each.margin >= 0 && each.margin < each.target, 'The margin lies from 0 to the target.');
    count('cases', each.cases, MINIMUM_CASES, MOST_CASES);
    demand(
      'design',
      each.design === 'fixed' || form.source === 'readings',
      'Only readings come one after the other: a sequential design needs them.',
    );
  }
  for (const each of form.subgroups) {
    rate('floor', each.floor);
    count('minimum', each.minimum, MINIMUM_CASES, MOST_CASES);
    demand('group', plainText(each.value).length > 0 && each.value.length <= 64, 'Name the group.');
  }
  demand(
    'subgroups',
    form.subgroups.length === 0 || form.source === 'readings',
    'Groups are counted among readings alone.',
  );
  for (const each of form.safety) safetyHolds(each);
  if (form.days !== null) count('days', form.days, 1, MOST_DAYS);
  return {
    format: 1,
    modelId,
    modelVersion,
    stage: form.stage,
    source: form.source,
    reference,
    hypotheses: form.hypotheses.map(({ measure, target, margin, design, cases }) => ({
      measure,
      target,
      margin,
      design,
      cases,
    })),
    subgroups: form.subgroups.map(({ by, value, measure, floor, minimum }) => ({
      by,
      value: plainText(value),
      measure,
      floor,
      minimum,
    })),
    safety: form.safety.map((each): SafetyLimit =>
      each.rule === 'e-process'
        ? { measure: each.measure, limit: each.limit, rule: each.rule, alpha: each.alpha }
        : { measure: each.measure, limit: each.limit, rule: each.rule, budget: each.budget },
    ),
    futility: form.futility,
    days: form.days,
  };
}

function safetyHolds(each: SafetyLimit): void {
  rate('limit', each.limit);
  if (each.rule === 'e-process')
    demand('alpha', each.alpha > 0 && each.alpha <= 0.2, 'alpha lies above 0 and at most at 0.2.');
  else count('budget', each.budget, 20, MOST_CASES);
}

/** What is stamped: the canonical JSON of the body and its SHA-256. */
export function stamped(body: ProtocolBody): { text: string; sha256: string } {
  const text = canonicalJson(body);
  return { text, sha256: sha256Of(text) };
}
