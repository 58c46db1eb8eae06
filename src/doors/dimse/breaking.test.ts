/** C-GET and C-MOVE that do not go well: cancelled, cut off, refused, slow. The counts stay right and nothing is left over. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { mkdirSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Archive } from '../../archive/index.ts';
import type { ArchiveTables } from '../../archive/tables.ts';
import { chunks, dicomFile, principal } from '../../archive/testing.ts';
import {
  dataset as attributes,
  encodeDataSet,
  EXPLICIT_LE,
  newUid,
  parseDataSet,
} from '../../dicom/index.ts';
import type { Store } from '../../store/types.ts';
import type { Message } from '../../wire/channel.ts';
import {
  acceptAnyCaller,
  type CommandSet,
  COMMAND,
  createDimseServer,
  type DimseServer,
  NO_DATA_SET,
  STATUS,
  storage,
} from '../../wire/index.ts';
import { answers, freePort } from '../../wire/testing/peers.ts';
import { openChannel } from '../../wire/testing/user.ts';
import type { Destination, DimseDoor } from './index.ts';
import { type OpenDoor, openDoor } from './testing.ts';

const run = promisify(execFile);
const host = '127.0.0.1';
const GET = '1.2.840.10008.5.1.4.1.2.2.3';
const MOVE = '1.2.840.10008.5.1.4.1.2.2.2';
const DX = '1.2.840.10008.5.1.4.1.1.1.1';
const VERIFICATION = '1.2.840.10008.1.1';
const RESPONSE_MS = 400;

let opened: OpenDoor;
let dir: string;
let store: Store;
let archive: Archive;
let door: DimseDoor;
const lines: string[] = [];
const destinations = new Map<string, Destination>();
const study = newUid();
/** In the order in which they are sent. Larger than what waits in the inbox; the sixth is read as a stream. */
const sops = Array.from({ length: 12 }, () => newUid()).sort();
const COUNT = sops.length;
/** Sockets that are open when nobody is here. */
let atRest = 0;

/** Sockets of this process. */
const sockets = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;

beforeAll(async () => {
  opened = await openDoor({ lines, destinations, limits: { responseMs: RESPONSE_MS } });
  ({ dir, store, archive, door } = opened);
  await archive.ae.admit('ASKER', principal('admin'));
  for (const [i, sop] of sops.entries()) {
    const side = i === 5 ? 1300 : 300;
    const file = dicomFile({ study, series: `${study}.1`, sop, rows: side, columns: side });
    await archive.ingest(chunks(file), { door: 'stow', from: 'test' });
  }
  destinations.set('DOWN', { host, port: await freePort() });
  atRest = sockets();
});
afterAll(() => opened.close());
beforeEach(() => void (lines.length = 0));
const atEase = () => expect.poll(sockets, { timeout: 8000 }).toBe(atRest);

type Told = Message['command'] & { failedUids: string[] };

/** A user that says what it likes when it likes. Contexts: 1 the retrieval, 3 DX as provider, 5 C-ECHO. */
async function user(retrieval: string) {
  const { channel, socket } = await openChannel(door.port, 'ASKER', [retrieval, DX, VERIFICATION], {
    roles: [{ sopClassUid: DX, scu: false, scp: true }],
  });
  let messageId = 0;
  const ask = async (destination?: string) => {
    const identifier = attributes({ QueryRetrieveLevel: 'STUDY', StudyInstanceUID: study });
    const command: CommandSet = {
      AffectedSOPClassUID: retrieval,
      CommandField: retrieval === GET ? COMMAND.getRq : COMMAND.moveRq,
      MessageID: ++messageId,
      Priority: 0,
      CommandDataSetType: 0,
      ...(destination ? { MoveDestination: destination } : {}),
    };
    await channel.send(1, command, encodeDataSet(identifier));
  };
  const cancel = () =>
    channel.send(1, {
      CommandField: COMMAND.cancelRq,
      MessageIDBeingRespondedTo: messageId,
      CommandDataSetType: NO_DATA_SET,
    });
  /** Reads until the last response; `onStore` gives the status of an instance, or says nothing. */
  const listen = async (
    onStore: (n: number) => Promise<number | undefined> = async () => STATUS.success,
    onPending: (told: Told) => Promise<void> = async () => undefined,
    onBytes: (n: number) => void = () => undefined,
  ): Promise<{ last: Told; pending: Told[]; stores: number }> => {
    let stores = 0;
    const pending: Told[] = [];
    for (;;) {
      const message = await channel.next();
      if (message === 'release') throw new Error('released');
      const parts: Uint8Array[] = [];
      const { command, contextId } = message;
      for await (const part of message.data ?? []) {
        if (command.CommandField === COMMAND.storeRq) onBytes(stores + 1);
        else parts.push(Uint8Array.from(part));
      }
      if (command.CommandField === COMMAND.storeRq) {
        const status = await onStore(++stores);
        if (status !== undefined)
          await channel.send(contextId, {
            AffectedSOPClassUID: command.AffectedSOPClassUID!,
            CommandField: COMMAND.storeRsp,
            MessageIDBeingRespondedTo: command.MessageID!,
            CommandDataSetType: NO_DATA_SET,
            Status: status,
            AffectedSOPInstanceUID: command.AffectedSOPInstanceUID!,
          });
        continue;
      }
      const identifier = parts.length > 0 ? parseDataSet(Buffer.concat(parts), EXPLICIT_LE) : undefined;
      const told = { ...command, failedUids: identifier?.strings(0x00080058) ?? [] };
      if (command.Status !== STATUS.pending) return { last: told, pending, stores };
      pending.push(told);
      await onPending(told);
    }
  };
  const echo = async () => {
    await channel.send(5, {
      AffectedSOPClassUID: VERIFICATION,
      CommandField: COMMAND.echoRq,
      MessageID: ++messageId,
      CommandDataSetType: NO_DATA_SET,
    });
    return (await listen()).last.Status;
  };
  return {
    channel,
    ask,
    cancel,
    listen,
    echo,
    close: () => channel.release(),
    vanish: () => socket.destroy(),
  };
}

const counts = ({
  NumberOfRemainingSuboperations: remaining,
  NumberOfCompletedSuboperations: completed,
  NumberOfFailedSuboperations: failed,
  NumberOfWarningSuboperations: warning,
}: CommandSet) => ({ remaining, completed, failed, warning });
const sum = (told: CommandSet): number =>
  Object.values(counts(told)).reduce<number>((total, count) => total + (count ?? 0), 0);

describe('C-GET', () => {
  it('cancelled in the middle: 0xFE00 with what was done and what was not; the association goes on', async () => {
    const { ask, cancel, listen, echo, close } = await user(GET);
    await ask();
    const { last, stores } = await listen(async (n) => {
      if (n === 4) await cancel();
      return n === 2 ? 0xb007 : n === 3 ? 0xa700 : STATUS.success;
    });
    expect(last.Status).toBe(STATUS.cancelled);
    expect(stores).toBeLessThan(COUNT);
    expect(counts(last)).toEqual({ remaining: COUNT - stores, completed: stores - 2, failed: 1, warning: 1 });
    expect(last.failedUids).toEqual([sops[2]]);
    expect(await echo()).toBe(STATUS.success);
    await ask();
    const again = await listen();
    expect([again.last.Status, again.stores]).toEqual([STATUS.success, COUNT]);
    expect(counts(again.last)).toEqual({ remaining: undefined, completed: COUNT, failed: 0, warning: 0 });
    await close();
    await atEase();
  });

  it('a cancel that comes too late, or for another message, changes nothing', async () => {
    const { channel, ask, cancel, listen, echo, close } = await user(GET);
    await ask();
    await channel.send(1, {
      CommandField: COMMAND.cancelRq,
      MessageIDBeingRespondedTo: 999,
      CommandDataSetType: NO_DATA_SET,
    });
    expect((await listen()).last.Status).toBe(STATUS.success);
    await cancel();
    expect(await echo()).toBe(STATUS.success);
    await close();
  });

  it.each(['between two instances', 'in the middle of a large one'])(
    'a peer that is gone %s leaves nothing open',
    async (when) => {
      const { ask, listen, vanish } = await user(GET);
      await ask();
      const between = when.startsWith('between');
      const listening = listen(
        async (n) => {
          if (between && n === 2) vanish();
          return STATUS.success;
        },
        undefined,
        (n) => {
          if (!between && n === 6) vanish();
        },
      );
      await expect(listening).rejects.toThrow();
      await atEase();
      await expect.poll(async () => (await archive.receipts.list({ limit: 1 }))[0]?.outcome).toBe('broken');
      expect(lines.filter((line) => line.endsWith('failed'))).toEqual([]);
    },
  );

  it('a peer that no longer answers: what it did not take has failed, and it is told so', async () => {
    const { ask, listen, close } = await user(GET);
    await ask();
    const { last, stores } = await listen(async (n) => (n > 3 ? undefined : STATUS.success));
    expect([last.Status, stores]).toEqual([STATUS.subOperationsFailed, 4]);
    expect(counts(last)).toEqual({ remaining: undefined, completed: 3, failed: COUNT - 3, warning: 0 });
    expect(last.failedUids).toEqual(sops.slice(3));
    await close();
    await atEase();
  });
});

describe('C-MOVE', () => {
  const started: ChildProcess[] = [];
  const servers: DimseServer[] = [];
  afterAll(() => started.forEach((child) => child.kill()));

  /** DCMTK's storescp, with one of its options to misbehave. */
  async function storescp(title: string, ...options: string[]): Promise<string> {
    const folder = join(dir, title);
    mkdirSync(folder);
    const port = await freePort();
    const args = ['-od', folder, '--accept-all', ...options, String(port)];
    const child = spawn('storescp', args, { stdio: 'ignore', env: { ...process.env, TCP_NODELAY: '1' } });
    started.push(child);
    destinations.set(title, { host, port });
    while (!(await answers(port))) await new Promise((resolve) => setTimeout(resolve, 50));
    return folder;
  }
  /** A receiver whose answers are written down; throws to die. */
  async function receiver(title: string, answer: (n: number) => Promise<number>): Promise<DimseServer> {
    let n = 0;
    const server = createDimseServer({
      acceptCaller: acceptAnyCaller,
      services: [
        storage({
          async onStore(_, body) {
            for await (const part of body) void part;
            return { status: await answer(++n) };
          },
        }),
      ],
    });
    servers.push(server);
    destinations.set(title, { host, port: (await server.listen(0, host)).port });
    return server;
  }
  const move = async (destination: string) => {
    const { ask, listen, close } = await user(MOVE);
    await ask(destination);
    const told = await listen();
    await close();
    return told;
  };
  afterAll(() => Promise.all(servers.map((server) => server.close(0))));

  it('cancelled in the middle: the one under way arrives, the next do not, the destination is released', async () => {
    const folder = await storescp('SLOW', '--sleep-after', '1');
    const { ask, cancel, listen, echo, close } = await user(MOVE);
    await ask('SLOW');
    const { last } = await listen(undefined, cancel);
    expect(last.Status).toBe(STATUS.cancelled);
    const completed = readdirSync(folder).length;
    expect(completed).toBeLessThan(4);
    expect(counts(last)).toEqual({ remaining: COUNT - completed, completed, failed: 0, warning: 0 });
    expect(await echo()).toBe(STATUS.success);
    await close();
    await atEase();
    expect(lines.join()).not.toContain('destination failed');
  }, 15_000);

  it('one after the other on one association, nothing waits for its end any more', async () => {
    const listening = vi.spyOn(EventTarget.prototype, 'addEventListener');
    onTestFinished(() => listening.mockRestore());
    const { ask, listen, close } = await user(MOVE);
    const listeners = async () => {
      await ask('DOWN');
      expect((await listen()).last.Status).toBe(STATUS.unableToPerformSubOperations);
      const signals = listening.mock.contexts.filter((each) => each instanceof AbortSignal);
      return Math.max(...signals.map((signal) => getEventListeners(signal, 'abort').length));
    };
    const once = await listeners();
    for (let again = 0; again < 4; again++) await listeners();
    expect(await listeners()).toBe(once);
    await close();
  });

  it("DCMTK's movescu cancels", async () => {
    const { stderr, stdout } = await run('movescu', [
      ...['-d', '--cancel', '1', '-aet', 'ASKER', '-aem', 'SLOW', '-S', '-k', '0008,0052=STUDY'],
      ...['-k', `0020,000D=${study}`, host, String(door.port)],
    ]);
    expect(`${stdout}${stderr}`).toMatch(/0xfe00/i);
  }, 15_000);

  it('a destination that refuses the association, or cannot be reached', async () => {
    await storescp('REFUSING', '--refuse');
    for (const title of ['REFUSING', 'DOWN']) {
      const { last } = await move(title);
      expect(last.Status).toBe(STATUS.unableToPerformSubOperations);
      expect(counts(last)).toEqual({ remaining: undefined, completed: 0, failed: COUNT, warning: 0 });
      expect(last.failedUids).toEqual(sops);
    }
    expect((await move('NOBODY')).last.Status).toBe(STATUS.moveDestinationUnknown);
    await atEase();
  });

  it('a destination that aborts in the middle of an instance', async () => {
    await storescp('ABORTING', '--abort-during');
    const { last } = await move('ABORTING');
    expect(last.Status).toBe(STATUS.unableToPerformSubOperations);
    expect(last.failedUids).toEqual(sops);
    await atEase();
  });

  it('a destination that dies after some', async () => {
    let server: DimseServer | undefined;
    server = await receiver('DYING', async (n) => {
      if (n > 4) await server!.close(0);
      return STATUS.success;
    });
    const { last } = await move('DYING');
    expect(last.Status).toBe(STATUS.subOperationsFailed);
    expect(counts(last)).toEqual({ remaining: undefined, completed: 4, failed: COUNT - 4, warning: 0 });
    expect(last.failedUids).toEqual(sops.slice(4));
  });

  it('a destination that refuses one and complains of another', async () => {
    await receiver('PARTLY', async (n) => (n === 3 ? 0xa700 : n === 7 ? 0xb000 : STATUS.success));
    const { last } = await move('PARTLY');
    expect(last.Status).toBe(STATUS.subOperationsFailed);
    expect(counts(last)).toEqual({ remaining: undefined, completed: COUNT - 2, failed: 1, warning: 1 });
    expect(last.failedUids).toEqual([sops[2]]);
  });

  it('a slow destination: pending responses say how far it is', async () => {
    await receiver('TARDY', async () => {
      await new Promise((resolve) => setTimeout(resolve, 90));
      return STATUS.success;
    });
    const { last, pending } = await move('TARDY');
    expect(last.Status).toBe(STATUS.success);
    expect(pending.length).toBeGreaterThan(1);
    for (const told of pending) expect(sum(told)).toBe(COUNT);
    const remaining = pending.map((told) => told.NumberOfRemainingSuboperations!);
    expect(remaining).toEqual(remaining.toSorted((a, b) => b - a));
  });

  it('whoever asked is gone in the middle: nothing more is sent', async () => {
    let taken = 0;
    const server = await receiver('LONG', async () => {
      taken++;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return STATUS.success;
    });
    const { ask, listen, vanish } = await user(MOVE);
    await ask('LONG');
    await expect(listen(undefined, async () => void vanish())).rejects.toThrow();
    await expect.poll(() => server.associations, { timeout: 5000 }).toBe(0);
    expect(taken).toBeLessThan(COUNT);
  });

  it('instances whose files are gone fail alone', async () => {
    const db = store.read.withTables<ArchiveTables>();
    const gone = [sops[4]!, sops[5]!]; // one that goes in one piece, one that is streamed
    for (const sop of gone) {
      const row = db.selectFrom('instance').select('blob').where('sop_instance_uid', '=', sop);
      await store.blobs.remove((await row.executeTakeFirstOrThrow()).blob!);
    }
    await receiver('WELL', async () => STATUS.success);
    const moved = (await move('WELL')).last;
    const { ask, listen, close } = await user(GET);
    await ask();
    const { last: got } = await listen();
    await close();
    for (const last of [moved, got]) {
      expect(last.Status).toBe(STATUS.subOperationsFailed);
      expect(counts(last)).toEqual({ remaining: undefined, completed: COUNT - 2, failed: 2, warning: 0 });
      expect(last.failedUids).toEqual(gone);
    }
  });
});
