/** What is known of one study, and what became of the patient: entered by a person, corrected by a newer entry. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { FormEvent } from 'react';
import type {
  Answer,
  FollowUpForm,
  FollowUpMethod,
  ReferenceEntry,
  StudyReferences,
} from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { dateTime } from '../../format.ts';
import { addCatalogue } from '../../i18n/index.ts';
import { keys } from '../../queries.ts';
import { failureText, useText } from '../../text.ts';
import { Dialog, DialogFoot } from '../../ui/Dialog.tsx';
import { Check, Segmented, SelectField, TextField } from '../../ui/fields.tsx';
import en from './en.json' with { type: 'json' };
import fr from './fr.json' with { type: 'json' };
import './reference.css';

addCatalogue({ fr, en });

const METHODS: readonly FollowUpMethod[] = ['cross-sectional', 'imaging', 'surgery', 'clinical'];

export function FollowUp(props: {
  studyUid: string;
  modelId: string;
  question?: string;
  onClose: () => void;
}) {
  const { t, language } = useText();
  const { studyUid, modelId } = props;
  const client = useQueryClient();
  const path = `/studies/${encodeURIComponent(studyUid)}/references`;
  const key = [...keys.evidence, 'references', studyUid, modelId];
  const known = useQuery({
    queryKey: key,
    queryFn: () => api<StudyReferences>(`${path}?model=${encodeURIComponent(modelId)}`),
  });
  const [correcting, setCorrecting] = useState<ReferenceEntry | null>(null);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [method, setMethod] = useState<FollowUpMethod>('cross-sectional');
  const [days, setDays] = useState('');
  const [withAi, setWithAi] = useState(false);
  const done = async () => {
    setCorrecting(null);
    setAnswer(null);
    setDays('');
    setWithAi(false);
    await client.invalidateQueries({ queryKey: keys.evidence });
  };
  const enter = useMutation({
    mutationFn: () =>
      api<ReferenceEntry>(path, {
        method: 'POST',
        body: {
          modelId,
          method,
          answer: answer!,
          days: days === '' ? null : Number(days),
          withAi,
          ...(correcting ? { replaces: correcting.id } : {}),
        } satisfies FollowUpForm & { replaces?: string },
      }),
    onSuccess: done,
  });
  const withdraw = useMutation({
    mutationFn: (entry: ReferenceEntry) =>
      api<ReferenceEntry>(`/references/${entry.id}/withdraw`, { method: 'POST', body: {} }),
    onSuccess: done,
  });
  const wrongDays =
    days !== '' && !(Number.isInteger(Number(days)) && Number(days) >= 0 && Number(days) <= 3650);
  const ready = answer !== null && !wrongDays && !enter.isPending;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) enter.mutate();
  };
  const failed = enter.error ?? withdraw.error;
  return (
    <Dialog opened onClose={props.onClose} title={t('followUp.title')}>
      {known.isError && <p role="alert">{failureText(t, known.error)}</p>}
      {known.data && (
        <ul className="references">
          {known.data.references
            .filter(({ origin }) => origin !== 'follow-up')
            .map((reference, i) => (
              <li key={i}>
                <div>
                  <b>{t(`truth.origin.${reference.origin}`)}</b> {t(`cases.answer.${reference.answer}`)}
                  {!reference.withoutAi && <small className="muted"> {t('followUp.withAi')}</small>}
                </div>
              </li>
            ))}
          {known.data.entries.map((entry) => (
            <li key={entry.id} className={entry.replaced || entry.answer === null ? 'replaced' : undefined}>
              <div className="grow">
                <b>{t(`followUp.method.${entry.method}`)}</b>{' '}
                {entry.answer === null ? t('followUp.mistake') : t(`cases.answer.${entry.answer}`)}
                {entry.days !== null && <> · {t('followUp.after', { count: entry.days })}</>}
                {entry.withAi && <small className="muted"> {t('followUp.withAi')}</small>}
                <br />
                <small className="muted">
                  {entry.personName} · {dateTime(entry.at, language)}
                  {entry.source === 'import' && ` · ${t('followUp.imported')}`}
                </small>
              </div>
              {!entry.replaced && entry.answer !== null && (
                <span className="rowline">
                  <button
                    type="button"
                    className="btn ghost"
                    onClick={() => {
                      setCorrecting(entry);
                      setAnswer(entry.answer);
                      setMethod(entry.method);
                      setDays(entry.days === null ? '' : String(entry.days));
                      setWithAi(entry.withAi);
                    }}
                  >
                    {t('followUp.correct')}
                  </button>
                  <button
                    type="button"
                    className="btn ghost"
                    disabled={withdraw.isPending}
                    onClick={() => withdraw.mutate(entry)}
                  >
                    {t('followUp.withdraw')}
                  </button>
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
      {known.data && (
        <p className="small">
          {known.data.ruling
            ? t('followUp.rules', {
                origin: t(`truth.origin.${known.data.ruling.origin}`),
                answer: t(`cases.answer.${known.data.ruling.answer}`),
              })
            : t('followUp.noRuling')}
        </p>
      )}
      <form onSubmit={submit} className="stack">
        <h3>{t(correcting ? 'followUp.correctTitle' : 'followUp.new')}</h3>
        {props.question && <p>{props.question}</p>}
        <Segmented
          label={t('followUp.answer')}
          value={answer}
          onChange={setAnswer}
          options={(['yes', 'no', 'uncertain'] as const).map((value) => ({
            value,
            label: t(`cases.answer.${value}`),
          }))}
        />
        <SelectField
          label={t('followUp.how')}
          value={method}
          onChange={(event) => setMethod(event.target.value as FollowUpMethod)}
        >
          {METHODS.map((value) => (
            <option key={value} value={value}>
              {t(`followUp.method.${value}`)}
            </option>
          ))}
        </SelectField>
        <TextField
          label={t('followUp.days')}
          hint={t('followUp.daysHint')}
          error={wrongDays ? t('followUp.daysWrong') : undefined}
          inputMode="numeric"
          value={days}
          onChange={(event) => setDays(event.target.value.trim())}
        />
        <Check
          label={t('followUp.aiKnown')}
          hint={t('followUp.aiKnownHint')}
          checked={withAi}
          onChange={(event) => setWithAi(event.target.checked)}
        />
        {failed && <p role="alert">{failureText(t, failed)}</p>}
        <DialogFoot>
          <button type="button" className="btn ghost" onClick={props.onClose}>
            {t('action.close')}
          </button>
          <button type="submit" className="btn primary" disabled={!ready}>
            {t(correcting ? 'followUp.saveCorrection' : 'followUp.save')}
          </button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
