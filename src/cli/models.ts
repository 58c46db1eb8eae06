/** The tools of an installation: what is here, taken in and out, tried, switched; their stage. */
import { readFileSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command as Program } from 'commander';
import type { PackageVersion } from '../assist/types.ts';
import { NegatoscopeError } from '../errors.ts';
import { STAGES, type Stage } from '../evidence/types.ts';
import type { Principal } from '../people/index.ts';
import type { Rooms } from '../rooms.ts';
import { askPassword } from './ask.ts';
import { EXIT, type Io } from './io.ts';

export type ModelsCommand =
  | { name: 'models list'; json: boolean }
  | { name: 'models check'; model: string }
  | { name: 'models add'; path: string }
  | { name: 'models use'; model: string; version: string }
  | { name: 'models remove'; model: string; version: string }
  | { name: 'models enable'; model: string; enabled: boolean }
  | { name: 'models trust'; pem: string }
  | {
      name: 'models stage';
      model: string;
      stage: string;
      readers: string[];
      reason: string;
      blindFirst: boolean;
      by: string;
      password: string;
    };

const signed = ({ signer }: PackageVersion): string =>
  signer === null
    ? 'not signed'
    : `signed by ${signer.name} (key ${signer.key}, ${signer.trusted ? 'trusted' : 'not on the list of trusted keys'})`;

export async function runModels(
  rooms: Rooms,
  command: ModelsCommand,
  io: Io,
  by: Principal,
): Promise<number> {
  const { assist } = rooms;
  switch (command.name) {
    case 'models list':
      return list(rooms, command.json, io);
    case 'models check': {
      const verdict = await assist.check(command.model);
      for (const each of verdict.cases)
        io.out(`${each.ok ? 'ok    ' : 'DIFFER'} ${each.name}  ${each.detail}`);
      return verdict.ok ? EXIT.ok : EXIT.notRight;
    }
    case 'models add': {
      const added = await add(rooms, command.path, by);
      const { id, version } = added.manifest;
      const { stage } = await rooms.evidence.stage(id, version);
      io.out(`${id} ${version} is in use, in stage ${stage}; ${signed(added)}.`);
      return EXIT.ok;
    }
    case 'models use':
      await assist.use(command.model, command.version, by);
      io.out(
        `${command.model} ${command.version} is in use, in stage ${(await rooms.evidence.stage(command.model)).stage}.`,
      );
      return EXIT.ok;
    case 'models remove':
      await assist.remove(command.model, command.version, by);
      io.out(`${command.model} ${command.version} is removed. What it said of studies stays.`);
      return EXIT.ok;
    case 'models enable':
      await assist.setEnabled(command.model, command.enabled, by);
      io.out(`${command.model} is switched ${command.enabled ? 'on' : 'off'}.`);
      return EXIT.ok;
    case 'models trust':
      io.out(`Packages signed with the key ${await assist.trust(command.pem, by)} are trusted.`);
      return EXIT.ok;
    case 'models stage':
      return setStage(rooms, command, io);
  }
}

async function add({ assist }: Rooms, path: string, by: Principal): Promise<PackageVersion> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return assist.add({ folder: path }, by);
  const file = await open(path, 'r');
  try {
    return await assist.add(
      {
        zip: {
          size: found.size,
          async read(offset, length) {
            const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
            return buffer.subarray(0, bytesRead);
          },
        },
      },
      by,
    );
  } finally {
    await file.close();
  }
}

async function list(rooms: Rooms, json: boolean, io: Io): Promise<number> {
  const [models, { versions, broken }] = await Promise.all([rooms.assist.models(), rooms.assist.packages()]);
  const rows = await Promise.all(
    models.map(async ({ manifest, enabled, removed }) => ({
      id: manifest.id,
      version: manifest.version,
      enabled,
      removed: Boolean(removed),
      ...(await rooms.evidence.stage(manifest.id)),
      versions: versions
        .filter((each) => each.manifest.id === manifest.id && !each.removed)
        .map(({ manifest: { version }, origin, signer }) => ({ version, origin, signer })),
    })),
  );
  if (json) io.out(JSON.stringify(rows));
  else {
    for (const each of rows) {
      const state = each.removed ? 'removed' : each.enabled ? each.stage : 'switched off';
      const others = each.versions
        .map(({ version }) => version)
        .filter((version) => version !== each.version);
      io.out(`${each.id} ${each.version}  ${state}${others.length > 0 ? `  (also here: ${others.join(', ')})` : ''}`); // prettier-ignore
    }
    for (const { dir, reason } of broken) io.err(`left out: ${dir}: ${reason}`);
  }
  return broken.length === 0 ? EXIT.ok : EXIT.notRight;
}

async function setStage(
  rooms: Rooms,
  command: Extract<ModelsCommand, { name: 'models stage' }>,
  io: Io,
): Promise<number> {
  if (!STAGES.includes(command.stage as Stage))
    throw new NegatoscopeError(
      'stage-unknown',
      `There is no stage ${command.stage}. There are: ${STAGES.join(', ')}.`,
    );
  const by = await rooms.people.authenticate(command.by, command.password);
  const readers = await Promise.all(
    command.readers.map(async (login) => {
      const person = await rooms.people.findByLogin(login);
      if (!person) throw new NegatoscopeError('not-found', `There is no person with the login ${login}.`);
      return person.id;
    }),
  );
  const act = await rooms.evidence.setStage(
    command.model,
    command.stage as Stage,
    { readers, reason: command.reason, blindFirst: command.blindFirst },
    by,
  );
  io.out(`${command.model}: ${act.from} → ${act.to}, signed by ${act.personName}.`);
  return EXIT.ok;
}

type Options = { data: string; database?: string };
const commaList = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);

/** @param execute runs a command on the data of its options. @param local is told the exit code of one that needs no data. */
export function modelsCommands(
  program: Program,
  execute: (options: Options, command: ModelsCommand) => Promise<void>,
  local: (work: () => Promise<number>) => Promise<void>,
): void {
  const data = ['--data <dir>', 'folder where everything lies', './data'] as const;
  const database = ['--database <url>', 'PostgreSQL instead of SQLite: postgres://…'] as const;
  const models = program.command('models').description('AI tools: packages, versions, stages');
  const on = (name: string): Program =>
    models
      .command(name)
      .option(...data)
      .option(...database);

  on('list')
    .description('what is here, in which version and stage')
    .option('--json', 'for programs: JSON on standard output')
    .action((options) => execute(options, { name: 'models list', json: Boolean(options.json) }));
  on('check')
    .description('run its golden cases')
    .argument('<model>')
    .action((model: string, options) => execute(options, { name: 'models check', model }));
  on('add')
    .description('take in a package, a folder or a zip archive: checked, then in use, in stage evaluation')
    .argument('<path>')
    .action((path: string, options) => execute(options, { name: 'models add', path: resolve(path) }));
  on('use')
    .description('another of the versions that are here')
    .argument('<model>')
    .argument('<version>')
    .action((model: string, version: string, options) =>
      execute(options, { name: 'models use', model, version }),
    );
  on('remove')
    .description('take a version out: its weights go, its words stay for what it said')
    .argument('<model>')
    .argument('<version>')
    .action((model: string, version: string, options) =>
      execute(options, { name: 'models remove', model, version }),
    );
  for (const [name, enabled] of [
    ['enable', true],
    ['disable', false],
  ] as const)
    on(name)
      .description(enabled ? 'run it on new studies, and on those that came meanwhile' : 'run it no more')
      .argument('<model>')
      .action((model: string, options) => execute(options, { name: 'models enable', model, enabled }));
  on('trust')
    .description('trust packages signed with this public key (PEM, Ed25519)')
    .argument('<file>')
    .action((file: string, options) =>
      execute(options, { name: 'models trust', pem: readFileSync(file, 'utf8') }),
    );
  on('stage')
    .description('change the stage: a signed act of an administrator who is also a reader')
    .argument('<model>')
    .argument('<stage>', 'evaluation, shadow, pilot, routine, suspended, retired')
    .option('--readers <logins>', 'who takes part in the pilot', commaList, [])
    .requiredOption('--reason <text>', 'why; it stays')
    .requiredOption('--by <login>', 'who signs')
    .option('--no-blind-first', 'readers see AI without an own conclusion first')
    .option('--password-stdin', 'read the password from standard input')
    .action(async (model: string, stage: string, options) =>
      execute(options, {
        name: 'models stage',
        model,
        stage,
        readers: options.readers,
        reason: options.reason,
        blindFirst: options.blindFirst,
        by: options.by,
        password: await askPassword(Boolean(options.passwordStdin), `Password of ${options.by}: `),
      }),
    );

  models
    .command('new')
    .description('for makers: asks, and writes the folder of a package around a network (ONNX)')
    .argument('<folder>')
    .requiredOption('--weights <file>', 'the network')
    .option('--answers <file>', 'answers in JSON instead of questions: docs/models.md')
    .action((folder: string, options: { weights: string; answers?: string }) =>
      local(async () => (await import('./modelsNew.ts')).newPackage({ folder, ...options })),
    );
  models
    .command('sign')
    .description('for makers: sign a package with your key')
    .argument('<folder>')
    .requiredOption('--key <file>', 'private key, PEM, Ed25519: openssl genpkey -algorithm ed25519')
    .requiredOption('--signer <name>', 'who signs, as people will read it')
    .action((folder: string, options: { key: string; signer: string }) =>
      local(async () => {
        const [{ loadPackage }, { signPackage }] = await Promise.all([
          import('../assist/package.ts'),
          import('../assist/packages/signature.ts'),
        ]);
        const { manifest } = await loadPackage(resolve(folder));
        const key = await signPackage(resolve(folder), readFileSync(options.key, 'utf8'), options.signer);
        process.stdout.write(`${manifest.id} ${manifest.version} is signed with the key ${key}.\n`);
        return EXIT.ok;
      }),
    );
}
