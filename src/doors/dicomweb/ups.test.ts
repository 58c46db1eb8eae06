/** The worklist of AI work over HTTP, as others use it: on both databases, with real images and what the model really says of them. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { SEES_ALL, SEES_NO_AI } from '../../archive/index.ts';
import { type DicomJson, hexTag, jsonItems, newUid, TAG } from '../../dicom/index.ts';
import type { ToolResult } from '../../assist/work.ts';
import { beyondFirstPage } from '../../assist/testing.ts';
import { createView } from '../../assist/ups/view.ts';
import { eachStore } from '../../store/testing.ts';
import {
  answer,
  ask,
  askModel,
  attribute,
  change,
  claimed,
  closeAll,
  INCONSISTENT,
  items,
  migrations,
  MISSING,
  model,
  PEOPLE,
  performed,
  place,
  progress,
  run,
  stateOf,
  stow,
  text,
  uidOf,
  update,
  waiting,
  type Who,
  WRONG,
} from './testing-ups.ts';

let said: ToolResult;
beforeAll(async () => {
  said = await askModel();
});
afterEach(closeAll);

eachStore((_label, make) => {
  test('a run is offered, claimed, done and its result read into the same rows as one of our own', async () => {
    const at = await place(await make({ migrations }));
    const item = await waiting(at);
    const uid = uidOf(item);
    expect(text(item, TAG.SOPClassUID)).toBe('1.2.840.10008.5.1.4.34.6.1');
    expect(text(item, TAG.InputReadinessState)).toBe('READY');
    const parameters = jsonItems(item, TAG.ScheduledProcessingParametersSequence).map((each) => [
      text(jsonItems(each, TAG.ConceptNameCodeSequence)[0]!, TAG.CodeValue),
      text(each, TAG.TextValue),
    ]);
    expect(parameters).toContainEqual(['model', 'fracture']);
    expect(parameters).toContainEqual(['weights-sha256', model.manifest.weights.sha256]);
    const [input] = jsonItems(item, TAG.InputInformationSequence);
    const image = text(jsonItems(input!, TAG.ReferencedSOPSequence)[0]!, TAG.ReferencedSOPInstanceUID)!;
    const series = text(input!, TAG.SeriesInstanceUID);
    const path = `/studies/${at.studyUid}/series/${series}/instances/${image}`;

    // Whose image it is, and the image itself, is for whoever claimed it.
    expect(text(item, TAG.PatientID)).toBeUndefined();
    expect(text((await items(at, 'anne'))[0]!, TAG.PatientID)).toBeDefined();
    expect((await ask(at, 'north', 'GET', path)).status).toBe(404);
    const transactionUid = newUid();
    expect(await answer(change(at, 'north', uid, 'IN PROGRESS'))).toEqual([400, MISSING]);
    expect((await change(at, 'north', uid, 'IN PROGRESS', transactionUid)).status).toBe(200);
    expect(await answer(change(at, 'south', uid, 'IN PROGRESS', newUid()))).toEqual([409, INCONSISTENT]);
    const got = ((await (await ask(at, 'north', 'GET', `/workitems/${uid}`)).json()) as DicomJson[])[0]!;
    expect(stateOf(got)).toBe('IN PROGRESS');
    expect(text(got, TAG.PatientID)).toBeDefined();
    expect(JSON.stringify(got)).not.toContain(transactionUid); // PS3.18 11.5.3.3
    expect((await ask(at, 'north', 'GET', path)).status).toBe(200);
    expect((await ask(at, 'south', 'GET', path)).status).toBe(404);
    expect((await run(at)).state).toBe('running');

    expect(await answer(update(at, 'north', uid, newUid(), progress('50')))).toEqual([400, WRONG]);
    expect(await answer(update(at, 'south', uid, transactionUid, progress('50')))).toEqual([400, WRONG]);
    expect((await update(at, 'north', uid, transactionUid, progress('50', 'a fracture'))).status).toBe(200);
    const [inside] = jsonItems((await items(at, 'north'))[0]!, TAG.ProcedureStepProgressInformationSequence);
    expect(inside).toMatchObject(attribute(TAG.ProcedureStepProgressDescription, 'ST', 'a fracture'));
    // An administrator does not learn from its words what the stage hides.
    expect(JSON.stringify(await items(at, 'anne'))).not.toContain('a fracture');

    // Not without its results, nor with those of others.
    expect(await answer(change(at, 'north', uid, 'COMPLETED', transactionUid))).toEqual([409, INCONSISTENT]);
    await update(at, 'north', uid, transactionUid, performed(undefined));
    expect((await change(at, 'north', uid, 'COMPLETED', transactionUid)).status).toBe(409);
    const ofImage = {
      ...attribute(TAG.ReferencedSOPClassUID, 'UI', '1.2.840.10008.5.1.4.1.1.88.33'),
      ...attribute(TAG.ReferencedSOPInstanceUID, 'UI', image),
    };
    await update(at, 'north', uid, transactionUid, performed(ofImage));
    expect((await change(at, 'north', uid, 'COMPLETED', transactionUid)).status).toBe(409);

    expect((await stow(at, 'south')).status).toBe(409);
    const { status, reference } = await stow(at, 'north');
    expect(status).toBe(200);
    expect((await stow(at, 'north')).status).toBe(200); // the same again
    // From this moment on it is seen by nobody who may not see the run.
    expect(await at.archive.findInstances({ match: {}, studyUid: at.studyUid }, SEES_NO_AI)).toHaveLength(1);
    expect((await update(at, 'north', uid, transactionUid, performed(reference))).status).toBe(200);
    expect(await answer(change(at, 'north', uid, 'COMPLETED', newUid()))).toEqual([400, WRONG]);
    expect(await answer(change(at, 'north', uid, 'COMPLETED', transactionUid))).toEqual([200, undefined]);
    expect(await answer(change(at, 'north', uid, 'COMPLETED', transactionUid))).toEqual([
      200,
      'The UPS is already in the requested state of COMPLETED.',
    ]);

    const done = await run(at);
    expect(done).toMatchObject({ state: 'analysed', attempt: 1 });
    expect(done.images[0]!.score).toBe(said.images[0]!.score);
    const [finding] = await at.assist.findings(done.id);
    expect(finding).toMatchObject({ label: 'fracture', score: said.images[0]!.score });
    expect(finding!.places.length).toBe(said.findings[0]!.places.length);
    for (const [i, { box, peak }] of said.findings[0]!.places.entries()) {
      expect(finding!.places[i]!.peak).toBeCloseTo(peak, 6);
      expect(finding!.places[i]!.box.x).toBeCloseTo(box.x, 2);
      expect(finding!.places[i]!.box.width).toBeCloseTo(box.width, 2);
    }
    const output = (json: DicomJson) =>
      jsonItems(
        jsonItems(json, TAG.UnifiedProcedureStepPerformedProcedureSequence)[0]!,
        TAG.OutputInformationSequence,
      );
    expect(output((await items(at, 'north'))[0]!)).toHaveLength(1);
    expect(output((await items(at, 'anne'))[0]!)).toHaveLength(0); // that there is one would be told before its time
    // It is over: nothing is read or sent any more, but what it made.
    expect((await ask(at, 'north', 'GET', path)).status).toBe(404);
    expect((await stow(at, 'north')).status).toBe(409);
    expect(await answer(update(at, 'north', uid, transactionUid, progress('99')))).toEqual([
      400,
      'The submitted request is inconsistent with the current state of the Workitem.',
    ]);
  });

  test('an item names all its images, however many its study has', async () => {
    const at = await place(await make({ migrations }));
    await waiting(at);
    const view = createView({
      store: at.store,
      archive: beyondFirstPage(at.archive),
      model: (id) => at.assist.model(id),
    });
    const asker = { by: PEOPLE.north, sight: SEES_NO_AI, base: at.url };
    const [item] = await view.datasets(await view.page({ limit: 1, offset: 0 }), asker);
    const [series] = jsonItems(item!, TAG.InputInformationSequence);
    expect(jsonItems(series ?? {}, TAG.ReferencedSOPSequence)).toHaveLength(1);
  });

  test('of many who claim at once one wins, and the others are told so', async () => {
    const at = await place(await make({ migrations }));
    const uid = uidOf(await waiting(at));
    const tries = Array.from({ length: 16 }, (_, i) => ({
      who: (i % 2 ? 'north' : 'south') as Who,
      uid: newUid(),
    }));
    const statuses = await Promise.all(
      tries.map(async (each) => (await change(at, each.who, uid, 'IN PROGRESS', each.uid)).status),
    );
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(15);
    const winner = tries[statuses.indexOf(200)]!;
    expect((await update(at, winner.who, uid, winner.uid, progress('1'))).status).toBe(200);
    const jobs = await at.store.read
      .selectFrom('job')
      .select('attempt')
      .where('kind', '=', 'assist.run')
      .execute();
    expect(jobs).toEqual([{ attempt: 1 }]);
  });

  test('a lease that lapses: the item is cancelled with its reason, another one made, and the late result refused', async () => {
    const at = await place(await make({ migrations }), { leaseMs: 2000 });
    const { uid, transactionUid } = await claimed(at, 'north');
    const next = await waiting(at);
    expect(uidOf(next)).not.toBe(uid);
    expect(text(jsonItems(next, TAG.ReplacedProcedureStepSequence)[0]!, TAG.ReferencedSOPInstanceUID)).toBe(
      uid,
    );
    const old = ((await (await ask(at, 'north', 'GET', `/workitems/${uid}`)).json()) as DicomJson[])[0]!;
    expect(stateOf(old)).toBe('CANCELED');
    const [inside] = jsonItems(old, TAG.ProcedureStepProgressInformationSequence);
    expect(text(inside!, TAG.ReasonForCancellation)).toMatch(/lease ran out/);
    expect((await stow(at, 'north')).status).toBe(409);
    expect((await change(at, 'north', uid, 'COMPLETED', transactionUid)).status).toBe(409);
    expect((await update(at, 'north', uid, transactionUid, progress('90'))).status).toBe(400);

    // Whoever comes next does it; one who tells that it lives keeps its claim.
    const later = newUid();
    expect((await change(at, 'south', uidOf(next), 'IN PROGRESS', later)).status).toBe(200);
    for (let i = 0; i < 6; i += 1) {
      await pause(500);
      expect((await update(at, 'south', uidOf(next), later, progress(String(i)))).status).toBe(200);
    }
    const { reference } = await stow(at, 'south');
    await update(at, 'south', uidOf(next), later, performed(reference));
    expect((await change(at, 'south', uidOf(next), 'COMPLETED', later)).status).toBe(200);
    expect(await run(at)).toMatchObject({ state: 'analysed', attempt: 2 });
    const results = (await at.archive.findInstances({ match: {}, studyUid: at.studyUid }, SEES_ALL)).filter(
      ({ kind }) => kind === 'ai',
    );
    expect(results).toHaveLength(1);
  });

  test('given up three times, it has failed for good; what cannot be decoded is not tried again', async () => {
    const at = await place(await make({ migrations }));
    const seen = new Set<string>();
    for (let i = 0; i < 3; i += 1) {
      const { uid, transactionUid } = await claimed(at, 'north');
      seen.add(uid);
      const reason = {
        [hexTag(TAG.ProcedureStepProgressInformationSequence)]: {
          vr: 'SQ',
          Value: [attribute(TAG.ReasonForCancellation, 'LT', 'out of memory')],
        },
      };
      await update(at, 'north', uid, transactionUid, reason);
      expect((await change(at, 'north', uid, 'CANCELED', transactionUid)).status).toBe(200);
      expect(await answer(change(at, 'north', uid, 'CANCELED', transactionUid))).toEqual([
        200,
        'The UPS is already in the requested state of CANCELED.',
      ]);
    }
    expect(seen.size).toBe(3);
    expect(await run(at)).toMatchObject({ state: 'failed', detail: 'out of memory', attempt: 3 });
    expect(await items(at, 'north', '?ProcedureStepState=SCHEDULED')).toEqual([]);

    await at.assist.retry((await run(at)).id, PEOPLE.anne);
    const { uid, transactionUid } = await claimed(at, 'north');
    await update(at, 'north', uid, transactionUid, {
      [hexTag(TAG.ProcedureStepProgressInformationSequence)]: {
        vr: 'SQ',
        Value: [
          {
            [hexTag(TAG.ProcedureStepDiscontinuationReasonCodeSequence)]: {
              vr: 'SQ',
              Value: [
                {
                  ...attribute(TAG.LongCodeValue, 'UC', 'pixels-undecodable'),
                  ...attribute(TAG.CodingSchemeDesignator, 'SH', '99NEGATOSCOPE'),
                  ...attribute(TAG.CodeMeaning, 'LO', 'The pixels cannot be decoded'),
                },
              ],
            },
          },
        ],
      },
    });
    await change(at, 'north', uid, 'CANCELED', transactionUid);
    expect(await run(at)).toMatchObject({ state: 'not-run', reason: 'pixels-undecodable' });
  });

  test('cancellation on request: at once where nobody works on it, by whoever works on it otherwise', async () => {
    const at = await place(await make({ migrations }));
    const first = uidOf(await waiting(at));
    expect((await ask(at, 'anne', 'POST', `/workitems/${first}/cancelrequest`)).status).toBe(202);
    expect(await answer(ask(at, 'anne', 'POST', `/workitems/${first}/cancelrequest`))).toEqual([
      202,
      'The UPS is already in the requested state of CANCELED.',
    ]);
    expect(await run(at)).toMatchObject({ state: 'failed', detail: 'cancelled on request' });
    expect(await answer(change(at, 'north', first, 'IN PROGRESS', newUid()))).toEqual([409, INCONSISTENT]);

    await at.assist.retry((await run(at)).id, PEOPLE.anne);
    const { uid, transactionUid } = await claimed(at, 'north');
    expect((await ask(at, 'anne', 'POST', `/workitems/${uid}/cancelrequest`)).status).toBe(202);
    expect((await run(at)).state).toBe('running');
    await change(at, 'north', uid, 'CANCELED', transactionUid);
    expect((await run(at)).state).toBe('failed');
  });
});
