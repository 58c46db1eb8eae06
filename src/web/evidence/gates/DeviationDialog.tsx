/** What was done otherwise than the protocol says: signed, and there for good. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { FormEvent } from 'react';
import type { Deviation, ModelView, Protocol } from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { keys } from '../../queries.ts';
import { failureText, useText } from '../../text.ts';
import { Dialog, DialogFoot } from '../../ui/Dialog.tsx';
import { TextArea } from '../../ui/fields.tsx';
import { SecretField } from '../../ui/SecretField.tsx';

export function DeviationDialog(props: { model: ModelView; protocol: Protocol; onClose: () => void }) {
  const { t } = useText();
  const client = useQueryClient();
  const [text, setText] = useState('');
  const [secret, setSecret] = useState('');
  const ready = text.trim().length >= 3 && secret !== '';
  const send = useMutation({
    mutationFn: () =>
      api<Deviation>(`/gates/${props.model.manifest.id}/protocols/${props.protocol.id}/deviations`, {
        method: 'POST',
        quiet: true,
        body: { text: text.trim(), secret },
      }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.evidence });
      props.onClose();
    },
    onError: () => setSecret(''),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) send.mutate();
  };
  return (
    <Dialog opened onClose={props.onClose} title={t('protocol.deviate')}>
      <form onSubmit={submit} className="gate-form">
        <p className="muted">{t('protocol.deviateText')}</p>
        <TextArea
          label={t('protocol.deviateWhat')}
          required
          rows={4}
          maxLength={4000}
          value={text}
          onChange={(event) => setText(event.target.value)}
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
