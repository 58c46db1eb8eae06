/** A protocol, registered before its stage begins: signed, stamped, closed by the first case. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { FormEvent } from 'react';
import type {
  Hypothesis,
  Measure,
  ModelView,
  PlanForm,
  Protocol,
  ProtocolForm,
  ProtocolStage,
  SafetyLimit,
} from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { keys } from '../../queries.ts';
import { notify } from '../../shell/notices.tsx';
import { failureText, useText } from '../../text.ts';
import { Dialog, DialogFoot } from '../../ui/Dialog.tsx';
import { Check, SelectField, TextArea, TextField } from '../../ui/fields.tsx';
import { SecretField } from '../../ui/SecretField.tsx';
import { isRate, rateOf, typed, wholeOf } from './form.ts';

const STAGES: readonly ProtocolStage[] = ['evaluation', 'shadow', 'pilot', 'routine'];
const MEASURES: readonly Measure[] = ['sensitivity', 'specificity'];
const MINIMUM = 30;
/** Of all tools that are as good as the limit, at most one of twenty is ever suspended. */
const ALPHA = 0.05;
const BUDGET = 1000;

interface Line {
  on: boolean;
  target: string;
  margin: string;
  cases: string;
  design: Hypothesis['design'];
  limit: string;
  rule: SafetyLimit['rule'] | 'none';
}

export function ProtocolDialog(props: {
  model: ModelView;
  proposed: { form: PlanForm; cases: number } | null;
  onClose: () => void;
}) {
  const { t, language, say } = useText();
  const client = useQueryClient();
  const { proposed } = props;
  const { id, name } = props.model.manifest;
  const present = STAGES.find((stage) => stage === props.model.stage) ?? 'evaluation';
  const [stage, setStage] = useState<ProtocolStage>(present);
  const [source, setSource] = useState<ProtocolForm['source']>('readings');
  const [reference, setReference] = useState('');
  const [lines, setLines] = useState<Record<Measure, Line>>(() => {
    const line = (measure: Measure): Line => {
      const question = proposed?.form.measure === measure ? proposed.form.question : null;
      const planned = question?.design === 'fixed' || question?.design === 'sequential' ? question : null;
      return {
        on: planned !== null || (proposed === null && measure === 'sensitivity'),
        target: typed(planned?.target ?? 0.9, language),
        margin: typed(planned?.margin ?? 0.05, language),
        cases: planned && proposed ? String(Math.max(MINIMUM, proposed.cases)) : '',
        design: planned?.design ?? 'fixed',
        limit: '80',
        rule: 'none',
      };
    };
    return { sensitivity: line('sensitivity'), specificity: line('specificity') };
  });
  const [group, setGroup] = useState({ value: '', floor: '80', minimum: String(MINIMUM) });
  const [futility, setFutility] = useState(true);
  const [days, setDays] = useState('');
  const [secret, setSecret] = useState('');
  const early = stage === 'evaluation' || stage === 'shadow';
  const from = early ? source : 'readings';
  const hypotheses = MEASURES.filter((measure) => lines[measure].on).map((measure): Hypothesis => {
    const { target, margin, cases, design } = lines[measure];
    return {
      measure,
      target: rateOf(target),
      margin: rateOf(margin),
      cases: wholeOf(cases),
      design: from === 'readings' ? design : 'fixed',
    };
  });
  const safety = MEASURES.filter((measure) => lines[measure].rule !== 'none').map((measure): SafetyLimit => {
    const { limit, rule } = lines[measure];
    return rule === 'cusum'
      ? { measure, limit: rateOf(limit), rule, budget: BUDGET }
      : { measure, limit: rateOf(limit), rule: 'e-process', alpha: ALPHA };
  });
  const sequential = hypotheses.some(({ design }) => design === 'sequential');
  const grouped = from === 'readings' && group.value.trim() !== '';
  const form: ProtocolForm = {
    stage,
    source: from,
    reference: reference.trim(),
    hypotheses,
    subgroups: grouped
      ? [
          {
            by: 'bodyPart',
            value: group.value.trim().toUpperCase(),
            measure: 'sensitivity',
            floor: rateOf(group.floor),
            minimum: wholeOf(group.minimum),
          },
        ]
      : [],
    safety,
    futility: sequential && futility,
    days: days.trim() === '' ? null : wholeOf(days),
  };
  const ready =
    form.reference.length >= 3 &&
    (hypotheses.length > 0 || stage === 'routine') &&
    hypotheses.every(
      (each) => isRate(each.target) && each.margin >= 0 && each.margin < each.target && each.cases >= MINIMUM,
    ) &&
    safety.every(({ limit }) => isRate(limit)) &&
    form.subgroups.every(({ floor, minimum }) => isRate(floor) && minimum >= MINIMUM) &&
    (form.days === null || form.days >= 1) &&
    secret !== '';
  const send = useMutation({
    mutationFn: () =>
      api<Protocol>(`/gates/${id}/protocols`, { method: 'POST', quiet: true, body: { ...form, secret } }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.evidence });
      notify({ kind: 'ok', text: t('protocol.registered') });
      props.onClose();
    },
    onError: () => setSecret(''),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) send.mutate();
  };
  const change = (measure: Measure, more: Partial<Line>) =>
    setLines({ ...lines, [measure]: { ...lines[measure], ...more } });
  return (
    <Dialog opened onClose={props.onClose} title={t('protocol.title', { name: say(name) })} width={720}>
      <form onSubmit={submit} className="gate-form">
        <p className="muted">{t('protocol.lead')}</p>
        <div className="gate-fields">
          <SelectField
            label={t('protocol.stage')}
            value={stage}
            onChange={(event) => setStage(event.target.value as ProtocolStage)}
          >
            {STAGES.map((value) => (
              <option key={value} value={value}>
                {t(`stage.name.${value}`)}
              </option>
            ))}
          </SelectField>
          {early && (
            <SelectField
              label={t('protocol.source')}
              value={source}
              onChange={(event) => setSource(event.target.value as ProtocolForm['source'])}
            >
              {(['readings', 'queue', 'validation'] as const).map((value) => (
                <option key={value} value={value}>
                  {t(`protocol.source.${value}`)}
                </option>
              ))}
            </SelectField>
          )}
        </div>
        <TextArea
          label={t('protocol.reference')}
          hint={t('protocol.referenceHint')}
          required
          rows={3}
          maxLength={4000}
          value={reference}
          onChange={(event) => setReference(event.target.value)}
        />
        {MEASURES.map((measure) => {
          const line = lines[measure];
          return (
            <fieldset key={measure} className="gate-line">
              <legend>
                <Check
                  label={t('protocol.demand', { measure: t(`measure.${measure}`) })}
                  checked={line.on}
                  onChange={(event) => change(measure, { on: event.target.checked })}
                />
              </legend>
              {line.on && (
                <div className="gate-fields">
                  <TextField
                    label={t('plan.target')}
                    inputMode="decimal"
                    value={line.target}
                    onChange={(event) => change(measure, { target: event.target.value })}
                  />
                  <TextField
                    label={t('plan.margin')}
                    inputMode="decimal"
                    value={line.margin}
                    onChange={(event) => change(measure, { margin: event.target.value })}
                  />
                  <TextField
                    label={t(`protocol.cases.${measure}`)}
                    inputMode="numeric"
                    value={line.cases}
                    onChange={(event) => change(measure, { cases: event.target.value })}
                  />
                  {from === 'readings' && (
                    <SelectField
                      label={t('protocol.design')}
                      value={line.design}
                      onChange={(event) =>
                        change(measure, { design: event.target.value as Hypothesis['design'] })
                      }
                    >
                      <option value="fixed">{t('protocol.design.fixed')}</option>
                      <option value="sequential">{t('protocol.design.sequential')}</option>
                    </SelectField>
                  )}
                </div>
              )}
              {!early && (
                <div className="gate-fields">
                  <SelectField
                    label={t('protocol.safety', { measure: t(`measure.${measure}`) })}
                    value={line.rule}
                    onChange={(event) => change(measure, { rule: event.target.value as Line['rule'] })}
                  >
                    {(['none', 'cusum', 'e-process'] as const).map((value) => (
                      <option key={value} value={value}>
                        {t(`protocol.rule.${value}`)}
                      </option>
                    ))}
                  </SelectField>
                  {line.rule !== 'none' && (
                    <TextField
                      label={t('protocol.limit')}
                      inputMode="decimal"
                      value={line.limit}
                      onChange={(event) => change(measure, { limit: event.target.value })}
                    />
                  )}
                </div>
              )}
            </fieldset>
          );
        })}
        {from === 'readings' && (
          <fieldset className="gate-line">
            <legend>{t('protocol.group')}</legend>
            <div className="gate-fields">
              <TextField
                label={t('protocol.bodyPart')}
                hint={t('protocol.bodyPartHint')}
                maxLength={64}
                value={group.value}
                onChange={(event) => setGroup({ ...group, value: event.target.value })}
              />
              {grouped && (
                <>
                  <TextField
                    label={t('protocol.floor')}
                    inputMode="decimal"
                    value={group.floor}
                    onChange={(event) => setGroup({ ...group, floor: event.target.value })}
                  />
                  <TextField
                    label={t('protocol.minimum')}
                    inputMode="numeric"
                    value={group.minimum}
                    onChange={(event) => setGroup({ ...group, minimum: event.target.value })}
                  />
                </>
              )}
            </div>
          </fieldset>
        )}
        {sequential && (
          <Check
            label={t('protocol.futile')}
            checked={futility}
            onChange={(event) => setFutility(event.target.checked)}
          />
        )}
        <TextField
          label={t('protocol.end')}
          hint={t('protocol.endHint')}
          inputMode="numeric"
          value={days}
          onChange={(event) => setDays(event.target.value)}
        />
        <SecretField
          value={secret}
          onChange={setSecret}
          error={send.isError ? failureText(t, send.error) : undefined}
        />
        <DialogFoot>
          <button type="button" className="btn ghost" onClick={props.onClose}>
            {t('action.cancel')}
          </button>
          <button className="btn primary" disabled={!ready || send.isPending}>
            {t('protocol.sign')}
          </button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
