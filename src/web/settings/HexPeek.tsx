/** The bytes of a file as numbers and letters, 256 at a time. They are shown, never run or interpreted. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { failureFrom } from '../api.ts';
import { keys } from '../queries.ts';
import { failureText, useText } from '../text.ts';

const LENGTH = 256;
const WIDTH = 16;

export function HexPeek({ id, size, at }: { id: string; size: number; at: number }) {
  const { t } = useText();
  const [opened, setOpened] = useState(false);
  const last = Math.max(0, Math.floor((size - 1) / LENGTH) * LENGTH);
  const [offset, setOffset] = useState(Math.min(last, Math.floor(at / LENGTH) * LENGTH));
  const page = useQuery({
    queryKey: [...keys.quarantine, id, 'bytes', offset],
    enabled: opened,
    staleTime: Infinity,
    queryFn: async ({ signal }) => {
      const response = await fetch(`/api/quarantine/${id}/peek?offset=${offset}&length=${LENGTH}`, {
        signal,
      });
      if (!response.ok) throw failureFrom(response.status, await response.text());
      return new Uint8Array(await response.arrayBuffer());
    },
  });
  const lines = Array.from({ length: Math.ceil((page.data?.length ?? 0) / WIDTH) }, (_, line) => {
    const part = [...page.data!.subarray(line * WIDTH, (line + 1) * WIDTH)];
    const hex = part.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = part.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '·')).join('');
    return `${(offset + line * WIDTH).toString(16).padStart(8, '0')}  ${hex.padEnd(WIDTH * 3 - 1)}  ${text}`;
  });
  return (
    <details className="wide" open={opened} onToggle={(event) => setOpened(event.currentTarget.open)}>
      <summary>{t('quarantine.bytes')}</summary>
      {page.isError && <p className="muted">{failureText(t, page.error)}</p>}
      <pre className="hex" tabIndex={0} aria-label={t('quarantine.bytes')}>
        {lines.join('\n')}
      </pre>
      <div className="rowline">
        <button
          type="button"
          className="btn"
          disabled={offset === 0}
          onClick={() => setOffset(Math.max(0, offset - LENGTH))}
        >
          {t('quarantine.before')}
        </button>
        <button
          type="button"
          className="btn"
          disabled={offset >= last}
          onClick={() => setOffset(Math.min(last, offset + LENGTH))}
        >
          {t('quarantine.after')}
        </button>
      </div>
    </details>
  );
}
