import { z } from 'zod';

const time = z.coerce.number().int().min(0).optional();
/** Of signatures, ms: from the one on, before the other. */
export const Period = z.object({ from: time, to: time });

/** Without what was not asked. */
export const compact = (period: z.infer<typeof Period>): { from?: number; to?: number } => ({
  ...(period.from === undefined ? {} : { from: period.from }),
  ...(period.to === undefined ? {} : { to: period.to }),
});
