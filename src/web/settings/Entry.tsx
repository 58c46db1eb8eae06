/** One entry of a list in a dialog: made or changed, perhaps deleted; then the list is asked again and the dialog closes. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api } from '../api.ts';
import { notify } from '../shell/notices.tsx';
import { failureText, useText } from '../text.ts';
import { DialogFoot } from '../ui/Dialog.tsx';
import { useAction } from './useAction.ts';

/**
 * @param of.path of the list in the API: POST makes an entry there, PATCH and DELETE of `path/id` change and delete one
 * @param of.id of the entry; undefined: a new one
 * @param of.refresh keys of the queries that the change touches
 */
export function useEntry<F>(of: {
  path: string;
  id: string | undefined;
  refresh: readonly (readonly unknown[])[];
  saved: string;
  removed?: string;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: (body: F) =>
      of.id === undefined
        ? api(of.path, { method: 'POST', body })
        : api(`${of.path}/${of.id}`, { method: 'PATCH', body }),
    onSuccess: () => {
      for (const queryKey of of.refresh) void client.invalidateQueries({ queryKey });
      notify({ kind: 'ok', text: of.saved });
      of.onClose();
    },
  });
  const remove = useAction({
    run: () => api(`${of.path}/${of.id}`, { method: 'DELETE' }),
    refresh: of.refresh,
    done: () => of.removed ?? null,
  });
  return { save, remove };
}

/** What went wrong, and the buttons. */
export function EntryFoot(props: {
  entry: Pick<ReturnType<typeof useEntry>, 'remove'> & {
    save: { isError: boolean; isPending: boolean; error: unknown };
  };
  /** It can be deleted here. */
  deletable?: boolean;
  /** Where it is not deleting: “no longer watch”. */
  deleteText?: string;
  ready?: boolean;
  onClose: () => void;
}) {
  const { t } = useText();
  const { entry, deletable = false, deleteText = t('action.delete'), ready = true, onClose } = props;
  return (
    <>
      {entry.save.isError && (
        <p className="form-error" role="alert">
          {failureText(t, entry.save.error)}
        </p>
      )}
      <DialogFoot>
        {deletable && (
          <button
            type="button"
            className="btn danger"
            disabled={entry.remove.isPending}
            onClick={() => entry.remove.mutate(undefined, { onSuccess: onClose })}
          >
            {deleteText}
          </button>
        )}
        <button type="button" className="btn ghost" onClick={onClose}>
          {t('action.cancel')}
        </button>
        <button className="btn primary" disabled={!ready || entry.save.isPending}>
          {t('action.save')}
        </button>
      </DialogFoot>
    </>
  );
}
