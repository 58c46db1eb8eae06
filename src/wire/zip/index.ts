/**
 * Zip archives, read by random access: stored and deflated entries, zip64, names in any code page. Own code, because the same
 * few hundred lines have to run on the server and in the browser, stream, and tell each way of being hostile by name.
 */
export { ZipBudget, storedRange, zipContent } from './content.ts';
export { zipEntries, type ZipEntry, type ZipSource } from './directory.ts';
