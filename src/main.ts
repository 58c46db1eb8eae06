#!/usr/bin/env node
// Before anything opens a file: synced writes run on the thread pool, and four threads are too few for many senders.
process.env.UV_THREADPOOL_SIZE ??= '16';
import { enableCompileCache } from 'node:module';
enableCompileCache();
process.umask(0o077);
const { main } = await import('./cli/main.ts');
await main(process.argv);
export {};
