import { NegatoscopeError } from '../errors.ts';
import { STAGES, type Stage } from '../evidence/types.ts';
import { TOKEN_ROLES, type Principal, type Role } from '../people/index.ts';
import type { Rooms } from '../rooms.ts';
import { createDoctor } from '../doctor.ts';
import type { NewRemote } from '../remote/types.ts';
import { importPaths } from './import.ts';
import { EXIT, type Io } from './io.ts';
import { runUpkeep, type UpkeepCommand } from './upkeep.ts';

/** The person at the keyboard of the machine itself, where no account is asked for. */
const OPERATOR: Principal = {
  personId: null,
  name: 'operator',
  roles: new Set<Role>(['admin']),
  via: 'cli',
  language: 'en',
};

/** Everything a command needs, already parsed; it crosses a socket as JSON when the server is running. */
export type Command =
  | UpkeepCommand
  | { name: 'import'; paths: string[]; json: boolean }
  | {
      name: 'user add';
      login: string;
      display: string;
      roles: string[];
      language: 'fr' | 'en';
      password: string;
    }
  | { name: 'token add'; token: string; roles: string[] }
  | { name: 'models list'; json: boolean }
  | { name: 'models check'; model: string }
  | {
      name: 'models stage';
      model: string;
      stage: string;
      readers: string[];
      reason: string;
      blindFirst: boolean;
      by: string;
      password: string;
    }
  | { name: 'remote list'; json: boolean }
  | { name: 'remote add'; form: NewRemote }
  | { name: 'remote remove'; system: string }
  | { name: 'remote echo'; system: string; json: boolean }
  | { name: 'audit verify'; json: boolean }
  | { name: 'doctor'; json: boolean };

/** Runs one command against open rooms. Resolves with the exit code; throws NegatoscopeError for what a person can mend. */
export async function runCommand(rooms: Rooms, command: Command, io: Io): Promise<number> {
  switch (command.name) {
    case 'import':
      return importPaths({
        archive: rooms.archive,
        dir: rooms.config.dir,
        paths: command.paths,
        json: command.json,
        io,
      });
    case 'user add': {
      const person = await rooms.people.add(
        {
          login: command.login,
          name: command.display,
          password: command.password,
          roles: rolesOf(command.roles),
          language: command.language,
        },
        OPERATOR,
      );
      io.out(`${person.login} (${person.roles.join(', ') || 'no role'}) can sign in.`);
      return EXIT.ok;
    }
    case 'token add':
      io.out(await rooms.people.addToken(command.token, rolesOf(command.roles), OPERATOR));
      return EXIT.ok;
    case 'models list':
      return listModels(rooms, command.json, io);
    case 'models check': {
      const verdict = await rooms.assist.check(command.model);
      for (const each of verdict.cases)
        io.out(`${each.ok ? 'ok    ' : 'DIFFER'} ${each.name}  ${each.detail}`);
      return verdict.ok ? EXIT.ok : EXIT.notRight;
    }
    case 'models stage':
      return setStage(rooms, command, io);
    case 'remote list':
      return listRemotes(rooms, command.json, io);
    case 'remote add': {
      const added = await rooms.remote.add(command.form, OPERATOR);
      io.out(
        added.kind === 'dicomweb'
          ? `${added.name}: DICOMweb at ${added.url}.`
          : `${added.name}: ${added.aeTitle} at ${added.host}, port ${added.port}.`,
      );
      return EXIT.ok;
    }
    case 'remote remove': {
      const system = await rooms.remote.find(command.system);
      await rooms.remote.remove(system.id, OPERATOR);
      io.out(`${system.name} is no longer known.`);
      return EXIT.ok;
    }
    case 'remote echo': {
      const system = await rooms.remote.find(command.system);
      const trial = await rooms.remote.tryOut(system.id);
      if (command.json) io.out(JSON.stringify(trial));
      else
        for (const each of [trial.there, trial.here])
          if (each) io.out(`${each.ok ? '✓' : '✗'} ${each.text.en}`);
      return trial.there.ok ? EXIT.ok : EXIT.notRight;
    }
    case 'audit verify': {
      const verdict = await rooms.store.events.verify();
      if (command.json) io.out(JSON.stringify(verdict));
      else if (verdict.ok)
        io.out(`The event log is whole: ${verdict.events} events, every link and digest matches.`);
      else io.err(`The event log is broken at event ${verdict.brokenAt}: ${verdict.reason}`);
      return verdict.ok ? EXIT.ok : EXIT.notRight;
    }
    case 'doctor': {
      const findings = await createDoctor(rooms).examine();
      if (command.json) io.out(JSON.stringify(findings));
      else for (const each of findings) io.out(`${each.ok ? '✓' : '✗'} ${each.text.en}`);
      return findings.every((each) => each.ok) ? EXIT.ok : EXIT.notRight;
    }
    default:
      return runUpkeep(rooms, command, io, OPERATOR);
  }
}

function rolesOf(names: string[]): Role[] {
  return names.map((name) => {
    if (!TOKEN_ROLES.includes(name as Role))
      throw new NegatoscopeError(
        'role-unknown',
        `There is no role ${name}. There are: ${TOKEN_ROLES.join(', ')}.`,
      );
    return name as Role;
  });
}

async function listModels(rooms: Rooms, json: boolean, io: Io): Promise<number> {
  const models = await Promise.all(
    (await rooms.assist.models()).map(async ({ manifest, enabled }) => ({
      id: manifest.id,
      version: manifest.version,
      enabled,
      ...(await rooms.evidence.stage(manifest.id)),
    })),
  );
  if (json) io.out(JSON.stringify(models));
  else
    for (const each of models)
      io.out(`${each.id} ${each.version}  ${each.enabled ? each.stage : 'switched off'}`);
  return EXIT.ok;
}

async function listRemotes(rooms: Rooms, json: boolean, io: Io): Promise<number> {
  const systems = await rooms.remote.list();
  if (json) io.out(JSON.stringify(systems));
  else if (systems.length === 0) io.out('No other system is known. Add one with: negatoscope remote add');
  else
    for (const each of systems) {
      const uses = [each.sendTo && 'send', each.queryFrom && 'query', each.moveTo && 'move'].filter(Boolean);
      const state = each.enabled ? uses.join(', ') || 'nothing' : 'switched off';
      const where =
        each.kind === 'dicomweb'
          ? each.url
          : `${each.aeTitle}  ${each.host}:${each.port}${each.tls ? ' TLS' : ''}`;
      io.out(`${each.name}  ${where}  ${state}`);
    }
  return EXIT.ok;
}

async function setStage(
  rooms: Rooms,
  command: Extract<Command, { name: 'models stage' }>,
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
