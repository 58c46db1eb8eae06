/** What a person decides on a file that was kept aside: one of a few acts, none of them chosen beforehand, and why. */
import { useState } from 'react';
import { ApiFailure } from '../api.ts';
import { dateOnly } from '../format.ts';
import { useText } from '../text.ts';
import { Check, Choices, TextArea } from '../ui/fields.tsx';

/** As the API's paths name them. */
export type Decision = 'release' | 'discard' | 'as-new' | 'replace';

export function Decide(props: {
  choices: readonly Decision[];
  busy: boolean;
  error: unknown;
  onDecide: (decision: Decision, reason: string, despiteReport: boolean) => void;
}) {
  const { t, language } = useText();
  const [decision, setDecision] = useState<Decision | ''>('');
  const [reason, setReason] = useState('');
  const [despiteReport, setDespite] = useState(false);
  const bound =
    decision === 'replace' && props.error instanceof ApiFailure && props.error.code === 'report-in-retention'
      ? Number(props.error.details.until)
      : null;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (decision) props.onDecide(decision, reason, despiteReport);
      }}
    >
      <Choices<Decision | ''>
        legend={<span className="visually-hidden">{t('quarantine.decide')}</span>}
        name="decision"
        value={decision}
        onChange={setDecision}
        choices={props.choices.map((value) => ({
          value,
          title: t(`quarantine.choice.${value}`),
          text: t(`quarantine.choiceText.${value}`),
        }))}
      />
      {decision !== '' && decision !== 'release' && (
        <TextArea
          label={t('delete.reason')}
          hint={t('delete.reasonHint')}
          rows={2}
          required
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
      )}
      {bound !== null && (
        <Check
          label={t('delete.despite', { until: dateOnly(bound, language) })}
          checked={despiteReport}
          onChange={(event) => setDespite(event.target.checked)}
        />
      )}
      <button
        className={decision === 'discard' || decision === 'replace' ? 'btn danger' : 'btn primary'}
        disabled={
          decision === '' ||
          props.busy ||
          (decision !== 'release' && reason.trim() === '') ||
          (bound !== null && !despiteReport)
        }
      >
        {t('quarantine.confirm')}
      </button>
    </form>
  );
}
