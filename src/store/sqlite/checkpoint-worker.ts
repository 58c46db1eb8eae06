// Copies the write-ahead log into the database, on a connection and in a thread of its own: what it waits for the disk holds up
// nobody. PASSIVE never waits for a reader or a writer, it copies what it can.
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

const db = new DatabaseSync((workerData as { file: string }).file, { timeout: 10_000 });
db.exec('pragma synchronous = normal'); // the log is synced before the copy, the database after it
const checkpoint = db.prepare('pragma wal_checkpoint(passive)');

parentPort!.on('message', (message: 'checkpoint' | 'close') => {
  if (message === 'close') {
    db.close();
    parentPort!.close();
    return;
  }
  const { log, checkpointed } = checkpoint.get() as { log: number; checkpointed: number };
  parentPort!.postMessage({ log, checkpointed });
});
