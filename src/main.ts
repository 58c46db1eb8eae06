#!/usr/bin/env node
// Before anything opens a file: synced writes run on the thread pool, and four threads are too few for many senders.
process.env.UV_THREADPOOL_SIZE ??= '16';
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
enableCompileCache();
process.umask(0o077);
const { BUNDLE, bundleIsCurrent } = await import('./bundle.ts');
const root = fileURLToPath(new URL('..', import.meta.url));
const from = bundleIsCurrent(root) ? `../${BUNDLE}/main.js` : './cli/main.ts';
const { main } = (await import(from)) as typeof import('./cli/main.ts');
await main(process.argv);
