/** What a month's report is made from. */
import type { Language } from '../../people/types.ts';
import { type Month, monthOf } from '../exports/month.ts';
import type { Overview } from '../overview/types.ts';
import type { Evidence } from '../types.ts';

export function createMonthly(deps: {
  evidence: Pick<Evidence, 'summary' | 'monitoring' | 'turnaround'>;
  overview: () => Promise<Overview>;
  timeZone: string;
  siteName: () => Promise<string>;
}) {
  const { evidence, overview, timeZone, siteName } = deps;
  return {
    month: (name: string): Month => monthOf(name, timeZone),
    /** @throws NegatoscopeError `month-unknown` (400) */
    async pdf(name: string, language: Language): Promise<Buffer> {
      const { from, to } = monthOf(name, timeZone);
      const all = await overview();
      const tools = [];
      for (const row of all.rows) {
        const range = { from, to };
        const [month, turnaround, monitoring] = await Promise.all([
          evidence.summary(row.modelId, range),
          evidence.turnaround(row.modelId, range),
          evidence.monitoring(row.modelId),
        ]);
        tools.push({ row, month, turnaround, monitoring });
      }
      // Not loaded at start: fonts and the writer of PDF take longer than all of the rooms.
      const { monthlyPdf } = await import('./pdf.ts');
      return monthlyPdf({ language, siteName: await siteName(), from, to, overview: all, tools });
    },
  };
}
export type Monthly = ReturnType<typeof createMonthly>;
