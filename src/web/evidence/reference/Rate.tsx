/** A proportion in words: the percentage with its interval, or the counts where there are few. */
import type { Proportion } from '../../../doors/api/contract.ts';
import { percent } from '../../format.ts';
import { useText } from '../../text.ts';

export function Rate({ of, onOpen }: { of: Proportion; onOpen?: (() => void) | undefined }) {
  const { t, language } = useText();
  const { k, n, value, low, high, enough } = of;
  const shown = enough && value !== null && low !== null && high !== null;
  const text = n === 0 ? '–' : shown ? percent(value, language) : `${k} / ${n}`;
  return (
    <span className="rate num">
      {onOpen && n > 0 ? (
        <button type="button" className="figure" onClick={onOpen}>
          {text}
        </button>
      ) : (
        text
      )}
      {shown && (
        <small className="muted">
          {t('evidence.range', { low: percent(low, language), high: percent(high, language) })} ·{' '}
          {t('evidence.of', { k, n })}
        </small>
      )}
    </span>
  );
}

/** A count that opens its studies. */
export function Count({ n, onOpen }: { n: number; onOpen: () => void }) {
  return (
    <button type="button" className="figure num" disabled={n === 0} onClick={onOpen}>
      {n}
    </button>
  );
}
