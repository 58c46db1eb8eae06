/** Commands that keep the archive sound: deleting with a way back, verifying files. */
import type { Command as Program } from 'commander';
import type { Scope } from '../archive/types.ts';
import type { Principal } from '../people/index.ts';
import type { Rooms } from '../rooms.ts';
import { EXIT, type Io } from './io.ts';

export type UpkeepCommand =
  | { name: 'delete'; what: Scope; reason: string; despiteReport: boolean }
  | { name: 'verify'; all: boolean; json: boolean }
  | { name: 'reindex'; rebuild: boolean; json: boolean }
  | { name: 'recycle list'; json: boolean }
  | { name: 'recycle restore'; id: string }
  | { name: 'recycle erase'; id: string };

export async function runUpkeep(
  { archive }: Rooms,
  command: UpkeepCommand,
  io: Io,
  by: Principal,
): Promise<number> {
  switch (command.name) {
    case 'delete': {
      const { reason, despiteReport } = command;
      const row = await archive.recycle.remove(command.what, { reason, despiteReport }, by);
      io.out(
        `${row.instances} instance(s) are in the recycle bin until ${day(row.eraseAfter)}. Back: negatoscope recycle restore ${row.id}`,
      );
      return EXIT.ok;
    }
    case 'recycle list': {
      for (let before: number | undefined; ;) {
        const { rows } = await archive.recycle.page({ limit: 200, ...(before ? { before } : {}) });
        for (const row of rows) {
          io.out(
            command.json
              ? JSON.stringify(row)
              : `${row.id}  ${day(row.at)}  ${row.level} ${row.sopInstanceUid ?? row.seriesUid ?? row.studyUid}  ${row.instances} instance(s), erased on ${day(row.eraseAfter)}  ${row.cause}: ${row.reason}`,
          );
          await io.drained();
        }
        before = rows.at(-1)?.at;
        if (rows.length < 200) return EXIT.ok;
      }
    }
    case 'verify': {
      const state = await archive.verification.run({
        all: command.all,
        signal: io.signal,
        progress: ({ checked, total, damaged }) =>
          io.progress(`${checked} of ${Math.max(total, checked)} files, ${damaged} damaged`),
      });
      io.progress('');
      const damaged = await archive.verification.damaged(1000);
      if (command.json) io.out(JSON.stringify({ ...state, damaged }));
      else {
        for (const row of damaged) io.err(`${row.what}  ${row.sopInstanceUid}  of study ${row.studyUid}`);
        io.out(`${state.checked} files looked at, ${state.damaged} damaged or gone.`);
      }
      if (io.signal.aborted) return EXIT.interrupted;
      return state.damaged === 0 ? EXIT.ok : EXIT.notRight;
    }
    case 'reindex': {
      const done = await archive.reindex({
        rebuild: command.rebuild,
        signal: io.signal,
        progress: ({ files, added }) => io.progress(`${files} files seen, ${added} given their row`),
      });
      io.progress('');
      if (command.json) io.out(JSON.stringify(done));
      else {
        for (const { file, reason } of done.unreadable) io.err(`not readable  ${file}  ${reason}`);
        for (const file of done.surplus) io.err(`another file stands for the same instance  ${file}`);
        for (const row of done.missing)
          io.err(`file gone  ${row.sopInstanceUid}  of study ${row.studyUid}: restore it from a backup`);
        io.out(
          `${done.files} files: ${done.kept} had their row, ${done.added} were given one, ${done.unreadable.length} not readable, ${done.surplus.length} surplus. ${done.missing.length} rows without a file.`,
        );
      }
      if (io.signal.aborted) return EXIT.interrupted;
      return done.unreadable.length + done.missing.length === 0 ? EXIT.ok : EXIT.notRight;
    }
    case 'recycle restore':
      await archive.recycle.restore(command.id, by);
      io.out('It is back.');
      return EXIT.ok;
    case 'recycle erase':
      await archive.recycle.erase(command.id, by);
      io.out('It is erased.');
      return EXIT.ok;
  }
}

const day = (at: number): string => new Date(at).toISOString().slice(0, 10);

type Options = { data: string; database?: string; json?: boolean };
type Execute = (options: Options, command: UpkeepCommand) => Promise<void>;

/** Adds the commands to the program. */
export function upkeepCommands(program: Program, execute: Execute): void {
  const data = ['--data <dir>', 'folder where everything lies', './data'] as const;
  const database = ['--database <url>', 'PostgreSQL instead of SQLite: postgres://…'] as const;
  const json = ['--json', 'for programs: JSON on standard output'] as const;

  program
    .command('verify')
    .description('compare stored files with the checksums of their arrival: the rest of the present round')
    .option('--all', 'every file, from the beginning')
    .option(...data)
    .option(...database)
    .option(...json)
    .action((options) =>
      execute(options, { name: 'verify', all: Boolean(options.all), json: Boolean(options.json) }),
    );
  program
    .command('reindex')
    .description(
      'make rows for files that have none, and find rows without files; the server has to be stopped',
    )
    .option('--rebuild', 'make the whole index anew from the files')
    .option(...data)
    .option(...database)
    .option(...json)
    .action((options) =>
      execute(options, { name: 'reindex', rebuild: Boolean(options.rebuild), json: Boolean(options.json) }),
    );
  program
    .command('delete')
    .description('move a study, or one series or instance of it, to the recycle bin')
    .argument('<study-uid>')
    .option('--series <uid>', 'only this series')
    .option('--instance <uid>', 'only this instance')
    .requiredOption('--reason <text>', 'why; it stays')
    .option('--despite-report', 'although it has a signed report that should still be kept')
    .option(...data)
    .option(...database)
    .action(async (studyUid: string, options) => {
      await execute(options, {
        name: 'delete',
        what: {
          studyUid,
          ...(options.series ? { seriesUid: options.series } : {}),
          ...(options.instance ? { sopInstanceUid: options.instance } : {}),
        },
        reason: options.reason,
        despiteReport: Boolean(options.despiteReport),
      });
    });
  const recycle = program.command('recycle').description('the recycle bin');
  recycle
    .command('list')
    .option(...data)
    .option(...database)
    .option(...json)
    .action((options) => execute(options, { name: 'recycle list', json: Boolean(options.json) }));
  for (const [name, text] of [
    ['restore', 'put it back whole'],
    ['erase', 'erase it now instead of when its days are over'],
  ] as const)
    recycle
      .command(name)
      .description(text)
      .argument('<id>')
      .option(...data)
      .option(...database)
      .action((id: string, options) => execute(options, { name: `recycle ${name}`, id }));
}
