import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { NegatoscopeError } from '../errors.ts';

/** A password from standard input (`--password-stdin`, first line), or typed without an echo. */
export async function askPassword(fromStdin: boolean, prompt = 'Password: '): Promise<string> {
  if (fromStdin) {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString('utf8').split(/\r?\n/, 1)[0]!;
  }
  if (!process.stdin.isTTY)
    throw new NegatoscopeError(
      'password-missing',
      'No terminal to ask for the password: use --password-stdin.',
    );
  process.stderr.write(prompt);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  const password = await lines.question('');
  lines.close();
  process.stderr.write('\n');
  return password;
}
