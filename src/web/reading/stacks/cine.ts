/** When each frame of a clip is shown: PS3.3 C.7.6.5 (Cine), C.7.6.16.2.2 (Frame Content). Pure. */
import { number, numbers, text, type Metadata } from '../viewer/loading/dicomweb.ts';
import { framesOf, group } from './frameData.ts';

export interface CineTiming {
  /** ms after the first frame at which each begins, and at the end the whole length: `frames + 1` values. */
  at: number[];
  /** Which attribute said so; `default` where none does. */
  source:
    'FrameTimeVector' | 'FrameTime' | 'RecommendedDisplayFrameRate' | 'CineRate' | 'acquisition' | 'default';
  /** Played forward and back, PreferredPlaybackSequencing 1. */
  sweep: boolean;
  /** The part to play, from the header's trim; 0-based, the last one included. */
  range: { first: number; last: number };
}

/** Where the header says nothing of time, ms a frame: 15 frames a second. */
export const DEFAULT_FRAME_MS = 1000 / 15;
/** A frame shorter or longer than this is taken for a mistake, ms. */
const SENSIBLE = (ms: number): boolean => ms >= 1 && ms <= 60_000;

export function cineTimingOf(data: Metadata): CineTiming {
  const frames = framesOf(data);
  const { steps, source } = stepsOf(data, frames);
  const at = [0];
  for (const step of steps) at.push(at.at(-1)! + step);
  const trim = (tag: string, otherwise: number) => {
    const value = (number(data, tag) ?? otherwise + 1) - 1;
    return value >= 0 && value < frames ? value : otherwise;
  };
  const first = trim('00082142', 0);
  const last = trim('00082143', frames - 1);
  return {
    at,
    source,
    sweep: number(data, '00181244') === 1,
    range: first < last ? { first, last } : { first: 0, last: frames - 1 },
  };
}

function stepsOf(data: Metadata, frames: number): { steps: number[]; source: CineTiming['source'] } {
  const even = (ms: number): number[] => Array.from({ length: frames }, () => ms);
  const vector = numbers(data, '00181065');
  // The first value is that of the first frame, 0 or its own time; a frame lasts until the next begins (C.7.6.5.1.2).
  const pointer = text(data, '00280009');
  if (vector.length === frames && pointer !== '00181063') {
    const steps = vector.slice(1);
    if (steps.every(SENSIBLE) && steps.length)
      return { steps: [...steps, steps.at(-1)!], source: 'FrameTimeVector' };
  }
  const frameTime = number(data, '00181063');
  if (frameTime !== undefined && SENSIBLE(frameTime)) return { steps: even(frameTime), source: 'FrameTime' };
  const recommended = 1000 / (number(data, '00082144') ?? NaN);
  if (SENSIBLE(recommended)) return { steps: even(recommended), source: 'RecommendedDisplayFrameRate' };
  const rate = 1000 / (number(data, '00180040') ?? NaN);
  if (SENSIBLE(rate)) return { steps: even(rate), source: 'CineRate' };
  const acquired = acquiredSteps(data, frames);
  return acquired
    ? { steps: acquired, source: 'acquisition' }
    : { steps: even(DEFAULT_FRAME_MS), source: 'default' };
}

/** From the trigger delay of each frame of an enhanced object, ms (PS3.3 C.7.6.16.2.7). */
function acquiredSteps(data: Metadata, frames: number): number[] | undefined {
  if (frames < 2) return undefined;
  const delays = Array.from({ length: frames }, (_, i) =>
    number(group(data, 'cardiacSynchronization', i + 1), '00209153'),
  );
  const steps = delays.slice(1).map((delay, i) => (delay ?? NaN) - (delays[i] ?? NaN));
  return steps.every(SENSIBLE) ? [...steps, steps.at(-1)!] : undefined;
}

/** A clip of which nothing is known but the number of its frames. */
export const evenTiming = (frames: number): CineTiming => ({
  at: Array.from({ length: frames + 1 }, (_, i) => i * DEFAULT_FRAME_MS),
  source: 'default',
  sweep: false,
  range: { first: 0, last: frames - 1 },
});

/** Frames a second, on average. */
export const rateOf = ({ at }: CineTiming): number => ((at.length - 1) * 1000) / at.at(-1)!;

/**
 * The frame to show at a moment of playing: frames are left out where the screen is slower than the recording, so that a heart
 * beats at its own rate.
 *
 * @param elapsed ms since `from` began to be shown
 */
export function frameAt(
  { at, sweep }: Pick<CineTiming, 'at' | 'sweep'>,
  play: { from: number; elapsed: number; speed: number; first: number; last: number },
): number {
  const { first, last, speed } = play;
  const from = Math.min(last, Math.max(first, play.from));
  const length = at[last + 1]! - at[first]!;
  if (!(length > 0) || first >= last) return first;
  let moment = at[from]! - at[first]! + Math.max(0, play.elapsed) * speed;
  if (sweep) {
    // Back again without showing either end twice in a row.
    const back = at[last]! - at[first + 1]!;
    moment %= length + back;
    if (moment >= length) moment = at[last]! - at[first]! - (moment - length) - 1e-9;
  } else moment %= length;
  let frame = first;
  while (frame < last && at[frame + 1]! - at[first]! <= moment) frame++;
  return frame;
}
