/** Which safety limit a tool fell below, in words. */
import type { Breach } from '../../../doors/api/contract.ts';
import { percent } from '../../format.ts';
import { useText } from '../../text.ts';

export function BreachText({ breach }: { breach: Breach }) {
  const { t, language } = useText();
  const { safety, failures, cases } = breach;
  return (
    <>
      {t('breach.text', {
        measure: t(`measure.${safety.measure}`),
        limit: percent(safety.limit, language, 1),
        failures,
        cases,
      })}
    </>
  );
}
