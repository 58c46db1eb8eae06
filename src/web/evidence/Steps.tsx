/** How far a tool may go: evaluation, shadow, pilot, routine. */
import type { Stage } from '../../doors/api/contract.ts';
import { useText } from '../text.ts';

export const STEPS: readonly Stage[] = ['evaluation', 'shadow', 'pilot', 'routine'];

export function Steps({ stage }: { stage: Stage }) {
  const { t } = useText();
  if (stage === 'retired' || stage === 'suspended')
    return <span className="chip warn">{t(`stage.name.${stage}`)}</span>;
  const at = STEPS.indexOf(stage);
  return (
    <ol className="steps" aria-label={t('evidence.stage')}>
      {STEPS.map((step, index) => (
        <li
          key={step}
          className={index < at ? 'done' : index === at ? 'on' : ''}
          aria-current={index === at ? 'step' : undefined}
        >
          {t(`stage.name.${step}`)}
        </li>
      ))}
    </ol>
  );
}
