/** Those who use the program at the same time, each until the power goes. */
import { createHash } from 'node:crypto';
import { dicomFile } from '../../src/archive/testing.ts';
import { EXPLICIT_LE, newUid, parseDicom } from '../../src/dicom/index.ts';
import { associate, multipartWriter } from '../../src/wire/index.ts';
import { admit, type Client, PIN, type Server } from '../harness.ts';
import type { Kept, Ledger } from './ledger.ts';

const AE_TITLE = 'CRASH';
const SOP_CLASS = '1.2.840.10008.5.1.4.1.1.1.1';
const STUDY_ROOT_FIND = '1.2.840.10008.5.1.4.1.2.2.1';
const STUDY_ROOT_GET = '1.2.840.10008.5.1.4.1.2.2.3';
const LEVEL = { vr: 'CS', Value: ['STUDY'] };
const WHOLE = { accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' };
/** Goes with the rows, is written to its place at once, is written beside and renamed. */
const SIDES = [4, 64, 180, 500, 900, 1500];

export interface Stage {
  readonly server: Server;
  readonly client: Client;
  readonly ledger: Ledger;
  /** 0 to 1. */
  readonly chance: () => number;
  /** The power is still on. */
  readonly on: () => boolean;
  /** Studies of earlier rounds, which nobody sends to any more. */
  readonly old: readonly string[];
}
export type Actor = (stage: Stage) => Promise<void>;

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const pick = <T>(from: readonly T[], chance: () => number): T | undefined =>
  from[Math.floor(chance() * from.length)];

interface New {
  readonly bytes: Buffer;
  readonly dataset: Buffer;
  readonly kept: Kept;
}
function made({ chance, ledger }: Stage, study: string, series: string, modality = 'DX'): New {
  const sop = newUid();
  const side = pick(SIDES, chance)!;
  const bytes = dicomFile({
    study,
    series,
    sop,
    rows: side,
    columns: side,
    modality,
    value: Math.floor(chance() * 256),
  });
  const dataset = bytes.subarray(parseDicom(bytes).datasetOffset);
  const kept: Kept = { sop, series, study, dataSha: sha256(dataset), place: 'here' };
  ledger.unanswered.set(sop, kept);
  return { bytes, dataset, kept };
}
function answered({ ledger }: Stage, { kept }: New, door: string): void {
  ledger.unanswered.delete(kept.sop);
  ledger.kept.set(kept.sop, kept);
  ledger.count(door);
}

const cStore: Actor = async (stage) => {
  const association = await associate({
    host: '127.0.0.1',
    port: stage.server.dicomPort,
    callingAe: AE_TITLE,
    calledAe: 'NEGATOSCOPE',
    window: 4,
    contexts: [{ abstractSyntax: SOP_CLASS, transferSyntaxes: [EXPLICIT_LE] }],
  });
  const [study, series] = [newUid(), newUid()];
  while (stage.on()) {
    const one = made(stage, study, series);
    const { status } = await association.store({
      sopClassUid: SOP_CLASS,
      sopInstanceUid: one.kept.sop,
      transferSyntax: EXPLICIT_LE,
      data: one.dataset,
    });
    if (status !== 0) throw new Error(`C-STORE was answered 0x${status.toString(16)}`);
    answered(stage, one, 'C-STORE');
  }
};

const stow: Actor = async (stage) => {
  const study = newUid();
  while (stage.on()) {
    const series = newUid();
    const group = Array.from({ length: 1 + Math.floor(stage.chance() * 5) }, () =>
      made(stage, study, series),
    );
    const writer = multipartWriter();
    const parts = group.flatMap(({ bytes }) => [writer.part({ 'Content-Type': 'application/dicom' }), bytes]);
    const answer = await stage.client.json<Record<string, { Value?: Record<string, { Value: string[] }>[] }>>(
      'POST',
      '/dicom-web/studies',
      Buffer.concat([...parts, writer.end()]),
      { 'content-type': writer.contentType('application/dicom'), accept: 'application/dicom+json' },
    );
    const stored = new Set(answer['00081199']?.Value?.map((item) => item['00081155']!.Value[0]));
    for (const one of group) {
      if (!stored.has(one.kept.sop)) throw new Error(`STOW-RS did not store: ${JSON.stringify(answer)}`);
      answered(stage, one, 'STOW-RS');
    }
  }
};

const upload: Actor = async (stage) => {
  const [study, series] = [newUid(), newUid()];
  while (stage.on()) {
    const one = made(stage, study, series);
    const { status } = await stage.client.json('POST', '/api/upload', one.bytes, { 'x-file-name': 'x' });
    if (status !== 'stored') throw new Error(`The upload was answered ${status}`);
    answered(stage, one, 'upload');
  }
};

/** Deletes what came in earlier rounds, and brings some of it back or erases it. */
const deleter: Actor = async (stage) => {
  const { ledger, client, chance } = stage;
  const changed = async (
    sops: readonly string[],
    from: Kept['place'],
    to: Kept['place'],
    ask: () => Promise<unknown>,
  ) => {
    const change = { sops, from, to };
    ledger.changes.push(change);
    const result = await ask();
    ledger.changes.splice(ledger.changes.indexOf(change), 1);
    ledger.move(sops, to);
    return result;
  };
  while (stage.on()) {
    const binned = pick(ledger.bin, chance);
    if (binned && chance() < 0.5) {
      const erase = chance() < 0.4;
      ledger.bin.splice(ledger.bin.indexOf(binned), 1);
      const [method, path] = erase ? ['DELETE', ''] : ['POST', '/restore'];
      await changed(binned.sops, 'bin', erase ? 'gone' : 'here', () =>
        client.json(method!, `/api/recycled/${binned.id}${path}`),
      );
      ledger.count(erase ? 'erased' : 'restored');
      continue;
    }
    const study = pick(stage.old, chance);
    const here = study === undefined || ledger.described.has(study) ? [] : ledger.here(study);
    const one = pick(here, chance);
    if (!one) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    const level = Math.floor(chance() * 3);
    const what = {
      studyUid: one.study,
      ...(level > 0 ? { seriesUid: one.series } : {}),
      ...(level > 1 ? { sopInstanceUid: one.sop } : {}),
    };
    const sops = here
      .filter(({ series, sop }) => (level < 1 || series === one.series) && (level < 2 || sop === one.sop))
      .map(({ sop }) => sop);
    const row = (await changed(sops, 'here', 'bin', () =>
      client.json('POST', '/api/recycled', { ...what, reason: 'crash loop' }),
    )) as { id: string; instances: number };
    // With a whole study goes what AI has left in it, in series of its own.
    const more = row.instances - sops.length;
    if (more < 0 || (more > 0 && level > 0))
      throw new Error(`${row.instances} instances went to the bin, ${sops.length} should have`);
    ledger.bin.push({ id: row.id, sops });
    ledger.count('deleted');
  }
};

const corrector: Actor = async (stage) => {
  const { ledger, chance } = stage;
  while (stage.on()) {
    const study = pick([...ledger.described.keys()], chance);
    if (study === undefined) return;
    const description = `corrected ${Math.floor(chance() * 1e9)}`;
    const state = ledger.described.get(study)!;
    state.perhaps = description;
    await stage.client.json('PATCH', `/api/studies/${study}/patient`, {
      fields: { description },
      reason: 'crash loop',
    });
    ledger.described.set(study, { now: description });
    ledger.count('corrected');
  }
};

/** A study with one image of its own, corrected later by the corrector; signed. */
const reader: Actor = async (stage) => {
  const { client, ledger } = stage;
  // No tool looks at ultrasound, and asks its question before the signature.
  const one = made(stage, newUid(), newUid(), 'US');
  const { study } = one.kept;
  await client.json('POST', '/api/upload', one.bytes, { 'x-file-name': 'x' });
  answered(stage, one, 'upload');
  ledger.described.set(study, { now: 'Poignet face' });
  await client.json('POST', `/api/studies/${study}/claim`, {});
  const { draft } = await client.json('GET', `/api/studies/${study}`);
  const { revision } = await client.json('PUT', `/api/studies/${study}/draft`, {
    revision: draft.revision,
    fields: { findings: 'Sans particularité.', conclusion: 'Examen normal.' },
  });
  const { id } = await client.json('POST', `/api/studies/${study}/sign`, { revision, secret: PIN });
  ledger.signed.set(study, id);
  ledger.count('signed');
};

/** Of this round, and not corrected: nobody deletes it, and it leaves as it came. */
const isQuiet = ({ old, ledger }: Stage, { study }: Kept): boolean =>
  !old.includes(study) && !ledger.described.has(study);

/** Asks and looks; what nobody touches has to come back as it was sent. */
const asker: Actor = async (stage) => {
  const { client, ledger, chance } = stage;
  while (stage.on()) {
    const { study } = pick([...ledger.kept.values()], chance) ?? {};
    await client.json('GET', '/dicom-web/studies?limit=50');
    await client.json('GET', '/api/worklist?list=all&limit=50');
    if (study !== undefined)
      await client.call('GET', `/dicom-web/studies/${study}/metadata`).then((r) => r.text());
    const kept = pick([...ledger.kept.values()].slice(-50), chance);
    if (kept && isQuiet(stage, kept) && (await fetched(client, kept)) !== kept.dataSha)
      throw new Error(`${kept.sop} came back changed`);
    ledger.count('questions', 4);
  }
};

const asking = ({ dicomPort: port }: Server) =>
  associate({
    host: '127.0.0.1',
    port,
    callingAe: AE_TITLE,
    calledAe: 'NEGATOSCOPE',
    contexts: [
      { abstractSyntax: STUDY_ROOT_FIND, transferSyntaxes: [EXPLICIT_LE] },
      { abstractSyntax: STUDY_ROOT_GET, transferSyntaxes: [EXPLICIT_LE] },
      { abstractSyntax: SOP_CLASS, transferSyntaxes: [EXPLICIT_LE], role: 'scp' },
    ],
  });

/** Whoever asks has to be let in, and is on the list once it was refused. */
export async function letIn(server: Server, client: Client): Promise<void> {
  const association = await asking(server);
  const query = { sopClassUid: STUDY_ROOT_FIND, identifier: { '00080052': LEVEL } };
  let refused = false;
  try {
    for await (const _ of association.find(query));
  } catch {
    refused = true;
  }
  if (!refused) throw new Error('An unknown AE title was answered');
  await association.release();
  await admit(client, AE_TITLE);
}

const dicomAsker: Actor = async (stage) => {
  const association = await asking(stage.server);
  while (stage.on()) {
    const identifier = { '00080052': LEVEL, '0020000D': { vr: 'UI' }, '00081030': { vr: 'LO' } };
    for await (const _ of association.find({ sopClassUid: STUDY_ROOT_FIND, identifier }))
      if (!stage.on()) return;
    stage.ledger.count('C-FIND');
    const study = pick(stage.old, stage.chance);
    if (study === undefined) continue;
    const one = { '00080052': LEVEL, '0020000D': { vr: 'UI', Value: [study] } };
    const taken = async (_request: unknown, body: AsyncIterable<Uint8Array>) => {
      for await (const _ of body);
      return { status: 0 };
    };
    for await (const _ of association.get({ sopClassUid: STUDY_ROOT_GET, identifier: one }, taken));
    stage.ledger.count('C-GET');
  }
};

/** SHA-256 of the data set as WADO-RS gives it; undefined where it is not found. */
export async function fetched(client: Client, { study, series, sop }: Kept): Promise<string | undefined> {
  const path = `/dicom-web/studies/${study}/series/${series}/instances/${sop}`;
  const response = await client.call('GET', path, undefined, WHOLE);
  const body = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200) return undefined;
  const file = body.subarray(body.indexOf('\r\n\r\n') + 4, body.lastIndexOf('\r\n--'));
  return sha256(file.subarray(parseDicom(file).datasetOffset));
}

export const ACTORS: Readonly<Record<string, Actor>> = {
  'C-STORE 1': cStore,
  'C-STORE 2': cStore,
  'STOW-RS': stow,
  upload,
  deleter,
  corrector,
  reader,
  asker,
  'C-FIND and C-GET': dicomAsker,
};
