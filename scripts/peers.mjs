// Finds the foreign programs that tests hold the project against, and installs what is missing where it may: as root on Debian.
// `node scripts/peers.mjs` prints what is here. Plain JavaScript: it runs on the system's Node.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @typedef {{ name: string, programs: string[], packages: string[], leftOut: string, also?: () => string[] }} Peer */

const USUAL = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin', '/opt/local/bin'];

/** Folders `/usr/lib/postgresql/<version>/bin`, the newest first: Debian keeps the servers off the PATH. */
const postgresFolders = () => {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return [];
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(root, version, 'bin'));
};

/** @type {Peer[]} */
export const peers = [
  {
    name: 'DCMTK',
    programs: ['storescu', 'echoscu', 'dcmdump', 'dcmqrscp'],
    packages: ['dcmtk'],
    leftOut: 'sending and reading with a foreign DICOM implementation',
  },
  {
    name: 'Orthanc',
    programs: ['Orthanc'],
    packages: ['orthanc', 'orthanc-dicomweb'],
    leftOut: 'a foreign archive that is asked, sent to and fetched from',
    also: () => ['/usr/sbin', '/usr/local/sbin'],
  },
  {
    name: 'dicom3tools',
    programs: ['dciodvfy'],
    packages: ['dicom3tools'],
    leftOut: 'validation of every DICOM object that is created',
  },
  {
    name: 'Chromium',
    programs: ['chromium|chromium-browser|google-chrome|google-chrome-stable|Chromium|Google Chrome'],
    packages: ['chromium', 'fonts-noto-core', 'fonts-noto-cjk'],
    leftOut: 'everything in a real browser',
    also: () => [
      '/Applications/Chromium.app/Contents/MacOS',
      '/Applications/Google Chrome.app/Contents/MacOS',
    ],
  },
  {
    name: 'PostgreSQL',
    programs: ['initdb', 'postgres'],
    packages: ['postgresql'],
    leftOut: 'the PostgreSQL half of the database tests',
    also: postgresFolders,
  },
  {
    name: 'poppler-utils',
    programs: ['pdftotext', 'pdftoppm'],
    packages: ['poppler-utils'],
    leftOut: 'reading back the PDF of a report',
  },
  {
    name: 'strace',
    programs: ['strace'],
    packages: ['strace'],
    leftOut: 'the order of syncs before an answer',
  },
];

/** Absolute path of the first of `a|b|c` that is here. */
function find(programs, folders) {
  for (const name of programs.split('|')) {
    for (const folder of folders) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // not there
      }
    }
  }
  return undefined;
}

/** @returns {Record<string, string> | undefined} program → absolute path, or undefined when one is missing */
export function findPeer(peer) {
  const path = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const folders = [...path, ...USUAL, ...(peer.also?.() ?? [])];
  const found = {};
  for (const programs of peer.programs) {
    const program = find(programs, folders);
    if (!program) return undefined;
    found[programs.split('|')[0]] = program;
  }
  return found;
}

function install(packages) {
  // Debian's package would start a server of its own.
  const noCluster = '/etc/postgresql-common/createcluster.conf';
  if (packages.includes('postgresql') && !existsSync(noCluster)) {
    mkdirSync('/etc/postgresql-common', { recursive: true });
    writeFileSync(noCluster, 'create_main_cluster = false\n');
  }
  // Nor is any other service to start: 101 forbids it (invoke-rc.d(8)). One that is there already is the machine's own.
  const policy = '/usr/sbin/policy-rc.d';
  const forbid = packages.includes('orthanc') && !existsSync(policy);
  if (forbid) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => {
    const result = spawnSync('/usr/bin/apt-get', ['-q', ...args], { env, encoding: 'utf8' });
    const said = result.error?.message ?? (result.stderr || result.stdout).trim();
    if (result.status !== 0) console.error(`apt-get ${args[0]} failed:\n${said}`);
    return result.status === 0;
  };
  console.log(`Installing ${packages.join(', ')} (once) …`);
  apt('update'); // a mirror that is out of reach need not hinder: the lists may be good enough
  // One by one when all at once fails, so that one missing package does not cost the others.
  if (!apt('install', '-y', '--no-install-recommends', ...packages)) {
    for (const name of packages) apt('install', '-y', '--no-install-recommends', name);
  }
  if (forbid) {
    rmSync(policy);
    spawnSync('/usr/sbin/update-rc.d', ['orthanc', 'disable'], { env }); // not at the next start either
  }
}

/**
 * Sees to it that the peers are here. With `CI=true` a missing one ends the process with exit code 1: a test that is silently
 * left out proves nothing.
 *
 * @param {{ quiet?: boolean, wanted?: Peer[] }} options quiet: say only what is missing
 * @returns {Record<string, string>} program → absolute path, of what is here
 */
export function ensurePeers({ quiet = true, wanted = peers } = {}) {
  let missing = wanted.filter((peer) => !findPeer(peer));
  const root = process.getuid?.() === 0;
  if (missing.some((peer) => peer.packages.length > 0) && root && existsSync('/usr/bin/apt-get')) {
    install(missing.flatMap((peer) => peer.packages));
    missing = wanted.filter((peer) => !findPeer(peer));
  }
  const found = {};
  for (const peer of wanted) {
    const programs = findPeer(peer);
    if (!programs) continue;
    Object.assign(found, programs);
    if (!quiet) console.log(`${peer.name.padEnd(14)} ${Object.values(programs).join(' ')}`);
  }
  for (const peer of missing) {
    console.error(`${peer.name.padEnd(14)} missing: left out is ${peer.leftOut}.`);
  }
  if (missing.length > 0) {
    const packages = missing.flatMap((peer) => peer.packages);
    if (packages.length > 0) console.error(`On Debian: sudo apt-get install ${packages.join(' ')}`);
    if (process.env.CI === 'true') {
      console.error('CI=true: nothing may be left out.');
      process.exit(1);
    }
  }
  return found;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) ensurePeers({ quiet: false });
