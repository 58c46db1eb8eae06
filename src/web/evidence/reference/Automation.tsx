/** What readers do with what the tool says. */
import type { Measures } from '../../../doors/api/contract.ts';
import { duration } from '../../format.ts';
import { useText } from '../../text.ts';
import { Count, Rate } from './Rate.tsx';
import type { OpenMeasure } from './Truth.tsx';

export function Overrides({ data, open }: { data: Measures['overrides']; open: OpenMeasure }) {
  const { t } = useText();
  const any = data.markedSignedNo.n + data.unmarkedSignedYes.n > 0;
  return (
    <section className="box">
      <h3>{t('overrides.title')}</h3>
      {!any && <p className="small">{t('overrides.none')}</p>}
      {any && (
        <dl className="effects">
          <Line title={t('overrides.markedSignedNo')}>
            <Rate of={data.markedSignedNo} onOpen={() => open({ which: 'marked-signed-no' })} />
          </Line>
          <Line title={t('overrides.unmarkedSignedYes')}>
            <Rate of={data.unmarkedSignedYes} onOpen={() => open({ which: 'unmarked-signed-yes' })} />
          </Line>
          <Line title={t('overrides.toolRight')}>
            <Rate of={data.overruledToolRight} />
          </Line>
          <Line title={t('overrides.rejected')}>
            <span className="num">{t('evidence.of', { k: data.rejected, n: data.marks })}</span>
          </Line>
        </dl>
      )}
      {data.reasons.length > 0 && (
        <p className="small num">
          {t('overrides.reasons')}{' '}
          {data.reasons.map(({ reason, marks }) => `${t(`overrides.reason.${reason}`)} ${marks}`).join(' · ')}
        </p>
      )}
    </section>
  );
}

export function Automation({ data, open }: { data: Measures['automation']; open: OpenMeasure }) {
  const { t, language } = useText();
  const { changes, readingMs } = data;
  const time = ({ n, median, q1, q3 }: (typeof readingMs)['followed']) =>
    median === null || q1 === null || q3 === null
      ? '–'
      : t('automation.time', {
          median: duration(median, language),
          q1: duration(q1, language),
          q3: duration(q3, language),
          n,
        });
  return (
    <section className="box">
      <h3>{t('automation.title')}</h3>
      <p className="small muted">{t('automation.text')}</p>
      {data.studies === 0 && <p className="small">{t('automation.none')}</p>}
      {data.studies > 0 && (
        <dl className="effects">
          <Line title={t('automation.followedWrong')}>
            <Rate of={data.followedWrong} onOpen={() => open({ which: 'followed-wrong' })} />
          </Line>
          <Line title={t('automation.followedRight')}>
            <Rate of={data.followedRight} onOpen={() => open({ which: 'followed-right' })} />
          </Line>
          <Line title={t('automation.towardWrong')}>
            <Count n={changes.towardWrong} onOpen={() => open({ which: 'toward-wrong' })} />
          </Line>
          <Line title={t('automation.towardRight')}>
            <Count n={changes.towardRight} onOpen={() => open({ which: 'toward-right' })} />
          </Line>
        </dl>
      )}
      {(readingMs.followed.n > 0 || readingMs.overruled.n > 0) && (
        <dl className="effects">
          <Line title={t('automation.timeFollowed')}>
            <span className="num">{time(readingMs.followed)}</span>
          </Line>
          <Line title={t('automation.timeOverruled')}>
            <span className="num">{time(readingMs.overruled)}</span>
          </Line>
        </dl>
      )}
    </section>
  );
}

function Line({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  );
}
