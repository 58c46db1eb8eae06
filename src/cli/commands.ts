import { NegatoscopeError } from '../errors.ts';
import { TOKEN_ROLES, type Principal, type Role } from '../people/index.ts';
import type { Rooms } from '../rooms.ts';
import { createDoctor } from '../doctor.ts';
import type { NewRemote } from '../remote/types.ts';
import { type EvidenceCommand, runEvidence } from './evidence.ts';
import { importPaths } from './import.ts';
import { EXIT, type Io } from './io.ts';
import { type ModelsCommand, runModels } from './models.ts';
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
  | EvidenceCommand
  | ModelsCommand
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
    case 'evidence report':
      return runEvidence(rooms, command, io);
    case 'models list':
    case 'models check':
    case 'models add':
    case 'models use':
    case 'models remove':
    case 'models enable':
    case 'models trust':
    case 'models stage':
      return runModels(rooms, command, io, OPERATOR);
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
