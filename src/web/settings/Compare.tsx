/** How two instances of one identifier differ: their pixels in a sentence, their elements in a table. */
import type { QuarantineView } from '../../doors/api/contract.ts';
import { number } from '../format.ts';
import { useText } from '../text.ts';

type Comparison = NonNullable<QuarantineView['comparison']>;

export function Compare({ comparison }: { comparison: Comparison }) {
  const { t, language } = useText();
  const { elements, more } = comparison;
  return (
    <div className="stack wide">
      <p>{usePixelSentence(comparison.pixels)}</p>
      {elements.length === 0 ? (
        <p className="muted">{t('quarantine.sameElements')}</p>
      ) : (
        <>
          <h3>{t('quarantine.differences', { count: elements.length })}</h3>
          <div className="scroll-x" tabIndex={0} role="region" aria-label={t('quarantine.differs')}>
            <table className="table differences">
              <thead>
                <tr>
                  <th scope="col">{t('quarantine.element')}</th>
                  <th scope="col">{t('quarantine.here')}</th>
                  <th scope="col">{t('quarantine.new')}</th>
                </tr>
              </thead>
              <tbody>
                {elements.map((each) => (
                  <tr key={each.tag}>
                    <th scope="row">
                      {each.name ?? t('quarantine.private')}
                      <span className="mono faint block">{each.tag}</span>
                    </th>
                    {[each.here, each.there].map((value, side) => (
                      <td key={side} dir="auto">
                        {value === null ? (
                          <i className="muted">{t('quarantine.absent')}</i>
                        ) : value === '' ? (
                          <i className="muted">{t('quarantine.empty')}</i>
                        ) : (
                          value
                        )}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {more && (
            <p className="muted">
              {t('quarantine.moreDifferences', { n: number(elements.length, language) })}
            </p>
          )}
        </>
      )}
    </div>
  );
}

function usePixelSentence(pixels: Comparison['pixels']): string {
  const { t, language } = useText();
  if (pixels.verdict !== 'different') return t(`quarantine.pixels.${pixels.verdict}`);
  if (pixels.frames[0] !== pixels.frames[1])
    return t('quarantine.pixels.frames', { here: pixels.frames[0], there: pixels.frames[1] });
  if (!pixels.first) return t('quarantine.pixels.different');
  return t('quarantine.pixels.where', {
    n: number(pixels.pixels, language),
    frame: pixels.first.frame,
    x: pixels.first.x,
    y: pixels.first.y,
    largest: number(pixels.largest, language),
  });
}
