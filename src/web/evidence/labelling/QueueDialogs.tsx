/** What ends a queue or makes it larger. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { FormEvent, ReactNode } from 'react';
import type { Queue } from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { number } from '../../format.ts';
import { keys } from '../../queries.ts';
import { failureText, useText } from '../../text.ts';
import { Dialog, DialogFoot } from '../../ui/Dialog.tsx';
import { TextField } from '../../ui/fields.tsx';

function ActDialog(props: {
  title: string;
  act: string;
  path: string;
  body: unknown;
  ready: boolean;
  onClose: () => void;
  children: ReactNode;
}) {
  const { t } = useText();
  const client = useQueryClient();
  const send = useMutation({
    mutationFn: () => api<Queue>(props.path, { method: 'POST', body: props.body }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.evidence });
      props.onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (props.ready) send.mutate();
  };
  return (
    <Dialog opened onClose={props.onClose} title={props.title}>
      <form onSubmit={submit} className="queue-form">
        {props.children}
        {send.isError && <p role="alert">{failureText(t, send.error)}</p>}
        <DialogFoot>
          <button type="button" className="btn ghost" onClick={props.onClose}>
            {t('queue.cancel')}
          </button>
          <button type="submit" className="btn primary" disabled={!props.ready || send.isPending}>
            {props.act}
          </button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}

export function ExtendDialog({ queue, onClose }: { queue: Queue; onClose: () => void }) {
  const { t, language } = useText();
  const [sample, setSample] = useState(String(Math.min(queue.frame.unmarked, queue.sample * 2 || 100)));
  const wanted = Number(sample);
  return (
    <ActDialog
      title={t('queue.extendTitle')}
      act={t('queue.extend')}
      path={`/labelling/${queue.id}/extend`}
      body={{ sample: wanted }}
      ready={Number.isInteger(wanted) && wanted > queue.sample && wanted <= queue.frame.unmarked}
      onClose={onClose}
    >
      <p>{t('queue.extendText')}</p>
      <TextField
        label={t('queue.sample')}
        hint={t('queue.extendHint', {
          sample: number(queue.sample, language),
          unmarked: number(queue.frame.unmarked, language),
        })}
        type="number"
        min={queue.sample + 1}
        max={queue.frame.unmarked}
        value={sample}
        onChange={(event) => setSample(event.target.value)}
      />
    </ActDialog>
  );
}

export function CloseDialog({ queue, onClose }: { queue: Queue; onClose: () => void }) {
  const { t } = useText();
  return (
    <ActDialog
      title={t('queue.closeTitle')}
      act={t('queue.close')}
      path={`/labelling/${queue.id}/close`}
      body={{}}
      ready
      onClose={onClose}
    >
      <p>{t('queue.closeText')}</p>
    </ActDialog>
  );
}
