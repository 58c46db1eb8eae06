/** Play, step, speed and loop of a clip: the same for images and for video. */
import { ChevronLeft, ChevronRight, Pause, Play } from 'lucide-react';
import { number } from '../../format.ts';
import { useText } from '../../text.ts';
import { SPEEDS } from './useCine.ts';

export function CineBar(props: {
  count: number;
  /** 0-based. */
  index: number;
  playing: boolean;
  speed: number;
  range: { first: number; last: number };
  /** Frames a second as recorded; null: the header says nothing of time. */
  rate: number | null;
  onIndex: (index: number) => void;
  onToggle: () => void;
  onSpeed: (speed: number) => void;
  onEnd: (end: 'first' | 'last') => void;
}) {
  const { t, language } = useText();
  const { count, index, playing, range } = props;
  const step = (by: number) => props.onIndex((index + by + count) % count);
  return (
    <div className="cine" role="group" aria-label={t('cine.label')}>
      <button type="button" className="light-tool" aria-label={t('cine.back')} onClick={() => step(-1)}>
        <ChevronLeft size={18} aria-hidden />
      </button>
      <button
        type="button"
        className="light-tool"
        aria-label={playing ? t('cine.pause') : t('cine.play')}
        aria-keyshortcuts="Space"
        title={`${playing ? t('cine.pause') : t('cine.play')} (${t('cine.space')})`}
        onClick={props.onToggle}
      >
        {playing ? <Pause size={18} aria-hidden /> : <Play size={18} aria-hidden />}
      </button>
      <button type="button" className="light-tool" aria-label={t('cine.forward')} onClick={() => step(1)}>
        <ChevronRight size={18} aria-hidden />
      </button>
      <input
        type="range"
        min={0}
        max={Math.max(0, count - 1)}
        value={index}
        aria-label={t('cine.frame')}
        aria-valuetext={t('viewer.image', { number: index + 1, count })}
        style={{
          ['--from' as string]: `${(range.first / Math.max(1, count - 1)) * 100}%`,
          ['--to' as string]: `${(range.last / Math.max(1, count - 1)) * 100}%`,
        }}
        onChange={(event) => props.onIndex(Number(event.currentTarget.value))}
      />
      <span className="num small cine-at">
        {index + 1}/{count}
      </span>
      <button
        type="button"
        className="light-tool text wide"
        aria-keyshortcuts="["
        title={`${t('cine.loopFrom')} ([)`}
        onClick={() => props.onEnd('first')}
      >
        {t('cine.from', { frame: range.first + 1 })}
      </button>
      <button
        type="button"
        className="light-tool text wide"
        aria-keyshortcuts="]"
        title={`${t('cine.loopTo')} (])`}
        onClick={() => props.onEnd('last')}
      >
        {t('cine.to', { frame: range.last + 1 })}
      </button>
      <select
        aria-label={t('cine.speed')}
        value={props.speed}
        onChange={(event) => props.onSpeed(Number(event.currentTarget.value))}
      >
        {SPEEDS.map((speed) => (
          <option key={speed} value={speed}>
            × {number(speed, language, speed < 1 ? 2 : 0)}
          </option>
        ))}
      </select>
      <span className="num small faint wide">
        {props.rate === null
          ? t('cine.noRate')
          : t('cine.rate', { rate: number(props.rate * props.speed, language, 0) })}
      </span>
    </div>
  );
}
