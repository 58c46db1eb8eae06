/** Ten thousand rows, a screenful of them in the page: which rows of equal height a scrolled container needs. */
import { useEffect, useState } from 'react';
import type { RefObject } from 'react';

export interface RowWindow {
  start: number;
  end: number;
}
/** Rows `start` to `end` (exclusive) with `margin` more on both sides; pure. */
export function rowWindow(input: {
  scrollTop: number;
  height: number;
  rowHeight: number;
  count: number;
  margin?: number;
}): RowWindow {
  const { scrollTop, height, rowHeight, count, margin = 8 } = input;
  const start = Math.max(0, Math.floor(scrollTop / rowHeight) - margin);
  const end = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + margin);
  return { start: Math.min(start, Math.max(0, end)), end };
}

export function useRowWindow(
  container: RefObject<HTMLElement | null>,
  rowHeight: number,
  count: number,
): RowWindow {
  const [view, setView] = useState({ scrollTop: 0, height: 900 });
  useEffect(() => {
    const element = container.current;
    if (!element) return;
    const read = () => setView({ scrollTop: element.scrollTop, height: element.clientHeight });
    read();
    element.addEventListener('scroll', read, { passive: true });
    const observer = new ResizeObserver(read);
    observer.observe(element);
    return () => {
      element.removeEventListener('scroll', read);
      observer.disconnect();
    };
  }, [container]);
  return rowWindow({ ...view, rowHeight, count });
}
