/** Whose photo is this? Asked once for all photos of a drop; they become one exam, with the original files inside. */
import { useEffect, useState } from 'react';
import type { FormEvent } from 'react';
import type { AttachmentForm } from '../../doors/api/contract.ts';
import { todayDicom } from '../format.ts';
import { bodyPart, useText } from '../text.ts';
import { Dialog, DialogFoot } from '../ui/Dialog.tsx';
import { SelectField, TextField } from '../ui/fields.tsx';
import { forget, sendPhotos } from './queue.ts';
import type { Item } from './queue.ts';

/** Body Part Examined (PS3.16 annex L): what is photographed most. */
const BODY_PARTS = [
  'HAND', 'WRIST', 'FOREARM', 'ELBOW', 'HUMERUS', 'SHOULDER', 'CLAVICLE', 'FOOT', 'ANKLE', 'LEG', 'KNEE', 'FEMUR', 'HIP',
  'PELVIS', 'CHEST', 'RIB', 'ABDOMEN', 'CSPINE', 'TSPINE', 'LSPINE', 'SKULL', 'BRAIN', 'BREAST',
]; // prettier-ignore

const dashed = (da: string) => `${da.slice(0, 4)}-${da.slice(4, 6)}-${da.slice(6)}`;
const EMPTY: AttachmentForm = {
  patientId: '',
  familyName: '',
  givenName: '',
  birthDate: '',
  sex: '',
  studyDate: '',
  bodyPart: '',
  laterality: '',
  description: '',
};

/** Without a number of their own, two patients of the same name must not become one. */
function provisionalId(studyDate: string): string {
  const random = crypto.getRandomValues(new Uint32Array(1))[0]!.toString(36).toUpperCase().padStart(7, '0');
  return `TMP-${studyDate}-${random}`;
}
/** `^`, `=` and `\` divide a Person Name or a value (PS3.5 6.2): nobody is called so. */
const nameText = (text: string): string => text.replace(/[\^=\\]/g, '');

export function PhotoDialog({ photos }: { photos: readonly Item[] }) {
  const { t } = useText();
  const [form, setForm] = useState<AttachmentForm>(() => ({ ...EMPTY, studyDate: todayDicom() }));
  const [sending, setSending] = useState(false);
  const set = <K extends keyof AttachmentForm>(key: K, value: AttachmentForm[K]) =>
    setForm((before) => ({ ...before, [key]: value }));
  const ready = form.familyName.trim() !== '' && form.studyDate !== '' && form.bodyPart !== '';
  const parts = BODY_PARTS.map((term) => ({ term, text: bodyPart(t, term) })).toSorted((a, b) =>
    a.text.localeCompare(b.text),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!ready || sending) return;
    setSending(true);
    // The panel of uploads says how it went.
    void sendPhotos(photos, {
      ...form,
      patientId: form.patientId.trim() || provisionalId(form.studyDate),
      familyName: form.familyName.trim(),
      givenName: form.givenName.trim(),
      description: form.description.trim(),
    });
  };
  return (
    <Dialog
      opened
      onClose={() => forget(photos)}
      title={t('photo.title', { count: photos.length })}
      width={600}
    >
      <form onSubmit={submit}>
        <Pictures photos={photos} />
        <p className="muted">{t('photo.text')}</p>
        <div className="form-grid">
          <TextField
            label={t('photo.family')}
            dir="auto"
            required
            data-autofocus
            value={form.familyName}
            onChange={(event) => set('familyName', nameText(event.target.value))}
          />
          <TextField
            label={t('photo.given')}
            dir="auto"
            value={form.givenName}
            onChange={(event) => set('givenName', nameText(event.target.value))}
          />
          <TextField
            label={t('photo.birthDate')}
            type="date"
            max={dashed(todayDicom())}
            value={form.birthDate ? dashed(form.birthDate) : ''}
            onChange={(event) => set('birthDate', event.target.value.replaceAll('-', ''))}
          />
          <SelectField
            label={t('photo.sex')}
            value={form.sex}
            onChange={(event) => set('sex', event.target.value as AttachmentForm['sex'])}
          >
            <option value="">{t('sex.unknown')}</option>
            <option value="F">{t('sex.female')}</option>
            <option value="M">{t('sex.male')}</option>
            <option value="O">{t('sex.O')}</option>
          </SelectField>
          <TextField
            label={t('photo.patientId')}
            hint={t('photo.patientIdHint')}
            value={form.patientId}
            onChange={(event) => set('patientId', event.target.value)}
          />
          <TextField
            label={t('photo.studyDate')}
            type="date"
            required
            max={dashed(todayDicom())}
            value={form.studyDate ? dashed(form.studyDate) : ''}
            onChange={(event) => set('studyDate', event.target.value.replaceAll('-', ''))}
          />
          <SelectField
            label={t('photo.bodyPart')}
            required
            value={form.bodyPart}
            onChange={(event) => set('bodyPart', event.target.value)}
          >
            <option value="">{t('photo.choose')}</option>
            {parts.map(({ term, text }) => (
              <option key={term} value={term}>
                {text}
              </option>
            ))}
          </SelectField>
          <SelectField
            label={t('photo.laterality')}
            value={form.laterality}
            onChange={(event) => set('laterality', event.target.value as AttachmentForm['laterality'])}
          >
            <option value="">{t('photo.noSide')}</option>
            <option value="L">{t('photo.left')}</option>
            <option value="R">{t('photo.right')}</option>
            <option value="B">{t('photo.both')}</option>
          </SelectField>
        </div>
        <TextField
          label={t('photo.description')}
          dir="auto"
          maxLength={64} // LO, PS3.5 6.2
          value={form.description}
          onChange={(event) => set('description', event.target.value)}
        />
        <DialogFoot>
          <button type="button" className="btn ghost" onClick={() => forget(photos)}>
            {t('photo.discard')}
          </button>
          <button className="btn primary" disabled={!ready || sending}>
            {t('photo.submit')}
          </button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}

function Pictures({ photos }: { photos: readonly Item[] }) {
  const [urls, setUrls] = useState<readonly string[]>([]);
  const ids = photos.map(({ id }) => id).join();
  useEffect(() => {
    const made = photos.slice(0, 8).map(({ file }) => URL.createObjectURL(file));
    setUrls(made);
    return () => made.forEach((url) => URL.revokeObjectURL(url));
    // The photos are the same as long as their numbers are.
  }, [ids]);
  return (
    <div className="pictures">
      {urls.map((url) => (
        <img key={url} src={url} alt="" />
      ))}
      {photos.length > 8 && <span className="muted">+ {photos.length - 8}</span>}
    </div>
  );
}
