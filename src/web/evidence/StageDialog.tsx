/** A change of stage: a signed act of a person, kept for ever with its reason. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { FormEvent } from 'react';
import type { GateView, ModelView, Person, Stage, StageRequest } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { keys } from '../queries.ts';
import { notify } from '../shell/notices.tsx';
import { failureText, useText } from '../text.ts';
import { Dialog, DialogFoot } from '../ui/Dialog.tsx';
import { Check, Choices, TextArea } from '../ui/fields.tsx';
import { SecretField } from '../ui/SecretField.tsx';

const STAGES: readonly Stage[] = ['evaluation', 'shadow', 'pilot', 'routine', 'suspended', 'retired'];
/** What shows more than before: a gate is asked about it. */
const FORWARD: readonly Stage[] = ['evaluation', 'shadow', 'pilot', 'routine'];
/** Characters: the server refuses a shorter one. */
const MIN_REASON = 3;

export function StageDialog({ model, onClose }: { model: ModelView; onClose: () => void }) {
  const { t, say } = useText();
  const client = useQueryClient();
  const [stage, setStage] = useState<Stage>(model.stage);
  const [readers, setReaders] = useState<readonly string[]>(model.readers.map(({ personId }) => personId));
  const [blindFirst, setBlindFirst] = useState(model.stage === 'pilot' ? model.blindFirst : true);
  const [reason, setReason] = useState('');
  const [secret, setSecret] = useState('');
  const people = useQuery({ queryKey: keys.users, queryFn: () => api<Person[]>('/users') });
  const { id, version } = model.manifest;
  const gates = useQuery({
    queryKey: [...keys.evidence, id, 'gates', version, model.stage],
    queryFn: () => api<GateView>(`/gates/${id}`),
  });
  const gate =
    FORWARD.includes(model.stage) && FORWARD.indexOf(stage) > FORWARD.indexOf(model.stage)
      ? gates.data?.gate
      : null;
  const shown = model.stage === 'pilot' || model.stage === 'routine';
  const may = people.data?.filter(({ roles, disabled }) => roles.includes('reader') && !disabled) ?? [];
  const pilot = stage === 'pilot';
  const same =
    stage === model.stage &&
    (!pilot ||
      (blindFirst === model.blindFirst &&
        readers.length === model.readers.length &&
        model.readers.every(({ personId }) => readers.includes(personId))));
  const ready =
    !same && reason.trim().length >= MIN_REASON && secret !== '' && (!pilot || readers.length > 0);
  const change = useMutation({
    mutationFn: () =>
      api<ModelView>(`/models/${model.manifest.id}/stage`, {
        method: 'POST',
        quiet: true,
        body: {
          stage,
          reason: reason.trim(),
          secret,
          ...(pilot ? { readers: [...readers] } : {}),
          ...(pilot || stage === 'routine' ? { blindFirst } : {}),
        } satisfies StageRequest,
      }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.models });
      void client.invalidateQueries({ queryKey: keys.worklist });
      notify({ kind: 'ok', text: t('stage.changed', { stage: t(`stage.name.${stage}`) }) });
      onClose();
    },
    onError: () => setSecret(''),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) change.mutate();
  };
  return (
    <Dialog
      opened
      onClose={onClose}
      title={t('stage.dialogTitle', { name: say(model.manifest.name) })}
      width={620}
    >
      <form onSubmit={submit}>
        <Choices
          legend={t('stage.choose')}
          name="stage"
          value={stage}
          onChange={setStage}
          choices={STAGES.filter(
            (value) => value !== 'suspended' || shown || model.stage === 'suspended',
          ).map((value) => ({
            value,
            title: (
              <>
                {t(`stage.name.${value}`)}{' '}
                {value === model.stage && <span className="chip">{t('stage.present')}</span>}
              </>
            ),
            text: t(`stage.rule.${value}`),
          }))}
        />
        {gate && (
          <p className={gate.verdict === 'pass' ? 'callout' : 'callout warn'} role="status">
            {t(`stage.gateNow.${gate.verdict}`)}
          </p>
        )}
        {pilot && (
          <fieldset className="choices">
            <legend>{t('stage.readers')}</legend>
            {may.map(({ id, name }) => (
              <Check
                key={id}
                label={<bdi>{name}</bdi>}
                checked={readers.includes(id)}
                onChange={(event) =>
                  setReaders(
                    event.target.checked ? [...readers, id] : readers.filter((reader) => reader !== id),
                  )
                }
              />
            ))}
            {people.data && may.length === 0 && <p className="muted">{t('stage.noReaders')}</p>}
          </fieldset>
        )}
        {(pilot || stage === 'routine') && (
          <Check
            label={t('stage.blindFirst')}
            hint={t('stage.blindFirstHint')}
            checked={blindFirst}
            onChange={(event) => setBlindFirst(event.target.checked)}
          />
        )}
        <TextArea
          label={t('stage.reason')}
          hint={t('stage.reasonHint')}
          required
          rows={2}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
        <SecretField
          value={secret}
          onChange={setSecret}
          error={change.isError ? failureText(t, change.error) : undefined}
        />
        <DialogFoot>
          <button type="button" className="btn ghost" onClick={onClose}>
            {t('action.cancel')}
          </button>
          <button className="btn primary" disabled={!ready || change.isPending}>
            {t('stage.sign')}
          </button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
