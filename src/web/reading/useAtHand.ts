import { useEffect, useState } from 'react';
import { AtHand } from './atHand.ts';

const SIGNS = ['pointermove', 'pointerdown', 'keydown', 'wheel'] as const;

/** The watch of a reading page; it hears of the page's visibility and of whoever sits before it. */
export function useAtHand(): AtHand {
  const [watch] = useState(() => new AtHand());
  useEffect(() => {
    const sign = () => watch.sign();
    const visibility = () => watch.visible(document.visibilityState === 'visible');
    for (const name of SIGNS) addEventListener(name, sign, { passive: true, capture: true });
    document.addEventListener('visibilitychange', visibility);
    return () => {
      for (const name of SIGNS) removeEventListener(name, sign, { capture: true });
      document.removeEventListener('visibilitychange', visibility);
    };
  }, [watch]);
  return watch;
}
