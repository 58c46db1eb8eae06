/** Lines of an answer as they come. */
import type { QueryForm, QueryLine } from '../../doors/api/contract.ts';
import { csrfHeader, failureOf } from '../api.ts';

/** @throws ApiFailure; the abort's own error when `signal` ends it, which cancels the query at the other system too */
export async function* ask(
  remoteId: string,
  form: QueryForm,
  signal: AbortSignal,
): AsyncGenerator<QueryLine, void, undefined> {
  const response = await fetch(`/api/remotes/${remoteId}/query`, {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'content-type': 'application/json', ...csrfHeader() },
    body: JSON.stringify(form),
    signal,
  });
  if (!response.ok) throw await failureOf(response);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line) as QueryLine;
  }
}
