/** Claims beside local figures. Pure. */
import type { ClaimCard, ClaimFigure } from './types.ts';

/**
 * What has to be the same for two figures to stand on one axis: measure, arm, product and version, condition, reference, unit.
 * A figure of readers and one of a tool never are.
 */
export const axisOf = (card: ClaimCard, figure: ClaimFigure): string =>
  [
    figure.measure,
    figure.arm,
    figure.unit,
    card.condition,
    card.reference,
    card.product,
    card.productVersion,
  ].join('|');

/** Why a published figure and the local one of the same name are not the same thing. */
export const UNLIKE = ['second-hand', 'arm', 'condition', 'product', 'reference', 'unit'] as const;
export type Unlike = (typeof UNLIKE)[number];

/** The local figures are of the tool alone, per exam, against the conclusions of the practice's own readers. */
export function unlikeOf(
  card: ClaimCard,
  figure: ClaimFigure,
  local: { condition: readonly string[]; product: string },
): Unlike[] {
  const differs: Record<Unlike, boolean> = {
    'second-hand': card.secondHand,
    arm: figure.arm !== 'ai',
    condition: !local.condition.includes(card.condition),
    product: card.product !== local.product,
    reference: card.reference !== 'own-readers',
    unit: figure.unit !== 'exam',
  };
  return UNLIKE.filter((what) => differs[what]);
}

/** Where a number may be set against the local one at all: the same measure, of a tool alone, of the same condition. */
export const isNear = (unlike: readonly Unlike[]): boolean =>
  !unlike.includes('arm') && !unlike.includes('condition');
