/** Follow-up with all rooms on one store: it counts in the figures, is corrected, imported, made again from the log. */
import { expect, test } from 'vitest';
import { NegatoscopeError } from '../../errors.ts';
import type { Principal } from '../../people/types.ts';
import { standingOf } from '../../reading/index.ts';
import { migrations, MODEL, openHouse } from '../../reading/testing/house.ts';
import { eachStore } from '../../store/testing.ts';
import type { Db, Store } from '../../store/types.ts';
import { createLabelling } from '../labelling/index.ts';
import type { EvidenceTables } from '../tables.ts';
import { createReferences, type FollowUpForm } from './index.ts';

const code = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (thrown: unknown) => (thrown instanceof NegatoscopeError ? thrown.code : String(thrown)),
  );
const CT: FollowUpForm = { modelId: MODEL, method: 'cross-sectional', answer: 'yes', days: 9, withAi: false };

async function practice(store: Store) {
  const clock = { now: Date.now() };
  const now = () => ++clock.now;
  const { evidence: figures, ...house } = await openHouse(store, { now });
  const references = createReferences({ store, assist: house.assist, archive: house.archive, now });
  references.start();
  const reader = await house.person('Dr Lecteur', 'reader');
  const evidence = await house.person('Dr Preuve', 'evidence');
  let studies = 0;
  return {
    ...house,
    references,
    reader,
    evidence,
    now,
    /** A study that the tool has (not) marked, signed by a reader who was shown nothing. */
    async study(marked: boolean, answer: 'yes' | 'no' | null, by: Principal = reader) {
      const number = ++studies;
      const { studyUid, sopInstanceUid } = await house.image({
        study: `1.2.826.0.2.${number}`,
        accession: `ACC${number}`,
        studyDate: '20260110',
        patientId: `P${number % 2}`,
      });
      await house.run(studyUid, 'analysed', { [sopInstanceUid]: marked ? 0.9 : 0.1 });
      if (answer) await house.readAndSign(studyUid, by, answer);
      await store.events.settled();
      return studyUid;
    },
    async sensitivity() {
      const { sensitivity, references: origins } = (await figures.summary(MODEL)).accuracy;
      const { k, n } = sensitivity.uncertainAsPositive;
      return { k, n, origins: origins.map(({ origin, studies: count }) => `${origin} ${count}`) };
    },
  };
}

eachStore((_label, make) => {
  test('follow-up outranks the report and counts in accuracy; withdrawn, it does not', async () => {
    const store = await make({ migrations });
    const { references, reader, evidence, study, sensitivity } = await practice(store);
    const missed = await study(false, 'no');
    await study(true, 'yes');
    expect(await sensitivity()).toEqual({ k: 1, n: 1, origins: ['blind-conclusion 2'] });

    const entry = await references.enter(missed, CT, reader);
    expect(entry).toMatchObject({ answer: 'yes', days: 9, replaced: false, personName: 'Dr Lecteur' });
    expect(await sensitivity()).toEqual({ k: 1, n: 2, origins: ['follow-up 1', 'blind-conclusion 1'] });

    // Told by somebody who knew what the tool had said: kept, and not counted.
    const again = await references.enter(missed, { ...CT, withAi: true }, evidence, entry.id);
    expect(await sensitivity()).toEqual({ k: 1, n: 1, origins: ['blind-conclusion 2'] });
    expect(await code(references.enter(missed, CT, reader, entry.id))).toBe('entry-replaced');
    const third = await references.enter(missed, { ...CT, answer: 'uncertain' }, reader, again.id);
    await references.withdraw(third.id, reader);
    expect(await code(references.withdraw(third.id, reader))).toBe('entry-replaced');
    const { entries, ruling, references: all } = await references.ofStudy(missed, MODEL, reader);
    expect(entries.map(({ answer, replaced }) => [answer, replaced])).toEqual([
      [null, false],
      ['uncertain', true],
      ['yes', true],
      ['yes', true],
    ]);
    expect(ruling).toMatchObject({ answer: 'no', origin: 'blind-conclusion' });
    expect(all.map(({ origin }) => origin)).toEqual(['blind-conclusion']);
    expect(await sensitivity()).toEqual({ k: 1, n: 1, origins: ['blind-conclusion 2'] });
  });

  test('who may, and what is no follow-up', async () => {
    const { references, reader, person, study } = await practice(await make({ migrations }));
    const uid = await study(true, 'yes');
    const viewer = await person('Dr Autre', 'viewer' as never);
    const machine: Principal = { ...reader, personId: null, via: 'token' };
    for (const who of [viewer, machine]) {
      expect(await code(references.enter(uid, CT, who))).toBe('reference-forbidden');
      expect(await code(references.ofStudy(uid, MODEL, who))).toBe('reference-forbidden');
    }
    expect(await code(references.importCsv(MODEL, '', { dryRun: true }, reader))).toBe('reference-forbidden');
    expect(await code(references.enter('1.9', CT, reader))).toBe('study-unknown');
    expect(await code(references.enter(uid, { ...CT, modelId: 'x' }, reader))).toBe('model-unknown');
    expect(await code(references.enter(uid, { ...CT, days: 1.5 }, reader))).toBe('bad-reference');
    expect(await code(references.enter(uid, { ...CT, method: 'hearsay' as never }, reader))).toBe(
      'bad-reference',
    );
    expect(await code(references.enter(uid, CT, reader, 'nothing'))).toBe('entry-unknown');
    // Of a study that nobody has signed, a reader learns nothing.
    const unsigned = await study(true, null);
    await references.enter(unsigned, CT, reader);
    expect(await references.ofStudy(unsigned, MODEL, reader)).toMatchObject({ entries: [], ruling: null });
  });

  test('of two who correct the same entry at once, one is told', async () => {
    const { references, reader, evidence, study } = await practice(await make({ migrations }));
    const uid = await study(true, 'yes');
    const { id } = await references.enter(uid, CT, reader);
    const both = await Promise.allSettled([
      references.enter(uid, { ...CT, answer: 'no' }, reader, id),
      references.enter(uid, { ...CT, answer: 'uncertain' }, evidence, id),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('a file: tried first, entered whole or not at all, entered once', async () => {
    const { references, evidence, study, sensitivity } = await practice(await make({ migrations }));
    const uids = [await study(false, 'no'), await study(true, 'no'), await study(true, 'yes')];
    const file = (lines: string[]) => ['accession;study_uid;answer;method;date', ...lines].join('\n');
    const good = file([`ACC1;;yes;ct;2026-01-19`, `;${uids[1]};no;clinical;`]);
    const trial = await references.importCsv(MODEL, good, { dryRun: true }, evidence);
    expect(trial).toEqual({ rows: 2, entered: 2, known: 0, problems: [], dryRun: true });
    expect(await sensitivity()).toMatchObject({ k: 1, n: 1 });

    const wrong = file([
      `ACC1;;yes;ct;2026-01-19`,
      `ACC99;;yes;ct;`,
      `A*;;yes;ct;`,
      `ACC2;${uids[0]};yes;ct;`,
      `ACC3;;no;ct;2026-01-09`,
      `;${uids[0]};no;ct;`,
    ]);
    const refused = await references.importCsv(MODEL, wrong, { dryRun: false }, evidence);
    expect(refused).toMatchObject({ dryRun: true, problems: [
      { line: 3, code: 'no-study' },
      { line: 4, code: 'no-study' },
      { line: 5, code: 'no-study' },
      { line: 6, code: 'date-before-study' },
      { line: 7, code: 'twice' },
    ] }); // prettier-ignore
    expect(await sensitivity()).toMatchObject({ k: 1, n: 1 });

    expect(await references.importCsv(MODEL, good, { dryRun: false }, evidence)).toMatchObject({
      entered: 2,
      dryRun: false,
    });
    expect(await sensitivity()).toMatchObject({ k: 1, n: 2 });
    const { entries } = await references.ofStudy(uids[0]!, MODEL, evidence);
    expect(entries).toMatchObject([{ days: 9, source: 'import', method: 'cross-sectional' }]);
    expect(await references.importCsv(MODEL, good, { dryRun: false }, evidence)).toMatchObject({
      entered: 0,
      known: 2,
    });
    // The same study with another answer corrects what stood there.
    const other = good.replace('ACC1;;yes', 'ACC1;;no');
    expect(await references.importCsv(MODEL, other, { dryRun: false }, evidence)).toMatchObject({
      entered: 1,
      known: 1,
    });
    expect(
      (await references.ofStudy(uids[0]!, MODEL, evidence)).entries.map(({ replaced }) => replaced),
    ).toEqual([false, true]);
  });

  test('a queue counts once it is closed; a reader is not compared with what they labelled themselves', async () => {
    const store = await make({ migrations });
    const rooms = await practice(store);
    const { evidence, study, references, assist, archive, now, person } = rooms;
    const labelling = createLabelling({
      store,
      assist,
      archive,
      standing: (who) => standingOf(store, who),
      now,
    });
    const uids = [await study(true, 'yes'), await study(false, 'no')];
    const form = {
      modelId: MODEL,
      modelVersion: (await assist.model(MODEL))!.manifest.version,
      operatingPoint: 'balanced',
      from: 0,
      to: now() + 1_000_000,
      title: 'Poignets',
      sample: 5,
      second: 'none' as const,
      secondShare: 0,
      settling: 'third' as const,
      offerUnread: true,
    };
    const queue = await labelling.draw(form, evidence);
    const other = await person('Dr Autre', 'reader');
    for (let desk = await labelling.next(queue.id, other); desk.case;) {
      const { studyUid } = desk.case.study;
      desk = await labelling.label(queue.id, { studyUid, kind: 'reading', answer: 'yes', boxes: [] }, other);
    }
    expect((await references.ofStudy(uids[1]!, MODEL, evidence)).references).toHaveLength(1);
    await labelling.close(queue.id, evidence);
    await store.events.settled();
    // Both said yes of the first; of the second they differ.
    expect(await references.ofStudy(uids[0]!, MODEL, evidence)).toMatchObject({
      ruling: { answer: 'yes', origin: 'second-reading', rank: 2 },
    });
    expect(await references.ofStudy(uids[1]!, MODEL, evidence)).toMatchObject({
      ruling: { answer: 'uncertain', origin: 'disagreement' },
    });
    const facts = await (store.read as unknown as Db<EvidenceTables>)
      .selectFrom('reading_fact')
      .select(['study_uid', 'ref_answer', 'own_answer', 'own_origin'])
      .orderBy('study_uid')
      .execute();
    expect(facts).toEqual([
      { study_uid: uids[0], ref_answer: 'yes', own_answer: 'yes', own_origin: 'reading' },
      { study_uid: uids[1], ref_answer: 'uncertain', own_answer: 'yes', own_origin: 'reading' },
    ]);
  });

  test('the log alone makes the entries again, and the figures with them', async () => {
    const store = await make({ migrations });
    const { references, reader, study, sensitivity } = await practice(store);
    const uid = await study(false, 'no');
    const { id } = await references.enter(uid, CT, reader);
    await references.enter(uid, { ...CT, method: 'surgery' }, reader, id);
    await store.events.settled();
    const before = await references.ofStudy(uid, MODEL, reader);
    await store.write<{ reference_entry: object }, unknown>(async (tx) => {
      await (tx as never as import('kysely').Kysely<any>).deleteFrom('reference_entry').where('replaces', 'is not', null).execute(); // prettier-ignore
    });
    await references.rebuild();
    expect(await references.ofStudy(uid, MODEL, reader)).toEqual(before);
    expect(await sensitivity()).toMatchObject({ k: 0, n: 1 });
    // What the log keeps of it is codes and numbers.
    const [event] = await store.events.page({ kind: 'evidence.reference.entered', limit: 1 });
    expect(Object.keys(event!.payload!).sort()).toEqual([
      'answer',
      'at',
      'days',
      'method',
      'model_id',
      'replaces',
      'source',
      'with_ai',
    ]);
  });
});
