// Brings a fresh clone to a state that runs: packages from the lockfile, then the web app and the server as few files. Does nothing
// when all are current.
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

/** Digest of names and contents of what something is built from. */
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

/**
 * Builds by Vite what its sources have left behind.
 * @param {string} name of the stamp
 */
function build(name, sources, result, what, ...args) {
  const digest = digestOf(sources.map((path) => join(root, path)));
  if (current(name, digest) && existsSync(join(root, result))) return;
  console.log(`${what} …`);
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  run(node24(), [vite, 'build', '--logLevel', 'error', ...args], what.replace(/ \(.*/, ''));
  stamp(name, digest);
}

/** @param {{ server?: boolean }} options server: as few files as well, without which it runs from its sources */
export function setUp({ server = true } = {}) {
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
  build(
    'web',
    ['src/web', 'src/doors/api/contract.ts', 'vite.config.ts', 'package-lock.json'],
    'dist/web/index.html',
    'Building the web app (once, about half a minute)',
  );
  if (!server) return;
  const rooms = readdirSync(join(root, 'src')).filter((name) => name !== 'web');
  build(
    'server',
    [...rooms.map((name) => join('src', name)), 'vite.server.config.ts', 'package-lock.json'],
    'dist/server/sources.json',
    'Building the server (once, some seconds)',
    '--config',
    'vite.server.config.ts',
  );
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) setUp();
