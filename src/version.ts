import { readFileSync } from 'node:fs';

/** The program's version, as results, reports and pages state it. */
export const VERSION = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
