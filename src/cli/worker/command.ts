/** The flags of `negatoscope worker`; apart from its work, which loads what runs models. */
import { availableParallelism } from 'node:os';
import { Option, type Command as Program } from 'commander';

export interface WorkerFlags {
  server: string;
  tokenFile: string;
  models: readonly string[];
  ca?: string;
  processes: number;
  beatSeconds: number;
}

export function workerCommand(program: Program, run: (flags: WorkerFlags) => Promise<void>): void {
  program
    .command('worker')
    .description('do AI work that waits on a server elsewhere, with the models that lie here')
    .requiredOption('--server <url>', 'address of the server, as people open it: https://host:8043')
    .requiredOption('--token-file <file>', 'file with a token of the role worker, and nothing else')
    .option(
      '--models <dir>',
      'folder with model packages, beside the built-in one; may be given again',
      (dir: string, others: string[]) => [...others, dir],
      [],
    )
    .option('--ca <file>', 'certificates, PEM, that vouch for the server: its /ca.crt')
    .option(
      '--processes <n>',
      'items at once, each in a process of its own (half of the cores)',
      Number,
      Math.max(1, Math.floor(availableParallelism() / 2)),
    )
    .addOption(
      new Option('--beat-seconds <s>', 'pause between two signs of life; for a server with a shorter lease')
        .argParser(Number)
        .default(15)
        .hideHelp(),
    )
    .action(run);
}
