/**
 * Whose photo, document or film is this? Asked once for all of a drop; they become one exam, with the original files inside, or
 * join the exam they were added to, of which only their title is asked.
 */
import { FileText, Film } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { FormEvent } from 'react';
import type { AttachmentForm, StudyRow } from '../../doors/api/contract.ts';
import { dateField, personName, todayDicom } from '../format.ts';
import { bodyPart, useText } from '../text.ts';
import { Dialog, DialogFoot } from '../ui/Dialog.tsx';
import { SelectField, TextField } from '../ui/fields.tsx';
import { forget, sendWithForm } from './queue.ts';
import type { Item } from './queue.ts';

/** Body Part Examined (PS3.16 annex L): what is photographed most. */
const BODY_PARTS = [
  'HAND', 'WRIST', 'FOREARM', 'ELBOW', 'HUMERUS', 'SHOULDER', 'CLAVICLE', 'FOOT', 'ANKLE', 'LEG', 'KNEE', 'FEMUR', 'HIP',
  'PELVIS', 'CHEST', 'RIB', 'ABDOMEN', 'CSPINE', 'TSPINE', 'LSPINE', 'SKULL', 'BRAIN', 'BREAST',
]; // prettier-ignore

const MAX_SHOWN = 8;
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
/** Into an exam that is here: the server takes patient and exam from there. */
const ofExam = ({ studyUid, patientId, patientName, studyDate }: StudyRow): AttachmentForm => ({
  ...EMPTY,
  studyUid,
  patientId,
  familyName: nameText(personName(patientName)).slice(0, 64) || '-',
  studyDate: studyDate || todayDicom(),
});
/** `^`, `=` and `\` divide a Person Name or a value (PS3.5 6.2): nobody is called so. */
const nameText = (text: string): string => text.replace(/[\^=\\]/g, '');

export function AttachmentDialog({ items, into }: { items: readonly Item[]; into?: StudyRow | undefined }) {
  const { t } = useText();
  const [form, setForm] = useState<AttachmentForm>(() =>
    into ? ofExam(into) : { ...EMPTY, studyDate: todayDicom() },
  );
  const [sending, setSending] = useState(false);
  const set = <K extends keyof AttachmentForm>(key: K, value: AttachmentForm[K]) =>
    setForm((before) => ({ ...before, [key]: value }));
  const films = items.some(isFilm);
  const ready =
    into !== undefined || (form.familyName.trim() !== '' && form.studyDate !== '' && form.bodyPart !== '');
  const parts = BODY_PARTS.map((term) => ({ term, text: bodyPart(t, term) })).toSorted((a, b) =>
    a.text.localeCompare(b.text),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!ready || sending) return;
    setSending(true);
    // The panel of uploads says how it went.
    void sendWithForm(items, {
      ...form,
      patientId: into ? into.patientId : form.patientId.trim() || provisionalId(form.studyDate),
      familyName: form.familyName.trim(),
      givenName: form.givenName.trim(),
      description: form.description.trim(),
    });
  };
  return (
    <Dialog
      opened
      onClose={() => forget(items)}
      title={
        into
          ? t('attach.title', { name: personName(into.patientName) })
          : t('photo.title', { count: items.length })
      }
      width={600}
    >
      <form onSubmit={submit}>
        <Pictures items={items} />
        <p className="muted">{into ? t('attach.text') : t('photo.text')}</p>
        {!into && (
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
              max={dateField(todayDicom())}
              value={form.birthDate ? dateField(form.birthDate) : ''}
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
              max={dateField(todayDicom())}
              value={form.studyDate ? dateField(form.studyDate) : ''}
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
        )}
        <TextField
          label={into ? t('attach.name') : t('photo.description')}
          {...(into ? { 'data-autofocus': true } : {})}
          dir="auto"
          maxLength={64} // LO, PS3.5 6.2
          value={form.description}
          onChange={(event) => set('description', event.target.value)}
        />
        {films && (
          <SelectField
            label={t('attach.filmed')}
            value={form.filmed ?? 'photographic'}
            onChange={(event) => set('filmed', event.target.value as NonNullable<AttachmentForm['filmed']>)}
          >
            {(['photographic', 'endoscopic', 'capture'] as const).map((kind) => (
              <option key={kind} value={kind}>
                {t(`attach.filmed.${kind}`)}
              </option>
            ))}
          </SelectField>
        )}
        <DialogFoot>
          <button type="button" className="btn ghost" onClick={() => forget(items)}>
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

function Pictures({ items }: { items: readonly Item[] }) {
  const [urls, setUrls] = useState<ReadonlyMap<number, string>>(new Map());
  const shown = items.slice(0, MAX_SHOWN);
  const ids = items.map(({ id }) => id).join();
  useEffect(() => {
    const made = new Map<number, string>();
    let gone = false;
    void (async () => {
      for (const item of items.slice(0, MAX_SHOWN).filter(isPicture)) {
        const blob = await item.open();
        if (gone) return;
        made.set(item.id, URL.createObjectURL(blob));
        setUrls(new Map(made));
      }
    })();
    return () => {
      gone = true;
      for (const url of made.values()) URL.revokeObjectURL(url);
    };
    // The files are the same as long as their numbers are.
  }, [ids]);
  return (
    <div className="pictures">
      {shown.map((item) =>
        isPicture(item) ? (
          <img key={item.id} src={urls.get(item.id)} alt={item.path} />
        ) : (
          <span key={item.id} className="document" title={item.path}>
            {isFilm(item) ? <Film size={22} aria-hidden /> : <FileText size={22} aria-hidden />}
            <span dir="auto">{item.path.replace(/^.*\//, '')}</span>
          </span>
        ),
      )}
      {items.length > MAX_SHOWN && <span className="muted">+ {items.length - MAX_SHOWN}</span>}
    </div>
  );
}

const mediaType = ({ state }: Item): string => (state.kind === 'form' ? state.mediaType : '');
const isPicture = (item: Item): boolean => mediaType(item).startsWith('image/');
const isFilm = (item: Item): boolean => mediaType(item).startsWith('video/');
