/** Moves an exam to the recycle bin: with a reason, and with a second confirmation where a signed report has to be kept. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Removal, StudyRow } from '../../doors/api/contract.ts';
import { api, ApiFailure } from '../api.ts';
import { dateOnly, personName } from '../format.ts';
import { keys } from '../queries.ts';
import { notify } from '../shell/notices.tsx';
import { examTitle, failureText, useText } from '../text.ts';
import { Dialog, DialogFoot } from '../ui/Dialog.tsx';
import { Check, TextArea } from '../ui/fields.tsx';

export function DeleteDialog({ study, onClose }: { study: StudyRow; onClose: () => void }) {
  const { t, language } = useText();
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const [despiteReport, setDespite] = useState(false);
  const remove = useMutation({
    mutationFn: () =>
      api('/recycled', {
        method: 'POST',
        body: { studyUid: study.studyUid, reason: reason.trim(), despiteReport } satisfies Removal,
      }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.worklist });
      notify({ kind: 'ok', text: t('delete.done') });
      onClose();
    },
  });
  const { error } = remove;
  const until =
    error instanceof ApiFailure && error.code === 'report-in-retention' ? Number(error.details.until) : null;
  return (
    <Dialog opened onClose={onClose} title={t('delete.title')}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          remove.mutate();
        }}
      >
        <p>
          <b>
            <bdi>{personName(study.patientName) || t('patient.unnamed')}</bdi>
          </b>
          , {examTitle(t, study)}
        </p>
        <p className="muted">{t('delete.text')}</p>
        <TextArea
          label={t('delete.reason')}
          hint={t('delete.reasonHint')}
          required
          rows={2}
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
          error={remove.isError && until === null ? failureText(t, error) : undefined}
        />
        {until !== null && (
          <Check
            label={t('delete.despite', { until: dateOnly(until, language) })}
            checked={despiteReport}
            onChange={(event) => setDespite(event.target.checked)}
          />
        )}
        <DialogFoot>
          <button type="button" className="btn ghost" onClick={onClose}>
            {t('action.cancel')}
          </button>
          <button
            className="btn danger"
            disabled={reason.trim() === '' || remove.isPending || (until !== null && !despiteReport)}
          >
            {t('delete.confirm')}
          </button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
