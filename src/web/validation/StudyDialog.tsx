/** A new study: which tool, on which images, with which labels. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { ChangeEvent, FormEvent } from 'react';
import type { ModelView, StudyForm, ValidationRow } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { keys } from '../queries.ts';
import { failureText, useText } from '../text.ts';
import { Dialog, DialogFoot } from '../ui/Dialog.tsx';
import { Check, SelectField, TextField } from '../ui/fields.tsx';
import { base64Of, columnsOf } from './table.ts';

const ARCHIVE = 'archive';
/** Models that state one finding need no choice. */
const firstFinding = ({ manifest }: ModelView): string | null =>
  manifest.finding ? null : (Object.keys(manifest.labels)[0] ?? null);

export function StudyDialog(props: {
  models: readonly ModelView[];
  folders: readonly string[];
  onClose: () => void;
}) {
  const { t, say, language } = useText();
  const client = useQueryClient();
  const [form, setForm] = useState<StudyForm>({
    modelId: props.models[0]!.manifest.id,
    compareId: null,
    finding: firstFinding(props.models[0]!),
    source: props.folders[0] ?? ARCHIVE,
    labelColumn: '',
    language,
    countTuning: false,
    labels: '',
  });
  const [columns, setColumns] = useState<readonly string[] | null>(null);
  const set = (part: Partial<StudyForm>) => setForm((present) => ({ ...present, ...part }));
  const start = useMutation({
    mutationFn: () => api<ValidationRow>('/validation', { method: 'POST', body: form }),
    async onSuccess() {
      await client.invalidateQueries({ queryKey: keys.validation });
      props.onClose();
    },
  });
  const choose = async (event: ChangeEvent<HTMLInputElement>) => {
    const file = event.target.files?.[0];
    start.reset();
    if (!file) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
    const found = columnsOf(bytes);
    setColumns(found);
    set({ labels: base64Of(bytes), labelColumn: found.includes('label') ? 'label' : '' });
  };
  const model = props.models.find(({ manifest }) => manifest.id === form.modelId)!;
  const choosing = (modelId: string) => {
    const chosen = props.models.find(({ manifest }) => manifest.id === modelId)!;
    set({ modelId, compareId: null, finding: firstFinding(chosen) });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    start.mutate();
  };
  const name = ({ manifest }: ModelView) => `${say(manifest.name)} ${manifest.version}`;
  const others = props.models.filter(({ manifest }) => manifest.id !== form.modelId);
  return (
    <Dialog opened onClose={props.onClose} title={t('validation.new')}>
      <form onSubmit={submit}>
        <SelectField
          label={t('validation.tool')}
          value={form.modelId}
          onChange={(event) => choosing(event.target.value)}
          data-autofocus
        >
          {props.models.map((model) => (
            <option key={model.manifest.id} value={model.manifest.id}>
              {name(model)}
            </option>
          ))}
        </SelectField>
        {form.finding !== null && (
          <SelectField
            label={t('validation.finding')}
            value={form.finding}
            onChange={(event) => set({ finding: event.target.value })}
          >
            {Object.entries(model.manifest.labels).map(([key, label]) => (
              <option key={key} value={key}>
                {say(label.text)}
              </option>
            ))}
          </SelectField>
        )}
        {others.length > 0 && (
          <SelectField
            label={t('validation.compare')}
            value={form.compareId ?? ''}
            onChange={(event) => set({ compareId: event.target.value || null })}
          >
            <option value="">{t('validation.compareNone')}</option>
            {others.map((model) => (
              <option key={model.manifest.id} value={model.manifest.id}>
                {name(model)}
              </option>
            ))}
          </SelectField>
        )}
        <SelectField
          label={t('validation.images')}
          hint={form.source === ARCHIVE ? t('validation.archiveHint') : t('validation.folderHint')}
          value={form.source}
          onChange={(event) => set({ source: event.target.value })}
        >
          {props.folders.map((folder) => (
            <option key={folder} value={folder}>
              {folder}
            </option>
          ))}
          <option value={ARCHIVE}>{t('validation.archive')}</option>
        </SelectField>
        {props.folders.length === 0 && <p className="muted small">{t('validation.noFolders')}</p>}
        <TextField
          label={t('validation.labels')}
          hint={t('validation.labelsHint')}
          type="file"
          accept=".csv,text/csv,text/plain"
          required
          onChange={(event) => void choose(event)}
        />
        {columns && (
          <SelectField
            label={t('validation.truth')}
            hint={t('validation.truthHint')}
            required
            value={form.labelColumn}
            onChange={(event) => set({ labelColumn: event.target.value })}
          >
            <option value="" disabled>
              {t('validation.choose')}
            </option>
            {columns
              .filter((column) => !['', 'image', 'boxes'].includes(column))
              .map((column) => (
                <option key={column} value={column}>
                  {column}
                </option>
              ))}
          </SelectField>
        )}
        <SelectField
          label={t('validation.language')}
          value={form.language}
          onChange={(event) => set({ language: event.target.value === 'fr' ? 'fr' : 'en' })}
        >
          <option value="fr">Français</option>
          <option value="en">English</option>
        </SelectField>
        <Check
          label={t('validation.countTuning')}
          hint={t('validation.countTuningHint')}
          checked={form.countTuning}
          onChange={(event) => set({ countTuning: event.target.checked })}
        />
        {start.isError && (
          <p className="form-error" role="alert">
            {failureText(t, start.error)}
          </p>
        )}
        <DialogFoot>
          <button type="button" className="btn ghost" onClick={props.onClose}>
            {t('action.cancel')}
          </button>
          <button
            type="submit"
            className="btn primary"
            disabled={start.isPending || form.labels === '' || form.labelColumn === ''}
          >
            {t('validation.start')}
          </button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
