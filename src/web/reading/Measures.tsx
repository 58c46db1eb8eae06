/** The list of measurements, annotations and key images beside the image: found, put into the report, taken away. */
import { Bookmark, CornerDownLeft, Redo2, Trash2, Undo2 } from 'lucide-react';
import type { Language, Mark } from '../../doors/api/contract.ts';
import { labelLines, sentenceOf } from '../../measure/words.ts';
import { useText } from '../text.ts';
import type { Marks } from './viewer/marks/useMarks.ts';

/** The text with the sentence on a line of its own; unchanged when it stands there already. */
export function withSentence(text: string, sentence: string): string {
  if (sentence === '' || text.split('\n').includes(sentence)) return text;
  return text.trim() === '' ? sentence : `${text.replace(/\n+$/, '')}\n${sentence}`;
}

export function Measures(props: {
  marks: Marks;
  /** Number of the image in its stack, for people; null where there is one. */
  placeOf: (mark: Mark) => number | null;
  selected: string | null;
  onSelect: (mark: Mark) => void;
  /** Null: there is no report to write into. */
  report: { text: string; language: Language; onText: (text: string) => void } | null;
}) {
  const { t, language } = useText();
  const { marks, report } = props;
  if (marks.marks.length === 0 && !marks.canUndo && !marks.canRedo) return null;
  return (
    <section className="sec measures-list" aria-label={t('marks.title')}>
      <h2>
        {t('marks.title')}
        <span className="rowline">
          <button
            type="button"
            className="btn ghost icon"
            aria-label={t('marks.undo')}
            title={`${t('marks.undo')} (Ctrl Z)`}
            disabled={!marks.canUndo}
            onClick={marks.undo}
          >
            <Undo2 size={16} aria-hidden />
          </button>
          <button
            type="button"
            className="btn ghost icon"
            aria-label={t('marks.redo')}
            title={`${t('marks.redo')} (Ctrl Y)`}
            disabled={!marks.canRedo}
            onClick={marks.redo}
          >
            <Redo2 size={16} aria-hidden />
          </button>
        </span>
      </h2>
      {!marks.kept && <p className="muted small">{t('marks.notKept')}</p>}
      <ul>
        {marks.marks.map((mark) => {
          const place = props.placeOf(mark);
          const sentence = report ? sentenceOf(mark, place, report.language) : '';
          return (
            <li key={mark.id} data-selected={mark.id === props.selected || undefined}>
              <button type="button" className="name" onClick={() => props.onSelect(mark)}>
                <span className="kind">
                  {mark.kind === 'key' && <Bookmark size={14} aria-hidden />}
                  {t(`marks.kind.${mark.kind}`)}
                </span>
                <span className="num">{labelLines(mark, language).join(' · ')}</span>
                {place !== null && <span className="faint small">{t('marks.image', { number: place })}</span>}
              </button>
              {report && sentence && (
                <button
                  type="button"
                  className="btn ghost icon"
                  aria-label={t('marks.toReport')}
                  title={t('marks.toReport')}
                  disabled={withSentence(report.text, sentence) === report.text}
                  onClick={() => report.onText(withSentence(report.text, sentence))}
                >
                  <CornerDownLeft size={16} aria-hidden />
                </button>
              )}
              <button
                type="button"
                className="btn ghost icon"
                aria-label={t('marks.remove')}
                title={t('marks.remove')}
                onClick={() => marks.remove(mark.id)}
              >
                <Trash2 size={16} aria-hidden />
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
