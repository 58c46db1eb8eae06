/** The server's event stream: invalidates what changed, so that every list is at most a moment old without a reload. */
import { useQueryClient } from '@tanstack/react-query';
import type { QueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import type { LiveMessage } from '../doors/api/contract.ts';
import { keys } from './queries.ts';

/** A thousand images of one study, one reload of the list. */
const GATHER_MS = 400;
const LOST_AFTER_MS = 4000;

let connected = true;
const listeners = new Set<() => void>();
const setConnected = (value: boolean) => {
  if (value === connected) return;
  connected = value;
  for (const listener of listeners) listener();
};
/** False once the stream has been down for some seconds. */
export const useConnected = (): boolean =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => connected,
  );

/** What to ask again after a message; pure. */
export function touched(message: LiveMessage): readonly (readonly unknown[])[] {
  switch (message.type) {
    case 'study':
      return [keys.worklist, keys.study(message.studyUid), keys.evidence];
    case 'knock':
      return [keys.knocks, keys.status];
    case 'quarantine':
      return [keys.quarantine, keys.status];
    case 'stage':
      return [keys.models, keys.evidence, keys.worklist, ['study']];
    case 'discrepancy':
      return [keys.discrepancies, keys.worklist];
    case 'hello':
      return [];
  }
}

function open(client: QueryClient): () => void {
  const waiting = new Map<string, readonly unknown[]>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lost: ReturnType<typeof setTimeout> | undefined;
  let greeted = false;
  const flush = () => {
    timer = undefined;
    for (const queryKey of waiting.values()) void client.invalidateQueries({ queryKey });
    waiting.clear();
  };
  const source = new EventSource('/api/live');
  source.onopen = () => {
    clearTimeout(lost);
    lost = undefined;
    setConnected(true);
  };
  source.onerror = () => {
    lost ??= setTimeout(() => setConnected(false), LOST_AFTER_MS);
  };
  source.onmessage = (event: MessageEvent<string>) => {
    const message = JSON.parse(event.data) as LiveMessage;
    if (message.type === 'hello') {
      // After an interruption anything may have changed; the first greeting follows a fresh load.
      if (greeted) void client.invalidateQueries();
      greeted = true;
      return;
    }
    for (const key of touched(message)) waiting.set(JSON.stringify(key), key);
    timer ??= setTimeout(flush, GATHER_MS);
  };
  return () => {
    clearTimeout(timer);
    clearTimeout(lost);
    source.close();
    setConnected(true);
  };
}

/** Keeps the stream open while `enabled` (someone is signed in and the screen is not locked). */
export function useLive(enabled: boolean): void {
  const client = useQueryClient();
  useEffect(() => {
    if (!enabled) return;
    let close = open(client);
    // A stream that ended with an error status is not reopened by the browser.
    const retry = setInterval(() => {
      if (connected) return;
      close();
      setConnected(false);
      close = open(client);
    }, 10_000);
    return () => {
      clearInterval(retry);
      close();
    };
  }, [enabled, client]);
}
