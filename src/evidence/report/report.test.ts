import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { peopleMigrations } from '../../people/index.ts';
import { eachStore } from '../../store/testing.ts';
import { createEvidence, createMonthly, createOverview, evidenceMigrations } from '../index.ts';
import type { ReadingFact } from '../types.ts';

const ZONE = 'Europe/Paris';
const NOVEMBER = Date.UTC(2026, 10, 10, 9);
const manifest = { id: 'fracture', version: '1.0.0', name: { fr: 'Fractures', en: 'Fractures' }, regulatory: { status: 'research' }, operatingPoints: {}, defaultOperatingPoint: 'x' }; // prettier-ignore
const assist = {
  model: async () => ({ manifest }),
  models: async () => [{ manifest, enabled: true }],
} as never;

/** Poppler's text of a PDF, as a printer's reader would see it. */
function textOf(pdf: Buffer): string {
  const dir = mkdtempSync(join(tmpdir(), 'negatoscope-report-'));
  try {
    writeFileSync(join(dir, 'r.pdf'), pdf);
    return execFileSync('pdftotext', ['-layout', join(dir, 'r.pdf'), '-'], { encoding: 'utf8' });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

eachStore((_label, make) => {
  test('the report of a month: its figures, its limits, and that this is no certified device', async () => {
    const store = await make({ migrations: [...peopleMigrations, ...evidenceMigrations] });
    const evidence = createEvidence({ store, assist, timeZone: ZONE });
    await evidence.start();
    const fact = (i: number, signedAt: number): ReadingFact => ({ reportId: `r${i}`, studyUid: `1.2.${i}`, modelId: 'fracture', modelVersion: '1.0.0', stage: 'shadow', readerId: 'p', bodyPart: 'WRIST', priority: 'ROUTINE', arrivedAt: signedAt - 60_000, signedAt, aiPositive: i % 10 !== 0, aiScoreMax: 0.5, images: 1, marks: 1, marksRejected: 0, marksAccepted: 0, marksCorrected: 0, marksAdded: 0, conclusion: 'yes', blindConclusion: 'yes', inTraining: false, amended: false }); // prettier-ignore
    for (let i = 0; i < 50; i += 1) {
      const signedAt = i < 40 ? NOVEMBER + i * 60_000 : NOVEMBER - 40 * 86_400_000 + i;
      await store.write((tx) =>
        store.events.append(tx, {
          kind: 'reading.report.signed',
          studyUid: `1.2.${i}`,
          subject: `r${i}`,
          payload: { snapshot: { studyUid: `1.2.${i}`, facts: [fact(i, signedAt)] } },
        }),
      );
    }
    await store.events.settled();
    const overview = createOverview({ evidence, assist, timeZone: ZONE, now: () => NOVEMBER + 86_400_000 });
    const monthly = createMonthly({ evidence, overview, timeZone: ZONE, siteName: async () => 'Cabinet des Lilas' }); // prettier-ignore
    const pdf = await monthly.pdf('2026-11', 'fr');
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    // The same bytes for the same evidence.
    expect((await monthly.pdf('2026-11', 'fr')).equals(pdf)).toBe(true);
    const french = textOf(pdf).replace(/[\s\u00a0]+/g, ' ');
    expect(french).toContain('pas un dispositif médical certifié');
    expect(french).toContain('novembre 2026');
    expect(french).toContain('Cabinet des Lilas');
    expect(french).toContain('40 examens lus ce mois-ci, 50 en tout');
    // 36 of 40 in the month, 45 of 50 in all: Wilson 95 %.
    expect(french).toMatch(/90 % \(77 % à 96 %\) · 36\/40/);
    expect(french).toMatch(/90 % \(79 % à 96 %\) · 45\/50/);
    const english = textOf(await monthly.pdf('2026-11', 'en')).replace(/[\s\u00a0]+/g, ' ');
    expect(english).toContain('not a certified medical device');
    expect(english).toContain('November 2026');
    await expect(monthly.pdf('2026-13', 'fr')).rejects.toThrow('month');
  });
});
