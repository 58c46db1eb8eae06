/**
 * Text that was typed and is not at the server yet. Pages that hold some say how it is sent; whoever locks the screen, signs
 * out or closes the page has it sent first.
 */
import { useEffect, useRef } from 'react';

const senders = new Set<() => Promise<unknown>>();

/** How long leaving waits for a server that does not answer. */
const PATIENCE_MS = 3000;

/** Sends what is not sent yet. Resolves in any case: a screen has to lock although the server is away. */
export async function sendUnsaved(): Promise<void> {
  const sent = Promise.allSettled([...senders].map((send) => send()));
  await Promise.race([sent, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
}

/** Registers `send` while the component is mounted; the newest closure runs. */
export function useUnsaved(send: () => Promise<unknown>): void {
  const latest = useRef(send);
  latest.current = send;
  useEffect(() => {
    const now = () => latest.current();
    senders.add(now);
    return () => void senders.delete(now);
  }, []);
}
