import { expect, test } from 'vitest';
import { NegatoscopeError } from '../../errors.ts';
import { createPeople, peopleMigrations } from '../../people/index.ts';
import type { Principal, Role } from '../../people/types.ts';
import { canonicalJson, sha256Of } from '../../store/canonical.ts';
import { eachStore } from '../../store/testing.ts';
import type { Store } from '../../store/types.ts';
import { createEvidence, evidenceMigrations } from '../index.ts';
import type { Answer, ReadingFact, Stage } from '../types.ts';
import type { Validated } from './index.ts';
import type { ProtocolForm } from './types.ts';

const MODEL = 'fracture';
const migrations = [...peopleMigrations, ...evidenceMigrations];
const code = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (thrown: unknown) => (thrown instanceof NegatoscopeError ? thrown.code : String(thrown)),
  );
const form = (more: Partial<ProtocolForm> = {}): ProtocolForm => ({
  stage: 'evaluation',
  source: 'readings',
  reference: 'Conclusion of the signed report, written before AI was seen.',
  hypotheses: [{ measure: 'sensitivity', target: 0.9, margin: 0.1, design: 'fixed', cases: 40 }],
  subgroups: [],
  safety: [],
  futility: false,
  days: null,
  ...more,
});

async function house(store: Store) {
  let clock = 1_800_000_000_000;
  const now = () => ++clock;
  const validated: Validated[] = [];
  const people = createPeople({ store });
  const assist = {
    model: async (id: string) =>
      id === MODEL
        ? ({ manifest: { id, version: '1.0.0', operatingPoints: {}, defaultOperatingPoint: 'x' } } as never)
        : undefined,
  };
  const evidence = createEvidence({
    store,
    assist,
    timeZone: 'Europe/Paris',
    now,
    validated: async () => validated,
  });
  await evidence.start!();
  let persons = 0;
  let studies = 0;
  const person = async (...roles: Role[]): Promise<Principal> => {
    const login = `person${++persons}`;
    const { id } = await people.add(
      { login, name: `Dr ${login}`, password: 'correct horse battery', roles, language: 'fr' },
      null,
    );
    return { personId: id, name: login, roles: new Set(roles), via: 'session', language: 'fr' };
  };
  const chief = await person('admin', 'reader');
  /** Signed reports: the reader's own conclusion, and whether the tool had marked the study. */
  async function many(n: number, answer: Answer | null, marked: boolean, more: Partial<ReadingFact> = {}) {
    const { stage } = await evidence.stage(MODEL);
    await store.write(async (tx) => {
      for (let i = 0; i < n; i += 1) {
        const at = now();
        studies += 1;
        const fact: ReadingFact = {
          reportId: `r${studies}`,
          studyUid: `1.2.${studies}`,
          modelId: MODEL,
          modelVersion: '1.0.0',
          stage,
          readerId: 'p',
          bodyPart: 'WRIST',
          priority: 'ROUTINE',
          arrivedAt: at - 60_000,
          signedAt: at,
          aiPositive: marked,
          aiScoreMax: 0.5,
          images: 1,
          marks: Number(marked),
          marksRejected: 0,
          marksAccepted: 0,
          marksCorrected: 0,
          marksAdded: 0,
          conclusion: answer,
          blindConclusion: answer,
          inTraining: false,
          amended: false,
          ...more,
        };
        await store.events.append(tx, {
          kind: 'reading.report.signed',
          studyUid: fact.studyUid,
          subject: fact.reportId,
          payload: { snapshot: { studyUid: fact.studyUid, facts: [fact] } },
        });
      }
    });
    await store.events.settled();
  }
  return {
    evidence,
    gates: evidence.gates,
    chief,
    person,
    validated,
    pass: (ms: number) => (clock += ms),
    now,
    sign: (answer: Answer | null, marked: boolean, more: Partial<ReadingFact> = {}) =>
      many(1, answer, marked, more),
    many,
    set: (to: Stage, readers: Principal[] = [], by = chief) =>
      evidence.setStage(
        MODEL,
        to,
        { readers: readers.map((each) => each.personId!), reason: 'Parce que.' },
        by,
      ),
    gate: async () => (await evidence.gates.view(MODEL, chief)).gate!,
    async until(stage: Stage) {
      for (let i = 0; i < 100 && (await evidence.stage(MODEL)).stage !== stage; i += 1)
        await new Promise((resolve) => setTimeout(resolve, 50));
      return (await evidence.stage(MODEL)).stage;
    },
  };
}

eachStore((_label, make) => {
  test('a protocol: stamped, chained, replaced before its first case, and never after it', async () => {
    const store = await make({ migrations });
    const { gates, chief, person, sign, evidence } = await house(store);
    const reader = await person('reader');
    const admin = await person('admin');
    expect((await gates.view(MODEL, reader)).gate).toMatchObject({ verdict: 'no-protocol', reasons: [] });
    for (const who of [reader, admin])
      expect(await code(gates.register(MODEL, form(), who))).toBe('protocol-forbidden');
    const claims = { ...admin, roles: new Set<Role>(['admin', 'reader']) };
    expect(await code(gates.register(MODEL, form(), claims))).toBe('protocol-forbidden');
    expect(await code(gates.register('nothing', form(), chief))).toBe('model-unknown');
    // A case before the registration is none of its cases.
    await sign('yes', true);

    const first = await gates.register(MODEL, form(), chief);
    const second = await gates.register(MODEL, form({ days: 90 }), chief);
    const view = await gates.view(MODEL, chief);
    expect(view.protocols.map(({ number, replaced, begunAt }) => ({ number, replaced, begunAt }))).toEqual([
      { number: 2, replaced: false, begunAt: null },
      { number: 1, replaced: true, begunAt: null },
    ]);
    const body = { ...form({ days: 90 }), format: 1, modelId: MODEL, modelVersion: '1.0.0' };
    expect(second.sha256).toBe(sha256Of(canonicalJson(body)));
    expect(first.sha256).not.toBe(second.sha256);
    await store.events.settled();
    const [event] = await store.events.page({ kind: 'evidence.protocol.registered' });
    expect(event).toMatchObject({
      subject: second.id,
      actor: chief.personId,
      payload: { sha256: second.sha256, number: 2, body },
    });

    // Without a conclusion, and of training data: no case.
    await sign(null, true);
    await sign('yes', true, { inTraining: true });
    expect((await gates.view(MODEL, chief)).protocols[0]!.begunAt).toBeNull();
    await sign('no', false);
    const begun = (await gates.view(MODEL, chief)).protocols[0]!;
    expect(begun.begunAt).not.toBeNull();
    expect(await code(gates.register(MODEL, form(), chief))).toBe('protocol-begun');
    // Other stages have their own.
    expect(await code(gates.register(MODEL, form({ stage: 'pilot' }), chief))).toBe('none');

    await gates.deviate(second.id, 'Two weeks without the second machine.\u0000', chief);
    expect(await code(gates.deviate(second.id, ' ', chief))).toBe('reason-missing');
    expect(await code(gates.deviate(second.id, 'x', reader))).toBe('protocol-forbidden');
    expect(await code(gates.deviate('x', 'x', chief))).toBe('not-found');
    expect((await gates.view(MODEL, chief)).protocols.find(({ id }) => id === second.id)!.deviations).toMatchObject([
      { number: 1, text: 'Two weeks without the second machine.', personName: 'Dr person1' },
    ]); // prettier-ignore
    expect(await store.events.verify()).toMatchObject({ ok: true });
    expect((await evidence.acts(MODEL)).length).toBe(0);
  });

  test('the database refuses what the room does: another protocol, another text, none at all', async () => {
    const store = await make({ migrations });
    const { gates, chief, sign, set } = await house(store);
    const { id } = await gates.register(MODEL, form(), chief);
    await sign('yes', true);
    const raw = (statement: (tx: any) => Promise<unknown>) =>
      store.write<any, unknown>(statement).then(
        () => 'done',
        () => 'refused',
      );
    const row = await (store.read as any).selectFrom('protocol').selectAll().executeTakeFirst();
    for (const change of [
      { sha256: 'f'.repeat(64) },
      { stage: 'pilot' },
      { id: 'x' },
      { model_version: '2' },
      { open: 0 },
      { person_admin: 'reader' },
    ])
      // prettier-ignore
      expect(
        await raw((tx) => tx.updateTable('protocol').set(change).execute()),
        JSON.stringify(change),
      ).toBe('refused');
    expect(await raw((tx) => tx.deleteFrom('protocol').execute())).toBe('refused');
    expect(
      await raw((tx) => tx.insertInto('protocol').values({ ...row, id: 'y', number: 2, open: 0 }).execute()), // prettier-ignore
    ).toBe('refused');
    // The text is held by its digest: changed, it is not used any more.
    const loose = row.body.replace('"target":0.9', '"target":0.5');
    expect(loose).not.toBe(row.body);
    expect(await raw((tx) => tx.updateTable('protocol').set({ body: loose }).execute())).toBe('done');
    expect(await code(gates.view(MODEL, chief))).toBe('protocol-damaged');
    // No step forward on it; a step back is always possible.
    expect(await code(set('shadow'))).toBe('protocol-damaged');
    expect(await code(set('retired'))).toBe('none');
    expect(await raw((tx) => tx.updateTable('protocol').set({ body: row.body }).execute())).toBe('done');
    expect((await gates.view(MODEL, chief)).protocols[0]!.id).toBe(id);
  });

  test('a gate: not yet, then pass; the act keeps what it said, and against it too', async () => {
    const { gates, chief, sign, many, set, gate, evidence, person } = await house(await make({ migrations }));
    const reader = await person('reader');
    expect((await set('shadow')).gate).toMatchObject({ verdict: 'no-protocol', protocol: null });
    await set('evaluation');
    expect((await evidence.acts(MODEL))[0]!.gate).toBeNull();

    const protocol = await gates.register(
      MODEL,
      form({
        hypotheses: [
          { measure: 'sensitivity', target: 0.9, margin: 0.1, design: 'fixed', cases: 40 },
          { measure: 'specificity', target: 0.8, margin: 0.1, design: 'fixed', cases: 30 },
        ],
      }),
      chief,
    );
    await many(39, 'yes', true);
    expect(await gate()).toMatchObject({
      verdict: 'not-yet',
      protocol: { id: protocol.id, sha256: protocol.sha256 },
      reasons: [
        { code: 'cases', verdict: 'not-yet', measure: 'sensitivity', n: 39, wanted: 40, k: 39 },
        { code: 'cases', verdict: 'not-yet', measure: 'specificity', n: 0, wanted: 30 },
      ],
    });
    const against = await set('shadow');
    expect(against.gate).toMatchObject({ verdict: 'not-yet', reasons: [{ n: 39 }, { n: 0 }] });
    await set('evaluation');
    await many(1, 'yes', true);
    await many(29, 'no', false);
    await sign('uncertain', false);
    // The unsure one is a normal study left alone, or no case at all: then one is still missing.
    expect(await gate()).toMatchObject({
      verdict: 'not-yet',
      reasons: [
        { code: 'bound', verdict: 'pass', n: 40 },
        { n: 29, uncertain: 'positive' },
      ],
    });
    await sign('no', false);
    const passed = await gate();
    // Wilson 40 of 40: 0.9124; 39 of 40 plus one unsure counted as a miss is not among the first forty.
    expect(passed).toMatchObject({
      verdict: 'pass',
      reasons: [
        { k: 40, n: 40 },
        { k: 30, n: 30 },
      ],
    });
    expect(passed.reasons[0]!.low).toBeCloseTo(0.9124, 4);
    // Judged once: what comes later does not change it.
    await many(20, 'yes', false);
    expect((await gate()).reasons[0]).toMatchObject({ k: 40, n: 40, verdict: 'pass' });

    const act = await set('pilot', [reader]);
    expect(act.gate).toMatchObject({ verdict: 'pass', protocol: { sha256: protocol.sha256 } });
    expect((await evidence.acts(MODEL))[0]).toEqual(act);
    expect(await gate()).toMatchObject({ stage: 'pilot', verdict: 'no-protocol' });
  });

  test('a sequential gate ends early, either way; groups and the end of its time', async () => {
    const { gates, chief, many, gate } = await house(await make({ migrations }));
    const sequential = form({
      hypotheses: [{ measure: 'sensitivity', target: 0.8, margin: 0.1, design: 'sequential', cases: 400 }],
      subgroups: [{ by: 'bodyPart', value: 'ANKLE', measure: 'sensitivity', floor: 0.7, minimum: 30 }],
      futility: true,
      days: 30,
    });
    await gates.register(MODEL, sequential, chief);
    await many(15, 'yes', true);
    const [waits, group] = (await gate()).reasons;
    expect(waits).toMatchObject({ code: 'cases', verdict: 'not-yet', n: 15, wanted: 400, needed: 40 });
    expect(waits!.odds).toBeGreaterThan(1);
    expect(group).toMatchObject({ code: 'subgroup', verdict: 'not-yet', n: 0, wanted: 30, group: 'ANKLE' });
    // The odds were there before, but nothing is said on fewer than thirty.
    await many(14, 'yes', true);
    expect((await gate()).reasons[0]).toMatchObject({ verdict: 'not-yet', n: 29 });
    await many(1, 'yes', true);
    expect((await gate()).reasons[0]).toMatchObject({ code: 'evidence', verdict: 'pass', n: 30 });
    // Misses of ankles alone: the group fails where the whole passes.
    await many(30, 'yes', false, { bodyPart: 'ANKLE' });
    const both = await gate();
    expect(both.verdict).toBe('fail');
    expect(both.reasons).toMatchObject([
      { verdict: 'pass' },
      { code: 'subgroup', verdict: 'fail', k: 0, n: 30, value: 0, threshold: 0.7 },
    ]);
  });

  test('time: what still waits when it is over has failed', async () => {
    const { gates, chief, many, gate, pass } = await house(await make({ migrations }));
    await gates.register(MODEL, form({ days: 30 }), chief);
    await many(3, 'yes', true);
    pass(29 * 86_400_000);
    expect((await gate()).verdict).toBe('not-yet');
    pass(86_400_000);
    expect(await gate()).toMatchObject({ verdict: 'fail', reasons: [{ code: 'cases' }, { code: 'time', wanted: 30 }] }); // prettier-ignore
  });

  test('a validation study serves the first gate: the first one after the registration, not the best', async () => {
    const { gates, chief, gate, validated, now } = await house(await make({ migrations }));
    const study = (more: Partial<Validated>): Validated => ({ version: '1.0.0', startedAt: now(), endedAt: now(), tp: 95, fn: 5, tn: 80, fp: 20, ...more }); // prettier-ignore
    validated.push(study({}));
    await gates.register(MODEL, form({ source: 'validation' }), chief);
    expect(await gate()).toMatchObject({ verdict: 'not-yet', reasons: [{ code: 'source', wanted: 40 }] });
    validated.push(study({ version: '0.9.0' }));
    expect((await gate()).verdict).toBe('not-yet');
    validated.push(study({ tp: 60, fn: 40 }), study({}));
    expect(await gate()).toMatchObject({ verdict: 'fail', reasons: [{ code: 'bound', k: 60, n: 100, threshold: 0.8 }] }); // prettier-ignore
    expect(await code(gates.register(MODEL, form({ source: 'validation' }), chief))).toBe('protocol-begun');
    expect((await gates.view(MODEL, chief)).protocols[0]!.begunAt).toBe(validated[2]!.endedAt);
  });

  test('a tool that falls below its limit suspends itself, and only a signed act ends that', async () => {
    const store = await make({ migrations });
    const { gates, chief, many, sign, set, evidence, until, person } = await house(store);
    const reader = await person('reader');
    const pilot = form({
      stage: 'pilot',
      safety: [{ measure: 'sensitivity', limit: 0.8, rule: 'e-process', alpha: 0.05 }],
    });
    const { id } = await gates.register(MODEL, pilot, chief);
    await set('pilot', [reader]);
    await many(30, 'yes', true);
    await many(20, 'no', true); // false marks are no matter of this limit
    expect((await gates.view(MODEL, chief)).safety).toMatchObject([
      { crossed: false, cases: 30, failures: 0, needed: 20, protocolId: id },
    ]);
    for (let i = 0; i < 40 && (await evidence.stage(MODEL)).stage === 'pilot'; i += 1) {
      await sign('yes', false);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    expect(await until('suspended')).toBe('suspended');
    const [act] = await evidence.acts(MODEL);
    expect(act).toMatchObject({
      from: 'pilot',
      to: 'suspended',
      personId: null,
      personName: null,
      readers: [],
      breach: { protocolId: id, needed: 20, safety: pilot.safety[0] },
    });
    expect(act!.breach!.value).toBeGreaterThanOrEqual(20);
    await store.events.settled();
    const [event] = await store.events.page({ kind: 'evidence.stage.changed', limit: 1 });
    expect(event).toMatchObject({ actor: 'system', payload: { from: 'pilot', to: 'suspended' } });
    expect((await gates.view(MODEL, chief)).gate).toBeNull();

    // No further than it was; by nobody but a signatory; and not by going round.
    expect(await code(set('routine'))).toBe('stage-step');
    expect(await code(set('suspended'))).toBe('stage-step');
    expect(await code(set('pilot', [reader], reader))).toBe('stage-forbidden');
    const back = await set('pilot', [reader]);
    expect(back).toMatchObject({ from: 'suspended', to: 'pilot', personName: 'Dr person1' });
    // Counted anew from the act on: it is not suspended again for what was answered.
    await sign('yes', false);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await evidence.stage(MODEL)).stage).toBe('pilot');
    expect((await gates.view(MODEL, chief)).safety).toMatchObject([
      { crossed: false, cases: 1, failures: 1 },
    ]);

    // The limit of the pilot holds on in routine.
    await set('routine');
    expect((await gates.view(MODEL, chief)).safety).toMatchObject([{ cases: 1 }]);
    for (let i = 0; i < 40 && (await evidence.stage(MODEL)).stage === 'routine'; i += 1) {
      await sign('yes', false);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    expect(await until('suspended')).toBe('suspended');
    expect(await code(set('retired'))).toBe('none');
  });

  test('by hand: an administrator who reads suspends what readers see, of every version, and nobody else does', async () => {
    const store = await make({ migrations });
    const { chief, person, set, evidence } = await house(store);
    const reader = await person('reader');
    expect(await code(set('suspended'))).toBe('stage-step');
    await set('pilot', [reader]);
    await set('routine');
    expect(await code(set('suspended', [], reader))).toBe('stage-forbidden');
    expect(await set('suspended')).toMatchObject({ from: 'routine', breach: null, personId: chief.personId });
    expect((await evidence.stage(MODEL, '0.9.0')).stage).toBe('suspended');
    expect(await code(set('routine'))).toBe('none');
    expect((await evidence.stage(MODEL, '0.9.0')).stage).toBe('evaluation');
    // Nobody but the program, and only into suspension.
    const unsigned = (values: object) =>
      store
        .write<any, unknown>(
          (tx) =>
          tx.insertInto('stage_act').values({
            id: 'z', model_id: MODEL, number: 99, model_version: '1', from_stage: 'routine', to_stage: 'suspended', blind_first: 0,
            reason: 'x', person_id: null, person_admin: null, person_reader: null, person_name: null, at: 1, gate: null, breach: '{}', ...values,
          }).execute(), // prettier-ignore
        )
        .then(
          () => 'done',
          () => 'refused',
        );
    expect(await unsigned({ to_stage: 'pilot' })).toBe('refused');
    expect(await unsigned({ breach: null })).toBe('refused');
    expect(await unsigned({ person_id: reader.personId, person_reader: 'reader', person_name: 'x' })).toBe('refused'); // prettier-ignore
    expect(await unsigned({})).toBe('done');
  });

  test('two at once: two protocols with numbers of their own, one begun by the case that comes', async () => {
    const { gates, chief, sign } = await house(await make({ migrations }));
    const both = await Promise.all([
      gates.register(MODEL, form({ days: 1 }), chief),
      gates.register(MODEL, form({ days: 2 }), chief),
      sign(null, true),
    ]);
    expect([both[0].number, both[1].number].sort()).toEqual([1, 2]);
    await Promise.all([sign('yes', true), sign('no', false)]);
    const { protocols } = await gates.view(MODEL, chief);
    expect(protocols.map(({ number, begunAt }) => [number, begunAt !== null])).toEqual([
      [2, true],
      [1, false],
    ]);
    expect(await code(gates.register(MODEL, form(), chief))).toBe('protocol-begun');
  });

  test('prevalence and volume are the practice’s own, once there are thirty reports', async () => {
    const { gates, chief, many, pass } = await house(await make({ migrations }));
    await many(10, 'yes', true);
    await many(19, 'no', false);
    expect((await gates.view(MODEL, chief)).practice).toBeNull();
    pass(9.5 * 86_400_000);
    await many(11, 'no', true);
    await many(3, 'uncertain', true);
    expect((await gates.view(MODEL, chief)).practice).toEqual({
      studies: 40,
      days: 10,
      positives: 10,
      perDay: 4,
      prevalence: 0.25,
    });
  });

  test('what is wrong in a form is named', async () => {
    const { gates, chief } = await house(await make({ migrations }));
    const hypothesis = form().hypotheses[0]!;
    const wrong: [Partial<ProtocolForm>, string][] = [
      [{ reference: ' ' }, 'reference'],
      [{ hypotheses: [] }, 'hypotheses'],
      [{ hypotheses: [hypothesis, hypothesis] }, 'hypotheses'],
      [{ hypotheses: [{ ...hypothesis, target: 1 }] }, 'target'],
      [{ hypotheses: [{ ...hypothesis, target: NaN }] }, 'target'],
      [{ hypotheses: [{ ...hypothesis, margin: 0.95 }] }, 'margin'],
      [{ hypotheses: [{ ...hypothesis, cases: 29 }] }, 'cases'],
      [{ hypotheses: [{ ...hypothesis, cases: 30.5 }] }, 'cases'],
      [{ source: 'queue', hypotheses: [{ ...hypothesis, design: 'sequential' }] }, 'design'],
      [{ source: 'queue', stage: 'pilot' }, 'source'],
      [{ safety: [{ measure: 'sensitivity', limit: 1, rule: 'e-process', alpha: 0.05 }] }, 'limit'],
      [{ safety: [{ measure: 'sensitivity', limit: 0.8, rule: 'e-process', alpha: 0.5 }] }, 'alpha'],
      [{ safety: [{ measure: 'sensitivity', limit: 0.8, rule: 'cusum', budget: 1 }] }, 'budget'],
      [{ subgroups: [{ by: 'bodyPart', value: ' ', measure: 'sensitivity', floor: 0.7, minimum: 30 }] }, 'group'], // prettier-ignore
      [{ days: 0 }, 'days'],
    ];
    for (const [more, field] of wrong) {
      const thrown = await gates.register(MODEL, form(more), chief).catch((error: unknown) => error);
      expect(thrown, field).toMatchObject({ code: 'protocol-invalid', details: { field } });
    }
    expect((await gates.view(MODEL, chief)).protocols).toEqual([]);
    expect(await code(gates.register(MODEL, form({ stage: 'routine', hypotheses: [] }), chief))).toBe('none');
  });

  test('a database of before the gates keeps its acts and facts', async () => {
    const old = migrations.filter(({ id }) => id !== 'evidence-gates-001');
    const store = await make({ migrations: old });
    const people = createPeople({ store });
    const { id } = await people.add({ login: 'dra', name: 'Dr A', password: 'correct horse battery', roles: ['admin', 'reader'], language: 'fr' }, null); // prettier-ignore
    await store.write<any, void>(async (tx) => {
      await tx.insertInto('stage_act').values({ id: 'act', model_id: MODEL, number: 1, model_version: '1.0.0', from_stage: 'evaluation', to_stage: 'pilot', blind_first: 1, reason: 'x', person_id: id, person_admin: 'admin', person_reader: 'reader', person_name: 'Dr A', at: 5 }).execute(); // prettier-ignore
      await tx.insertInto('stage_reader').values({ act_id: 'act', person_id: id, person_role: 'reader' }).execute(); // prettier-ignore
      const zeros = Object.fromEntries(['ai_positive', 'blind_ai_positive', 'images', 'marks', 'marks_rejected', 'marks_accepted', 'marks_corrected', 'marks_added', 'false_alarms', 'in_training', 'amended', 'in_report', 'image_tp', 'image_fp', 'image_fn', 'image_tn'].map((name) => [name, 0])); // prettier-ignore
      await tx.insertInto('reading_fact').values({ ...zeros, report_id: 'r', study_uid: '1', model_id: MODEL, model_version: '1.0.0', stage: 'pilot', reader_id: id, body_part: 'X', priority: '', arrived_at: 1, signed_at: 7, ai_score_max: 0, conclusion: 'no', blind_conclusion: 'no' }).execute(); // prettier-ignore
    });
    const again = await make.reopen(store, { migrations });
    const assist = { model: async () => ({ manifest: { id: MODEL, version: '1.0.0' } }) as never };
    const evidence = createEvidence({ store: again, assist, timeZone: 'Europe/Paris' });
    expect(await evidence.stage(MODEL)).toMatchObject({ stage: 'pilot', readers: [id], since: 5, blindFirst: true }); // prettier-ignore
    expect(await evidence.acts(MODEL)).toMatchObject([{ gate: null, breach: null, personName: 'Dr A' }]);
    const row = await (again.read as any).selectFrom('reading_fact').selectAll().executeTakeFirstOrThrow();
    expect(row).toMatchObject({ stage: 'pilot', blind_stage: 'pilot', conclusion: 'no' });
    expect(Number(row.blind_signed_at)).toBe(7);
  });
});
