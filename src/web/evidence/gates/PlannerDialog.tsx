/** How long? Cases and days for a claim, a power curve, and what is left where it is not attainable here. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { GateView, Measure, Plan, PlanForm, Question } from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { number, percent } from '../../format.ts';
import { keys } from '../../queries.ts';
import { failureText, useText } from '../../text.ts';
import { Dialog, DialogFoot } from '../../ui/Dialog.tsx';
import { Check, SelectField, TextField } from '../../ui/fields.tsx';
import { amountOf, isRate, rateOf, typed, wholeOf } from './form.ts';
import { PowerCurve } from './PowerCurve.tsx';

const DESIGNS = ['fixed', 'sequential', 'difference', 'non-inferiority-paired', 'non-inferiority'] as const;
/** Which fields each design asks for, with what stands in them at first, of a hundred. */
const FIELDS = {
  fixed: ['truth', 'target', 'margin'],
  sequential: ['truth', 'target', 'margin'],
  difference: ['firstOnly', 'secondOnly'],
  'non-inferiority-paired': ['firstOnly', 'secondOnly', 'margin'],
  'non-inferiority': ['first', 'second', 'margin'],
} as const;
type Field = (typeof FIELDS)[keyof typeof FIELDS][number];
const FIRST: Record<Field, number> = {
  truth: 0.92,
  target: 0.9,
  margin: 0.05,
  firstOnly: 0.08,
  secondOnly: 0.05,
  first: 0.85,
  second: 0.85,
};

export function PlannerDialog(props: {
  practice: GateView['practice'];
  onUse?: ((form: PlanForm, cases: number) => void) | undefined;
  onClose: () => void;
}) {
  const { t, language } = useText();
  const { practice } = props;
  const [design, setDesign] = useState<Question['design']>('fixed');
  const [measure, setMeasure] = useState<Measure>('sensitivity');
  const [exact, setExact] = useState(false);
  const [futility, setFutility] = useState(true);
  const [rates, setRates] = useState(
    () =>
      Object.fromEntries(
        Object.entries(FIRST).map(([name, rate]) => [name, typed(rate, language)]),
      ) as Record<Field, string>,
  );
  const [power, setPower] = useState('80');
  const [prevalence, setPrevalence] = useState(practice ? typed(practice.prevalence, language) : '20');
  const [perDay, setPerDay] = useState(
    practice
      ? String(Math.round(practice.perDay * 10) / 10).replace('.', language === 'fr' ? ',' : '.')
      : '10',
  );
  const [horizon, setHorizon] = useState('365');
  const values = Object.fromEntries(FIELDS[design].map((name) => [name, rateOf(rates[name])]));
  const form: PlanForm = {
    question: {
      design,
      ...values,
      ...(design === 'fixed' ? { bound: exact ? 'exact' : 'wilson' } : {}),
      ...(design === 'sequential' ? { futility } : {}),
    } as Question,
    measure,
    power: rateOf(power),
    prevalence: rateOf(prevalence),
    perDay: amountOf(perDay),
    horizon: wholeOf(horizon),
  };
  const wrong = (name: Field): boolean => {
    const value = values[name]!;
    // No margin, and no pair in which one alone is right, is an answer.
    return name === 'margin' || name === 'firstOnly' || name === 'secondOnly'
      ? !(value >= 0 && value < 1)
      : !isRate(value);
  };
  const ready =
    FIELDS[design].every((name) => !wrong(name)) &&
    isRate(form.power) &&
    isRate(form.prevalence) &&
    form.perDay > 0 &&
    form.horizon >= 1;
  const query = useQuery({
    queryKey: [...keys.evidence, 'plan', form],
    queryFn: () => api<Plan>('/gates/plan', { method: 'POST', body: form, quiet: true }),
    enabled: ready,
    retry: false,
    placeholderData: (previous) => previous,
  });
  const result = ready ? query.data : undefined;
  const usable = design === 'fixed' || design === 'sequential';
  return (
    <Dialog opened onClose={props.onClose} title={t('plan.title')} width={720}>
      <div className="gate-form">
        <div className="gate-fields">
          <SelectField
            label={t('plan.design')}
            value={design}
            onChange={(event) => setDesign(event.target.value as Question['design'])}
          >
            {DESIGNS.map((value) => (
              <option key={value} value={value}>
                {t(`plan.design.${value}`)}
              </option>
            ))}
          </SelectField>
          <SelectField
            label={t('plan.measure')}
            value={measure}
            onChange={(event) => setMeasure(event.target.value as Measure)}
          >
            {(['sensitivity', 'specificity'] as const).map((value) => (
              <option key={value} value={value}>
                {t(`plan.measure.${value}`)}
              </option>
            ))}
          </SelectField>
        </div>
        <div className="gate-fields">
          {FIELDS[design].map((name) => (
            <TextField
              key={name}
              label={t(`plan.${name}`)}
              inputMode="decimal"
              value={rates[name]}
              error={wrong(name) ? t('plan.wrong') : undefined}
              onChange={(event) => setRates({ ...rates, [name]: event.target.value })}
            />
          ))}
          <TextField
            label={t('plan.power')}
            inputMode="decimal"
            value={power}
            onChange={(event) => setPower(event.target.value)}
          />
        </div>
        {design === 'fixed' && (
          <Check
            label={t('plan.exact')}
            hint={t('plan.exactHint')}
            checked={exact}
            onChange={(event) => setExact(event.target.checked)}
          />
        )}
        {design === 'sequential' && (
          <Check
            label={t('protocol.futile')}
            checked={futility}
            onChange={(event) => setFutility(event.target.checked)}
          />
        )}
        <div className="gate-fields">
          <TextField
            label={t('plan.prevalence')}
            inputMode="decimal"
            value={prevalence}
            onChange={(event) => setPrevalence(event.target.value)}
          />
          <TextField
            label={t('plan.perDay')}
            inputMode="decimal"
            value={perDay}
            onChange={(event) => setPerDay(event.target.value)}
          />
          <TextField
            label={t('plan.horizon')}
            inputMode="numeric"
            value={horizon}
            onChange={(event) => setHorizon(event.target.value)}
          />
        </div>
        <p className="small muted">
          {practice
            ? t('plan.measured', {
                studies: number(practice.studies, language),
                days: number(practice.days, language),
                positives: number(practice.positives, language),
              })
            : t('plan.entered')}
        </p>
        {query.isError && <p role="alert">{failureText(t, query.error)}</p>}
        <div role="status">{result && <Answer plan={result} form={form} />}</div>
        <DialogFoot>
          <button type="button" className="btn ghost" onClick={props.onClose}>
            {t('action.close')}
          </button>
          {props.onUse && usable && (
            <button
              type="button"
              className="btn primary"
              disabled={!result || result.cases === null}
              onClick={() => result && result.cases !== null && props.onUse!(form, result.cases)}
            >
              {t('plan.use')}
            </button>
          )}
        </DialogFoot>
      </div>
    </Dialog>
  );
}

function Answer({ plan, form }: { plan: Plan; form: PlanForm }) {
  const { t, language } = useText();
  const say = (value: number | null) => (value === null ? '–' : number(value, language));
  const pairs = form.question.design === 'difference' || form.question.design === 'non-inferiority-paired';
  return (
    <div className="plan-answer">
      <p className={plan.attainable ? 'callout' : 'callout warn'}>
        <span className="grow">
          <b>
            {plan.cases === null
              ? t('plan.never')
              : t(pairs ? 'plan.pairs' : 'plan.cases', { cases: say(plan.cases) })}
          </b>{' '}
          {plan.cases !== null && t('plan.days', { studies: say(plan.studies), days: say(plan.days) })}{' '}
          {form.question.design === 'sequential' &&
            plan.expectedCases !== null &&
            t('plan.expected', { cases: say(plan.expectedCases) })}
          {!plan.attainable && plan.cases !== null && <b> {t('plan.notHere')}</b>}
        </span>
      </p>
      {plan.instead && (
        <>
          <h4>{t('plan.instead')}</h4>
          <ul>
            {plan.instead.retrospective !== null && (
              <li>{t('plan.retrospective', { studies: say(plan.instead.retrospective) })}</li>
            )}
            {plan.instead.practices !== null && (
              <li>{t('plan.practices', { practices: say(plan.instead.practices) })}</li>
            )}
            {plan.instead.weaker ? (
              <li>
                {t('plan.weaker', {
                  threshold: percent(plan.instead.weaker.threshold, language),
                  cases: say(plan.instead.weaker.cases),
                })}
              </li>
            ) : (
              <li>{t('plan.inTime', { cases: say(plan.instead.casesInTime) })}</li>
            )}
          </ul>
        </>
      )}
      <PowerCurve plan={plan} power={form.power} />
    </div>
  );
}
