import type { ReportFields } from '../../doors/api/contract.ts';

/** The report on the screen: what the server has, over it what is on its way there, over it what was typed since. Pure. */
export const shownFields = (
  stored: ReportFields,
  sending: Partial<ReportFields>,
  typed: Partial<ReportFields>,
): ReportFields => ({ ...stored, ...sending, ...typed });
