/** `negatoscope worker`: AI work for a server elsewhere. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { findPackages, loadPackage, type ModelPackage } from '../../assist/package.ts';
import { isReturnable } from '../../assist/returned.ts';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import { EXIT, type Io } from '../io.ts';
import { createClient, Refused } from './client.ts';
import type { WorkerFlags } from './command.ts';
import { runWorker } from './work.ts';

const BUILT_IN_MODELS = join(new URL('../../..', import.meta.url).pathname, 'models');

const textOf = (file: string, what: string): string => {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new NegatoscopeError('worker-file', `${what} ${file} cannot be read: ${reasonOf(cause)}`, {
      cause,
    });
  }
};

/** Works until it is told to stop; a second signal ends it at once. Gives the exit code. */
export async function work(flags: WorkerFlags, io: Io): Promise<number> {
  if (!URL.canParse(flags.server) || !/^https?:$/.test(new URL(flags.server).protocol))
    throw new NegatoscopeError('worker-server', '--server is an address such as https://host:8043');
  if (!Number.isInteger(flags.processes) || flags.processes < 1)
    throw new NegatoscopeError('worker-processes', '--processes is a number from 1');
  const token = textOf(flags.tokenFile, 'The token file');
  if (flags.ca !== undefined)
    setDefaultCACertificates([...getCACertificates('default'), textOf(flags.ca, 'The certificate file')]);
  const models: ModelPackage[] = [];
  for (const root of [BUILT_IN_MODELS, ...flags.models])
    for (const dir of await findPackages(root))
      await loadPackage(dir).then(
        (found) =>
          isReturnable(found.manifest)
            ? models.push(found)
            : io.err(`left to the server: ${found.manifest.id}, two of whose labels share a code or words`),
        (error: unknown) => io.err(`left out: ${dir}: ${reasonOf(error)}`),
      );
  if (models.length === 0)
    throw new NegatoscopeError(
      'worker-models',
      'There is no model package here. Name a folder with --models.',
    );
  io.out(`Works for ${flags.server}, ${flags.processes} at once. Research software, not a medical device.`);
  for (const { manifest } of models) io.out(`  ${manifest.id} ${manifest.version}`);
  const say = (line: string): void => io.out(`${new Date().toISOString()} ${line}`);
  io.signal.addEventListener('abort', () => say('ends what was begun, then stops'));
  try {
    // Requests of an item that was begun outlive the first signal.
    const client = createClient(flags.server, token, new AbortController().signal);
    const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    await runWorker({
      client,
      models,
      processes: flags.processes,
      timeZone,
      say,
      stopping: io.signal,
      beatMs: 1000 * flags.beatSeconds,
    });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    io.err(`The server refuses this token: ${error.message}. Make one with the role worker.`);
    return EXIT.noPermission;
  }
  return io.signal.aborted ? EXIT.ok : EXIT.internal;
}
