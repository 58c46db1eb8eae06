/** Plays a clip at the time it was recorded. */
import { useEffect, useRef, useState } from 'react';
import { metadataOf } from '../viewer/loading/dicomweb.ts';
import { cineTimingOf, evenTiming, frameAt, type CineTiming } from './cine.ts';
import type { Group } from './useStacks.ts';

export const SPEEDS = [0.25, 0.5, 1, 2, 4] as const;

export interface Cine {
  playing: boolean;
  speed: number;
  /** 0-based, both included. */
  range: { first: number; last: number };
  toggle(): void;
  pause(): void;
  setSpeed(speed: number): void;
  /** The next of SPEEDS up or down. */
  faster(by: 1 | -1): void;
  /** The present frame becomes an end of the loop; past the other end, that one goes back to the clip's. */
  setEnd(end: 'first' | 'last'): void;
}

/** `index` and `show` count from 0 within the clip. */
export function useCine(timing: CineTiming | null, index: number, show: (index: number) => void): Cine {
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState(1);
  const [range, setRange] = useState({ first: 0, last: 0 });
  const latest = useRef({ index, show });
  latest.current = { index, show };
  useEffect(() => {
    setPlaying(false);
    setSpeed(1);
    if (timing) setRange(timing.range);
  }, [timing]);

  useEffect(() => {
    if (!playing || !timing) return;
    const from = latest.current.index;
    let begun: number | undefined;
    let request = requestAnimationFrame(function tick(now) {
      begun ??= now;
      const next = frameAt(timing, { from, elapsed: now - begun, speed, ...range });
      if (next !== latest.current.index) latest.current.show(next);
      request = requestAnimationFrame(tick);
    });
    return () => cancelAnimationFrame(request);
  }, [playing, timing, speed, range.first, range.last]);

  const whole = timing ? timing.at.length - 2 : 0;
  return {
    playing,
    speed,
    range,
    toggle: () => timing && setPlaying((on) => !on),
    pause: () => setPlaying(false),
    setSpeed,
    faster: (by) => setSpeed((now) => SPEEDS[SPEEDS.indexOf(now as 1) + by] ?? now),
    setEnd(end) {
      const at = latest.current.index;
      setRange((now) =>
        end === 'first'
          ? { first: at, last: now.last > at ? now.last : whole }
          : { first: now.first < at ? now.first : 0, last: at },
      );
    },
  };
}

/** Of a stack that can be played: one instance says it itself, of several only their number is known. Null for all else. */
export function useClipTiming(group: Group | undefined): CineTiming | null {
  const [timing, setTiming] = useState<{ key: string; timing: CineTiming } | null>(null);
  const clip = group?.kind === 'clip' && group.shown.length > 1 ? group : undefined;
  const key = clip && `${clip.key} ${clip.shown.length}`;
  useEffect(() => {
    if (!clip || !key) return;
    let gone = false;
    const [first] = clip.shown;
    const single = clip.shown.every(({ instance }) => instance === first!.instance);
    const known = single
      ? metadataOf(first!.ref).then(cineTimingOf)
      : Promise.resolve(evenTiming(clip.shown.length));
    known.then(
      (found) => {
        if (gone) return;
        const fits = found.at.length === clip.shown.length + 1;
        setTiming({ key, timing: fits ? found : evenTiming(clip.shown.length) });
      },
      () => undefined, // the image itself will say what is wrong
    );
    return () => {
      gone = true;
    };
  }, [key]);
  return timing && timing.key === key ? timing.timing : null;
}
