/** Patient, number or description; `/` goes there. The text lives in the address, so that a reload keeps it. */
import { Search, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useSearchParams } from 'wouter';
import { useKeys } from '../keys.ts';
import { useText } from '../text.ts';

const PAUSE_MS = 200;

export function SearchBox() {
  const { t } = useText();
  const [params, setParams] = useSearchParams();
  const asked = params.get('search') ?? '';
  const [text, setText] = useState(asked);
  const input = useRef<HTMLInputElement>(null);
  useKeys([
    {
      keys: ['/'],
      label: t('keys.search'),
      run: () => {
        input.current?.focus();
        input.current?.select();
      },
    },
  ]);
  useEffect(() => setText(asked), [asked]);
  useEffect(() => {
    if (text === asked) return;
    const timer = setTimeout(() => {
      setParams(
        (before) => {
          if (text.trim()) before.set('search', text);
          else before.delete('search');
          return before;
        },
        { replace: true },
      );
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, asked, setParams]);
  return (
    <div className="search" role="search">
      <Search size={16} aria-hidden />
      <input
        ref={input}
        type="search"
        aria-label={t('search.label')}
        placeholder={t('search.placeholder')}
        value={text}
        dir="auto"
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            setText('');
            event.currentTarget.blur();
          }
          // From the search straight into the list.
          if (event.key === 'ArrowDown' || event.key === 'Enter') event.currentTarget.blur();
        }}
      />
      {text ? (
        <button type="button" aria-label={t('search.clear')} onClick={() => setText('')}>
          <X size={16} aria-hidden />
        </button>
      ) : (
        <kbd aria-hidden="true">/</kbd>
      )}
    </div>
  );
}
