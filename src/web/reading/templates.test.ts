import { expect, test } from 'vitest';
import { templates } from '../../reading/templates/index.ts';
import type { ModelView, ReportFields } from '../../doors/api/contract.ts';
import { contradictionsOf, withTemplate } from './templates.ts';

const all = templates('fr');
const of = (id: string) => all.find((template) => template.id === id)!;
const empty: ReportFields = {
  indication: '',
  technique: '',
  findings: '',
  conclusion: '',
  justification: '',
  dose: '',
  patientInformedOfAi: false,
  answers: {},
  language: 'fr',
};
const models = [{ manifest: { id: 'm', question: {} } }] as unknown as ModelView[];

test('a second template takes the place of the first one; what the reader wrote stays', () => {
  const normal = {
    ...empty,
    findings: 'Mes mots.',
    ...withTemplate({ ...empty, findings: 'Mes mots.' }, of('knee-normal-fr'), all),
  };
  expect(normal.findings).toBe(`Mes mots.\n${of('knee-normal-fr').fields.findings}`);
  const free = { ...normal, ...withTemplate(normal, of('knee-free-fr'), all) };
  expect(free.findings).toBe(`Mes mots.\n${of('knee-free-fr').fields.findings}`);
  expect(free.conclusion).toBe('');
  expect(withTemplate(free, of('knee-free-fr'), all)).toEqual({});
});
test('a template that the reader wrote into stays', () => {
  const changed = {
    ...empty,
    findings: of('knee-normal-fr').fields.findings!.replace('Pas de', 'Il y a un'),
  };
  expect(withTemplate(changed, of('knee-free-fr'), all).findings).toContain(changed.findings);
});
test('text of normality beside a finding, and answers against it, are told', () => {
  const normal = { ...empty, ...withTemplate(empty, of('knee-normal-fr'), all) };
  const accepted = [{ by: 'ai', decision: 'accepted', modelId: 'm' }] as const;
  const told = (fields: ReportFields, findings: Parameters<typeof contradictionsOf>[1] = []) =>
    contradictionsOf(fields, findings, models, all);
  expect(told(normal)).toEqual([]);
  expect(told(normal, accepted)).toEqual([{ code: 'normal-text' }]);
  for (const answer of ['yes', 'uncertain'] as const)
    expect(told({ ...normal, answers: { m: answer } })).toEqual([{ code: 'normal-text' }]);
  expect(told({ ...normal, answers: { m: 'no' } })).toEqual([]);
  expect(told({ ...empty, answers: { m: 'uncertain' } }, accepted)).toEqual([
    { code: 'answer', modelId: 'm', answer: 'uncertain' },
  ]);
  expect(
    told({ ...empty, answers: { m: 'no' } }, [{ by: 'reader', decision: 'accepted', modelId: null }]),
  ).toEqual([{ code: 'answer', modelId: 'm', answer: 'no' }]);
  expect(
    told({ ...empty, answers: { m: 'no' } }, [{ by: 'ai', decision: 'rejected', modelId: 'm' }]),
  ).toEqual([]);
});
