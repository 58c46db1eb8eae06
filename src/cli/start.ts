import { setDefaultResultOrder } from 'node:dns';
import type { Config } from '../config.ts';
import { openRooms } from '../open.ts';
import { startServer } from '../server.ts';
import { serveControl } from './control.ts';

/** `negatoscope start`: opens the rooms and the doors, says where they are, works until a signal ends it. */
export async function start(config: Config): Promise<void> {
  setDefaultResultOrder('ipv4first');
  const rooms = await openRooms(config);
  let server: Awaited<ReturnType<typeof startServer>>;
  try {
    // Before any door opens: what a crash left is swept first.
    await rooms.start();
    server = await startServer(rooms);
  } catch (error) {
    await rooms.close();
    throw error;
  }
  const control = await serveControl(rooms);
  // Before anything says that it runs: whoever reads that may stop it at once.
  let stoppingSince: number | undefined;
  const stop = async (signal: string) => {
    if (stoppingSince !== undefined) {
      // One Ctrl+C arrives several times: from the terminal, and from each program between it and us.
      if (Date.now() - stoppingSince > 1000) process.exit(130);
      return;
    }
    stoppingSince = Date.now();
    rooms.log.info({ signal }, 'stopping');
    // Whatever hangs must not keep the machine from shutting down: everything acknowledged is on disk already.
    setTimeout(() => process.exit(0), 10_000).unref();
    control.close();
    await server.close();
    await rooms.close();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(signal));
  process.on('unhandledRejection', (error) => rooms.log.error({ err: error }, 'unhandled rejection'));

  const [local, ...others] = server.urls;
  await rooms.store.announce(local!);
  const say = (line: string) => process.stdout.write(`${line}\n`);
  say('');
  say('  Negatoscope is running. Research software, not a medical device.');
  say('');
  say(`  Web       ${local}`);
  for (const url of others) say(`            ${url}   (in your network)`);
  const tls = server.dicomTlsPort === undefined ? '' : `, TLS port ${server.dicomTlsPort}`;
  say(`  DICOM     AE title ${config.aet}, port ${server.dicomPort}${tls} on ${server.dicomHost}`);
  say(`  Data      ${config.dir}`);
  if (await rooms.people.setupNeeded()) {
    say('');
    say('  First account, open once:');
    say(`  ${local}/setup?token=${rooms.people.setupSecret()}`);
  }
  say('');
  say('  Stop with Ctrl+C.');
  say('');
  rooms.log.info({ dicomPort: server.dicomPort }, 'started');
}
