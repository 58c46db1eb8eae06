/** Corrects the patient's data of a study. The originals stay as received; the correction and its reason stay too. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { FormEvent } from 'react';
import type { PatientCorrection, StudyRow, StudyView } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { keys } from '../queries.ts';
import { notify } from '../shell/notices.tsx';
import { failureText, useText } from '../text.ts';
import { Dialog, DialogFoot } from '../ui/Dialog.tsx';
import { SelectField, TextArea, TextField } from '../ui/fields.tsx';

const isoDate = (da: string) =>
  /^\d{8}$/.test(da) ? `${da.slice(0, 4)}-${da.slice(4, 6)}-${da.slice(6)}` : '';

export function PatientDialog({ study, onClose }: { study: StudyRow; onClose: () => void }) {
  const { t } = useText();
  const client = useQueryClient();
  const [family = '', given = '', ...rest] = (study.patientName.split('=')[0] ?? '').split('^');
  const [form, setForm] = useState({
    family,
    given,
    birthDate: isoDate(study.birthDate),
    sex: study.sex,
    patientId: study.patientId,
    accession: study.accession,
    description: study.description,
    indication: study.indication,
  });
  const [reason, setReason] = useState('');
  const set = (key: keyof typeof form) => (event: { target: { value: string } }) =>
    setForm((before) => ({ ...before, [key]: event.target.value }));

  const fields: PatientCorrection['fields'] = {};
  if (form.family !== family || form.given !== given) {
    fields.patientName = [form.family.trim(), form.given.trim(), ...rest].join('^');
  }
  const birthDate = form.birthDate.replaceAll('-', '');
  if (birthDate !== study.birthDate) fields.birthDate = birthDate;
  for (const key of ['sex', 'patientId', 'accession', 'description', 'indication'] as const) {
    if (form[key] !== study[key]) fields[key] = form[key].trim();
  }
  // A reason of fewer characters is refused by the server.
  const ready = Object.keys(fields).length > 0 && reason.trim().length >= 3;

  const save = useMutation({
    mutationFn: () =>
      api<StudyView>(`/studies/${encodeURIComponent(study.studyUid)}/patient`, {
        method: 'PATCH',
        body: { fields, reason: reason.trim() } satisfies PatientCorrection,
      }),
    onSuccess: (view) => {
      client.setQueryData(keys.study(study.studyUid), view);
      void client.invalidateQueries({ queryKey: keys.worklist });
      notify({ kind: 'ok', text: t('patient.corrected') });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) save.mutate();
  };
  return (
    <Dialog opened onClose={onClose} title={t('patient.correct')}>
      <form onSubmit={submit}>
        <p className="muted">{t('patient.correctText')}</p>
        <div className="form-grid">
          <TextField label={t('photo.family')} dir="auto" value={form.family} onChange={set('family')} />
          <TextField label={t('photo.given')} dir="auto" value={form.given} onChange={set('given')} />
          <TextField
            label={t('photo.birthDate')}
            type="date"
            value={form.birthDate}
            onChange={set('birthDate')}
          />
          <SelectField label={t('photo.sex')} value={form.sex} onChange={set('sex')}>
            <option value="">{t('sex.unknown')}</option>
            <option value="F">{t('sex.female')}</option>
            <option value="M">{t('sex.male')}</option>
            <option value="O">{t('sex.O')}</option>
          </SelectField>
          <TextField label={t('photo.patientId')} value={form.patientId} onChange={set('patientId')} />
          <TextField label={t('patient.accession')} value={form.accession} onChange={set('accession')} />
        </div>
        <TextField
          label={t('photo.description')}
          dir="auto"
          value={form.description}
          onChange={set('description')}
        />
        <TextField
          label={t('preview.indication')}
          dir="auto"
          value={form.indication}
          onChange={set('indication')}
        />
        <TextArea
          label={t('patient.reason')}
          hint={t('patient.reasonHint')}
          required
          rows={2}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
          error={save.isError ? failureText(t, save.error) : undefined}
        />
        <DialogFoot>
          <button type="button" className="btn ghost" onClick={onClose}>
            {t('action.cancel')}
          </button>
          <button className="btn primary" disabled={!ready || save.isPending}>
            {t('action.save')}
          </button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
