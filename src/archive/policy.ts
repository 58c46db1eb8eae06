/** What is deleted without a person's hand: nothing, until an administrator writes a rule. */
import { z } from 'zod';
import { settingOf } from '../store/setting.ts';
import type { Db, Tx } from '../store/types.ts';
import type { ArchiveTables } from './tables.ts';
import type { DeletionPolicy } from './types.ts';

/** Studies among these with a signed report, and when it was signed, ms UTC. */
export type SignedAt = (
  tx: Tx<ArchiveTables>,
  studyUids: readonly string[],
) => Promise<ReadonlyMap<string, number>>;

export const POLICY_SETTING = 'archive.deletion';

export const policyShape = z.object({
  recycleDays: z.number().int().min(1).max(3650),
  retentionYears: z.number().int().min(1).max(100),
  rules: z
    .array(
      z.object({
        modality: z.string().regex(/^[A-Z0-9_]{0,16}$/),
        olderThanYears: z.number().int().min(1).max(150),
      }),
    )
    .max(50),
});

/**
 * 20 years: what French hospitals keep a patient's record from the last visit (Code de la santé publique, R1112-7); a practice
 * elsewhere sets its own.
 */
export const DEFAULT_POLICY: DeletionPolicy = { recycleDays: 30, retentionYears: 20, rules: [] };

export async function readPolicy(db: Db<any> | Tx<any>): Promise<DeletionPolicy> {
  const text = await settingOf(db, POLICY_SETTING);
  return text === undefined ? DEFAULT_POLICY : (JSON.parse(text) as DeletionPolicy);
}

const yearsAfter = (at: number, years: number): number => {
  const date = new Date(at);
  date.setUTCFullYear(date.getUTCFullYear() + years);
  return date.getTime();
};
export const retentionEnds = (signedAt: number, policy: DeletionPolicy): number =>
  yearsAfter(signedAt, policy.retentionYears);

/** Last study date, YYYYMMDD, that a rule reaches: older by whole years than today. */
export const cutoffOf = (now: number, years: number): string =>
  new Date(yearsAfter(now, -years)).toISOString().slice(0, 10).replaceAll('-', '');
