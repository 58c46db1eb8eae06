/** Who is at work at the same time: senders by the network, programs by DICOMweb, readers with the list open. */
import { instances, type Instance } from '../../bench/data.ts';
import { Lane } from '../../bench/http.ts';
import { EXPLICIT_LE } from '../../src/dicom/index.ts';
import { associate, multipartWriter } from '../../src/wire/index.ts';
import { admit, type Client, type Server } from '../harness.ts';

const AE_TITLE = 'LOAD';
const STUDY_ROOT_FIND = '1.2.840.10008.5.1.4.1.2.2.1';
const VERIFICATION = '1.2.840.10008.1.1';
/** Requests on one connection, messages on one association: then another, so that what is not given back shows. */
const A_CONNECTION = 25;
/** Pauses of a sender, and of everybody else, ms: a person looks at what came. */
const SENDER_MS = 400;
const CLIENT_MS = 2000;

/** Notes what one answer took; throws what is not as it should be. */
export type Timed = <T>(kind: string, work: () => Promise<T>) => Promise<T>;
export interface Site {
  readonly server: Server;
  readonly client: Client;
  /** Of a token that may store and ask. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timed: Timed;
  /** Ended: finish what is under way. */
  readonly over: () => boolean;
  /** Studies that nobody changes: paths of a series and one of its instances. */
  readonly series: readonly { readonly study: string; readonly series: string; readonly instance: string }[];
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms * (0.5 + Math.random())));

/** Of a scanner: mostly small, some large; a new study now and then. */
function* work(): Generator<Instance> {
  for (;;) {
    yield* instances('mr-64', 12);
    yield* instances('ct-128', 4);
    yield* instances('ct-512', 1);
  }
}

/** One association after the other. */
export async function sender({ server, timed, over }: Site): Promise<void> {
  const next = work();
  while (!over()) {
    const group = Array.from({ length: A_CONNECTION }, () => next.next().value as Instance);
    const contexts = new Map(
      group.map(({ sopClassUid, transferSyntax }) => [
        `${sopClassUid} ${transferSyntax}`,
        { abstractSyntax: sopClassUid, transferSyntaxes: [transferSyntax] },
      ]),
    );
    const association = await timed('association', () =>
      associate({
        host: '127.0.0.1',
        port: server.dicomPort,
        callingAe: AE_TITLE,
        calledAe: 'NEGATOSCOPE',
        contexts: [...contexts.values(), { abstractSyntax: VERIFICATION, transferSyntaxes: [EXPLICIT_LE] }],
      }),
    );
    for (const instance of group) {
      if (over()) break;
      await timed('C-STORE', async () => {
        const { status } = await association.store({ ...instance, data: instance.dataset });
        if (status !== 0) throw new Error(`0x${status.toString(16)}`);
      });
      await pause(SENDER_MS);
    }
    await timed('C-ECHO', () => association.echo());
    await association.release();
  }
}

/** A workstation that asks by name and date. */
export async function finder({ server, timed, over }: Site): Promise<void> {
  const contexts = [{ abstractSyntax: STUDY_ROOT_FIND, transferSyntaxes: [EXPLICIT_LE] }];
  const identifier = {
    '00080052': { vr: 'CS', Value: ['STUDY'] },
    '00100010': { vr: 'PN', Value: [{ Alphabetic: 'A*' }] },
    '0020000D': { vr: 'UI' },
  };
  while (!over()) {
    const association = await associate({
      host: '127.0.0.1',
      port: server.dicomPort,
      callingAe: AE_TITLE,
      calledAe: 'NEGATOSCOPE',
      contexts,
    });
    for (let n = 0; n < A_CONNECTION && !over(); n++) {
      await timed('C-FIND', async () => {
        for await (const _ of association.find({ sopClassUid: STUDY_ROOT_FIND, identifier }));
      });
      await pause(CLIENT_MS);
    }
    await association.release();
  }
}

/** Asks on `paths` in turn. */
async function asker(
  { server, headers, timed, over }: Site,
  kind: string,
  accept: string,
  paths: readonly string[],
): Promise<void> {
  const url = new URL(server.url);
  for (let n = Math.floor(Math.random() * paths.length); !over();) {
    const lane = new Lane(url);
    for (let i = 0; i < A_CONNECTION && !over(); i++, n++) {
      await timed(kind, async () => {
        const path = paths[n % paths.length]!;
        const { status, bytes } = await lane.get(path, { ...headers, Accept: accept });
        if (status !== 200 || bytes === 0) throw new Error(`${path}: ${status}, ${bytes} bytes`);
      });
      await pause(CLIENT_MS);
    }
    lane.close();
  }
}

async function stower({ server, headers, timed, over }: Site): Promise<void> {
  const next = work();
  while (!over()) {
    const group = [next.next().value as Instance, next.next().value as Instance];
    const writer = multipartWriter();
    const parts = group.flatMap(({ bytes }) => [writer.part({ 'Content-Type': 'application/dicom' }), bytes]);
    await timed('STOW-RS', async () => {
      const response = await fetch(`${server.url}/dicom-web/studies`, {
        method: 'POST',
        headers: { ...headers, 'content-type': writer.contentType('application/dicom') },
        body: Buffer.concat([...parts, writer.end()]),
      });
      await response.arrayBuffer();
      if (response.status !== 200) throw new Error(String(response.status));
    });
    await pause(CLIENT_MS);
  }
}

/** A page with the list, and thumbnails of what came. */
async function reader({ client, timed, over }: Site): Promise<void> {
  while (!over()) {
    await timed('worklist', () => client.json('GET', '/api/worklist?list=all&limit=50'));
    await pause(CLIENT_MS);
  }
}

/** `count` clients over HTTP, some of each kind. */
export function clients(site: Site, count: number): Promise<void>[] {
  const { series } = site;
  const base = '/dicom-web/studies';
  const at = (tail: (each: (typeof series)[number]) => string): string[] =>
    series.map((each) => `${base}/${each.study}${tail(each)}`);
  const json = 'application/dicom+json';
  const instance = (each: (typeof series)[number]) => `/series/${each.series}/instances/${each.instance}`;
  const kinds: (() => Promise<void>)[] = [
    () => asker(site, 'QIDO studies', json, [`${base}?limit=50`, `${base}?limit=50&PatientName=A*`]),
    () =>
      asker(
        site,
        'QIDO instances',
        json,
        at((each) => `/series/${each.series}/instances`),
      ),
    () =>
      asker(
        site,
        'WADO metadata',
        json,
        at((each) => `/series/${each.series}/metadata`),
      ),
    () =>
      asker(
        site,
        'WADO frame',
        'multipart/related; type="application/octet-stream"',
        at((each) => `${instance(each)}/frames/1`),
      ),
    () =>
      asker(
        site,
        'WADO instance',
        'multipart/related; type="application/dicom"; transfer-syntax=*',
        at(instance),
      ),
    () =>
      asker(
        site,
        'rendered',
        'image/jpeg',
        at((each) => `${instance(each)}/rendered`),
      ),
    () =>
      asker(
        site,
        'thumbnail',
        'image/jpeg',
        at((each) => `${instance(each)}/thumbnail`),
      ),
    () => stower(site),
    () => reader(site),
  ];
  return Array.from({ length: count }, (_, i) => kinds[i % kinds.length]!());
}

/** Puts what is asked for in place, and lets the asking title in. */
export async function prepare(site: Pick<Site, 'server' | 'client' | 'headers'>): Promise<Site['series']> {
  const { server, client, headers } = site;
  const made = (['ct-512', 'ct-128', 'mr-64'] as const).map((name) =>
    instances(name, name === 'mr-64' ? 100 : 20),
  );
  await admit(client, AE_TITLE);
  for (const each of made.flat())
    await client.json('POST', '/api/upload', each.bytes, { 'x-file-name': 'x' });
  const all = await Promise.all(
    made.map(async (group) => {
      const { sopInstanceUid: instance } = group[0]!;
      const response = await fetch(`${server.url}/dicom-web/instances?SOPInstanceUID=${instance}`, {
        headers: { ...headers, accept: 'application/dicom+json' },
      });
      const [found] = (await response.json()) as Record<string, { Value: string[] }>[];
      return { study: found!['0020000D']!.Value[0]!, series: found!['0020000E']!.Value[0]!, instance };
    }),
  );
  return all;
}
