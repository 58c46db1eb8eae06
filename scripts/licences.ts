/**
 * Writes docs/third-party-licences.md: every package that the lockfile brings to a person's machine, with version, licence
 * and where it comes from. `--check` fails when the file is not what the lockfile says, or when a licence is not on the list
 * of those that may be shipped.
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface Locked {
  version?: string;
  license?: string;
  dev?: boolean;
  link?: boolean;
}
const ROOT = new URL('..', import.meta.url);
const FILE = new URL('docs/third-party-licences.md', ROOT);

/** Permissive, or weak copyleft that is used as it is. */
const FINE =
  /^\(?(MIT|MIT-0|ISC|0BSD|BSD-2-Clause|BSD-3-Clause|Apache-2\.0|BlueOak-1\.0\.0|CC0-1\.0|CC-BY-4\.0|Unlicense|OFL-1\.1|Python-2\.0|Zlib|WTFPL|MPL-2\.0|BSL-1\.0|LGPL-3\.0-or-later)\b/;

/** Packages whose package.json names no licence; their LICENSE file was read. */
const READ: Record<string, string> = { 'png-js': 'MIT', rechoir: 'MIT' };

const lock = JSON.parse(readFileSync(new URL('package-lock.json', ROOT), 'utf8')) as {
  packages: Record<string, Locked>;
};
const rows = Object.entries(lock.packages)
  .filter(([path, each]) => path !== '' && !each.link)
  .map(([path, each]) => ({
    name: path.split('node_modules/').at(-1)!,
    version: each.version ?? '',
    licence: each.license ?? READ[path.split('node_modules/').at(-1)!] ?? installedLicence(path),
    dev: Boolean(each.dev),
  }))
  .sort((a, b) => a.name.localeCompare(b.name, 'en') || a.version.localeCompare(b.version, 'en'));

function installedLicence(path: string): string {
  try {
    const { license } = JSON.parse(readFileSync(new URL(`${path}/package.json`, ROOT), 'utf8')) as {
      license?: unknown;
    };
    return typeof license === 'string' ? license : 'unknown';
  } catch {
    return 'unknown';
  }
}

const unique = rows.filter(
  (row, i) => row.name !== rows[i - 1]?.name || row.version !== rows[i - 1]?.version,
);
const table = (dev: boolean) =>
  [
    '| package | version | licence |',
    '|---|---|---|',
    ...unique
      .filter((row) => row.dev === dev)
      .map((row) => `| ${row.name} | ${row.version} | ${row.licence} |`),
  ].join('\n');
const text = `# Third-party licences

Made by \`npm run licences\` from package-lock.json. The texts lie in each package's folder below \`node_modules\`.
\`sharp\` brings libvips (LGPL-3.0-or-later) as a library of its own that can be exchanged.

## Used when the program runs

${table(false)}

## Used to test and build it

${table(true)}
`;

const wrong = unique.filter((row) => !FINE.test(row.licence));
for (const row of wrong)
  console.error(`${row.name} ${row.version}: ${row.licence}: look at this licence before it is shipped`);
if (process.argv.includes('--check')) {
  if (readFileSync(FILE, 'utf8') !== text) {
    console.error('docs/third-party-licences.md is not up to date: npm run licences');
    process.exit(1);
  }
} else writeFileSync(FILE, text);
process.exit(wrong.length > 0 ? 1 : 0);
