/** A small action of a settings page: calls the API, refreshes what it changed, says how it went. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { notify } from '../shell/notices.tsx';
import { failureText, useText } from '../text.ts';

export function useAction<I, O>(options: {
  run: (input: I) => Promise<O>;
  refresh: readonly (readonly unknown[])[];
  done?: (output: O) => string | null;
}) {
  const { t } = useText();
  const client = useQueryClient();
  return useMutation({
    mutationFn: options.run,
    onSuccess: (output) => {
      const text = options.done?.(output);
      if (text) notify({ kind: 'ok', text });
    },
    onError: (error) => notify({ kind: 'error', text: failureText(t, error) }),
    // Also after a refusal: the list may be out of date.
    onSettled: () => Promise.all(options.refresh.map((queryKey) => client.invalidateQueries({ queryKey }))),
  });
}
