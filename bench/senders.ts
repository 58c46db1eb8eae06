import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { associate, multipartWriter } from '../src/wire/index.ts';
import type { Instance } from './data.ts';
import type { Receiver } from './receivers.ts';

/** Nothing is worth waiting longer for. */
const MAX_RUN_MS = 120_000;

/** Deals the instances out to `lanes` workers; gives instances per second. */
async function timed(
  instances: readonly Instance[],
  lanes: number,
  work: (take: () => Instance | undefined) => Promise<void>,
): Promise<number> {
  let next = 0;
  const deadline = performance.now() + MAX_RUN_MS;
  const take = () => (performance.now() < deadline ? instances[next++] : undefined);
  const start = performance.now();
  await Promise.all(Array.from({ length: lanes }, () => work(take)));
  return Math.min(next, instances.length) / ((performance.now() - start) / 1000);
}

/** C-STORE with our own client: Nagle off, one association a lane, opened before the clock starts to matter. */
export function cStore(to: Receiver, instances: readonly Instance[], lanes: number): Promise<number> {
  const [first] = instances;
  if (!first) return Promise.resolve(0);
  return timed(instances, lanes, async (take) => {
    const association = await associate({
      host: '127.0.0.1',
      port: to.dicomPort,
      callingAe: 'BENCH',
      calledAe: 'PEER',
      contexts: [{ abstractSyntax: first.sopClassUid, transferSyntaxes: [first.transferSyntax] }],
    });
    for (let instance = take(); instance; instance = take()) {
      const { status, comment } = await association.store({ ...instance, data: instance.dataset });
      if (status !== 0) throw new Error(`${to.name} answered 0x${status.toString(16)} ${comment ?? ''}`);
    }
    await association.release();
  });
}

/** C-STORE of files in implicit VR little endian with DCMTK's storescu, one process a lane, as shipped or with Nagle off. Start of the process included. */
export async function storescu(
  to: Receiver,
  files: readonly string[],
  lanes: number,
  noDelay: boolean,
): Promise<number> {
  const start = performance.now();
  const size = Math.ceil(files.length / lanes);
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      const part = files.slice(lane * size, (lane + 1) * size);
      // -xi: what the files are; it would convert them to explicit VR before sending.
      const child = spawn('storescu', ['-xi', '127.0.0.1', String(to.dicomPort), ...part], {
        stdio: 'ignore',
        env: { ...process.env, TCP_NODELAY: noDelay ? '1' : undefined },
        timeout: MAX_RUN_MS,
      });
      const [code] = await once(child, 'exit');
      if (code !== 0) throw new Error(`storescu to ${to.name} ended with ${code}`);
    }),
  );
  return files.length / ((performance.now() - start) / 1000);
}

/** Of a receiver, what STOW-RS needs. */
type Web = Pick<Receiver, 'name' | 'stow'>;

/** STOW-RS (PS3.18 10.5): so many instances a request, one connection a lane. */
export async function stow(
  to: Web,
  instances: readonly Instance[],
  lanes: number,
  perRequest: number,
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: lanes });
  try {
    return await timed(instances, lanes, async (take) => {
      for (;;) {
        const group = Array.from({ length: perRequest }, take).filter((instance) => instance !== undefined);
        if (group.length === 0) return;
        await post(to, group, agent);
      }
    });
  } finally {
    agent.destroy();
  }
}

async function post(to: Web, group: readonly Instance[], agent: Agent): Promise<void> {
  if (!to.stow) throw new Error(`${to.name} has no STOW-RS`);
  const writer = multipartWriter();
  const pieces = group.flatMap(({ bytes }) => [writer.part({ 'Content-Type': 'application/dicom' }), bytes]);
  pieces.push(writer.end());
  const call = request(to.stow.url, {
    method: 'POST',
    agent,
    headers: {
      ...to.stow.headers,
      Accept: 'application/dicom+json',
      'Content-Type': writer.contentType('application/dicom'),
      'Content-Length': pieces.reduce((sum, piece) => sum + piece.length, 0),
    },
  });
  call.setNoDelay(true);
  const answered = once(call, 'response');
  for (const piece of pieces) call.write(piece);
  call.end();
  const [response] = await answered;
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  if (response.statusCode !== 200)
    throw new Error(`${to.name} answered ${response.statusCode}: ${text.slice(0, 300)}`);
}
