// Brings a fresh clone to a state that runs: packages from the lockfile, then the web app. Does nothing when both are current.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { node24, root } from './node24.mjs';

const stamps = join(root, 'node_modules', '.negatoscope');

function run(command, args, what) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) {
    console.error(
      `\n${what} failed. Look at the lines above, mend what they name, and run the same command again.`,
    );
    process.exit(result.status ?? 1);
  }
}

/** Digest of names, sizes and contents of what the web app is built from. */
function digestOf(paths) {
  const hash = createHash('sha256');
  const visit = (path) => {
    if (!existsSync(path)) return;
    const info = statSync(path);
    if (info.isDirectory()) for (const name of readdirSync(path).sort()) visit(join(path, name));
    else hash.update(path.slice(root.length)).update('\0').update(readFileSync(path));
  };
  paths.forEach(visit);
  return hash.digest('hex');
}

const current = (name, digest) =>
  existsSync(join(stamps, name)) && readFileSync(join(stamps, name), 'utf8') === digest;
function stamp(name, digest) {
  mkdirSync(stamps, { recursive: true });
  writeFileSync(join(stamps, name), digest);
}

/** @param {{ web?: boolean }} options web: build the browser app as well */
export function setUp({ web = true } = {}) {
  const packages = digestOf([join(root, 'package-lock.json'), join(root, 'package.json')]);
  if (!current('packages', packages) || !node24()) {
    console.log('Installing packages (once, about a minute) …');
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], 'Installing packages');
    stamp('packages', packages);
  }
  if (!node24()) {
    console.error('This platform needs Node.js 24 or newer, installed by you: https://nodejs.org');
    process.exit(69);
  }
  if (!web) return;
  const sources = digestOf([
    join(root, 'src/web'),
    join(root, 'src/doors/api/contract.ts'),
    join(root, 'vite.config.ts'),
    join(root, 'package-lock.json'),
  ]);
  if (!current('web', sources) || !existsSync(join(root, 'dist/web/index.html'))) {
    console.log('Building the web app (once, about half a minute) …');
    run(
      node24(),
      [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'error'],
      'Building the web app',
    );
    stamp('web', sources);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) setUp();
