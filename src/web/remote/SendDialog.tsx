/** Sends one study by hand. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { FormEvent } from 'react';
import type { Forward, Part, RemoteSystem } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { keys } from '../queries.ts';
import { notify } from '../shell/notices.tsx';
import { failureText, useText } from '../text.ts';
import { Dialog, DialogFoot } from '../ui/Dialog.tsx';
import { SelectField } from '../ui/fields.tsx';
import './remote.css';
import { PartChoice } from './Rules.tsx';
import './texts.ts';

export function SendDialog(props: {
  studyUid: string;
  receivers: readonly RemoteSystem[];
  onClose: () => void;
}) {
  const { studyUid, receivers, onClose } = props;
  const { t } = useText();
  const client = useQueryClient();
  const [remoteId, setRemoteId] = useState(receivers[0]?.id ?? '');
  const [parts, setParts] = useState<readonly Part[]>(['images', 'report']);
  const send = useMutation({
    mutationFn: () =>
      api<Forward>(`/studies/${encodeURIComponent(studyUid)}/forward`, {
        method: 'POST',
        body: { remoteId, parts },
      }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.forwards });
      notify({ kind: 'ok', text: t('send.asked') });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    send.mutate();
  };
  return (
    <Dialog opened onClose={onClose} title={t('send.title')}>
      <form className="stack" onSubmit={submit}>
        <SelectField
          label={t('send.to')}
          value={remoteId}
          onChange={(event) => setRemoteId(event.target.value)}
          data-autofocus
        >
          {receivers.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </SelectField>
        <PartChoice parts={parts} onChange={setParts} />
        {send.isError && (
          <p className="form-error" role="alert">
            {failureText(t, send.error)}
          </p>
        )}
        <DialogFoot>
          <button type="button" className="btn ghost" onClick={onClose}>
            {t('action.cancel')}
          </button>
          <button className="btn primary" disabled={send.isPending || parts.length === 0}>
            {t('send.send')}
          </button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
