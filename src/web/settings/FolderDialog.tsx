/** One watched folder: where it is, what happens to its files, and a look into it before it is saved. */
import { useMutation } from '@tanstack/react-query';
import { CircleAlert, CircleCheck } from 'lucide-react';
import { useState } from 'react';
import type { FormEvent } from 'react';
import type { FolderForm, FolderTrial, FolderView } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { number } from '../format.ts';
import { keys } from '../queries.ts';
import { failureText, useText } from '../text.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { Choices, TextField } from '../ui/fields.tsx';
import { EntryFoot, useEntry } from './Entry.tsx';

const AFTER = ['leave', 'move', 'delete'] as const;

export function FolderDialog({ folder, onClose }: { folder: FolderView | null; onClose: () => void }) {
  const { t } = useText();
  const [form, setForm] = useState<FolderForm>({
    path: folder?.path ?? '',
    after: folder?.after ?? 'leave',
  });
  const entry = useEntry<FolderForm>({
    path: '/folders',
    id: folder?.id ?? undefined,
    refresh: [keys.folders],
    saved: t('folders.saved'),
    removed: t('folders.removed'),
    onClose,
  });
  const trial = useMutation({
    mutationFn: () =>
      api<FolderTrial>('/folders/trial', {
        method: 'POST',
        body: { ...form, ...(folder?.id ? { id: folder.id } : {}) },
      }),
  });
  const set = (part: Partial<FolderForm>) => {
    trial.reset();
    setForm((present) => ({ ...present, ...part }));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    entry.save.mutate(form);
  };
  return (
    <Dialog opened onClose={onClose} title={folder ? t('folders.edit') : t('folders.add')}>
      <form onSubmit={submit}>
        <TextField
          label={t('folders.path')}
          hint={t('folders.pathHint')}
          required
          className="input mono"
          autoComplete="off"
          spellCheck={false}
          dir="auto"
          placeholder="/srv/images"
          value={form.path}
          onChange={(event) => set({ path: event.target.value })}
          data-autofocus
        />
        <Choices
          legend={t('folders.after')}
          name="after"
          value={form.after}
          onChange={(after) => set({ after })}
          choices={AFTER.map((value) => ({
            value,
            title: t(`folders.choice.${value}`),
            text: t(`folders.choiceHint.${value}`),
          }))}
        />
        <div className="rowline">
          <button
            type="button"
            className="btn"
            disabled={form.path.trim() === '' || trial.isPending}
            onClick={() => trial.mutate()}
          >
            {t('folders.try')}
          </button>
        </div>
        <div role="status">
          {trial.isError && <p className="form-error">{failureText(t, trial.error)}</p>}
          {trial.data && <Result trial={trial.data} />}
        </div>
        <EntryFoot
          entry={entry}
          deletable={folder !== null}
          deleteText={t('folders.unwatch')}
          ready={form.path.trim() !== ''}
          onClose={onClose}
        />
      </form>
    </Dialog>
  );
}

function Result({ trial }: { trial: FolderTrial }) {
  const { t, language } = useText();
  const Icon = trial.ok ? CircleCheck : CircleAlert;
  const count = number(trial.files, language);
  return (
    <div className="found" data-ok={trial.ok || undefined}>
      <p>
        <Icon size={16} aria-hidden />{' '}
        {!trial.ok
          ? t(`folders.trial.${trial.code}`)
          : trial.files === 0
            ? t('folders.trial.empty')
            : trial.images === 0
              ? t('folders.trial.noImages', { count })
              : t(trial.more ? 'folders.trial.more' : 'folders.trial.found', { count })}
      </p>
      {trial.ok && trial.share && <p className="muted small">{t('folders.trial.share')}</p>}
    </div>
  );
}
