/** A clip that is stored as video, with the controls of any other clip where the browser can play it. */
import { useEffect, useMemo, useRef, useState } from 'react';
import { useKeys } from '../../keys.ts';
import { useText } from '../../text.ts';
import { CineBar } from '../stacks/CineBar.tsx';
import { cineTimingOf, rateOf } from '../stacks/cine.ts';
import { SPEEDS } from '../stacks/useCine.ts';
import { instanceUrl, type InstanceRef, type Metadata } from '../viewer/loading/dicomweb.ts';

export function VideoView({ instance, metadata }: { instance: InstanceRef; metadata: Metadata }) {
  const { t } = useText();
  const video = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState<'loading' | 'ready' | 'failed'>('loading');
  const [playing, setPlaying] = useState(false);
  const [time, setTime] = useState(0);
  const [speed, setSpeed] = useState(1);
  const timing = useMemo(() => cineTimingOf(metadata), [metadata]);
  const count = timing.at.length - 1;
  const [range, setRange] = useState(timing.range);
  const rate = rateOf(timing);
  // The stream has its own clock: a frame is its share of the whole.
  const length = video.current?.duration;
  const frameMs = length && Number.isFinite(length) ? (length * 1000) / count : 1000 / rate;
  const index = Math.min(count - 1, Math.max(0, Math.floor((time * 1000) / frameMs + 0.01)));
  /** Into the middle of the frame, so that rounding cannot show its neighbour. */
  const seek = (to: number) => {
    if (video.current) video.current.currentTime = ((to + 0.5) * frameMs) / 1000;
  };
  const toggle = () => {
    const player = video.current;
    if (!player || state !== 'ready') return;
    if (player.paused) void player.play().catch(() => setState('failed'));
    else player.pause();
  };
  const setEnd = (end: 'first' | 'last') =>
    setRange((now) =>
      end === 'first'
        ? { first: index, last: now.last > index ? now.last : count - 1 }
        : { first: now.first < index ? now.first : 0, last: index },
    );
  const faster = (by: 1 | -1) => setSpeed((now) => SPEEDS[SPEEDS.indexOf(now as 1) + by] ?? now);
  useEffect(() => {
    if (video.current) video.current.playbackRate = speed;
  }, [speed]);
  useEffect(() => {
    if (playing && (index > range.last || index < range.first)) seek(range.first);
  }, [playing, index, range.first, range.last]);
  useEffect(() => {
    if (!playing) return;
    let request = requestAnimationFrame(function tick() {
      setTime(video.current?.currentTime ?? 0);
      request = requestAnimationFrame(tick);
    });
    return () => cancelAnimationFrame(request);
  }, [playing]);
  useKeys([
    { keys: [' '], label: t('cine.play'), run: toggle },
    { keys: ['['], label: t('cine.loopFrom'), run: () => setEnd('first') },
    { keys: [']'], label: t('cine.loopTo'), run: () => setEnd('last') },
    { keys: ['>'], label: t('cine.faster'), run: () => faster(1) },
    { keys: ['<'], label: t('cine.slower'), run: () => faster(-1) },
    { keys: ['ArrowRight'], label: '', run: () => seek((index + 1) % count) },
    { keys: ['ArrowLeft'], label: '', run: () => seek((index - 1 + count) % count) },
  ]);
  return (
    <div className="video" data-state={state}>
      {state !== 'failed' && (
        <video
          ref={video}
          src={`${instanceUrl(instance)}/rendered`}
          muted
          playsInline
          loop
          preload="auto"
          aria-label={t('kind.video')}
          onLoadedData={() => setState('ready')}
          onPlay={() => setPlaying(true)}
          onPause={() => setPlaying(false)}
          onSeeked={(event) => setTime(event.currentTarget.currentTime)}
          onError={() => setState('failed')}
        />
      )}
      {state === 'failed' && (
        <p className="object-word" role="alert">
          {t('objects.videoCannot')}
        </p>
      )}
      {state === 'ready' && (
        <CineBar
          count={count}
          index={index}
          playing={playing}
          speed={speed}
          range={range}
          rate={timing.source === 'default' ? null : rate}
          onIndex={seek}
          onToggle={toggle}
          onSpeed={setSpeed}
          onEnd={setEnd}
        />
      )}
    </div>
  );
}
