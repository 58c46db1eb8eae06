import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command as Program, CommanderError, Option } from 'commander';
import { loadConfig } from '../config.ts';
import { NegatoscopeError, reasonOf } from '../errors.ts';
import { askPassword } from './ask.ts';
import type { Command } from './commands.ts';
import { askServer, exitCodeOf } from './control.ts';
import { EXIT, type Io } from './io.ts';
import { evidenceCommands } from './evidence.ts';
import { modelsCommands } from './models.ts';
import { upkeepCommands } from './upkeep.ts';
import { workerCommand } from './worker/command.ts';
import { validateCommand } from './validateCommand.ts';

const stopping = new AbortController();
const terminal: Io = {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  progress: (line) => {
    if (process.stderr.isTTY)
      process.stderr.write(`\r\x1b[2K${line.slice(0, process.stderr.columns || 200)}`);
  },
  async drained() {
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
  },
  signal: stopping.signal,
};
/** The first Ctrl+C ends a long command in order; one after a second ends it at once. */
function stopOnSignal(): void {
  let since: number | undefined;
  const stop = (): void => {
    since ??= Date.now();
    if (Date.now() - since > 1000) process.exit(EXIT.interrupted);
    stopping.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
}
const commaList = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);

/** What only looks at data must not make a new folder out of a mistyped name and find it in order. */
const LOOKS: ReadonlySet<Command['name']> = new Set([
  'models list',
  'models check',
  'models use',
  'models remove',
  'models enable',
  'models stage',
  'remote list',
  'remote remove',
  'remote echo',
  'audit verify',
  'evidence report',
  'doctor',
  'verify',
  'delete',
  'recycle list',
  'recycle restore',
  'recycle erase',
]);

/** Runs against the server that holds the data, or opens the data itself when none does. */
async function execute(
  { data: dir, database }: { data: string; database?: string },
  command: Command,
): Promise<number> {
  const home = resolve(dir);
  const flags = { database };
  // Nobody else may use the archive while its index is made anew: a running server holds the lock, and says so.
  const answered = command.name === 'reindex' ? undefined : await askServer(home, command, terminal);
  if (answered !== undefined) return answered;
  const config = loadConfig(home, flags);
  if (LOOKS.has(command.name) && !existsSync(join(home, 'lock.db')))
    throw new NegatoscopeError('no-data', `There are no data in ${home}. Name their folder with --data.`);
  const [{ openRooms }, { runCommand }] = await Promise.all([import('../open.ts'), import('./commands.ts')]);
  const rooms = await openRooms(config);
  try {
    return await runCommand(rooms, command, terminal);
  } finally {
    await rooms.store.events.settled();
    await rooms.close();
  }
}

/** The command line. Ends the process with an exit code of `EXIT`. */
export async function main(argv: string[]): Promise<void> {
  let exit: number = EXIT.ok;
  const program = new Program('negatoscope')
    .description('The open reading room. Research software, not a medical device.')
    .exitOverride()
    .showHelpAfterError('(negatoscope --help lists the commands)');
  const data = ['--data <dir>', 'folder where everything lies', './data'] as const;
  const database = ['--database <url>', 'PostgreSQL instead of SQLite: postgres://…'] as const;
  const json = ['--json', 'for programs: JSON on standard output'] as const;

  program
    .command('start')
    .description('start the reading room')
    .option(...data)
    .option('--port <n>', 'web port (8042)')
    .option('--dicom-port <n>', 'DICOM port (11112)')
    .option('--dicom-tls-port <n>', 'a second DICOM port, for TLS alone')
    .option('--dicom-tls-client-ca <file>', 'certificates, PEM: TLS peers have to show one signed by these')
    .option('--aet <title>', 'AE title (NEGATOSCOPE)')
    .option('--host <address>', 'address to listen on; HTTPS beyond this computer')
    .option('--tls-cert <file>', 'your own certificate, PEM')
    .option('--tls-key <file>', 'its key, PEM')
    .option('--trust-proxy <addresses>', 'behind a proxy that ends TLS: its addresses, or "loopback"')
    .option(...database)
    .option('--silence-seconds <s>', 'a study is complete after this silence (8)')
    .action(async ({ data: dir, ...flags }: { data: string } & Record<string, string>) => {
      const config = loadConfig(dir, flags);
      const { start } = await import('./start.ts');
      await start(config);
      exit = -1; // the server keeps the process
    });
  program
    .command('import')
    .description(
      'take in files, folders, discs and zip archives; ask again after an interruption and it goes on',
    )
    .argument('<path...>')
    .option(...data)
    .option(...database)
    .option(...json)
    .action(async (paths: string[], options: { data: string; database?: string; json?: boolean }) => {
      stopOnSignal();
      exit = await execute(options, {
        name: 'import',
        paths: paths.map((path) => resolve(path)),
        json: Boolean(options.json),
      });
    });

  const user = program.command('user').description('accounts');
  user
    .command('add')
    .argument('<login>')
    .requiredOption('--roles <list>', 'admin,reader,technologist,evidence,viewer', commaList)
    .option('--name <text>', 'as printed on reports (the login)')
    .addOption(
      new Option('--language <language>', 'language of the pages').choices(['fr', 'en']).default('fr'),
    )
    .option('--password-stdin', 'read the password from standard input')
    .option(...data)
    .option(...database)
    .action(async (login: string, options) => {
      exit = await execute(options, {
        name: 'user add',
        login,
        display: options.name ?? login,
        roles: options.roles,
        language: options.language,
        password: await askPassword(Boolean(options.passwordStdin)),
      });
    });

  const token = program.command('token').description('bearer tokens for machine clients');
  token
    .command('add')
    .argument('<name>')
    .requiredOption('--roles <list>', 'what it may do', commaList)
    .option(...data)
    .option(...database)
    .action(async (name: string, options) => {
      exit = await execute(options, { name: 'token add', token: name, roles: options.roles });
    });

  modelsCommands(
    program,
    async (options, command) => {
      exit = await execute(options, command);
    },
    async (work) => {
      exit = await work();
    },
  );

  const remote = program.command('remote').description('other systems: PACS, archives, workstations');
  remote
    .command('list')
    .option(...data)
    .option(...database)
    .option(...json)
    .action(async (options) => {
      exit = await execute(options, { name: 'remote list', json: Boolean(options.json) });
    });
  remote
    .command('add')
    .argument('<name>', 'as people call it')
    .option('--aet <title>', 'its AE title')
    .option('--host <name>', 'its name or address')
    .option('--port <n>', 'its DICOM port', Number, 104)
    .option('--for <uses>', 'what it is for: send, query, move', commaList, ['send', 'query', 'move'])
    .option('--url <address>', 'DICOMweb instead: https://pacs.example/dicom-web')
    .option('--user <name>', 'DICOMweb: user name; the password is read from --secret-file')
    .option('--secret-file <file>', 'DICOMweb: the password, or without --user a bearer token')
    .option('--commitment', 'wait for its confirmation that it keeps what it was sent')
    .option('--calling <title>', 'our AE title towards it (that of this installation)')
    .option('--tls', 'encrypted connection')
    .option('--tls-ca <file>', 'its certificate or that of its authority, PEM')
    .option('--own-cert', 'it asks who we are: show a certificate of our own authority')
    .option('--cert <file>', 'it asks who we are: show this certificate, PEM')
    .option('--key <file>', 'the key of that certificate, PEM without a password')
    .option(...data)
    .option(...database)
    .action(async (name: string, options) => {
      const strange = (options.for as string[]).find((use) => !['send', 'query', 'move'].includes(use));
      if (strange !== undefined)
        throw new NegatoscopeError('use-unknown', `--for takes send, query and move, not ${strange}.`);
      const textOf = (file: string | undefined) => (file === undefined ? null : readFileSync(file, 'utf8'));
      const [ca, certificate, key] = [textOf(options.tlsCa), textOf(options.cert), textOf(options.key)];
      const secret = textOf(options.secretFile);
      const auth = secret === null ? 'none' : options.user === undefined ? 'bearer' : 'basic';
      const identity = certificate !== null ? 'given' : options.ownCert ? 'own' : 'none';
      exit = await execute(options, {
        name: 'remote add',
        form: {
          name,
          ...(options.url === undefined
            ? { aeTitle: options.aet ?? '', host: options.host ?? '', port: options.port }
            : { kind: 'dicomweb', url: options.url, auth, user: options.user ?? '', secret }),
          commitment: Boolean(options.commitment),
          tls: Boolean(options.tls) || ca !== null || identity !== 'none',
          ca,
          identity,
          certificate,
          key,
          callingAe: options.calling ?? null,
          sendTo: options.for.includes('send'),
          queryFrom: options.for.includes('query'),
          moveTo: options.for.includes('move'),
          enabled: true,
        },
      });
    });
  remote
    .command('remove')
    .argument('<name>', 'its name or AE title')
    .option(...data)
    .option(...database)
    .action(async (system: string, options) => {
      exit = await execute(options, { name: 'remote remove', system });
    });
  remote
    .command('echo')
    .description('try the connection in both directions')
    .argument('<name>', 'its name or AE title')
    .option(...data)
    .option(...database)
    .option(...json)
    .action(async (system: string, options) => {
      exit = await execute(options, { name: 'remote echo', system, json: Boolean(options.json) });
    });

  program
    .command('audit')
    .description('the event log')
    .command('verify')
    .option(...data)
    .option(...database)
    .option(...json)
    .action(async (options) => {
      exit = await execute(options, { name: 'audit verify', json: Boolean(options.json) });
    });
  program
    .command('doctor')
    .description('what works, what does not, what to do')
    .option(...data)
    .option(...database)
    .option(...json)
    .action(async (options) => {
      exit = await execute(options, { name: 'doctor', json: Boolean(options.json) });
    });

  workerCommand(program, async (flags) => {
    stopOnSignal();
    const { work } = await import('./worker/index.ts');
    exit = await work(flags, terminal);
  });
  evidenceCommands(program, async (options, command) => {
    exit = await execute(options, command);
  });
  upkeepCommands(program, async (options, command) => {
    stopOnSignal();
    exit = await execute(options, command);
  });

  validateCommand(program, async (command) => {
    stopOnSignal();
    const { validate } = await import('./validate.ts');
    exit = await validate(command, terminal);
  });

  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) exit = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    else {
      terminal.err(`negatoscope: ${reasonOf(error)}`);
      if (!(error instanceof NegatoscopeError)) terminal.err(String((error as Error).stack ?? ''));
      exit = exitCodeOf(error);
    }
  }
  if (exit !== -1) process.exit(exit);
}
